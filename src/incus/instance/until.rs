//! Waiting for an instance to run, to be ready, to have an address, or for anything else in its state.

use std::net::IpAddr;
use std::time::Duration;

use super::addresses::AddressKind;
use super::handle::runs;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::Identified;
use crate::incus::events::subscriptions::Subscription;
use crate::incus::{Incus, Instance, InstanceRef, Status, types};
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::until::Until;
use crate::wait::{BoxFuture, Look, Operation, Progress, Work};

const RUNNING: &str = "until-running";
const READY: &str = "until-ready";
const ADDRESS: &str = "until-address";

impl<D: Identified> Instance<D> {
    /// Waits until it runs, whichever client starts it. Ends at once if it runs already.
    ///
    /// ```no_run
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let web = incus.instance("web").until_running().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A stopped one may be started yet; one that is gone, or in state `Error`, ends the wait.
    pub fn until_running(&self) -> Until<Instance> {
        Until::new(StateWait::new(self.reference(), Reach { kind: RUNNING, reached: runs }))
    }

    /// Waits until it says itself that it is ready, by `PATCH /1.0 {"state": "Ready"}` through `/dev/incus/sock`. A
    /// guest that never does so is waited for until time is up.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/dev-incus/>
    pub fn until_ready(&self) -> Until<Instance> {
        Until::new(StateWait::new(self.reference(), Reach { kind: READY, reached: is_ready }))
    }

    /// Waits until it has an address by which others can reach it, and gives the best one; see
    /// [`types::InstanceState::addresses`].
    ///
    /// ```no_run
    /// use windlass::incus::AddressKind;
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let address = web.until_address(AddressKind::Ipv4).await?;
    /// println!("http://{address}/");
    /// # Ok(()) }
    /// ```
    pub fn until_address(&self, kind: AddressKind) -> Until<IpAddr> {
        Until::new(StateWait::new(self.reference(), address(kind)))
    }

    /// Waits until `test` finds in the instance's state what it looks for.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let busy = web.until(|state| (state.processes > 20).then_some(state.processes)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Looks when the server tells of the instance, and every two seconds.
    pub fn until<T: Send + 'static>(
        &self,
        test: impl FnMut(&types::InstanceState) -> Option<T> + Send + 'static,
    ) -> Until<T> {
        let condition = Show { kind: "until", detail: None, test: Box::new(test) };
        Until::new(StateWait::new(self.reference(), condition))
    }
}

fn is_ready(status: &Status) -> bool {
    *status == Status::Ready
}

fn address(kind: AddressKind) -> Show<IpAddr> {
    let test = Box::new(move |state: &types::InstanceState| kind.pick(state));
    Show { kind: ADDRESS, detail: Some(kind.word()), test }
}

pub(in crate::incus) fn resume_status(incus: &Incus, ticket: &Ticket) -> Option<Operation<Instance>> {
    let condition = match ticket.kind.as_str() {
        RUNNING => Reach { kind: RUNNING, reached: runs },
        READY => Reach { kind: READY, reached: is_ready },
        _ => return None,
    };
    Some(Operation::new(StateWait::new(incus.instance(ticket.id()), condition)))
}

pub(in crate::incus) fn resume_address(incus: &Incus, ticket: &Ticket) -> Option<Operation<IpAddr>> {
    if ticket.kind != ADDRESS {
        return None;
    }
    let kind = AddressKind::of_word(ticket.fact("detail")?)?;
    Some(Operation::new(StateWait::new(incus.instance(ticket.id()), address(kind))))
}

/// What a look at the instance gives: its state, and what was waited for, once it is there.
type Sight<T> = Result<(Status, Option<T>), Error>;

/// What finds it in the instance's run-time state.
type Test<T> = Box<dyn FnMut(&types::InstanceState) -> Option<T> + Send>;

/// What is waited for.
trait Condition: Send + 'static {
    type Output: Send + 'static;

    /// Between two looks while no event tells of the instance.
    const PAUSE: Duration;

    fn kind(&self) -> &'static str;

    fn detail(&self) -> Option<&'static str> {
        None
    }

    fn look<'a>(&'a mut self, instance: &'a InstanceRef) -> BoxFuture<'a, Sight<Self::Output>>;
}

/// The instance is in a certain state.
struct Reach {
    kind: &'static str,
    reached: fn(&Status) -> bool,
}

impl Condition for Reach {
    type Output = Instance;

