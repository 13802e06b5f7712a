//! Creating instances: never twice, and never lost.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use serde_json::{Map, Value};

use super::clock::{Deadline, pauses};
use super::instance::{failure, is_failed};
use super::reply::{self, open};
use super::settle::{self, MARKER};
use super::spec::{Disk, Nic, Video};
use super::types::{self, ConfigDrive, InstanceState};
use super::work::{Goal, Polled, Seen, progress};
use super::{Instance, ShakenFist};
use crate::error::{Error, Kind, Sent};
use crate::secret::Secret;
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation};

/// An instance to be made; from [`ShakenFist::create`].
///
/// `.await` it for the instance once it is `created`, or [`send`](Self::send) it and keep the operation. One time limit
/// bounds all of it: what is sent, sent again, looked for and waited for.
///
/// The request is never repeated blindly. Names aren't unique here, so each carries a marker in the instance's metadata
/// (`windlass-create`). Where the answer is lost, the client looks for the marker and goes on with what it finds; else
/// the error is of [`Kind::OutcomeUnknown`] and names the marker.
///
/// A create that the server refuses for want of room (507) or because an address is taken (409) leaves a record in the
/// state `error` behind, with the name that was asked for; the error names it, and
/// [`remove_refused`](Self::remove_refused) removes it.
#[derive(Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Create {
    sf: ShakenFist,
    create: types::InstanceCreate,
    limit: Duration,
    window: Duration,
    attempts_when_full: u32,
    remove_refused: bool,
    flaw: Option<Flaw>,
}

/// What is known to be wrong while the call is still being described: field and message.
type Flaw = (&'static str, String);

impl fmt::Debug for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Create")
            .field("name", &self.create.name)
            .field("disk", &self.create.disk)
            .finish_non_exhaustive()
    }
}

impl ShakenFist {
    /// Makes an instance, which is powered on.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::{Disk, Nic, ShakenFist};
    /// # async fn demo(sf: ShakenFist) -> windlass::Result<()> {
    /// let web = sf
    ///     .create("web")
    ///     .cpus(2)
    ///     .memory_mib(2048)
    ///     .disk(Disk::from_base("debian:12").size_gb(20))
    ///     .nic(Nic::on("front"))
    ///     .metadata("tags", ["shop"])
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// One processor and 1024 MiB unless said otherwise; at least one disk. Names aren't unique: a second `web` is made
    /// without complaint, and then neither can be reached by its name.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/instances/#instance-creation>
    pub fn create(&self, name: impl Into<String>) -> Create {
        let create = types::InstanceCreate {
            name: name.into(),
            cpus: 1,
            memory: 1024,
            disk: Vec::new(),
            network: None,
            ssh_key: None,
            user_data: None,
            placed_on: None,
            namespace: None,
            video: None,
            uefi: None,
            secure_boot: None,
            configdrive: None,
            metadata: None,
            nvram_template: None,
            side_channels: None,
        };
        Create {
            sf: self.clone(),
            create,
            limit: Operation::<Instance>::LIMIT,
            window: Duration::from_secs(10),
            attempts_when_full: 1,
            remove_refused: false,
            flaw: None,
        }
    }
}

impl Create {
    /// How many processors.
    pub fn cpus(mut self, count: u32) -> Self {
        self.create.cpus = i64::from(count);
        self
    }

    /// How much memory, in MiB.
    pub fn memory_mib(mut self, size: u32) -> Self {
        self.create.memory = i64::from(size);
        self
    }

    /// Adds a disk; the first one is booted from.
    pub fn disk(mut self, disk: Disk) -> Self {
        self.note(disk.check().err());
        self.create.disk.push(disk.0);
        self
    }

    /// Adds a network interface.
    pub fn nic(mut self, nic: Nic) -> Self {
        self.note(nic.check().err());
        self.create.network.get_or_insert_default().push(nic.0);
        self
    }

    /// The video card.
    pub fn video(mut self, video: Video) -> Self {
        self.create.video = Some(video.0);
        self
    }

    /// A public key for the guest's first user.
    pub fn ssh_key(mut self, key: impl Into<String>) -> Self {
        self.create.ssh_key = Some(key.into());
        self
    }

    /// What cloud-init finds as user data. It is encoded here.
    pub fn user_data(mut self, data: impl AsRef<[u8]>) -> Self {
        self.create.user_data = Some(Secret::from(base64(data.as_ref())));
        self
    }

