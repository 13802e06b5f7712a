//! Crowds, floods and long times, with figures: `cargo xtask load` runs it.
//!
//! A scenario has two halves. `lead` runs the one with the server in this process, and starts this program again for the
//! other: the `client`, whose memory and CPU time are measured, and nothing else's. They talk in lines (`talk`). A figure
//! is a row of a table on standard output. What is wrong ends the program: a lost byte, a wrong status, a missing event.

// A program for tests: what goes wrong in it may end it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::large_futures)]
#![allow(unreachable_pub, clippy::exhaustive_enums)]

mod commands;
mod crowd;
mod day;
mod events;
mod kill;
mod lists;
mod meter;
mod numbers;
mod options;
mod pattern;
mod scenario;
mod slow;
mod talk;
mod transfers;

use std::process::ExitCode;

use options::Options;

/// What every half returns.
type Outcome = Result<(), Failure>;
/// Why it failed.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = Options::read(&args).map_err(Into::into).and_then(|options| scenario::run(&options));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("load: {e}");
            ExitCode::FAILURE
        }
    }
}
