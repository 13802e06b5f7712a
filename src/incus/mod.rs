//! [Incus](https://linuxcontainers.org/incus/): containers and virtual machines.

mod addresses;
mod backup;
mod bearer;
mod certificate;
mod client;
mod cluster;
mod connect;
mod console;
mod copy;
mod delete;
mod devices;
#[cfg(test)]
mod discover;
mod ending;
mod endpoint;
mod events;
mod exec;
mod feed;
mod file;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod image;
mod image_source;
mod import;
mod instance;
mod instance_source;
mod instances;
mod join;
mod labels;
mod launch;
mod launch_source;
mod launched;
mod local;
mod log;
mod metadata;
mod migrate;
mod operation;
mod operations;
mod original;
mod part;
mod reach;
mod reached;
mod rebuild;
mod reconciled_work;
mod refresh;
mod relocate;
mod remotes;
mod reply;
mod resume;
mod server;
mod settle;
mod shared_feed;
mod sizes;
mod snapshot;
mod state;
mod target;
mod template;
mod token;
mod trust;
mod until;
mod update;
mod work;

pub use crate::raw::incus::types;
pub use crate::raw::incus::types::{
    FileType, ImageProtocol, InstanceFull, InstanceState, InstanceType, LifecycleAction, LogLevel,
    StateAction, Status,
};
pub use addresses::AddressKind;
pub use backup::{Backup, BackupRef, CreateBackup};
pub use bearer::BearerToken;
pub use certificate::{AddCertificate, Certificate, CertificateRef};
pub use client::Incus;
pub use cluster::{ClusterMember, ClusterMemberRef};
pub use connect::Connect;
pub use console::{AttachConsole, Console};
pub use delete::DeleteInstance;
pub use events::{Event, Events, Stamped, Watch};
pub use exec::{Exec, UntilSuccess};
pub use file::{Copied, DeleteFile, FileInfo, MakeDir, PullTree, Push, PushTree, ReadDir, Symlink};
pub use identity::Identity;
pub use image::{
    ExportImage, Image, ImageAlias, ImageAliasRef, ImageFiles, ImageRef, ImportImage, PatchImage,
};
pub use import::ImportBackup;
pub use instance::{Instance, InstanceRef};
pub use instances::Instances;
pub use launch::Launch;
pub use log::LogFile;
pub use migrate::Migrate;
pub use operations::{BackgroundOperation, OperationRef, Operations};
pub use rebuild::Rebuild;
pub use refresh::Refresh;
pub use relocate::Relocate;
pub use resume::Resume;
pub use snapshot::{CreateSnapshot, Restore, Snapshot, SnapshotRef};
pub use image_source::ImageSource;
pub use original::Original;
pub use state::{ChangeAllStates, ChangeState};
pub use template::Template;
pub use token::TrustToken;
pub use trust::CreateTrustToken;
pub use update::PatchInstance;
