//! Snapshots and backups of an instance.

mod backup;
pub(super) mod child;
mod handle;
pub(super) mod import_backup;

pub use backup::{Backup, BackupRef, CreateBackup};
pub use handle::{CreateSnapshot, Restore, Snapshot, SnapshotRef};
pub use import_backup::ImportBackup;