    // The server tells of every change; it may do so too early or not at all.
    const PAUSE: Duration = Duration::from_secs(10);

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn look<'a>(&'a mut self, instance: &'a InstanceRef) -> BoxFuture<'a, Sight<Instance>> {
        Box::pin(async {
            let found = instance.get().await?;
            let status = found.status.clone();
            Ok((status.clone(), (self.reached)(&status).then_some(found)))
        })
    }
}

/// The instance's run-time state shows something.
struct Show<T> {
    kind: &'static str,
    detail: Option<&'static str>,
    test: Test<T>,
}

impl<T: Send + 'static> Condition for Show<T> {
    type Output = T;

    // No event tells of an address.
    const PAUSE: Duration = Duration::from_secs(2);

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn detail(&self) -> Option<&'static str> {
        self.detail
    }

    fn look<'a>(&'a mut self, instance: &'a InstanceRef) -> BoxFuture<'a, Sight<T>> {
        Box::pin(async {
            let state = instance.get_state().await?;
            let found = (self.test)(&state);
            Ok((state.status, found))
        })
    }
}

/// An instance and what it is watched for.
struct StateWait<G: Condition> {
    instance: InstanceRef,
    condition: G,
    found: Option<G::Output>,
    /// Why the instance can't be found.
    gone: Option<Error>,
    news: Option<Subscription<u64>>,
    pause: Duration,
}

impl<G: Condition> StateWait<G> {
    /// Between the first looks, and between those after an event.
    const SOON: Duration = Duration::from_millis(250);
    /// Between looks while no events arrive.
    const BLIND: Duration = Duration::from_secs(2);

    fn new(instance: InstanceRef, condition: G) -> Self {
        Self { instance, condition, found: None, gone: None, news: None, pause: Self::SOON }
    }

    /// Waits for a reason to look. Listens before it looks, so that nothing falls in between.
    async fn idle(&mut self, patience: Duration) {
        let Some(news) = self.news.as_mut().filter(|news| !news.is_over()) else {
            let incus = &self.instance.incus;
            self.news = Some(incus.hear_instance(self.instance.name()).await);
            return;
        };
        let longest = if news.is_up() { G::PAUSE } else { G::PAUSE.min(Self::BLIND) };
        let told = news.news(self.pause.min(longest).min(patience)).await;
        self.pause = if told { Self::SOON } else { self.pause.saturating_mul(2).min(longest) };
    }

    async fn look_now(&mut self) -> Result<Look, Error> {
        if let Err(e) = checked("name", self.instance.name()) {
            return Ok(Look::Failed(e));
        }
        let (status, found) = match self.condition.look(&self.instance).await {
            Ok(seen) => seen,
            Err(e) if e.is_not_found() => {
                self.gone = Some(e);
                return Ok(Look::Gone);
            }
            Err(e) => return Err(e),
        };
        let progress = Progress {
            status: status.to_string(),
            message: self.instance.name().to_owned(),
            ..Progress::default()
        };
        self.found = found;
        Ok(match self.found {
            Some(_) => Look::Succeeded(progress),
            None if status == Status::Error => Look::Failed(self.in_error()),
            None => Look::Running { progress, pause: Duration::ZERO },
        })
    }

    fn in_error(&self) -> Error {
        let message = format!("{:?} is in state Error", self.instance.name());
        Error::new(ErrorKind::OperationFailed, message).with(|e| e.sent = Sent::Yes)
    }
}

impl<G: Condition> Work for StateWait<G> {
    type Output = G::Output;

    fn ticket(&self) -> Ticket {
        let ticket = Ticket::new("incus", self.condition.kind(), self.instance.name());
        let ticket = ticket.at(&self.instance.incus.place());
        match self.condition.detail() {
            Some(detail) => ticket.with("detail", detail),
            None => ticket,
        }
    }

    fn server(&self) -> &str {
        self.instance.incus.address()
    }

    fn look(&mut self, patience: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        Box::pin(async move {
            // Often it is true already.
            if !patience.is_zero() {
                self.idle(patience).await;
            }
            // Made only now: most of many are idle.
            Box::pin(self.look_now()).await
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<G::Output, Error>> {
        let found = self.found.take().ok_or_else(|| Error::new(ErrorKind::BadReply, "nothing was found"));
        Box::pin(async { found })
    }

    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<G::Output>, Error>> {
        let gone = self.gone.take();
        Box::pin(async { gone.map_or(Ok(None), Err) })
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            Err(Error::new(ErrorKind::Unsupported, "a wait for a state has nothing to cancel"))
        })
    }
}