    /// On this node.
    pub fn placed_on(mut self, node: impl Into<String>) -> Self {
        self.create.placed_on = Some(node.into());
        self
    }

    /// In another namespace; only the namespace `system` may.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.create.namespace = Some(name.into());
        self
    }

    /// Boots by UEFI.
    pub fn uefi(mut self) -> Self {
        self.create.uefi = Some(true);
        self
    }

    /// Boots by UEFI and only what is signed.
    pub fn secure_boot(mut self) -> Self {
        self.create.secure_boot = Some(true);
        self.uefi()
    }

    /// The template of the UEFI variables, as `label:…` or `sf://blob/…`.
    pub fn nvram_template(mut self, template: impl Into<String>) -> Self {
        self.create.nvram_template = Some(template.into());
        self
    }

    /// Without a config drive.
    pub fn without_config_drive(mut self) -> Self {
        self.create.configdrive = Some(ConfigDrive::None);
        self
    }

    /// The side channels, in place of the server's default: `sf-agent`, on newer servers also `sf-agent2`. Without one
    /// there is no [`exec`](Instance::exec), no [`push`](Instance::push) and no [`pull`](Instance::pull).
    pub fn side_channels<C: Into<String>>(mut self, channels: impl IntoIterator<Item = C>) -> Self {
        self.create.side_channels = Some(channels.into_iter().map(Into::into).collect());
        self
    }

    /// Sets a key of the metadata, to any JSON. The scheduler reads `affinity` here and nowhere else.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let (key, value) = (key.into(), value.into());
        self.note(super::metadata::check_value(&key, &value).err());
        if key == MARKER {
            self.note(Some(Error::invalid("metadata", format!("{MARKER} is the client's own"))));
        }
        self.create.metadata.get_or_insert_default().insert(key, value);
        self
    }

    /// How long all of it may take; ten minutes if not said.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How long to look for the instance when the answer to the request is lost; ten seconds if not said.
    pub fn settle_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Asks up to so many times where the server says that its want of room is transient, as long as it says to wait
    /// (1 to 60 seconds). The record of each refused attempt is removed before the next.
    ///
    /// Only newer servers say so; not done if not said, and at most five times.
    pub fn attempts_when_full(mut self, attempts: u32) -> Self {
        self.attempts_when_full = attempts.clamp(1, 5);
        self
    }

    /// Removes the record that a refused create leaves behind, before the error is returned.
    pub fn remove_refused(mut self) -> Self {
        self.remove_refused = true;
        self
    }

    /// Sends the request; the rest goes on by itself.
    pub async fn send(self) -> Result<Operation<Instance>, Error> {
        let deadline = Deadline::after(self.limit);
        self.send_within(deadline).await
    }

    async fn send_within(mut self, deadline: Deadline) -> Result<Operation<Instance>, Error> {
        self.check()?;
        let (mut pauses, mut made) = (pauses(), 1);
        loop {
            let marker = format!("{:032x}", rand::random::<u128>());
            self.mark(&marker);
            let e = match deadline.bound(self.post()).await {
                Ok(instance) => return Ok(self.accepted(deadline, instance.uuid)),
                Err(e) => e,
            };
            if is_ambiguous(&e) {
                return self.find(deadline, &marker, e).await;
            }
            if reply::not_ready(&e).is_some_and(reply::may_become_ready) {
                if deadline.pause(pauses.next()).await {
                    continue;
                }
                return Err(e);
            }
            let again = made < self.attempts_when_full && is_transient(&e);
            let pause =
                e.retry_after().unwrap_or(AGAIN).clamp(Duration::from_secs(1), Duration::from_secs(60));
            let e = self.refused(deadline, &marker, e, again).await;
            if !again || !deadline.pause(pause).await {
                return Err(e);
            }
            made += 1;
        }
    }

    fn note(&mut self, e: Option<Error>) {
        if self.flaw.is_none()
            && let Some(e) = e
        {
            let field = e.fields().first().map_or("", String::as_str);
            let message = e.message().strip_prefix(&format!("{field}: ")).unwrap_or(e.message()).to_owned();
            let known = ["disk", "network", "address", "metadata"].into_iter().find(|known| *known == field);
            self.flaw = Some((known.unwrap_or("metadata"), message));
        }
    }

    fn check(&self) -> Result<(), Error> {
        if let Some((field, message)) = &self.flaw {
            return Err(Error::invalid(field, message));
        }
        let types::InstanceCreate { name, cpus, memory, disk, .. } = &self.create;
        check_name(name)?;
        match () {
            () if *cpus < 1 => Err(Error::invalid("cpus", "must be at least one")),
            () if *memory < 1 => Err(Error::invalid("memory", "must be at least one MiB")),
            () if disk.is_empty() => Err(Error::invalid("disk", "is missing; an instance has at least one")),
            () => Ok(()),
        }
    }

    fn mark(&mut self, marker: &str) {
        let metadata: &mut Map<String, Value> = self.create.metadata.get_or_insert_default();
        metadata.insert(MARKER.to_owned(), marker.into());
    }

    async fn post(&self) -> Result<types::Instance, Error> {
        let call = self.sf.call();
        let result = call.instance_create().body(self.create.clone()).send().await;
        open(&call, result).await
    }

    fn accepted(&self, deadline: Deadline, uuid: String) -> Operation<Instance> {
        Polled::operation(&self.sf, Created::new(uuid)).timeout(deadline.left())
    }

    /// The answer is lost: what became of the request?
    async fn find(
        &self,
        deadline: Deadline,
        marker: &str,
        lost: Error,
    ) -> Result<Operation<Instance>, Error> {
        // Where the deadline itself cut the answer off, one more second is worth to know.
        let window = self.window.min(deadline.left().max(Duration::from_secs(1)));
        let found = settle::find(&self.sf, marker, window).await;
        match found {
            Ok(Some(instance)) => Ok(self.accepted(deadline, instance.uuid.clone())),
            Ok(None) => Err(self.unknown(marker, lost)),
            Err(e) => {
                tracing::debug!(error = %e, "looking for the created instance failed");
                Err(self.unknown(marker, lost))
            }
        }
    }

    fn unknown(&self, marker: &str, lost: Error) -> Error {
        let name = &self.create.name;
        let message =
            format!("{name:?} may or may not come into being ({MARKER}={marker}): {}", lost.message());
        Error::new(Kind::OutcomeUnknown, message).with(|e| {
            (e.api, e.operation, e.sent) = ("shakenfist", "instance_create", lost.sent());
            (e.status, e.attempts, e.marker) = (lost.status(), lost.attempts(), Some(marker.to_owned()));
            e.request_id = lost.request_id().map(str::to_owned);
            e.body = bytes::Bytes::copy_from_slice(lost.body());
            e.source = Some(Box::new(lost));
        })
    }

    /// A refused create may have left a record in the state `error`: tells of it, or removes it.
    async fn refused(&self, deadline: Deadline, marker: &str, e: Error, again: bool) -> Error {
        if !matches!(e.status(), Some(400 | 404 | 409 | 500 | 507)) {
            return e;
        }
        let record = match deadline.bound(settle::look(&self.sf, marker)).await {
            Ok(Some(record)) => record,
            Ok(None) => return e,
            Err(looked) => {
                tracing::debug!(error = %looked, "looking for the record of a refused create failed");
                return e;
            }
        };
        let uuid = record.uuid.clone();
        let removed = match self.remove_refused || again {
            false => false,
            true => match deadline.bound(settle::remove(&self.sf, &record)).await {
                Ok(()) => true,
                Err(failed) => {
                    tracing::warn!(error = %failed, uuid, "the record of a refused create can't be removed");
                    false
                }
            },
        };
        if removed {
            return e;
        }
        e.with(|inner| {
            inner.message = format!("{} (the server keeps a failed record of it: {uuid})", inner.message);
            inner.suggestion = Some(format!("delete the instance {uuid}"));
            inner.marker = Some(marker.to_owned());
        })
    }
}

