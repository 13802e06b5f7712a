//! [Shaken Fist](https://shakenfist.com/): virtual machines on small clusters.

mod agent;
mod agent_operation;
mod artifact;
mod auth;
mod blob;
mod capability;
mod client;
mod connect;
mod console;
mod deadline;
mod delete;
mod devices;
mod discover;
mod event;
mod exec;
mod hot_plug;
mod instance;
mod instances;
mod interface;
mod launch;
mod lost_answer;
mod metadata;
mod network;
mod poll;
mod power;
mod pull;
mod push;
mod reboot;
mod reconcile;
mod reply;
mod resume;
mod snapshot;
mod temporary_artifact;
mod upload;

pub use crate::raw::shakenfist::types;
pub use crate::raw::shakenfist::types::{
    AgentOperationState, DiskBus, EventType, InstanceState, InterfaceModel, ObjectState, PowerState, Vdi,
    VideoModel,
};
pub use agent_operation::{AgentOperation, AgentOperationRef, AgentOperations};
pub use artifact::{Artifact, ArtifactRef, UploadArtifact};
pub use blob::{Blob, BlobData, BlobRef};
pub use capability::Capabilities;
pub use client::ShakenFist;
pub use connect::Connect;
pub use console::ConsoleLog;
pub use devices::{Disk, Nic, Video};
pub use event::{Event, Events};
pub use exec::Exec;
pub use hot_plug::HotPlug;
pub use instance::{Instance, InstanceRef};
pub use instances::Instances;
pub use interface::{Interface, InterfaceRef};
pub use launch::Launch;
pub use network::{CreateNetwork, Network, NetworkRef};
pub use power::ChangePower;
pub use pull::Pull;
pub use push::{Push, PushBlob};
pub use resume::Resume;
pub use snapshot::{CreateSnapshot, Snapshot};
