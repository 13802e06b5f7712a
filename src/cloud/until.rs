//! Waiting for a state in common terms.

use std::time::Duration;

use super::{Cloud, Instance, InstanceRef, Native, State};
use crate::error::{Error, ErrorKind, Sent};
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Interval, Polled, Seen};
use crate::wait::until::Until;
use crate::wait::{BoxFuture, Progress};

/// What a ticket of such a wait is for.
const KIND: &str = "state";

impl Instance {
    /// Waits until it is in this state.
    ///
    /// ```no_run
    /// # async fn demo(instance: windlass::cloud::Instance) -> windlass::Result<()> {
    /// use windlass::cloud::State;
    /// let instance = instance.until(State::Running).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The instance is polled at growing intervals; the typed clients have waits that hear of a change at once. The limit
    /// is ten minutes unless you set a [`timeout`](Until::timeout). [`Cloud::resume`] continues from its ticket.
    ///
    /// The wait fails as soon as the state can't be reached any more: an instance that is [`Failed`](State::Failed) can
    /// only be stopped or deleted, a stopped instance of Koyeb is never started again, and an instance that the platform no
    /// longer knows is [`Gone`](State::Gone).
    pub fn until(&self, state: State) -> Until<Self> {
        wait(
            &self.cloud,
            StateGoal { seen: Some(self.clone()), ..StateGoal::new(&self.cloud, &self.id, state) },
        )
    }
}

impl InstanceRef {
    /// Waits until the instance is in this state; see [`Instance::until`].
    pub fn until(&self, state: State) -> Until<Instance> {
        wait(self.cloud(), StateGoal::new(self.cloud(), self.id(), state))
    }
}

impl Cloud {
    /// Continues a wait of [`Instance::until`] from its ticket.
    ///
    /// ```no_run
    /// # async fn demo(cloud: windlass::cloud::Cloud, saved: String) -> windlass::Result<()> {
    /// let instance = cloud.resume(&saved.parse()?)?.await?;
    /// # Ok(()) }
    /// ```
    ///
    /// If the wait is for [`State::Gone`] and the instance is gone already, the result has only its id and name, and
    /// [`Native::Gone`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the ticket is of another platform, server or project, or of another kind of wait.
    pub fn resume(&self, ticket: &Ticket) -> Result<Until<Instance>, Error> {
        let (cloud, check) = self.going_on(ticket)?;
        let Some(state) = ticket.fact("state").filter(|_| ticket.kind == KIND) else {
            let e = Error::invalid("ticket", format!("is not of a wait for a state on {cloud}"));
            return Err(cloud.label(e, "resume"));
        };
        let name = ticket.fact("name").map(str::to_owned);
        let goal = StateGoal { name, ..StateGoal::new(&cloud, &ticket.id, State::from(state)) };
        Ok(match check {
            Some(check) => wait(&cloud, goal).after(check),
            None => wait(&cloud, goal),
        })
    }
}

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(5);

fn wait(cloud: &Cloud, goal: StateGoal) -> Until<Instance> {
    Until::new(Polled::new(cloud.for_looks(), goal, &Interval::Growing(LONGEST)))
}

/// An instance gets into a state.
struct StateGoal {
    cloud: Cloud,
    id: String,
    /// As a ticket tells it.
    name: Option<String>,
    state: State,
    seen: Option<Instance>,
}

impl StateGoal {
    fn new(cloud: &Cloud, id: &str, state: State) -> Self {
        Self { cloud: cloud.clone(), id: id.to_owned(), name: None, state, seen: None }
    }

    /// Where it differs from the id.
    fn name(&self) -> Option<&str> {
        let name = self.seen.as_ref().map(|seen| &seen.name).or(self.name.as_ref());
        name.filter(|name| **name != self.id).map(String::as_str)
    }

    fn judge(&mut self, found: Instance) -> Seen<Instance> {
        self.seen = Some(found.clone());
        if found.state == self.state {
            Seen::Reached(progress(&found), found)
        } else if may_become(&found, &self.state) {
            Seen::Pending(progress(&found))
        } else {
            Seen::Failed(self.unreachable(&found))
        }
    }

    fn unreachable(&self, found: &Instance) -> Error {
        let message = format!("{} is {}, and can't become {}", found.name, found.state, self.state);
        Error::new(ErrorKind::OperationFailed, message).with(|e| e.sent = Sent::Yes)
    }
}

fn progress(instance: &Instance) -> Progress {
    Progress { status: instance.state.to_string(), message: instance.name.clone(), ..Progress::default() }
}

fn may_become(found: &Instance, goal: &State) -> bool {
    match &found.native {
        // Its service makes new ones; a stopped one is never started again.
        #[cfg(feature = "koyeb")]
        Native::Koyeb(_) if found.state == State::Stopped => *goal == State::Gone,
        _ => found.state.may_become(goal),
    }
}

impl Goal<Cloud> for StateGoal {
    type Output = Instance;

    fn ticket(&self) -> Ticket {
        let ticket = Ticket::new(self.cloud.name(), KIND, &self.id).with("state", self.state.word());
        match self.name() {
            Some(name) => ticket.with("name", name),
            None => ticket,
        }
    }

    fn look<'a>(&'a mut self, looks: &'a Cloud, _: bool) -> BoxFuture<'a, Result<Seen<Instance>, Error>> {
        Box::pin(async {
            let found = looks.instance(&self.id).get_named(self.name()).await?;
            Ok(self.judge(Instance { cloud: self.cloud.clone(), ..found }))
        })
    }

    /// Some wait for just that. What the instance was is what this process saw last, if it saw it at all.
    fn when_gone(&mut self) -> Result<Option<Instance>, Error> {
        if self.state != State::Gone {
            let gone = Error::new(ErrorKind::NotFound, format!("{} no longer exists", self.id));
            return Err(gone.with(|e| e.sent = Sent::Yes));
        }
        Ok(Some(match self.seen.take() {
            Some(last) => Instance { state: State::Gone, ..last },
            None => Instance::never_seen(&self.cloud, &self.id, self.name()),
        }))
    }
}