/// What newer servers ask for with a transient 507.
const AGAIN: Duration = Duration::from_secs(15);

impl IntoFuture for Create {
    type Output = Result<Instance, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.send().await?.await?) })
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(fits) {
        let message = format!("{name:?} is no host name: letters, digits and hyphens, at most 63");
        return Err(Error::invalid("name", message));
    }
    Ok(())
}

/// Whether an instance may have come into being although the request failed.
fn is_ambiguous(e: &Error) -> bool {
    match e.status() {
        // Accepted, but by which instance can't be read.
        Some(200..=299) => true,
        // Something between us and the server gave up on it.
        Some(408 | 502..=504) => true,
        Some(500) => e.message().is_empty(),
        Some(_) => false,
        None => e.sent() == Sent::Unknown,
    }
}

/// Whether the server says that room may come.
fn is_transient(e: &Error) -> bool {
    let said = serde_json::from_slice::<types::ErrorReply>(e.body());
    e.status() == Some(507) && said.is_ok_and(|said| said.transient == Some(true))
}

/// RFC 4648, with padding.
fn base64(data: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(data.len().div_ceil(3) * 4);
    for group in data.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// An instance is `created`.
pub(super) struct Created {
    uuid: String,
    message: String,
}

impl Created {
    pub(super) fn new(uuid: String) -> Self {
        Self { uuid, message: "create".to_owned() }
    }

    /// The newest event says what goes on; one that can't be had is no failure.
    async fn listen(&mut self, sf: &ShakenFist) {
        let events = sf.instance(&self.uuid).events().limit(10).fetch().await;
        let telling = |kind: &str| kind == "status" || kind == "audit";
        match events {
            Ok(events) => {
                let newest = events.iter().find(|event| telling(event.kind.as_str())).or(events.first());
                self.message = newest.map_or_else(|| self.message.clone(), |event| event.message.clone());
            }
            Err(e) => tracing::debug!(error = %e, "no events"),
        }
    }
}

impl Goal for Created {
    type Output = Instance;

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "create", &self.uuid)
    }

    fn look<'a>(
        &'a mut self,
        sf: &'a ShakenFist,
        closely: bool,
    ) -> BoxFuture<'a, Result<Seen<Instance>, Error>> {
        Box::pin(async move {
            let now = match sf.instance(&self.uuid).get().await {
                Ok(now) => now,
                Err(e) if e.is_not_found() => return Ok(Seen::Gone),
                Err(e) => return Err(e),
            };
            if closely {
                self.listen(sf).await;
            }
            let seen = progress(&now.state, self.message.clone());
            Ok(match &now.state {
                InstanceState::Created => Seen::Reached(seen, now),
                InstanceState::DeleteWait | InstanceState::Deleted | InstanceState::Error => {
                    Seen::Failed(failure(&now))
                }
                // The message comes a moment after the state.
                state if is_failed(state) => Seen::Failed(failure(&*with_message(now).await)),
                _ => Seen::Going(seen),
            })
        })
    }

    /// The only way to stop it is to delete it.
    fn cancel<'a>(&'a mut self, sf: &'a ShakenFist) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { sf.instance(&self.uuid).delete().send().await.map(drop) })
    }
}

