//! Exporting images.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{Image, Incus};
use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::stream::transfer::{Draft, Links, Multipart, Opened, Pull, Source, Transferred, ranged};
use crate::transport::Label;
use crate::wait::into_future;

impl<D: Identified> Image<D> {
    /// Pulls the image as one tarball, in constant memory.
    ///
    /// ```no_run
    /// # async fn demo(image: windlass::incus::Image) -> windlass::Result<()> {
    /// image.export().on_progress(|p| eprintln!("{p}")).to("image.tar.gz").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A split image is two files: that is an error of [`ErrorKind::Unsupported`]. [`export_files`](Self::export_files)
    /// takes both kinds.
    pub fn export(&self) -> Pull {
        Pull::new(self.source(false))
    }

    /// Pulls the files of the image into a directory, which must exist: one tarball, or the two files of a split image.
    ///
    /// ```no_run
    /// # async fn demo(image: windlass::incus::Image) -> windlass::Result<()> {
    /// let files = image.export_files("images").await?;
    /// println!("{} {:?}", files.metadata.display(), files.rootfs);
    /// # Ok(()) }
    /// ```
    ///
    /// They have the names that the server gives them: the fingerprint and an ending, with `meta-` in front for the
    /// metadata of a split image. Any other name is an error of [`ErrorKind::BadReply`], so that no file but an earlier
    /// export of the same image is ever replaced. Each appears when it is whole; a split image whose export breaks
    /// can't be resumed and may leave the first file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such image, [`ErrorKind::Io`] if a file can't be written,
    /// [`ErrorKind::BadReply`] for other file names.
    pub fn export_files(&self, directory: impl AsRef<Path>) -> ExportImage {
        let source = self.source(true);
        let told = source.told.clone();
        let pull = Pull::new(source);
        let (directory, fingerprint) = (directory.as_ref().to_owned(), self.fingerprint().to_owned());
        ExportImage { pull, told, names: Names { directory, fingerprint, taken: Vec::new() } }
    }

    fn source(&self, split: bool) -> ImageDownload {
        let (incus, fingerprint) = (self.incus.clone(), self.fingerprint().to_owned());
        ImageDownload { incus, fingerprint, split, told: Arc::default() }
    }
}

/// Where the files of an image are; from [`Image::export_files`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ImageFiles {
    /// The unified tarball, or the metadata of a split image.
    pub metadata: PathBuf,
    /// The root file system or disk of a split image.
    pub rootfs: Option<PathBuf>,
}

/// An export of an image's files; from [`Image::export_files`]. `.await` it.
#[derive(Debug)]
#[must_use = "nothing is asked for before `.await`"]
pub struct ExportImage {
    pull: Pull,
    told: Arc<OnceLock<Told>>,
    names: Names,
}

/// Where files may go.
#[derive(Debug)]
struct Names {
    directory: PathBuf,
    fingerprint: String,
    /// By files of this export.
    taken: Vec<PathBuf>,
}

/// What the headers of the answer say about the files.
#[derive(Debug)]
struct Told {
    /// Of a form with several files.
    boundary: Option<String>,
    file_name: Option<String>,
}

impl ExportImage {
    /// Calls `tell` after each piece. The size of a split image is not known ahead.
    pub fn on_progress(mut self, tell: impl FnMut(Transferred) + Send + 'static) -> Self {
        self.pull = self.pull.on_progress(tell);
        self
    }

    /// How long the server may send nothing; a minute if not set.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.pull = self.pull.idle_timeout(limit);
        self
    }

    async fn run(self) -> Result<ImageFiles, Error> {
        let Self { pull, told, mut names } = self;
        let mut download = pull.stream().await?;
        let told = told.get().ok_or_else(|| odd("nothing was said of the files"))?;
        let Some(boundary) = &told.boundary else {
            let name = told.file_name.as_deref().unwrap_or(&names.fingerprint).to_owned();
            let mut draft = Draft::begin(&names.path(&name)?, Links::Replace).await?;
            while let Some(piece) = download.next().await {
                draft.write(piece?).await?;
            }
            return Ok(ImageFiles { metadata: draft.keep(None, false).await?, rootfs: None });
        };
        let mut form = Multipart::new(download, boundary);
        let mut kept = Vec::new();
        while let Some(head) = form.part().await? {
            let name = quoted(&head, "filename").ok_or_else(|| odd("a file without a name"))?;
            let mut draft = Draft::begin(&names.path(&name)?, Links::Replace).await?;
            while let Some(piece) = form.piece().await? {
                draft.write(piece).await?;
            }
            kept.push((quoted(&head, "name"), draft.keep(None, false).await?));
        }
        let mut take = |is: fn(&str) -> bool| {
            let at = kept.iter().position(|(name, _)| name.as_deref().is_some_and(is))?;
            Some(kept.swap_remove(at).1)
        };
        let metadata = take(|name| name == "metadata").ok_or_else(|| odd("there is no metadata"))?;
        Ok(ImageFiles { metadata, rootfs: take(|name| name.starts_with("rootfs")) })
    }
}

into_future!(ExportImage => ImageFiles: |it| it.pull.label().watch(it.run()).await);

fn odd(what: &str) -> Error {
    Error::new(ErrorKind::BadReply, format!("the export can't be understood: {what}"))
}

