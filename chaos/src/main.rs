//! Every operation of every API against every fault that a network or a server can have, on the fakes or on real servers.
//!
//! `cargo xtask chaos` runs it. A [`plan`] lists the cells of the matrix; [`cell`] plays one of them: a fake
//! ([`world`]), a [`proxy`] before it that has the [`fault`], and a client. [`judge`] compares what the client said with
//! what the proxy saw. With `--real` the server is a real one, and what it did is looked up there. [`streams`] does the same with what takes more than one exchange. [`workers`] spread the cells over
//! processes, [`table`] prints the figures.

// A program for tests: what goes wrong in it may end it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::large_futures)]
#![allow(unreachable_pub, clippy::exhaustive_enums)]

mod answer;
mod api;
mod call;
mod cell;
mod fault;
mod judge;
mod origin;
mod plan;
mod proxy;
mod random;
mod streams;
mod subject;
mod table;
mod trace;
mod wire;
mod workers;
mod world;

use std::process::ExitCode;

// The generated calls name it.
use windlass::Secret;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match workers::Options::parse(&args) {
        Ok(options) => workers::run(&options),
        Err(message) => {
            eprintln!("chaos: {message}");
            ExitCode::FAILURE
        }
    }
}
