//! The description of an instance to be launched.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::marker::MARKER;
use crate::error::Error;
use crate::launch_marker::Marker;
use crate::secret::Secret;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::devices::{Disk, Nic, Video};
use crate::shakenfist::instance::Instance;
use crate::shakenfist::metadata;
use crate::shakenfist::types::{self, ConfigDrive};
use crate::wait::Operation;

/// An instance to be launched; from [`ShakenFist::launch`].
///
/// `.await` it for the instance once it is `created`, or [`send`](Self::send) it and keep the operation. One time limit
/// bounds all of it: sending, looking for a lost launch, waiting.
///
/// The request is never repeated blindly. Names aren't unique here, so each launch has a marker in the instance's
/// metadata (`windlass-launch`). The client looks for the marker if the answer is lost, if it comes from a gateway (502
/// to 504), or if it says that the server failed (500, which some servers send although they create the instance). Then
/// it waits for the instance that it finds. If it finds none, the error is of
/// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown): it has the marker, and what the answer said.
///
/// A launch that the server refuses for lack of capacity (507), or because an address is taken (409), leaves a record
/// in the state `error` with the name of the instance. The error names it. [`remove_refused`](Self::remove_refused)
/// removes it.
#[derive(Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Launch {
    pub(super) sf: ShakenFist,
    pub(super) request: types::InstanceCreate,
    pub(super) limit: Duration,
    pub(super) window: Duration,
    pub(super) attempts_when_full: u32,
    pub(super) remove_refused: bool,
    /// None: each attempt has a random marker.
    pub(super) key: Option<Marker>,
    flaw: Option<Flaw>,
}

/// What is wrong with the description: field and message.
type Flaw = (String, String);

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("name", &self.request.name)
            .field("disk", &self.request.disk)
            .finish_non_exhaustive()
    }
}

impl ShakenFist {
    /// Creates an instance and powers it on.
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
    ///     .label("role", "shop")
    ///     .await?;
    /// # let _ = web; Ok(()) }
    /// ```
    ///
    /// It needs at least one disk. The default is one processor and 1024 MiB. Names aren't unique: the server accepts a
    /// second `web`, and then neither can be reached by its name.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/instances/#instance-creation>
    ///
    /// # Errors
    ///
    /// [`InsufficientCapacity`](crate::ErrorKind::InsufficientCapacity) if there is no room,
    /// [`Conflict`](crate::ErrorKind::Conflict) if an address is taken,
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer is lost and nothing is found,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a description that can't be right, those of
    /// [every request](crate::ShakenFist#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    #[doc(alias = "create")]
    pub fn launch(&self, name: impl Into<String>) -> Launch {
        let (cpus, memory) = (1, 1024);
        Launch {
            sf: self.clone(),
            request: types::InstanceCreate::new(cpus, Vec::new(), memory, name),
            limit: Operation::<Instance>::LIMIT,
            window: Duration::from_secs(10),
            attempts_when_full: 1,
            remove_refused: false,
            key: None,
            flaw: None,
        }
    }
}

impl Launch {
    /// The number of processors.
    pub fn cpus(mut self, count: u32) -> Self {
        self.request.cpus = i64::from(count);
        self
    }

    /// The memory, in MiB.
    #[doc(alias = "memory")]
    pub fn memory_mib(mut self, size: u32) -> Self {
        self.request.memory = i64::from(size);
        self
    }

    /// Adds a disk with this image: the same as [`disk`](Self::disk) with [`Disk::from_base`].
    pub fn image(self, base: impl Into<String>) -> Self {
        self.disk(Disk::from_base(base))
    }

    /// Adds a disk; the first one is booted from.
    pub fn disk(mut self, disk: Disk) -> Self {
        self.note(disk.check());
        self.request.disk.push(disk.0);
        self
    }

    /// Adds a network interface.
    #[doc(alias = "network")]
    pub fn nic(mut self, nic: Nic) -> Self {
        self.note(nic.check());
        self.request.network.get_or_insert_default().push(nic.0);
        self
    }

    /// The video card.
    pub fn video(mut self, video: Video) -> Self {
        self.request.video = Some(video.0);
        self
    }

    /// A public key for the guest's first user.
    pub fn ssh_key(mut self, key: impl Into<String>) -> Self {
        self.request.ssh_key = Some(key.into());
        self
    }

    /// User data for cloud-init. It is encoded here.
    pub fn user_data(mut self, data: impl AsRef<[u8]>) -> Self {
        self.request.user_data = Some(Secret::from(STANDARD.encode(data)));
        self
    }

    /// Places it on this node.
    pub fn placed_on(mut self, node: impl Into<String>) -> Self {
        self.request.placed_on = Some(node.into());
        self
    }

