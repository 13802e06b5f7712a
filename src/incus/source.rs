//! What instances are made from.

use std::collections::BTreeMap;
use std::fmt;

use super::types::{self, ImageProtocol, SourceType};
use super::{Image, Incus, Instance, Launch, Snapshot};
use crate::error::Error;
use crate::handle::Identified;
use crate::secret::Secret;
use crate::transport::checked;

/// An image to make an instance from; a text alone is an alias.
///
/// ```
/// use windlass::incus::{ImageProtocol, ImageSource};
///
/// let here = ImageSource::from("debian/13");
/// let there = ImageSource::alias("debian/13").server("https://images.linuxcontainers.org");
/// let other = ImageSource::alias("shop").server("https://10.0.0.9:8443").protocol(ImageProtocol::Incus);
/// let newest = ImageSource::newest([("os", "debian"), ("release", "trixie")]);
/// # let _ = (here, there, other, newest);
/// ```
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/image-handling/>
#[derive(Debug, Clone, Default)]
pub struct ImageSource {
    alias: String,
    fingerprint: String,
    properties: BTreeMap<String, String>,
    server: String,
    protocol: Option<ImageProtocol>,
    certificate: String,
    secret: Option<Secret>,
}

impl ImageSource {
    /// The image that has this alias.
    pub fn alias(alias: impl Into<String>) -> Self {
        Self { alias: alias.into(), ..Self::default() }
    }

    /// The image that has this fingerprint, or the start of it.
    pub fn fingerprint(fingerprint: impl Into<String>) -> Self {
        Self { fingerprint: fingerprint.into(), ..Self::default() }
    }

    /// The newest image that has these properties, as `os` and `release`.
    pub fn newest<K: Into<String>, V: Into<String>>(properties: impl IntoIterator<Item = (K, V)>) -> Self {
        let properties = properties.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self { properties, ..Self::default() }
    }

    /// The image is on this server, which speaks simplestreams unless [`protocol`](Self::protocol) says otherwise.
    #[must_use]
    pub fn server(mut self, url: impl Into<String>) -> Self {
        self.server = url.into();
        self
    }

    /// What the image server speaks.
    #[must_use]
    pub fn protocol(mut self, protocol: ImageProtocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// The image server's certificate in PEM, where no authority vouches for it.
    #[must_use]
    pub fn certificate(mut self, pem: impl Into<String>) -> Self {
        self.certificate = pem.into();
        self
    }

    /// The secret that lets a server fetch a private image of another one.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<Secret>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Sets what is said here, and leaves the rest.
    pub(super) fn apply(self, source: &mut types::InstanceSource) {
        let set = |field: &mut String, value: String| {
            if !value.is_empty() {
                *field = value;
            }
        };
        set(&mut source.alias, self.alias);
        set(&mut source.fingerprint, self.fingerprint);
        set(&mut source.certificate, self.certificate);
        if !self.properties.is_empty() {
            source.properties = self.properties;
        }
        if !self.server.is_empty() {
            source.server = self.server;
            source.protocol = Some(ImageProtocol::Simplestreams);
            source.mode = "pull".to_owned();
        }
        source.protocol = self.protocol.or(source.protocol.take());
        source.secret = self.secret.or(source.secret.take());
    }
}

impl From<&str> for ImageSource {
    fn from(alias: &str) -> Self {
        Self::alias(alias)
    }
}

impl From<String> for ImageSource {
    fn from(alias: String) -> Self {
        Self::alias(alias)
    }
}

impl From<&String> for ImageSource {
    fn from(alias: &String) -> Self {
        Self::alias(alias)
    }
}

impl<D: Identified> From<&Image<D>> for ImageSource {
    fn from(image: &Image<D>) -> Self {
        Self::fingerprint(image.fingerprint())
    }
}

/// What can be copied: an [`Instance`] or a [`Snapshot`] of one.
pub trait Original: sealed::Sealed {
    #[doc(hidden)]
    fn project(&self) -> Option<&str>;
    #[doc(hidden)]
    fn write(&self, to: &mut dyn fmt::Write) -> fmt::Result;
}

mod sealed {
    pub trait Sealed {}
    impl<D> Sealed for super::Instance<D> {}
    impl<D> Sealed for super::Snapshot<D> {}
}

impl<D: Identified> Original for Instance<D> {
    fn project(&self) -> Option<&str> {
        self.incus.own_project()
    }

