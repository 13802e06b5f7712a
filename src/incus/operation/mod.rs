//! Background operations of the server, and waiting for them.

mod background_operation;
pub(super) mod completion;
mod reconciled_work;
mod request;
mod state;
pub(super) mod work;

pub use background_operation::{BackgroundOperation, OperationRef, Operations};
pub(super) use request::{cancel, get, wait};
pub(super) use state::{
    as_failure, failure, is_final, is_old_style, is_success, progress, says_out_of_time, told,
};
