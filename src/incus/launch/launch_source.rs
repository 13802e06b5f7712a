//! What a launch makes the instance from: an image, nothing, or another instance.

use crate::incus::types::SourceType;
use crate::incus::{ImageSource, Launch, Original};

impl Launch {
    /// From this image: an alias on this server, for example `debian/13`, or any [`ImageSource`].
    pub fn image(mut self, image: impl Into<ImageSource>) -> Self {
        image.into().apply(&mut self.create.source);
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
