//! [Incus](https://linuxcontainers.org/incus/): containers and virtual machines.

mod client;
mod cluster;
mod connect;
mod copy;
mod events;
mod exec;
mod file;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod image;
mod instance;
mod launch;
mod operation;
mod reply;
mod resume;
mod server;
mod snapshot;
mod trust;

pub use crate::raw::incus::types;
pub use crate::raw::incus::types::{
    FileType, ImageProtocol, InstanceFull, InstanceState, InstanceType, LifecycleAction, LogLevel,
    StateAction, Status,
};
pub use client::Incus;
pub use cluster::{ClusterMember, ClusterMemberRef};
pub use connect::{BearerToken, Connect, Identity};
pub use copy::{Migrate, Original, Refresh, Relocate};
pub use events::{Event, Events, Stamped, Watch};
pub use exec::{AttachConsole, Console, Exec, UntilSuccess};
pub use file::{Copied, DeleteFile, FileInfo, MakeDir, PullTree, Push, PushTree, ReadDir, Symlink};
pub use image::{
    ExportImage, Image, ImageAlias, ImageAliasRef, ImageFiles, ImageRef, ImportImage, PatchImage,
};
pub use instance::{
    AddressKind, ChangeAllStates, ChangeState, DeleteInstance, Instance, InstanceRef, Instances, LogFile,
    PatchInstance, Rebuild, Template,
};
pub(crate) use launch::reconcile::MARKER_LABEL;
pub use launch::{ImageSource, Launch};
pub use operation::{BackgroundOperation, OperationRef, Operations};
pub use resume::Resume;
pub use snapshot::{
    Backup, BackupRef, CreateBackup, CreateSnapshot, ImportBackup, Restore, Snapshot, SnapshotRef,
};
pub use trust::{AddCertificate, Certificate, CertificateRef, CreateTrustToken, TrustToken};
