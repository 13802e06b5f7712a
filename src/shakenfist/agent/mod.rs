//! The agent in the guest: commands, and files in both directions.

mod exec;
mod operation;
mod operation_goal;
mod order;
mod pull;
mod push;
mod put;
mod ready;
mod temporary_artifact;
mod whole_file;

pub use exec::Exec;
pub(super) use exec::resume as resume_exec;
pub(super) use operation::resume as resume_operation;
pub use operation::{AgentOperation, AgentOperationRef, AgentOperations};
pub use pull::Pull;
pub use push::Push;
pub use put::PushBlob;
pub(super) use put::resume as resume_put;
pub(super) use ready::resume as resume_ready;
