//! [Shaken Fist](https://shakenfist.com/): virtual machines on small clusters.

mod agent;
mod artifact;
mod auth;
mod blob;
mod capability;
mod client;
mod connect;
mod console;
mod deadline;
mod delete;
mod delete_all;
mod devices;
mod discover;
mod events;
mod hot_plug;
mod instance;
mod instances;
mod interface;
mod launch;
mod metadata;
mod network;
mod poll;
mod power;
mod reboot;
mod reconcile;
mod reply;
mod resume;
mod snapshot;

pub use crate::raw::shakenfist::types;
pub use crate::raw::shakenfist::types::{
    AgentOperationState, DiskBus, EventType, InstanceState, InterfaceModel, ObjectState, PowerState, Vdi,
    VideoModel,
};
pub use agent::{AgentOperation, AgentOperationRef, AgentOperations, Exec, Pull, Push, PushBlob};
pub use artifact::{Artifact, ArtifactRef, UploadArtifact};
pub use blob::{Blob, BlobData, BlobRef};
pub use capability::Capabilities;
pub use client::ShakenFist;
pub use connect::Connect;
pub use console::ConsoleLog;
pub use devices::{Disk, Nic, Video};
pub use events::{Event, Events};
pub use hot_plug::HotPlug;
pub use instance::{Instance, InstanceRef};
pub use instances::Instances;
pub use interface::{Interface, InterfaceRef};
pub use launch::Launch;
pub(crate) use launch::MARKER;
pub use network::{CreateNetwork, Network, NetworkRef};
pub use power::ChangePower;
pub use resume::Resume;
pub use snapshot::{CreateSnapshot, Snapshot};
