//! [Koyeb](https://www.koyeb.com/): serverless instances.
//!
//! Koyeb has no launch and no labels: services start and stop instances, so [`Service::scale`] and
//! [`Service::redeploy`] take their place. Filters are the names and ids of apps, services and deployments.

mod client;
mod connect;
mod create_snapshot;
mod deployment;
mod deployment_wait;
mod deployments;
mod discover;
mod events;
mod exec;
mod exec_protocol;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod instance;
mod instance_wait;
mod instances;
mod log_search;
mod logs;
mod offset_pages;
mod organization_token;
mod parameters;
mod pause;
mod redeploy;
mod relations;
mod reply;
mod resume;
mod scale;
mod service;
mod service_wait;
mod services;
mod snapshot;
mod snapshot_wait;
mod snapshots;
mod subprotocol;
mod tail;
mod waits;

pub use crate::raw::koyeb::types;
pub use crate::raw::koyeb::types::{
    DeploymentRole, DeploymentStatus, InstanceSnapshotStatus, InstanceSnapshotType, InstanceStatus,
    LogStream, LogType, Order, ServiceStatus, ServiceType,
};
pub use client::Koyeb;
pub use connect::Connect;
pub use create_snapshot::CreateSnapshot;
pub use deployment::{Deployment, DeploymentRef};
pub use deployments::Deployments;
pub use events::{InstanceEvents, SnapshotEvents};
pub use exec::Exec;
pub use instance::{Instance, InstanceRef};
pub use instances::Instances;
pub use logs::{LogLine, Logs};
pub use pause::ResumeService;
pub use redeploy::Redeploy;
pub use resume::Resume;
pub use scale::{Scale, Scaling};
pub use service::{Service, ServiceRef};
pub use services::Services;
pub use snapshot::{Snapshot, SnapshotRef};
pub use snapshots::Snapshots;
pub use tail::{Tail, TailStop, Tailed};
