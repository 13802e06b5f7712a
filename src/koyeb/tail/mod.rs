//! Following logs: a websocket that is opened again whenever it ends, and a search for what was written meanwhile.

mod clock;
mod dedup;
mod feed;
mod follow;
mod gap_search;
mod live;
mod tailed;

pub use live::{Tail, TailStop};
pub use tailed::Tailed;