    fn write(&self, to: &mut dyn fmt::Write) -> fmt::Result {
        to.write_str(self.name())
    }
}

impl<D: Identified> Original for Snapshot<D> {
    fn project(&self) -> Option<&str> {
        self.instance().incus.own_project()
    }

    fn write(&self, to: &mut dyn fmt::Write) -> fmt::Result {
        write!(to, "{}/{}", self.instance().name(), self.name())
    }
}

impl<D: Identified> Instance<D> {
    /// Copies it, with its snapshots, on this server or cluster. The copy isn't started.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let twin = web.copy("web-2").instance_only().config("user.role", "twin").await?;
    /// let elsewhere = web.copy("web-3").target("n2").start().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Into another project: `incus.project("blue").create("web-2").copy_of(&web)`. As safe as a launch: see [`Launch`].
    pub fn copy(&self, to: impl Into<String>) -> Launch {
        self.incus.create(to).copy_of(self)
    }
}

impl Launch {
    /// From this image: one of this server's, by its alias as `debian/13`, unless the [`ImageSource`] says otherwise.
    pub fn image(mut self, image: impl Into<ImageSource>) -> Self {
        image.into().apply(&mut self.create.source);
        self
    }

    /// From the image that has this fingerprint, or the start of it.
    pub fn image_fingerprint(self, fingerprint: impl Into<String>) -> Self {
        self.image(ImageSource::fingerprint(fingerprint))
    }

    /// The image is on this simplestreams server, as `https://images.linuxcontainers.org`.
    pub fn image_server(self, url: impl Into<String>) -> Self {
        self.image(ImageSource::default().server(url))
    }

    /// From nothing: an empty root, to be filled or installed into.
    pub fn empty(mut self) -> Self {
        self.create.source.type_ = SourceType::None;
        self
    }

    /// From an instance or a snapshot of this server or cluster, which may be in another project.
    ///
    /// The copy has the configuration, devices and profiles of the original, but for what is set here.
    pub fn copy_of(mut self, original: &impl Original) -> Self {
        let source = &mut self.create.source;
        source.type_ = SourceType::Copy;
        source.source.clear();
        // Writing into a text can't fail.
        let _ = original.write(&mut source.source);
        source.project = original.project().unwrap_or("default").to_owned();
        // Whatever the original is.
        self.create.type_ = None;
        self
    }

    /// Leaves the snapshots of the original behind.
    pub fn instance_only(mut self) -> Self {
        self.create.source.instance_only = true;
        self
    }

