//! What is launched is deleted in the end.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::cleanup_launch::Launching;
use super::owned::{self, Sight};
use super::{Cloud, CloudError, InstanceRef};
use crate::error::{Error, ErrorKind};
use crate::launch_marker::check_text;
use crate::ticket::Ticket;
use crate::wait::BoxFuture;

/// How many instances are seen to at the same time.
const AT_ONCE: usize = 8;

/// Deletes or terminates in the end what was launched through it.
///
/// ```no_run
/// use windlass::cloud::Cleanup;
/// # async fn work(cleanup: &Cleanup, incus: &windlass::Incus) -> windlass::Result<()> {
/// #     let web = cleanup.launch(incus.launch("web").image("images:debian/13")).await?;
/// #     web.exec(["make", "test"]).output().await?.success().map(drop)
/// # }
/// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
/// let cleanup = Cleanup::new("ci-job-17");
/// let (result, report) = cleanup
///     .run(async {
///         tokio::select! {
///             result = work(&cleanup, &incus) => Some(result),
///             _ = tokio::signal::ctrl_c() => None,
///         }
///     })
///     .await;
/// println!("{report}"); // 1 deleted
/// # let _ = result; Ok(()) }
/// ```
///
/// Each instance gets the label `windlass-owner` with the text given to [`new`](Self::new). In the end,
/// [`run`](Self::run) and [`finish`](Self::finish) delete all instances with this label, on the clouds on which something
/// was launched. If the process dies before, another one does it with [`reap`](Self::reap): choose an owner that no
/// other running program has.
///
/// A launch that was begun is seen through even if its future is dropped, for example by `select!`. So the cleanup knows
/// what there is.
///
/// **Dropping** it deletes nothing, since that takes requests and time: it writes a warning with `tracing` if instances
/// may be left, and their label tells whose they are.
///
/// Koyeb has no launches of instances, and no labels: nothing of it can be cleaned up here.
#[derive(Clone)]
pub struct Cleanup(Arc<Inner>);

struct Inner {
    owner: String,
    ledger: Mutex<Ledger>,
}

/// What was begun, and isn't cleaned up.
#[derive(Default)]
struct Ledger {
    clouds: Vec<Cloud>,
    under_way: Vec<JoinHandle<()>>,
    accepted: Vec<Accepted>,
}

#[derive(Clone)]
struct Accepted {
    cloud: Cloud,
    ticket: Ticket,
    at: Instant,
}

impl fmt::Debug for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup").field("owner", &self.0.owner).finish_non_exhaustive()
    }
}

/// What became of the instances; from [`Cleanup::finish`].
///
/// `Display` is a line for people: `2 deleted`, or `2 deleted, 1 left: web on incus: …`.
#[derive(Debug, Default)]
#[non_exhaustive]
#[must_use = "it tells what is left and may cost money"]
pub struct CleanupReport {
    /// These are gone.
    pub deleted: Vec<InstanceRef>,
    /// These aren't, or it is unknown, and why.
    pub left: Vec<(InstanceRef, Error)>,
    /// These clouds couldn't be asked what there is.
    pub unlisted: Vec<CloudError>,
}

impl CleanupReport {
    /// Whether nothing is left.
    pub fn is_success(&self) -> bool {
        self.left.is_empty() && self.unlisted.is_empty()
    }
}

impl fmt::Display for CleanupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} deleted", self.deleted.len())?;
        if !self.left.is_empty() {
            write!(f, ", {} left", self.left.len())?;
        }
        for (at, (instance, e)) in self.left.iter().enumerate() {
            let sign = if at == 0 { ":" } else { ";" };
            write!(f, "{sign} {} on {}: {e}", instance.id(), instance.cloud())?;
        }
        self.unlisted.iter().try_for_each(|e| write!(f, "; not listed: {e}"))
    }
}

impl Cleanup {
    /// For what is labelled with this owner: 1 to 128 characters, none of them a control character. Sends nothing.
    pub fn new(owner: impl Into<String>) -> Self {
        Self(Arc::new(Inner { owner: owner.into(), ledger: Mutex::default() }))
    }

    /// The owner.
    pub fn owner(&self) -> &str {
        &self.0.owner
    }

    /// A launch whose instance is deleted in the end. `.await` it for the instance, or
    /// [`send`](OwnedLaunch::send) it and keep the operation.
    ///
    /// # Errors
    ///
    /// Those of the launch, and [`InvalidInput`](ErrorKind::InvalidInput) for a text that can't be an owner.
    pub fn launch<L: Launching>(&self, launch: L) -> OwnedLaunch<L> {
        OwnedLaunch { cleanup: self.clone(), launch }
    }

