//! Everything that comes in pieces: lists, websocket frames, commands, files.

mod background;
pub(crate) mod list;
mod listening;
mod page;
pub(crate) mod process;
mod pulse;
pub(crate) mod query;
pub(crate) mod queue;
pub(crate) mod transfer;
pub(crate) mod websocket;

pub use list::List;
pub use page::{Cursor, Page};
pub use process::{Chunk, ExitStatus, Output, Process, Signal, Stdin};
pub use query::Query;
pub use transfer::{Content, Download, Pull, Transferred};