    /// Copies a running original although its files may change meanwhile.
    pub fn allow_inconsistent(mut self) -> Self {
        self.create.source.allow_inconsistent = true;
        self
    }
}

/// An image, of which nothing is said yet.
pub(super) fn blank() -> types::InstanceSource {
    types::InstanceSource::new(SourceType::Image)
}

pub(super) fn check(source: &types::InstanceSource) -> Result<(), Error> {
    let given = [source.alias.is_empty(), source.fingerprint.is_empty(), source.properties.is_empty()];
    let images = given.into_iter().filter(|missing| !missing).count();
    match (&source.type_, images) {
        (SourceType::Image, 0) => {
            return Err(Error::invalid("image", "is missing; `.empty()` makes one from nothing"));
        }
        (SourceType::Image, 2..) => {
            return Err(Error::invalid("image", "is given twice, as by alias and by fingerprint"));
        }
        (SourceType::None, 1..) => return Err(Error::invalid("image", "doesn't go with `.empty()`")),
        (SourceType::Copy, 1..) => return Err(Error::invalid("image", "doesn't go with a copy")),
        (SourceType::Copy, 0) => check_original(&source.source)?,
        _ => {}
    }
    let copies = matches!(source.type_, SourceType::Copy | SourceType::Migration);
    if source.instance_only && !copies {
        return Err(Error::invalid("instance_only", "is only for copies"));
    }
    if source.allow_inconsistent && !copies {
        return Err(Error::invalid("allow_inconsistent", "is only for copies"));
    }
    Ok(())
}

/// Adds to a copy what its original has and the request doesn't say.
///
/// The server does that by itself, except for a copy that goes to another member of its cluster.
pub(super) async fn inherit(incus: &Incus, create: &mut types::InstanceCreate) -> Result<(), Error> {
    let original = incus.project(create.source.project.as_str());
    let (name, snapshot) = match create.source.source.split_once('/') {
        Some((name, snapshot)) => (name, Some(snapshot)),
        None => (create.source.source.as_str(), None),
    };
    let mut found = original.instance(name).get().await?.into_data();
    if let Some(snapshot) = snapshot {
        let then = original.instance(name).snapshot(snapshot).get().await?.into_data();
        (found.config, found.devices, found.profiles) = (then.config, then.devices, then.profiles);
    }
    let set = std::mem::take(&mut create.config);
    create.config = found.config.into_iter().filter(|(key, _)| goes_along(key, false)).chain(set).collect();
    let set = std::mem::take(&mut create.devices);
    create.devices = found.devices.into_iter().chain(set).collect();
    create.profiles.get_or_insert(found.profiles);
    create.type_.get_or_insert(found.type_);
    if create.architecture.is_empty() {
        create.architecture = found.architecture;
    }
    if create.description.is_empty() {
        create.description = found.description;
    }
    Ok(())
}

/// Whether a configuration key goes along to another instance: what identifies one only if it moves.
pub(super) fn goes_along(key: &str, moves: bool) -> bool {
    match key.strip_prefix("volatile.") {
        None | Some("base_image") => true,
        Some(volatile) => moves && !volatile.starts_with("last_state."),
    }
}

/// `web`, or `web/snapshot`.
fn check_original(source: &str) -> Result<(), Error> {
    let (instance, snapshot) = source.split_once('/').unwrap_or((source, "-"));
    checked("copy_of", instance)?;
    checked("copy_of", snapshot).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(image: ImageSource) -> types::InstanceSource {
        let mut source = blank();
        image.apply(&mut source);
        source
    }

    #[test]
    fn a_remote_image_is_pulled() {
        let source = applied(ImageSource::alias("debian/13").server("https://images.example"));
        assert_eq!((source.mode.as_str(), source.protocol), ("pull", Some(ImageProtocol::Simplestreams)));
        let source =
            applied(ImageSource::alias("a").protocol(ImageProtocol::Oci).server("https://oci.example"));
        assert_eq!((source.mode.as_str(), source.protocol), ("pull", Some(ImageProtocol::Oci)));
        assert_eq!(applied(ImageSource::from("a")).mode, "");
    }

    #[test]
    fn one_source_and_not_two() {
        let good =
            [ImageSource::from("a"), ImageSource::fingerprint("f"), ImageSource::newest([("os", "x")])];
        for image in good {
            assert!(check(&applied(image.clone())).is_ok(), "{image:?}");
            for type_ in [SourceType::None, SourceType::Copy] {
                let mut source = applied(image.clone());
                source.type_ = type_;
                assert!(check(&source).is_err(), "{source:?}");
            }
        }
        assert!(check(&blank()).is_err());
        let mut twice = applied(ImageSource::from("a"));
        ImageSource::fingerprint("f").apply(&mut twice);
        assert!(check(&twice).is_err());
    }

    #[test]
    fn identity_stays_with_the_original() {
        let keys = [
            "limits.cpu",
            "volatile.base_image",
            "volatile.uuid",
            "volatile.eth0.hwaddr",
            "volatile.last_state.power",
        ];
        assert_eq!(keys.map(|key| goes_along(key, false)), [true, true, false, false, false]);
        assert_eq!(keys.map(|key| goes_along(key, true)), [true, true, true, true, false]);
    }

    #[test]
    fn originals_that_lead_elsewhere() {
        for good in ["web", "web/snap"] {
            assert!(check_original(good).is_ok(), "{good}");
        }
        for bad in ["", "/", "web/", "/snap", "web/a/b", "..", "web/..", "a\\b"] {
            assert!(check_original(bad).is_err(), "{bad}");
        }
    }
}
