//! What a scenario is: a fake, something that takes more than one exchange, and how its end is judged.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use windlass::{Error, Sent};

use super::findings::Findings;
use crate::api::Api;
use crate::call::Calling;
use crate::cell::Ending;
use crate::judge::Wrong;
use crate::origin::Origin;
use crate::subject::Real;
use crate::world::Failure;

/// A wait, a stream or a transfer.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The API.
    pub api: Api,
    /// The name in the tables.
    pub name: &'static str,
    /// The most time that it may take, apart from bytes that come slowly.
    pub limit: Duration,
    /// Starts the fake, or makes on the real server what is needed.
    pub start: Start,
}

/// Makes on a real server what a scenario needs.
pub type Prepare = fn(&Real) -> Starting;

/// How a scenario starts.
#[derive(Debug, Clone)]
pub enum Start {
    /// On a fake of its own.
    Fake(fn() -> Starting),
    /// On a real server.
    Real(Real, Prepare),
}

impl Scenario {
    /// Scenarios on a real server.
    pub fn on<const N: usize>(
        api: Api,
        all: [(&'static str, Prepare); N],
        limit: Duration,
        real: &Real,
    ) -> Vec<Self> {
        let of = |(name, start)| Self { api, name, limit, start: Start::Real(real.clone(), start) };
        all.into_iter().map(of).collect()
    }

    /// Starts it.
    pub fn start(&self) -> Starting {
        match &self.start {
            Start::Fake(start) => start(),
            Start::Real(real, start) => start(real),
        }
    }

    /// The section of the tables.
    pub fn section(&self) -> &str {
        self.real().map_or(self.api.name(), |real| &real.title)
    }

    /// The real server.
    pub fn real(&self) -> Option<&Real> {
        match &self.start {
            Start::Fake(_) => None,
            Start::Real(real, _) => Some(real),
        }
    }
}

/// A server that starts.
pub type Starting = Pin<Box<dyn Future<Output = Result<Stage, Failure>>>>;

/// A server with what the scenario needs.
pub struct Stage {
    /// Where it listens.
    pub origin: Origin,
    /// A client of the server at this address, and what it does.
    pub connect: Box<dyn Fn(SocketAddr) -> windlass::Result<Story>>,
}

impl Stage {
    /// A stage whose fake lives as long as the closure.
    pub fn new(
        origin: impl Into<Origin>,
        connect: impl Fn(SocketAddr) -> windlass::Result<Story> + 'static,
    ) -> Result<Self, Failure> {
        Ok(Self { origin: origin.into(), connect: Box::new(connect) })
    }
}

/// Compares how the act ended with the server and the disk.
pub type Check = Box<dyn FnOnce(&Ending, &mut Findings)>;

/// What a client does.
pub struct Story {
    /// Something simple, of the same client.
    pub simple: Box<dyn Fn() -> Calling>,
    /// What the scenario is about.
    pub act: Calling,
    /// How its end is judged.
    pub check: Check,
}

/// How the act ended, with its result.
#[derive(Debug)]
pub enum Outcome<'a, T> {
    /// With this.
    Done(T),
    /// With this error.
    Failed(&'a Error),
    /// The caller gave up, or it never ended.
    Open,
}

impl Story {
    /// A story whose check gets the act's result.
    pub fn new<T: 'static, S: Future<Output = Result<(), Error>> + 'static>(
        simple: impl Fn() -> S + 'static,
        act: impl Future<Output = Result<T, Error>> + 'static,
        check: impl FnOnce(Outcome<'_, T>, &mut Findings) + 'static,
    ) -> Self {
        let kept = Rc::new(RefCell::new(None));
        let keep = kept.clone();
        Self {
            simple: Box::new(move || Box::pin(simple())),
            act: Box::pin(async move {
                *keep.borrow_mut() = Some(act.await?);
                Ok(())
            }),
            check: Box::new(move |ending, findings| {
                let outcome = match ending {
                    Ending::Result(Ok(())) => kept.take().map_or(Outcome::Open, Outcome::Done),
                    Ending::Result(Err(e)) => Outcome::Failed(e),
                    Ending::Dropped | Ending::Never => Outcome::Open,
                };
                check(outcome, findings);
            }),
        }
    }
}

impl<T> Outcome<'_, T> {
    /// Compares it with how often the server did it: at most once, and as the result says.
    pub fn agrees_with(&self, effects: usize, findings: &mut Findings) {
        findings.check(Wrong::Doubled, effects <= 1, || format!("done {effects} times"));
        match self {
            Self::Done(_) => {
                findings.check(Wrong::Lied, effects > 0, || "success, but nothing was done".to_owned());
            }
            Self::Failed(e) => {
                let denies = e.sent() == Sent::No || e.is_repeatable();
                findings.check(Wrong::Lied, !denies || effects == 0, || {
                    format!("done, but sent is {:?} and is_repeatable {}: {e:?}", e.sent(), e.is_repeatable())
                });
            }
            Self::Open => {}
        }
    }
}
