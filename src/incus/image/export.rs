//! Exporting images.

use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap};

use super::{Image, Incus};
use crate::error::{Error, Kind};
use crate::incus::scoped;
use crate::transfer::{Draft, Form, Opened, Pull, Source, Transferred, range};

impl Image {
    /// Pulls the image as one tarball, in constant memory.
    ///
    /// ```no_run
    /// # async fn demo(image: windlass::incus::Image) -> windlass::Result<()> {
    /// image.export().on_progress(|p| eprintln!("{p}")).to("image.tar.gz").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A split image is two files: that is an error of [`Kind::Unsupported`]. [`export_files`](Self::export_files)
    /// takes both kinds.
    pub fn export(&self) -> Pull {
        Pull::new(self.source(false), self.incus.retry())
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
    /// They have the names that the server gives them, made from the fingerprint. Each appears when it is whole; a split
    /// image whose export breaks can't be resumed and may leave the first file.
    pub fn export_files(&self, directory: impl AsRef<Path>) -> ExportImage {
        let source = self.source(true);
        let told = source.told.clone();
        let pull = Pull::new(source, self.incus.retry());
        ExportImage { pull, told, directory: directory.as_ref().to_owned() }
    }

    fn source(&self, split: bool) -> ImageSource {
        let (incus, fingerprint) = (self.incus.clone(), self.fingerprint.clone());
        ImageSource { incus, fingerprint, split, told: Arc::default() }
    }
}

/// Where the files of an image are; from [`Image::export_files`].
#[derive(Debug, Clone, PartialEq, Eq)]
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
    directory: PathBuf,
}

/// What the answer says of the files.
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
        let Self { pull, told, directory } = self;
        let mut download = pull.stream().await?;
        let told = told.get().ok_or_else(|| odd("nothing was said of the files"))?;
        let Some(boundary) = &told.boundary else {
            let name = told.file_name.as_deref().unwrap_or("image");
            let mut draft = Draft::beside(&within(&directory, name)?).await?;
            while let Some(piece) = download.next().await {
                draft.write(piece?).await?;
            }
            return Ok(ImageFiles { metadata: draft.keep(false).await?, rootfs: None });
        };
        let mut form = Form::new(download, boundary);
        let mut kept = Vec::new();
        while let Some(head) = form.part().await? {
            let name = quoted(&head, "filename").ok_or_else(|| odd("a file without a name"))?;
            let mut draft = Draft::beside(&within(&directory, &name)?).await?;
            while let Some(piece) = form.piece().await? {
                draft.write(piece).await?;
            }
            kept.push((quoted(&head, "name"), draft.keep(false).await?));
        }
        let mut take = |is: fn(&str) -> bool| {
            let at = kept.iter().position(|(name, _)| name.as_deref().is_some_and(is))?;
            Some(kept.swap_remove(at).1)
        };
        let metadata = take(|name| name == "metadata").ok_or_else(|| odd("there is no metadata"))?;
        Ok(ImageFiles { metadata, rootfs: take(|name| name.starts_with("rootfs")) })
    }
}

impl IntoFuture for ExportImage {
    type Output = Result<ImageFiles, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn odd(what: &str) -> Error {
    Error::new(Kind::BadReply, format!("the export can't be understood: {what}")).with(|e| e.api = "incus")
}

/// A name that leads out of the directory is no name.
fn within(directory: &Path, name: &str) -> Result<PathBuf, Error> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\\', '\0']) {
        return Err(odd(&format!("no file can be called {name:?}")));
    }
    Ok(directory.join(name))
}

/// `name` in `form-data; name="metadata"; filename=…`, with or without quotes.
fn quoted(text: &str, key: &str) -> Option<String> {
    let mut fields = text.split(';').map(str::trim);
    let value = fields.find_map(|field| field.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim_matches('"').to_owned())
}

/// The files of an image.
struct ImageSource {
    incus: Incus,
    fingerprint: String,
    split: bool,
    told: Arc<OnceLock<Told>>,
}

impl ImageSource {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let call = self.incus.call();
        let request = call.image_export().fingerprint(self.fingerprint.as_str());
        let request = match range(from) {
            Some(range) => request.range(range),
            None => request,
        };
        let result = scoped!(request, self.incus.own_project()).send().await;
        let answer = call.done(result).await?;
        let told = Told::by(answer.headers());
        if told.boundary.is_none() {
            let _ = self.told.set(told);
            // It is named by its hash.
            return Opened::of(call, answer).map(Opened::unchanging);
        }
        if !self.split {
            let message = "the image is split into two files: `export_files` takes both";
            return Err(Error::new(Kind::Unsupported, message).with(|e| e.api = "incus"));
        }
        let _ = self.told.set(told);
        Opened::of(call, answer)
    }
}

impl Told {
    fn by(headers: &HeaderMap) -> Self {
        let text =
            |name| headers.get(name).and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok());
        let form = text(CONTENT_TYPE).filter(|kind| kind.starts_with("multipart/"));
        Self {
            boundary: form.and_then(|kind| quoted(kind, "boundary")),
            file_name: text(CONTENT_DISPOSITION).and_then(|value| quoted(value, "filename")),
        }
    }
}

impl Source for ImageSource {
    fn api(&self) -> &'static str {
        "incus"
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_directory() {
        let directory = Path::new("images");
        assert_eq!(within(directory, "abc.tar").ok(), Some(PathBuf::from("images/abc.tar")));
        for bad in ["", ".", "..", "/etc/passwd", "../x", "a/b", "a\\b", "a\0"] {
            assert!(within(directory, bad).is_err_and(|e| e.kind() == Kind::BadReply), "{bad:?}");
        }
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