/// A failed instance once more, until it says why; not for long.
async fn with_message(mut failed: Instance) -> Instance {
    const LOOKS: u32 = 8;
    for _ in 0..LOOKS {
        if failed.error_message.as_deref().is_some_and(|said| !said.is_empty()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        match failed.get().await {
            Ok(now) => failed = now,
            Err(_) => break,
        }
    }
    failed
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Instance>> {
    (ticket.kind == "create").then(|| Polled::operation(sf, Created::new(ticket.id.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_all_lengths() {
        for (data, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(data.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xfe]), "//4=");
    }

    #[test]
    fn names_are_host_names() {
        for good in ["a", "web-1", "A9", &"x".repeat(63)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "x.y", "a b", "ü", "a/b", &"x".repeat(64)] {
            assert_eq!(check_name(bad).map_err(|e| e.kind()), Err(Kind::InvalidInput), "{bad}");
        }
    }

    #[test]
    fn what_leaves_the_outcome_open() {
        let answered = |status: u16, message: &str| {
            Error::new(Kind::Server, message).with(|e| (e.status, e.sent) = (Some(status), Sent::Yes))
        };
        for (status, message, open) in [
            (200, "", true),
            (502, "", true),
            (503, "", true),
            (504, "", true),
            (500, "", true),
            (500, "server error: IndexError", false),
            (400, "", false),
            (406, "", false),
            (409, "", false),
            (507, "", false),
        ] {
            assert_eq!(is_ambiguous(&answered(status, message)), open, "{status} {message:?}");
        }
        let broken = |sent| Error::new(Kind::Interrupted, "").with(|e| e.sent = sent);
        assert!(is_ambiguous(&broken(Sent::Unknown)));
        assert!(!is_ambiguous(&broken(Sent::No)));
    }
}
