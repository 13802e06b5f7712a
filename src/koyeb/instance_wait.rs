//! Waiting for states of an instance.

use super::client::Koyeb;
use super::instance::{Instance, InstanceRef};
use super::types::InstanceStatus;
use super::waits::{Verdict, operation, progress, until};
use crate::error::Error;
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation, Until};

impl<D: Identified> Instance<D> {
    /// Waits until it is healthy.
    ///
    /// An instance that sleeps is waited for too: a request to its service wakes it up.
    ///
    /// # Errors
    ///
    /// [`WaitEnd::Failed`](crate::WaitEnd::Failed) as soon as it is stopped or broken; otherwise those of [`Until`].
    pub fn until_healthy(&self) -> Until<Instance> {
        self.until(State::Healthy)
    }

    /// Waits until it sleeps.
    ///
    /// # Errors
    ///
    /// [`WaitEnd::Failed`](crate::WaitEnd::Failed) as soon as it is stopped or broken; otherwise those of [`Until`].
    pub fn until_asleep(&self) -> Until<Instance> {
        self.until(State::Asleep)
    }

    /// Waits until it is stopped.
    ///
    /// # Errors
    ///
    /// [`WaitEnd::Failed`](crate::WaitEnd::Failed) as soon as it is broken; otherwise those of [`Until`].
    pub fn until_stopped(&self) -> Until<Instance> {
        self.until(State::Stopped)
    }

    fn until(&self, state: State) -> Until<Instance> {
        until(&self.koyeb, InState { instance: self.reference(), state })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Healthy,
    Asleep,
    Stopped,
}

impl State {
    const ALL: [(Self, &str); 3] =
        [(Self::Healthy, "healthy"), (Self::Asleep, "asleep"), (Self::Stopped, "stopped")];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }

    fn verdict(self, status: &InstanceStatus) -> Verdict {
        match (self, status) {
            (Self::Healthy, InstanceStatus::Healthy)
            | (Self::Asleep, InstanceStatus::Sleeping)
            | (Self::Stopped, InstanceStatus::Stopped) => Verdict::Reached,
            (_, InstanceStatus::Stopped | InstanceStatus::Error) => Verdict::Lost,
            _ => Verdict::Pending,
        }
    }
}

/// An instance in some state.
struct InState {
    instance: InstanceRef,
    state: State,
}

impl Goal<Koyeb> for InState {
    type Output = Instance;

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "instance", self.instance.id()).with("until", self.state.word())
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb, _: bool) -> BoxFuture<'a, Result<Seen<Instance>, Error>> {
        Box::pin(async {
            let seen = self.instance.get_by(koyeb).await?;
            let progress = progress("instance", seen.id(), seen.status.as_str(), &seen.messages);
            Ok(self.state.verdict(&seen.status).of(progress, seen))
        })
    }
}

pub(super) fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Instance>> {
    let word = ticket.fact("until").filter(|_| ticket.kind == "instance")?;
    let (state, _) = *State::ALL.iter().find(|(_, known)| *known == word)?;
    Some(operation(koyeb, InState { instance: koyeb.instance(ticket.id()), state }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_states_mean() {
        use InstanceStatus as S;
        use Verdict::{Lost, Pending, Reached};
        let table = [
            (S::Allocating, Pending, Pending, Pending),
            (S::Starting, Pending, Pending, Pending),
            (S::Healthy, Reached, Pending, Pending),
            (S::Unhealthy, Pending, Pending, Pending),
            (S::Stopping, Pending, Pending, Pending),
            (S::Stopped, Lost, Lost, Reached),
            (S::Error, Lost, Lost, Lost),
            (S::Sleeping, Pending, Reached, Pending),
            (S::from("HIBERNATING"), Pending, Pending, Pending),
            (S::from(""), Pending, Pending, Pending),
        ];
        for (status, healthy, asleep, stopped) in table {
            let seen = State::ALL.map(|(state, _)| state.verdict(&status));
            assert_eq!(seen, [healthy, asleep, stopped], "{status}");
        }
    }
}
