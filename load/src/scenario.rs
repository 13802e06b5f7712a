//! The scenarios by their names.

use tokio::runtime::Builder;

use crate::options::Options;
use crate::{Outcome, commands, crowd, day, events, kill, lists, transfers};

/// Runs one half of a scenario.
pub fn run(options: &Options) -> Outcome {
    match &options.client {
        None => Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(lead(options)),
        // Its clock is moved by hand.
        Some(address) if options.scenario.starts_with("day-") => {
            let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
            runtime.block_on(client(options, address))
        }
        Some(address) => {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(client(options, address))
        }
    }
}

async fn lead(options: &Options) -> Outcome {
    match options.scenario.as_str() {
        "waits" => crowd::lead().await,
        "commands" => commands::lead(options).await,
        "events" => events::lead().await,
        "lists" => lists::lead().await,
        "transfers" => transfers::lead().await,
        "day-tail" => day::tail::lead().await,
        "day-watch" => day::watch::lead().await,
        "kill" => kill::run(options).await,
        "kill-member" => kill::run_member(options).await,
        other => Err(format!("no scenario '{other}'").into()),
    }
}

async fn client(options: &Options, address: &str) -> Outcome {
    match options.scenario.as_str() {
        "waits" => crowd::client(address).await,
        "commands" => commands::client(address).await,
        "events" => events::client(address).await,
        "lists" => lists::client(address).await,
        "transfers" => transfers::client(address).await,
        "day-tail" => day::tail::client(address).await,
        "day-watch" => day::watch::client(address).await,
        other => Err(format!("no scenario '{other}'").into()),
    }
}