impl Names {
    /// The path for a file of this name. The server may choose its ending, and nothing else.
    fn path(&mut self, name: &str) -> Result<PathBuf, Error> {
        let sha256 = self.fingerprint.len() == 64 && self.fingerprint.bytes().all(|c| c.is_ascii_hexdigit());
        let ending = name.strip_prefix("meta-").unwrap_or(name).strip_prefix(&self.fingerprint);
        let path = self.directory.join(name);
        if !sha256 || !ending.is_some_and(is_ending) || self.taken.contains(&path) {
            return Err(odd(&format!("no file of this image can be called {name:?}")));
        }
        self.taken.push(path.clone());
        Ok(path)
    }
}

/// `.tar.xz`, or nothing.
fn is_ending(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric());
    text.is_empty() || text.strip_prefix('.').is_some_and(|words| words.split('.').all(is_word))
}

/// `name` in `form-data; name="metadata"; filename=…`, with or without quotes.
fn quoted(text: &str, key: &str) -> Option<String> {
    let mut fields = text.split(';').map(str::trim);
    let value = fields.find_map(|field| field.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim_matches('"').to_owned())
}

/// The files of an image.
struct ImageDownload {
    incus: Incus,
    fingerprint: String,
    split: bool,
    told: Arc<OnceLock<Told>>,
}

impl ImageDownload {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let request = self.incus.raw().image_export().fingerprint(&self.fingerprint);
        let request = ranged(request, from, |request, range| request.range(range));
        let (content, head) = request.send().with_head().await?;
        let told = Told::by(head.headers());
        let is_form = told.boundary.is_some();
        if is_form && !self.split {
            let message = "the image is split into two files: `export_files` takes both";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let _ = self.told.set(told);
        let opened = Opened::of((content, head))?;
        // A single file is named by its hash.
        Ok(if is_form { opened } else { opened.unchanging() })
    }
}

impl Told {
    fn by(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let form = text(CONTENT_TYPE).filter(|kind| kind.starts_with("multipart/"));
        Self {
            boundary: form.and_then(|kind| quoted(kind, "boundary")),
            file_name: text(CONTENT_DISPOSITION).and_then(|value| quoted(value, "filename")),
        }
    }
}

impl Source for ImageDownload {
    fn label(&self) -> Label {
        self.incus.label("image_export", &self.fingerprint)
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}

/// A door for the fuzz targets: whatever the server says, a file comes into the directory and nowhere else.
#[cfg(fuzzing)]
pub fn fuzz(head: &str, headers: &HeaderMap) {
    let told = Told::by(headers);
    let said = ["name", "filename", "boundary"].map(|key| quoted(head, key));
    for name in said.into_iter().chain([told.boundary, told.file_name]).flatten() {
        let directory = PathBuf::from("images");
        let mut names =
            Names { directory: directory.clone(), fingerprint: "ab".repeat(32), taken: Vec::new() };
        if let Ok(path) = names.path(&name) {
            assert_eq!(path.parent(), Some(directory.as_path()), "{name:?}");
            assert!(names.path(&name).is_err(), "{name:?} twice");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_image_have_names() {
        let fingerprint = "ab".repeat(32);
        let path = |fingerprint: &str, name: &str| {
            let (directory, fingerprint) = (PathBuf::from("images"), fingerprint.to_owned());
            Names { directory, fingerprint, taken: Vec::new() }.path(name)
        };
        for good in ["FP", "FP.tar", "FP.tar.gz", "meta-FP.tar.xz"] {
            let name = good.replace("FP", &fingerprint);
            assert_eq!(path(&fingerprint, &name).ok(), Some(Path::new("images").join(&name)), "{name}");
        }
        for bad in [
            "",
            ".",
            "..",
            ".bashrc",
            "/etc/passwd",
            "../FP",
            "a/FP",
            "FP/a",
            "FP/../x",
            "FP\\x",
            "FP\0",
            "FP.",
            "FP..tar",
            "FP~",
            "FP.tar ",
            "FPx",
            "x-FP",
            ".FP",
            "meta-.bashrc",
            "rootfs.tar",
        ] {
            let name = bad.replace("FP", &fingerprint);
            assert!(path(&fingerprint, &name).is_err_and(|e| e.kind() == ErrorKind::BadReply), "{name:?}");
        }
        // The server tells the fingerprint, too.
        for bad in ["", ".bashrc", "..", "abc", &"/".repeat(64)] {
            assert!(path(bad, bad).is_err_and(|e| e.kind() == ErrorKind::BadReply), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_given_once() {
        let (directory, fingerprint) = (PathBuf::from("images"), "ab".repeat(32));
        let mut names = Names { directory, fingerprint: fingerprint.clone(), taken: Vec::new() };
        assert!(names.path(&fingerprint).is_ok());
        assert!(names.path(&fingerprint).is_err_and(|e| e.kind() == ErrorKind::BadReply));
    }

    #[test]
    fn fields_of_headers() {
        let head = "form-data; name=\"metadata\"; filename=\"meta-1.tar\"";
        assert_eq!(quoted(head, "name").as_deref(), Some("metadata"));
        assert_eq!(quoted(head, "filename").as_deref(), Some("meta-1.tar"));
        assert_eq!(quoted("multipart/form-data; boundary=4c7", "boundary").as_deref(), Some("4c7"));
        assert_eq!(quoted("inline;filename=a.tar.gz", "filename").as_deref(), Some("a.tar.gz"));
        assert_eq!(quoted("inline", "filename"), None);
    }
}
