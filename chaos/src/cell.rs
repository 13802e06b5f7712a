//! A cell of the matrix: one operation, one fault.

use std::fs::File;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use windlass::Error;
use windlass::raw::Endpoint;

use crate::api::Api;
use crate::call::{Calling, PATIENCE};
use crate::fault::Fault;
use crate::proxy::{Exchange, Proxy};
use crate::subject::Subject;
use crate::trace;
use crate::world::{TOTAL, World};

/// A cell.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The operation.
    pub subject: Subject,
    /// What goes wrong.
    pub fault: Fault,
    /// Only the first time.
    pub once: bool,
    /// For everything that is random in it.
    pub seed: u64,
}

/// How a call ended.
#[derive(Debug)]
pub enum Ending {
    /// With a result.
    Result(Result<(), Error>),
    /// It was dropped.
    Dropped,
    /// It didn't.
    Never,
}

/// What was seen of a cell.
#[derive(Debug)]
pub struct Seen {
    /// How the call ended.
    pub ending: Ending,
    /// How long it took.
    pub took: Duration,
    /// What the proxy saw.
    pub exchanges: Vec<Exchange>,
    /// How often the server did it, as far as that can be counted: see [`Count`](crate::world::Count).
    pub effects: usize,
    /// What must not be printed.
    pub secrets: Vec<String>,
    /// What windlass logged.
    pub log: String,
    /// The next call of the same client.
    pub next: Result<(), String>,
    /// What wasn't given back.
    pub leaks: Vec<String>,
}

impl Cell {
    /// Plays it.
    pub fn play(&self) -> Seen {
        let files = open_files();
        let _ = trace::take();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let mut seen = runtime.block_on(self.in_runtime());
        let tasks = runtime.block_on(async {
            sleep(Duration::from_millis(100)).await;
            tokio::runtime::Handle::current().metrics().num_alive_tasks()
        });
        drop(runtime);
        if tasks > 0 {
            seen.leaks.push(format!("{tasks} tasks"));
        }
        let more = open_files().saturating_sub(files);
        if more > 0 {
            seen.leaks.push(format!("{more} file descriptors"));
        }
        seen
    }

    async fn in_runtime(&self) -> Seen {
        let Subject { api, endpoint, .. } = self.subject;
        let world = World::start(&self.subject).await.expect("a server");
        let mut proxy = Proxy::start(api, world.origin.clone(), self.seed).expect("a proxy");
        let url = if self.fault == Fault::NoAddress { nowhere() } else { proxy.url() };
        let caller = (world.connect)(&url).expect("a client");
        if self.fault != Fault::NoAddress {
            // Fetches a token, and leaves an idle connection.
            caller(api.simple(), &world.sample).await.expect("a call without a fault");
        }
        let route = self.route();
        let before = world.count.now(&route, &[]);
        let times = if self.once { 1 } else { usize::MAX };
        proxy.arm(&self.fault, times, self.spared()).await.expect("a fault");
        let calling = caller(endpoint.id, &world.sample);
        let hoard = if self.fault == Fault::NoDescriptors { hoard() } else { Vec::new() };
        let (ending, took) = self.ending(calling).await;
        drop(hoard);
        proxy.rest().await;
        let exchanges = proxy.exchanges();
        let effects = world.count.now(&route, &exchanges) - before;
        proxy.disarm().await.expect("no fault");
        let next = match self.fault {
            Fault::NoAddress => Ok(()),
            _ => next(caller(api.simple(), &world.sample)).await,
        };
        let mut leaks = Vec::new();
        let secrets = proxy.credentials();
        drop(caller);
        sleep(Duration::from_millis(100)).await;
        if proxy.open() > 0 {
            leaks.push(format!("{} connections", proxy.open()));
        }
        Seen { ending, took, exchanges, effects, secrets, log: trace::take(), next, leaks }
    }

    async fn ending(&self, mut calling: Calling) -> (Ending, Duration) {
        let begun = Instant::now();
        let mut polls = match self.fault {
            Fault::Dropped(polls) => polls,
            _ => usize::MAX,
        };
        let ending = timeout(
            10 * (TOTAL + PATIENCE),
            poll_fn(|context| {
                if polls == 0 {
                    return Poll::Ready(Ending::Dropped);
                }
                polls -= 1;
                calling.as_mut().poll(context).map(Ending::Result)
            }),
        );
        let ending = ending.await.unwrap_or(Ending::Never);
        (ending, begun.elapsed())
    }

    /// The operation's route on the fake.
    pub fn route(&self) -> String {
        let Endpoint { method, path, .. } = self.subject.endpoint;
        format!("{method} {}", path.split(['?', '#']).next().unwrap_or_default())
    }

    /// Where tokens come from.
    fn spared(&self) -> &'static str {
        let Subject { api, endpoint, .. } = self.subject;
        if api == Api::ShakenFist && endpoint.id != "auth" { "/auth" } else { "" }
    }
}

async fn next(calling: Calling) -> Result<(), String> {
    match timeout(2 * TOTAL, calling).await {
        Ok(result) => result.map_err(|e| format!("{e:?}")),
        Err(_) => Err("it hung".to_owned()),
    }
}

/// A name that is too long to be asked for: it is refused without the network.
fn nowhere() -> String {
    format!("https://{}.invalid", "a".repeat(64))
}

/// All file descriptors that are left.
fn hoard() -> Vec<File> {
    std::iter::repeat_with(|| File::open("/dev/null")).map_while(Result::ok).collect()
}

/// How many file descriptors this process has.
pub fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
