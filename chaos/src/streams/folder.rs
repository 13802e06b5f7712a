//! A directory of this machine for what is pulled.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A temporary directory, removed with the last handle.
#[derive(Debug, Clone)]
pub struct Folder(Rc<Inner>);

#[derive(Debug)]
struct Inner(PathBuf);

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    /// A new one, empty.
    pub fn new() -> std::io::Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("windlass-chaos-{}-{number}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(Rc::new(Inner(path))))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.0
    }

    /// A place in it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The relative paths of everything in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        gather(self.path(), "", &mut names);
        names.sort();
        names
    }
}

fn gather(directory: &Path, before: &str, names: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            gather(&entry.path(), &format!("{name}/"), names);
        }
        names.push(name);
    }
}