    /// In another namespace. Only the namespace `system` may do that.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.request.namespace = Some(name.into());
        self
    }

    /// Boots by UEFI.
    pub fn uefi(mut self) -> Self {
        self.request.uefi = Some(true);
        self
    }

    /// Boots by UEFI, and only what is signed.
    pub fn secure_boot(mut self) -> Self {
        self.request.secure_boot = Some(true);
        self.uefi()
    }

    /// The template of the UEFI variables: `label:…` or `sf://blob/…`.
    pub fn nvram_template(mut self, template: impl Into<String>) -> Self {
        self.request.nvram_template = Some(template.into());
        self
    }

    /// Without a config drive.
    pub fn without_config_drive(mut self) -> Self {
        self.request.configdrive = Some(ConfigDrive::None);
        self
    }

    /// The side channels (default: `sf-agent`, on newer servers also `sf-agent2`). Without one there is no
    /// [`exec`](Instance::exec), no [`push`](Instance::push) and no [`pull`](Instance::pull).
    pub fn side_channels<C: Into<String>>(mut self, channels: impl IntoIterator<Item = C>) -> Self {
        self.request.side_channels = Some(channels.into_iter().map(Into::into).collect());
        self
    }

    /// Sets a label: a key of the metadata, and its value. The same as [`metadata`](Self::metadata).
    pub fn label(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata(key, value)
    }

    /// Sets a key of the metadata, to any JSON. The scheduler reads `affinity` only from here.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let (key, value) = (key.into(), value.into());
        self.note(metadata::check_value(&key, &value));
        if key == MARKER {
            self.note(Err(Error::invalid("metadata", format!("{MARKER} is the client's own"))));
        }
        self.request.metadata.get_or_insert_default().insert(key, value);
        self
    }

    /// How long all of it may take (default: ten minutes).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How long to look for the instance if the answer to the request is lost (default: ten seconds).
    pub fn reconcile_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Retries up to this many attempts while the server reports a transient lack of capacity (default: 1, at most 5).
    /// The pause between two is what the server asks for, 1 to 60 seconds. The record of each refused attempt is
    /// removed before the next.
    ///
    /// Only newer servers report whether a lack of capacity is transient.
    pub fn attempts_when_full(mut self, attempts: u32) -> Self {
        self.attempts_when_full = attempts.clamp(1, 5);
        self
    }

    /// A key of yours, for example the id of a job. If an instance of the namespace has it, this launch makes none: it
    /// goes on with that one, also in another process, and whatever its name and settings are.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::{Disk, ShakenFist};
    /// # async fn demo(sf: ShakenFist) -> windlass::Result<()> {
    /// // The same call after a crash gives the same instance.
    /// let web = sf.launch("web").disk(Disk::from_base("debian:12")).key("job-17").await?;
    /// # let _ = web; Ok(()) }
    /// ```
    ///
    /// It takes the place of the random marker, and [`launched`](ShakenFist::launched) asks for it. It has 1 to 128
    /// characters, none of them a control character. It is free again once the instance is being deleted. An instance
    /// that failed keeps it: the wait then fails as that of its own launch, and the error names the instance to delete.
    /// The record of a launch that was refused doesn't: it is removed, as with [`remove_refused`](Self::remove_refused).
    ///
    /// The server has no way to make this atomic, since names aren't unique: the list of instances is read, then the
    /// request is sent. So two processes that launch with one key at the same time can make two instances. Later calls
    /// with the key then fail with [`Conflict`](crate::ErrorKind::Conflict), which names both, and make no third.
    ///
    /// # Errors
    ///
    /// Sending fails with [`InvalidInput`](crate::ErrorKind::InvalidInput) for a text that can't be a key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(Marker::key(key));
        self
    }

    /// Removes the record that a refused launch leaves behind, before the error is returned.
    pub fn remove_refused(mut self) -> Self {
        self.remove_refused = true;
        self
    }

    pub(crate) fn client(&self) -> &ShakenFist {
        &self.sf
    }

    /// Keeps the first flaw.
    fn note(&mut self, checked: Result<(), Error>) {
        if let (None, Err(e)) = (&self.flaw, checked) {
            let field = e.fields().first().cloned().unwrap_or_default();
            let message = e.message().trim_start_matches(&format!("{field}: ")).to_owned();
            self.flaw = Some((field, message));
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some((field, message)) = &self.flaw {
            return Err(Error::invalid(field, message));
        }
        self.key.as_ref().map_or(Ok(()), Marker::check)?;
        let types::InstanceCreate { name, cpus, memory, disk, .. } = &self.request;
        check_name(name)?;
        match () {
            () if *cpus < 1 => Err(Error::invalid("cpus", "must be at least one")),
            () if *memory < 1 => Err(Error::invalid("memory", "must be at least one MiB")),
            () if disk.is_empty() => Err(Error::invalid("disk", "is missing; an instance has at least one")),
            () => Ok(()),
        }
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
