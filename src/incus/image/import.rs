//! Importing images.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

use super::{Image, Imported, Incus};
use crate::error::Error;
use crate::incus::operation::work::IncusWork;
use crate::stream::transfer::{Content, Transferred, Upload};
use crate::transport::Body;
use crate::wait::{Operation, into_future};

impl Incus {
    /// Imports an image: a unified tarball (metadata and root file system in one), or the metadata of a split one.
    ///
    /// ```no_run
    /// use windlass::Content;
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let image = incus
    ///     .import_image(Content::file("metadata.tar.xz"))
    ///     .rootfs(Content::file("rootfs.squashfs"))
    ///     .on_progress(|p| eprintln!("{p}"))
    ///     .await?;
    /// image.add_alias("busybox").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// One that the server already has is an error of [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists).
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/reference/image_format/>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) if the server has the image already,
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the content can't be read.
    pub fn import_image(&self, content: impl Into<Content>) -> ImportImage {
        ImportImage {
            incus: self.clone(),
            content: content.into(),
            rest: None,
            file_name: None,
            fingerprint: None,
            properties: BTreeMap::new(),
            public: false,
            idle: None,
            tell: None,
        }
    }
}

/// An image to import; from [`Incus::import_image`].
///
/// `.await` it for the finished image, or [`send`](Self::send) it and keep the operation.
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct ImportImage {
    incus: Incus,
    content: Content,
    /// The other file of a split image, and what the server calls it.
    rest: Option<(&'static str, Content)>,
    file_name: Option<String>,
    fingerprint: Option<String>,
    properties: BTreeMap<String, String>,
    public: bool,
    idle: Option<Duration>,
    tell: Option<Box<dyn FnMut(Transferred) + Send>>,
}

impl std::fmt::Debug for ImportImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportImage")
            .field("content", &self.content)
            .field("rest", &self.rest)
            .field("file_name", &self.file_name)
            .finish_non_exhaustive()
    }
}

impl ImportImage {
    /// The root file system of a container, as tarball or squashfs; the first content is then its metadata.
    pub fn rootfs(mut self, content: impl Into<Content>) -> Self {
        self.rest = Some(("rootfs", content.into()));
        self
    }

    /// The disk of a virtual machine, as qcow2; the first content is then its metadata.
    pub fn disk(mut self, content: impl Into<Content>) -> Self {
        self.rest = Some(("rootfs.img", content.into()));
        self
    }

    /// The name of the file that it was.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }

    /// The SHA-256 that it must have: of the tarball, or of the metadata and the root file system one after the other.
    /// Otherwise the operation fails.
    pub fn fingerprint(mut self, sha256: impl Into<String>) -> Self {
        self.fingerprint = Some(sha256.into());
        self
    }

    /// Sets a property, beside those in its metadata.
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }

    /// Everybody may use the image.
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Calls `tell` after each piece that is sent.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// How long the server may take nothing; a minute if not set. How long the whole takes is not limited.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle = Some(limit);
        self
    }

    /// Sends it; the operation goes on by itself.
    ///
    /// # Errors
    ///
    /// As [`Incus::import_image`].
    pub async fn send(self) -> Result<Operation<Image>, Error> {
        let Self { incus, content, rest, file_name, fingerprint, properties, public, idle, tell } = self;
        check_header("file_name", file_name.as_deref())?;
        check_header("fingerprint", fingerprint.as_deref())?;
        let (content, media_type) = match rest {
            None => (content, None),
            Some((name, rest)) => {
                let (content, media_type) = form(content, name, rest)?;
                (content, Some(media_type))
            }
        };
        let mut upload = Upload::new(content);
        if let Some(limit) = idle {
            upload.idle_timeout(limit);
        }
        if let Some(tell) = tell {
            upload.on_progress(tell);
        }
        let properties = form_urlencoded::Serializer::new(String::new()).extend_pairs(&properties).finish();
        let send = |body: Body| {
            let mut request = incus.raw().image_import().x_incus_public(public.to_string());
            if let Some(name) = &file_name {
                request = request.x_incus_filename(name);
            }
            if let Some(fingerprint) = &fingerprint {
                request = request.x_incus_fingerprint(fingerprint);
            }
            if !properties.is_empty() {
                request = request.x_incus_properties(properties.as_str());
            }
            let call = request.body(body).send().bounded();
            match &media_type {
                Some(media_type) => call.media_type(media_type.clone()),
                None => call,
            }
        };
        let (accepted, _) = upload.send(&incus.label("image_import", ""), send).await?;
        Ok(IncusWork::accepted(&incus, accepted, Imported))
    }
}

into_future!(ImportImage => Image: send);

/// What is sent as a header can't be just any text.
fn check_header(field: &str, value: Option<&str>) -> Result<(), Error> {
    match value.map(HeaderValue::from_str) {
        Some(Err(_)) => Err(Error::invalid(field, "can't be sent: it has control characters")),
        _ => Ok(()),
    }
}

/// Two files as one form, in the order in which the server reads them.
fn form(metadata: Content, name: &str, rest: Content) -> Result<(Content, HeaderValue), Error> {
    let boundary = format!("windlass{:032x}", rand::random::<u128>());
    let head = |name: &str| {
        Content::bytes(Bytes::from(format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )))
    };
    let tail = Content::bytes(Bytes::from(format!("\r\n--{boundary}--\r\n")));
    let between = Content::bytes(Bytes::from_static(b"\r\n"));
    let content = Content::chain(vec![head("metadata"), metadata, between, head(name), rest, tail]);
    let media_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
    // A fixed prefix and hex digits are always a header.
    Ok((content, media_type.map_err(|e| Error::invalid("boundary", e))?))
}