    /// Does the work, then [finishes](Self::finish), whatever the result is.
    ///
    /// To end the work early, for example on Ctrl-C, select between both inside: see [`Cleanup`]. If the work panics, or
    /// this future is dropped, nothing is deleted.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> (T, CleanupReport) {
        let result = work.await;
        (result, self.finish().await)
    }

    /// Deletes or terminates everything with the label of the owner, running or not, on all clouds on which something was
    /// launched through it. Waits for launches under way first.
    ///
    /// It never stops at a failure: the report names what is left. To try again, call it again. On Lambda Cloud, an
    /// instance can show some minutes after its launch; until then it is reported as left.
    pub async fn finish(&self) -> CleanupReport {
        let (clouds, accepted) = self.quiet().await;
        let mut report = CleanupReport::default();
        let mut there: Vec<InstanceRef> = Vec::new();
        for (cloud, listed) in join_all(clouds.into_iter().map(|cloud| self.listed(cloud))).await {
            match listed {
                Ok(found) => there.extend(found),
                Err(error) => report.unlisted.push(CloudError { cloud, error }),
            }
        }
        for launch in &accepted {
            self.add_unlisted(launch, &mut there, &mut report).await;
        }
        let mut deletions = stream::iter(there.into_iter().map(deleted)).buffer_unordered(AT_ONCE);
        while let Some((instance, result)) = deletions.next().await {
            match result {
                Ok(()) => report.deleted.push(instance),
                Err(e) => report.left.push((instance, e)),
            }
        }
        if report.is_success() {
            *self.ledger() = Ledger::default();
        }
        report
    }

    /// A list may not show yet what was accepted.
    async fn add_unlisted(
        &self,
        launch: &Accepted,
        there: &mut Vec<InstanceRef>,
        report: &mut CleanupReport,
    ) {
        let Some(instance) = owned::by_ticket(&launch.cloud, &launch.ticket) else { return };
        if there.contains(&instance) {
            return;
        }
        match owned::sight(&instance, self.owner()).await {
            Sight::There => there.push(instance),
            Sight::Absent if launch.at.elapsed() < owned::time_to_show(&launch.cloud) => {
                let message = "it isn't shown: it is gone, or doesn't show yet";
                report.left.push((instance, Error::new(ErrorKind::OutcomeUnknown, message)));
            }
            Sight::Absent | Sight::NotOurs => {}
        }
    }

    /// Deletes or terminates everything with the label of the owner on these clouds: what an earlier process left.
    ///
    /// ```no_run
    /// # use windlass::cloud::Cleanup;
    /// # async fn demo(incus: windlass::Incus, lambda: windlass::LambdaCloud) {
    /// let report = Cleanup::new("ci-job-17").reap([incus.into(), lambda.into()]).await;
    /// println!("{report}");
    /// # }
    /// ```
    ///
    /// It also deletes what a living process with the same owner has launched. A Koyeb among the clouds is reported as
    /// [`unlisted`](CleanupReport::unlisted): its instances have no labels.
    pub async fn reap(&self, clouds: impl IntoIterator<Item = Cloud>) -> CleanupReport {
        clouds.into_iter().for_each(|cloud| self.ledger().add(cloud));
        self.finish().await
    }

    /// Waits until nothing is under way any more: clouds, and launches that were accepted.
    async fn quiet(&self) -> (Vec<Cloud>, Vec<Accepted>) {
        loop {
            let under_way = std::mem::take(&mut self.ledger().under_way);
            if under_way.is_empty() {
                break;
            }
            join_all(under_way).await;
        }
        let (clouds, accepted) = {
            let ledger = self.ledger();
            (ledger.clouds.clone(), ledger.accepted.clone())
        };
        // By value: with references the future couldn't be spawned.
        let ends =
            accepted.clone().into_iter().map(|launch| owned::seen_through(launch.cloud, launch.ticket));
        stream::iter(ends).buffer_unordered(AT_ONCE).collect::<()>().await;
        (clouds, accepted)
    }

    async fn listed(&self, cloud: Cloud) -> (Cloud, Result<Vec<InstanceRef>, Error>) {
        let listed = match check_text("owner", self.owner()) {
            Ok(()) => owned::list(&cloud, self.owner()).await,
            Err(e) => Err(e),
        };
        (cloud, listed)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn deleted(instance: InstanceRef) -> (InstanceRef, Result<(), Error>) {
    let result = owned::delete(&instance).await;
    (instance, result)
}

impl Ledger {
    fn add(&mut self, cloud: Cloud) {
        if !self.clouds.contains(&cloud) {
            self.clouds.push(cloud);
        }
    }

    fn begin(&mut self, task: JoinHandle<()>) {
        self.under_way.retain(|task| !task.is_finished());
        self.under_way.push(task);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let ledger = self.ledger.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !ledger.clouds.is_empty() {
            let owner = &self.owner;
            tracing::warn!(
                owner,
                "dropped without a cleanup; instances may be left: reap them by their owner"
            );
        }
    }
}

/// A launch whose instance is deleted in the end; from [`Cleanup::launch`].
#[derive(Debug)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct OwnedLaunch<L> {
    cleanup: Cleanup,
    launch: L,
}

impl<L: Launching> OwnedLaunch<L> {
    /// Sends the request; the launch then proceeds by itself.
    ///
    /// Dropping this future doesn't stop it: what was begun is seen through in the background, and deleted in the end.
    ///
    /// # Errors
    ///
    /// Those of [`Cleanup::launch`], without those of the wait.
    pub async fn send(self) -> Result<L::Sent, Error> {
        let Self { cleanup, launch } = self;
        check_text("owner", cleanup.owner())?;
        let cloud = launch.cloud();
        let (tell, told) = oneshot::channel();
        let sending = launch.owned_by(cleanup.owner()).send_it();
        cleanup.ledger().add(cloud.clone());
        let keeper = cleanup.clone();
        let task = tokio::spawn(async move {
            let sent = sending.await;
            for ticket in sent.as_ref().map(L::tickets).unwrap_or_default() {
                keeper.ledger().accepted.push(Accepted { cloud: cloud.clone(), ticket, at: Instant::now() });
            }
            // The caller may have gone.
            let _ = tell.send(sent);
        });
        cleanup.ledger().begin(task);
        let ended = |_| Error::new(ErrorKind::Cancelled, "the runtime of the launch has ended");
        told.await.map_err(ended)?
    }
}

impl<L: Launching> IntoFuture for OwnedLaunch<L> {
    type Output = Result<L::Output, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { L::wait(self.send().await?).await })
    }
}
