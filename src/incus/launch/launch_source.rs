//! What a launch makes the instance from: an image, nothing, or another instance.

use crate::incus::types::SourceType;
use crate::incus::{ImageSource, Launch, Original};

impl Launch {
    /// From this image, in the words of the `incus` command: `images:debian/13` is fetched from the remote `images`;
    /// `busybox` is an alias of this server, which knows only the images that it has.
    ///
    /// ```no_run
    /// # use windlass::incus::ImageSource;
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let web = incus.launch("web").image("images:debian/13").await?;
    /// let own = incus.launch("own").image("busybox").await?;
    /// let shop = ImageSource::alias("shop").server("https://images.example.org");
    /// let other = incus.launch("other").image(shop).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// [`ImageSource`] tells which remotes there are. One that isn't there is an error of
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), which names those that are; a `config.yml` that
    /// can't be read is one of [`ErrorKind::Configuration`](crate::ErrorKind::Configuration). Both come from sending.
    pub fn image(mut self, image: impl Into<ImageSource>) -> Self {
        image.into().apply(&mut self.create.source, &mut self.as_command);
        self
    }

    /// From the image that has this fingerprint, or the start of it.
    pub fn image_fingerprint(self, fingerprint: impl Into<String>) -> Self {
        self.image(ImageSource::fingerprint(fingerprint))
    }

    /// The image is on this simplestreams server, for example `https://images.linuxcontainers.org`.
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
