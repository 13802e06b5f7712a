//! Creating instances: never twice, and never lost.

mod created;
mod send;

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::deadline::Deadline;
use super::devices::{Disk, Nic, Video};
use super::reconcile::MARKER;
use super::types::{self, ConfigDrive};
use super::{Instance, ShakenFist};
use crate::error::Error;
use crate::secret::Secret;
use crate::wait::{Operation, into_future};

pub(in crate::shakenfist) use created::resume;

/// An instance to be made; from [`ShakenFist::create`].
///
/// `.await` it for the instance once it is `created`, or [`send`](Self::send) it and keep the operation. One time limit
/// bounds all of it: what is sent, sent again, looked for and waited for.
///
/// The request is never repeated blindly. Names aren't unique here, so each carries a marker in the instance's metadata
/// (`windlass-launch`). Where the answer is lost, or a gateway's (502 to 504), or says that the server failed (500, which some
/// send although the instance comes into being), the client looks for the marker and goes on with what it finds; else the
/// error is of [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown), names the marker, and keeps what the answer said.
///
/// A create that the server refuses for want of room (507) or because an address is taken (409) leaves a record in the
/// state `error` behind, with the name that was asked for; the error names it, and
/// [`remove_refused`](Self::remove_refused) removes it.
#[derive(Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Launch {
    sf: ShakenFist,
    create: types::InstanceCreate,
    limit: Duration,
    window: Duration,
    attempts_when_full: u32,
    remove_refused: bool,
    flaw: Option<Flaw>,
}

/// What is known to be wrong while the call is still being described: field and message.
type Flaw = (String, String);

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
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
    ///     .launch("web")
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
    #[doc(alias = "create")]
    pub fn launch(&self, name: impl Into<String>) -> Launch {
        let (cpus, memory) = (1, 1024);
        Launch {
            sf: self.clone(),
            create: types::InstanceCreate::new(cpus, Vec::new(), memory, name),
            limit: Operation::<Instance>::LIMIT,
            window: Duration::from_secs(10),
            attempts_when_full: 1,
            remove_refused: false,
            flaw: None,
        }
    }
}

impl Launch {
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
        self.note(disk.check());
        self.create.disk.push(disk.0);
        self
    }

    /// Adds a network interface.
    pub fn nic(mut self, nic: Nic) -> Self {
        self.note(nic.check());
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
        self.create.user_data = Some(Secret::from(STANDARD.encode(data)));
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

    /// Sets a label: a key of the metadata. The same as [`metadata`](Self::metadata).
    pub fn label(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata(key, value)
    }

    /// Sets a key of the metadata, to any JSON. The scheduler reads `affinity` here and nowhere else.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let (key, value) = (key.into(), value.into());
        self.note(super::metadata::check_value(&key, &value));
        if key == MARKER {
            self.note(Err(Error::invalid("metadata", format!("{MARKER} is the client's own"))));
        }
        self.create.metadata.get_or_insert_default().insert(key, value);
        self
    }

    /// How long all of it may take (default: ten minutes).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How long to look for the instance when the answer to the request is lost; ten seconds if not said.
    pub fn reconcile_window(mut self, window: Duration) -> Self {
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

    /// Keeps the first thing that is wrong.
    fn note(&mut self, checked: Result<(), Error>) {
        if let (None, Err(e)) = (&self.flaw, checked) {
            let field = e.fields().first().cloned().unwrap_or_default();
            let message = e.message().trim_start_matches(&format!("{field}: ")).to_owned();
            self.flaw = Some((field, message));
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
}

into_future!(Launch => Instance: |launch| Ok(launch.send().await?.await?));

fn check_name(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(fits) {
        let message = format!("{name:?} is no host name: letters, digits and hyphens, at most 63");
        return Err(Error::invalid("name", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn names_are_host_names() {
        for good in ["a", "web-1", "A9", &"x".repeat(63)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "x.y", "a b", "ü", "a/b", &"x".repeat(64)] {
            assert_eq!(check_name(bad).map_err(|e| e.kind()), Err(ErrorKind::InvalidInput), "{bad}");
        }
    }
}
