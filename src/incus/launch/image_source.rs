//! The images that instances are made from.

use std::collections::BTreeMap;

use crate::handle::Identified;
use crate::incus::Image;
use crate::incus::types;
use crate::incus::types::ImageProtocol;
use crate::secret::Secret;

/// An image to make an instance from.
///
/// A text is what the `incus` command takes: `images:debian/13` is the alias `debian/13` of the remote `images`,
/// `busybox` an alias of this server.
///
/// ```
/// use windlass::incus::{ImageProtocol, ImageSource};
///
/// let fetched = ImageSource::from("images:debian/13");
/// let here = ImageSource::from("busybox");
/// let there = ImageSource::alias("debian/13").server("https://images.linuxcontainers.org");
/// let other = ImageSource::alias("shop").server("https://10.0.0.9:8443").protocol(ImageProtocol::Incus);
/// let newest = ImageSource::newest([("os", "debian"), ("release", "trixie")]);
/// # let _ = (fetched, here, there, other, newest);
/// ```
///
/// # Remotes
///
/// The remotes are those of the `incus` command: in the `config.yml` of the user and of the system, or `images`
/// (<https://images.linuxcontainers.org>) if the user has no such file. `local` always means this server. The file is
/// read when the request is sent, and only if the text has a colon. The server fetches the image, so the image must
/// be public, and the server must reach the remote.
///
/// The remote ends at the first colon. As in the command, a text is an alias of this server if what stands before the
/// colon holds a `=`, or holds a `/` and is no remote. [`alias`](Self::alias) takes any alias as it is.
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
    /// The alias is a text of the caller, which may begin with a remote.
    as_command: bool,
}

impl ImageSource {
    /// The image that has this alias. No remote is read from it.
    pub fn alias(alias: impl Into<String>) -> Self {
        Self { alias: alias.into(), ..Self::default() }
    }

    /// The image that has this fingerprint, or the start of it.
    pub fn fingerprint(fingerprint: impl Into<String>) -> Self {
        Self { fingerprint: fingerprint.into(), ..Self::default() }
    }

    /// The newest image that has these properties, for example `os` and `release`.
    pub fn newest<K: Into<String>, V: Into<String>>(properties: impl IntoIterator<Item = (K, V)>) -> Self {
        let properties = properties.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self { properties, ..Self::default() }
    }

    /// The image is on this server, which speaks simplestreams, or what [`protocol`](Self::protocol) sets.
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

    /// Sets what is given here, and leaves the rest; with an alias, also whether it may begin with a remote.
    pub(in crate::incus) fn apply(self, source: &mut types::InstanceSource, as_command: &mut bool) {
        if !self.alias.is_empty() {
            *as_command = self.as_command;
        }
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
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for ImageSource {
    fn from(text: String) -> Self {
        Self { as_command: true, ..Self::alias(text) }
    }
}

impl From<&String> for ImageSource {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl<D: Identified> From<&Image<D>> for ImageSource {
    fn from(image: &Image<D>) -> Self {
        Self::fingerprint(image.fingerprint())
    }
}
