//! Whole trees of files, in both directions.

use std::sync::{Arc, Mutex, PoisonError};

use crate::stream::transfer::{Tell, Transferred};

/// What was copied of a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Copied {
    /// How many files.
    pub files: u64,
    /// How many directories below the first one.
    pub directories: u64,
    /// How many symbolic links.
    pub symlinks: u64,
    /// Bytes in the files.
    pub bytes: u64,
    /// What is neither file, directory nor link, and was left out: sockets, devices and so on.
    pub skipped: Vec<String>,
    /// What was copied without its set-user-id, set-group-id or sticky bit, by its path below the first directory:
    /// everything that has one, unless `special_bits` asks for them, and then what the other side didn't take them for.
    pub stripped: Vec<String>,
}

/// One thing of a tree, by its path below the top.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) path: String,
    /// All twelve bits.
    pub(super) mode: u32,
    pub(super) what: What,
}

/// Which bits of a mode are copied.
pub(super) const PERMISSIONS: u32 = 0o777;
/// … with set-user-id, set-group-id and sticky.
pub(super) const ALL_BITS: u32 = 0o7777;

impl Item {
    /// Of the links, the permissions mean nothing.
    pub(super) fn is_special(&self) -> bool {
        self.mode & !PERMISSIONS != 0 && matches!(self.what, What::Directory | What::File(_))
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    Directory,
    File(u64),
    Link(String),
    Other,
}

impl Copied {
    /// What will have been copied; `mask` says which bits.
    pub(super) fn of(items: &[Item], mask: u32) -> Self {
        let mut copied = Self::default();
        let stripped = items.iter().filter(|item| mask == PERMISSIONS && item.is_special());
        copied.stripped.extend(stripped.map(|item| item.path.clone()));
        for item in items {
            match &item.what {
                What::Directory => copied.directories += 1,
                What::File(size) => {
                    (copied.files, copied.bytes) = (copied.files + 1, copied.bytes.saturating_add(*size));
                }
                What::Link(_) => copied.symlinks += 1,
                What::Other => copied.skipped.push(item.path.clone()),
            }
        }
        copied
    }
}

/// More entries than this are accepted only if the caller raises the limit.
pub(super) const MOST_ENTRIES: usize = 1_000_000;

/// Files up to this size share the tree's SFTP session, several at a time; a larger one has a session of its own. A push
/// by itself uses SFTP above this size: below it a request costs less than a session.
pub(super) const SMALL: u64 = 256 << 10;

/// How many small files are on their way at a time.
pub(super) const AT_ONCE: usize = 16;

/// How many large ones.
pub(super) const LARGE_AT_ONCE: usize = 2;

/// The progress of many transfers together.
#[derive(Clone)]
pub(super) struct Sum(Arc<Mutex<(Transferred, Option<Tell>)>>);

impl Sum {
    pub(super) fn new(total: u64, tell: Option<Tell>) -> Self {
        let progress = Transferred { bytes: 0, total: Some(total) };
        Self(Arc::new(Mutex::new((progress, tell))))
    }

    pub(super) fn add(&self, bytes: u64) {
        let (progress, tell) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        progress.bytes = progress.bytes.saturating_add(bytes);
        if let Some(tell) = tell {
            tell(*progress);
        }
    }

    /// For one of the transfers, which counts from its own beginning.
    pub(super) fn part(&self) -> impl FnMut(Transferred) + Send + 'static {
        let (sum, mut before) = (self.clone(), 0);
        move |progress| {
            sum.add(progress.bytes.saturating_sub(before));
            before = progress.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_disk_has() {
        let file = |size| Item { path: "/a".to_owned(), mode: 0o644, what: What::File(size) };
        let copied = Copied::of(&[file(u64::MAX), file(u64::MAX)], PERMISSIONS);
        assert_eq!((copied.files, copied.bytes), (2, u64::MAX));
        let told = Arc::new(Mutex::new(0));
        let last = told.clone();
        let tell = move |progress: Transferred| {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = progress.bytes;
        };
        let sum = Sum::new(copied.bytes, Some(Box::new(tell)));
        sum.add(u64::MAX);
        let mut part = sum.part();
        for bytes in [1, u64::MAX, 0] {
            part(Transferred { bytes, total: None });
        }
        assert_eq!(*told.lock().unwrap_or_else(PoisonError::into_inner), u64::MAX);
    }
}
