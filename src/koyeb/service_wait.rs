//! Waiting for states of a service.

use super::client::Koyeb;
use super::deployment::Deployment;
use super::deployment_wait;
use super::service::{Service, ServiceRef};
use super::types::ServiceStatus;
use super::waits::{Verdict, operation, progress, until};
use crate::error::Error;
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation, Progress, Until};

impl<D: Identified> Service<D> {
    /// Waits until it is healthy.
    ///
    /// # Errors
    ///
    /// [`WaitEnd::Failed`](crate::WaitEnd::Failed) as soon as it is deleted; otherwise those of [`Until`].
    pub fn until_healthy(&self) -> Until<Service> {
        until(&self.koyeb, InState { service: self.reference(), state: State::Healthy })
    }

    /// Waits until it is paused.
    ///
    /// # Errors
    ///
    /// [`WaitEnd::Failed`](crate::WaitEnd::Failed) as soon as it is deleted; otherwise those of [`Until`].
    pub fn until_paused(&self) -> Until<Service> {
        until(&self.koyeb, InState { service: self.reference(), state: State::Paused })
    }
}

/// An operation that ends when the service is paused.
pub(super) fn pausing(service: ServiceRef) -> Operation<()> {
    operation(&service.koyeb.clone(), Changed::Paused(service))
}

/// An operation that ends when the service is healthy. `before` is its newest deployment so far, or `""`.
pub(super) fn resuming(service: ServiceRef, before: String) -> Operation<()> {
    operation(&service.koyeb.clone(), Changed::Resumed { service, before })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Healthy,
    Paused,
}

impl State {
    const ALL: [(Self, &str); 2] = [(Self::Healthy, "healthy"), (Self::Paused, "paused")];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }

    fn verdict(self, status: &ServiceStatus) -> Verdict {
        match (self, status) {
            (Self::Healthy, ServiceStatus::Healthy) | (Self::Paused, ServiceStatus::Paused) => {
                Verdict::Reached
            }
            (_, ServiceStatus::Deleting | ServiceStatus::Deleted) => Verdict::Lost,
            _ => Verdict::Pending,
        }
    }
}

fn shown(seen: &Service) -> Progress {
    progress("service", seen.id(), seen.status.as_str(), &seen.messages)
}

/// A service in some state.
struct InState {
    service: ServiceRef,
    state: State,
}

impl Goal<Koyeb> for InState {
    type Output = Service;

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "service", self.service.id()).with("until", self.state.word())
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb, _: bool) -> BoxFuture<'a, Result<Seen<Service>, Error>> {
        Box::pin(async {
            let seen = self.service.get_by(koyeb).await?;
            Ok(self.state.verdict(&seen.status).of(shown(&seen), seen))
        })
    }
}

/// A service that was told to change.
enum Changed {
    Paused(ServiceRef),
    Resumed { service: ServiceRef, before: String },
}

impl Changed {
    async fn look_once(&self, koyeb: &Koyeb) -> Result<Seen<()>, Error> {
        match self {
            Self::Paused(service) => {
                let seen = service.get_by(koyeb).await?;
                Ok(State::Paused.verdict(&seen.status).of(shown(&seen), ()))
            }
            Self::Resumed { service, before } => {
                let seen = service.get_by(koyeb).await?;
                let verdict = State::Healthy.verdict(&seen.status);
                if verdict == Verdict::Pending
                    && let Some(lost) = lost_deployment(koyeb, &seen, before).await?
                {
                    let shown = progress("deployment", lost.id(), lost.status.as_str(), &lost.messages);
                    return Ok(Verdict::Lost.of(shown, ()));
                }
                Ok(verdict.of(shown(&seen), ()))
            }
        }
    }
}

/// The deployment that was to make the service healthy, if it never will.
async fn lost_deployment(
    koyeb: &Koyeb,
    service: &Service,
    before: &str,
) -> Result<Option<Deployment>, Error> {
    let Some(latest) = service.latest_deployment().filter(|latest| latest.id() != before) else {
        return Ok(None);
    };
    let deployment = latest.get_by(koyeb).await?;
    Ok(deployment_wait::is_lost(&deployment.status).then_some(deployment))
}

impl Goal<Koyeb> for Changed {
    type Output = ();

    fn ticket(&self) -> Ticket {
        match self {
            Self::Paused(service) => Ticket::new("koyeb", "pause", service.id()),
            Self::Resumed { service, before } => {
                Ticket::new("koyeb", "resume", service.id()).with("before", before)
            }
        }
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb, _: bool) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(self.look_once(koyeb))
    }
}

pub(super) fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Service>> {
    let word = ticket.fact("until").filter(|_| ticket.kind == "service")?;
    let (state, _) = *State::ALL.iter().find(|(_, known)| *known == word)?;
    Some(operation(koyeb, InState { service: koyeb.service(ticket.id()), state }))
}

pub(super) fn resume_change(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<()>> {
    let service = koyeb.service(ticket.id());
    match ticket.kind.as_str() {
        "pause" => Some(pausing(service)),
        "resume" => Some(resuming(service, ticket.fact("before")?.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_states_mean() {
        use ServiceStatus as S;
        use Verdict::{Lost, Pending, Reached};
        let table = [
            (S::Starting, Pending, Pending),
            (S::Healthy, Reached, Pending),
            (S::Degraded, Pending, Pending),
            (S::Unhealthy, Pending, Pending),
            (S::Deleting, Lost, Lost),
            (S::Deleted, Lost, Lost),
            (S::Pausing, Pending, Pending),
            (S::Paused, Pending, Reached),
            (S::Resuming, Pending, Pending),
            (S::from("MIGRATING"), Pending, Pending),
        ];
        for (status, healthy, paused) in table {
            assert_eq!(State::ALL.map(|(state, _)| state.verdict(&status)), [healthy, paused], "{status}");
        }
    }
}
