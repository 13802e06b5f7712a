//! Instances: finding them, their state, their configuration.

mod addresses;
pub(super) mod change_state;
mod delete;
pub(super) mod handle;
mod instances;
pub(super) mod labels;
mod log_file;
mod metadata;
mod rebuild;
mod template;
pub(super) mod until;
mod update;

pub use addresses::AddressKind;
pub use change_state::{ChangeAllStates, ChangeState};
pub use delete::DeleteInstance;
pub use handle::{Instance, InstanceRef};
pub use instances::Instances;
pub use log_file::LogFile;
pub use rebuild::Rebuild;
pub use template::Template;
pub use update::PatchInstance;
