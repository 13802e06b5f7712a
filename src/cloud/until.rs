//! Waiting for a state in common terms.

use std::time::Duration;

use super::{Cloud, Instance, Native, State};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Sent};
use crate::ticket::Ticket;
use crate::wait::poll_backoff::Pauses;
use crate::wait::until::Until;
use crate::wait::{BoxFuture, Look, Progress, Work};

/// What a ticket of such a wait is for.
const KIND: &str = "state";

pub(super) fn wait(instance: &Instance, goal: State) -> Until<Instance> {
    Until::new(Watch { seen: Some(instance.clone()), ..Watch::new(&instance.cloud, &instance.id, goal) })
}

pub(super) fn resume(cloud: &Cloud, ticket: &Ticket) -> Result<Until<Instance>, Error> {
    let (cloud, check) = cloud.going_on(ticket)?;
    let Some(state) = ticket.fact("state").filter(|_| ticket.kind == KIND) else {
        let e = Error::invalid("ticket", format!("is not of a wait for a state on {cloud}"));
        return Err(cloud.label(e, "resume"));
    };
    let name = ticket.fact("name").map(str::to_owned);
    let wait = Until::new(Watch { name, ..Watch::new(&cloud, &ticket.id, State::from(state)) });
    Ok(match check {
        Some(check) => wait.after(check),
        None => wait,
    })
}

const LONGEST: Duration = Duration::from_secs(5);

struct Watch {
    cloud: Cloud,
    looks: Cloud,
    id: String,
    /// As a ticket tells it.
    name: Option<String>,
    goal: State,
    pauses: Pauses,
    seen: Option<Instance>,
}

impl Watch {
    fn new(cloud: &Cloud, id: &str, goal: State) -> Self {
        let (cloud, looks) = (cloud.clone(), cloud.for_looks());
        let (id, pauses) = (id.to_owned(), Pauses::up_to(LONGEST));
        Self { cloud, looks, id, name: None, goal, pauses, seen: None }
    }

    /// Where it is something else than the id.
    fn name(&self) -> Option<&str> {
        let name = self.seen.as_ref().map(|seen| &seen.name).or(self.name.as_ref());
        name.filter(|name| **name != self.id).map(String::as_str)
    }

    async fn look_once(&mut self) -> Result<Look, Error> {
        let found = match self.looks.get(&self.id).await {
            Ok(found) => Instance { cloud: self.cloud.clone(), ..found },
            Err(e) if e.is_rate_limited() => return Ok(self.later(&e)),
            Err(e) => return e.absence().map(|()| Look::Gone),
        };
        let look = self.verdict(&found);
        self.seen = Some(found);
        Ok(look)
    }

    fn verdict(&mut self, found: &Instance) -> Look {
        if found.state == self.goal {
            Look::Succeeded(progress(found))
        } else if may_become(found, &self.goal) {
            Look::Running { progress: progress(found), pause: self.pauses.next() }
        } else {
            Look::Failed(self.ended(found))
        }
    }

    fn ended(&self, found: &Instance) -> Error {
        let message = format!("{} is {}, and can't become {}", found.name, found.state, self.goal);
        Error::new(ErrorKind::OperationFailed, message).with(|e| e.sent = Sent::Yes)
    }

    /// Whoever is told to come back later has reached the service.
    fn later(&self, e: &Error) -> Look {
        let pause = e.retry_after().unwrap_or(LONGEST).clamp(Pauses::FIRST, Duration::from_secs(60));
        Look::Running { progress: self.seen.as_ref().map(progress).unwrap_or_default(), pause }
    }
}

fn progress(instance: &Instance) -> Progress {
    Progress { status: instance.state.to_string(), message: instance.name.clone(), ..Progress::default() }
}

fn may_become(found: &Instance, goal: &State) -> bool {
    match &found.native {
        // Services make new ones; nobody starts an old one.
        #[cfg(feature = "koyeb")]
        Native::Koyeb(_) if found.state == State::Stopped => *goal == State::Gone,
        _ => found.state.may_become(goal),
    }
}

impl Work for Watch {
    type Output = Instance;

    fn ticket(&self) -> Ticket {
        let ticket = Ticket::new(self.cloud.name(), KIND, &self.id).at(&self.cloud.place());
        let ticket = ticket.with("state", self.goal.word());
        match self.name() {
            Some(name) => ticket.with("name", name),
            None => ticket,
        }
    }

    fn server(&self) -> &str {
        self.cloud.address()
    }

    fn look(&mut self, _patience: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        Box::pin(self.look_once())
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<Instance, Error>> {
        let seen = self.seen.take();
        Box::pin(async { seen.ok_or_else(|| Error::new(ErrorKind::BadReply, "there is no instance")) })
    }

    /// The platform knows nothing of it: that is what some wait for. What it was is the last that was seen,
    /// if that was by this process.
    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<Instance>, Error>> {
        let gone =
            Error::new(ErrorKind::NotFound, format!("{} is no more", self.id)).with(|e| e.sent = Sent::Yes);
        let ended = match self.goal {
            State::Gone => Ok(Some(match self.seen.take() {
                Some(last) => Instance { state: State::Gone, ..last },
                None => Instance::never_seen(&self.cloud, &self.id, self.name()),
            })),
            _ => Err(gone),
        };
        Box::pin(async { ended })
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            Err(Error::new(ErrorKind::Conflict, "waiting for a state is no work to be cancelled"))
        })
    }
}
