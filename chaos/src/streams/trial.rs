//! A trial: one scenario, and one thing that goes wrong.

use std::fmt;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::cable::Cable;
use super::findings::Findings;
use super::harm::{Harm, Kind};
use super::scenario::{Scenario, Story};
use crate::cell::{Ending, open_files};
use crate::judge::{Wrong, printed};
use crate::trace;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// This happens to the bytes.
    Harm(Harm),
    /// The future is dropped instead of its poll of this number.
    Dropped(usize),
}

impl Trouble {
    /// The column of the table.
    pub fn class(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Harm(harm) => harm.kind.word(),
            Self::Dropped(_) => "dropped",
        }
    }

    fn harm(self) -> Option<Harm> {
        match self {
            Self::Harm(harm) => Some(harm),
            _ => None,
        }
    }

    fn kind(self) -> Option<Kind> {
        self.harm().map(|harm| harm.kind)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Harm(harm) => write!(f, "{harm}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// What a trial showed.
#[derive(Debug)]
pub struct Shown {
    /// What is wrong.
    pub wrong: Vec<(Wrong, String)>,
    /// The bytes that were carried: to the server, and to the client.
    pub carried: [usize; 2],
    /// How often the act was polled.
    pub polls: usize,
    /// What should go wrong did.
    pub is_harmed: bool,
}

/// Everything that belongs to a connection, and to temporary files, is given back within this time.
const CLEARED: Duration = Duration::from_secs(60);
/// The time for tasks of a fake's clock, which jumps.
const MOMENT: Duration = Duration::from_millis(100);
/// The time in which a healed client must do something simple. The last failed attempt may still be out.
const NEXT: Duration = Duration::from_secs(30);

/// Plays a scenario with this trouble. `carried`: the bytes without it.
pub fn play(scenario: &Scenario, trouble: Trouble, carried: [usize; 2], seed: u64) -> Shown {
    let files = open_files();
    let _ = trace::take();
    // A real server's work takes real time.
    let paused = scenario.real().is_none();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build();
    let runtime = runtime.expect("a runtime");
    let mut shown = runtime.block_on(in_runtime(scenario, trouble, carried, seed));
    let tasks = runtime.block_on(tasks_left(if paused { MOMENT } else { CLEARED }));
    drop(runtime);
    let more = open_files().saturating_sub(files);
    for (count, what) in [(tasks, "tasks"), (more, "file descriptors")] {
        if count > 0 {
            shown.wrong.push((Wrong::Leaked, format!("{count} {what}")));
        }
    }
    shown
}

/// The tasks that haven't ended after this time.
async fn tasks_left(within: Duration) -> usize {
    let (begun, metrics) = (Instant::now(), tokio::runtime::Handle::current().metrics());
    loop {
        sleep(MOMENT).await;
        let left = metrics.num_alive_tasks();
        if left == 0 || begun.elapsed() >= within {
            return left;
        }
    }
}

async fn in_runtime(scenario: &Scenario, trouble: Trouble, carried: [usize; 2], seed: u64) -> Shown {
    let stage = scenario.start().await.expect("a server");
    let cable = Cable::lay(stage.origin.clone(), seed).await.expect("a cable");
    let Story { simple, act, check } = (stage.connect)(cable.address()).expect("a client");
    // Fetches a token, and leaves an idle connection.
    simple().await.expect("a call without a fault");
    cable.arm(trouble.harm());
    let mut findings = Findings {
        found: Vec::new(),
        is_harmed: trouble.harm().is_some(),
        is_garbled: trouble.kind() == Some(Kind::Garbage),
        heals: trouble.harm().is_none_or(|harm| !harm.always),
    };
    let limit = limit(scenario, trouble, carried);
    let (ending, polls) = ending(act, trouble, limit, &mut findings).await;
    let (carried, is_harmed) = (cable.carried(), cable.has_harmed());
    cable.heal();
    if !matches!(timeout(NEXT, simple()).await, Ok(Ok(()))) {
        findings.check(Wrong::Leaked, false, || "the next call of the client failed, or hung".to_owned());
    }
    drop(simple);
    // Temporary files are removed in the background, and the server may still be at work.
    sleep(Duration::from_secs(1)).await;
    print(&ending, &cable, &mut findings);
    // It holds the result, and the client with it.
    check(&ending, &mut findings);
    cleared(&cable, &mut findings).await;
    if trouble == Trouble::None && !matches!(ending, Ending::Result(Ok(()))) {
        findings.check(Wrong::Lied, false, || format!("it fails without a fault: {ending:?}"));
    }
    let is_harmed = is_harmed || matches!(ending, Ending::Dropped);
    Shown { wrong: findings.found, carried, polls, is_harmed }
}

/// Slow bytes have all the time that they need, over several connections.
fn limit(scenario: &Scenario, trouble: Trouble, carried: [usize; 2]) -> Duration {
    let slow = trouble.kind() == Some(Kind::Slow);
    let bytes = u32::try_from(carried.iter().sum::<usize>()).unwrap_or(u32::MAX);
    scenario.limit + if slow { Duration::from_secs(4) * bytes } else { Duration::ZERO }
}

async fn ending(
    mut act: crate::call::Calling,
    trouble: Trouble,
    limit: Duration,
    findings: &mut Findings,
) -> (Ending, usize) {
    let (begun, mut polls) = (Instant::now(), 0);
    let last = if let Trouble::Dropped(last) = trouble { last } else { usize::MAX };
    let polled = poll_fn(|context| {
        polls += 1;
        if polls > last {
            return Poll::Ready(Ending::Dropped);
        }
        act.as_mut().poll(context).map(Ending::Result)
    });
    let ending = timeout(limit, polled).await.unwrap_or(Ending::Never);
    findings.check(Wrong::Hung, !matches!(ending, Ending::Never), || {
        format!("it hasn't ended after {:?}", begun.elapsed())
    });
    (ending, polls)
}

/// Waits until the client has closed its connections, and given back the rest.
async fn cleared(cable: &Cable, findings: &mut Findings) {
    let begun = Instant::now();
    sleep(Duration::from_millis(100)).await;
    while cable.open() > 0 && begun.elapsed() < CLEARED {
        sleep(Duration::from_millis(500)).await;
    }
    findings.check(Wrong::Leaked, cable.open() == 0, || format!("{} connections", cable.open()));
}

fn print(ending: &Ending, cable: &Cable, findings: &mut Findings) {
    let secrets = cable.secrets();
    let told = match ending {
        Ending::Result(Err(e)) => printed(e),
        _ => String::new(),
    };
    let log = trace::take();
    for (what, text) in [("the error", told), ("the log", log)] {
        let found = trace::secrets_in(&text, &secrets);
        findings.check(Wrong::Printed, found.is_empty(), || format!("{found:?} in {what}: {text}"));
    }
}
