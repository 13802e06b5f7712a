//! An instance: what is known of it together with a handle on it.

use super::data::InstanceInfo;
use super::goal::{Goal, Seen, Verdict, operation, progress};
use super::handle::handle;
use super::{InstanceStatus, Koyeb, ServiceRef, Subject};
use crate::error::Error;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{BoxFuture, Operation};

handle! {
    /// An instance: typed data together with a cheap handle.
    ///
    /// The data are fields, reached directly; the verbs are methods:
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let web = koyeb.instance("2f1c").get().await?;
    /// println!("{} in {} is {}", web.id, web.region, web.status);
    /// let web = web.until_healthy().await?;
    /// let done = web.exec(["uptime"]).output().await?.success()?;
    /// # Ok(()) }
    /// ```
    ///
    /// Services start and stop instances, nobody else; so there are no such verbs here.
    ///
    /// Vendor's page: <https://www.koyeb.com/docs/reference/instances>
    Instance, InstanceInfo,
    /// A handle on an instance of which only the id is known.
    InstanceRef,
    /// A handle on an instance, without asking the service.
    instance
}

impl<D: Subject> Instance<D> {
    /// Reads the instance. [`Error::is_not_found`] where there is none.
    pub async fn get(&self) -> Result<Instance, Error> {
        get(&self.koyeb, self.id()).await
    }

    /// Waits until it is healthy; fails as soon as it is stopped or broken.
    ///
    /// One that sleeps is waited for too: a request to its service wakes it up.
    pub fn until_healthy(&self) -> Operation<Instance> {
        self.until(Until::Healthy)
    }

    /// Waits until it sleeps; fails as soon as it is stopped or broken.
    pub fn until_asleep(&self) -> Operation<Instance> {
        self.until(Until::Asleep)
    }

    /// Waits until it is stopped; fails as soon as it is broken.
    pub fn until_stopped(&self) -> Operation<Instance> {
        self.until(Until::Stopped)
    }

    fn until(&self, until: Until) -> Operation<Instance> {
        operation(&self.koyeb, Wanted { id: self.id().to_owned(), until })
    }
}

impl Instance {
    /// A handle on the service that it belongs to, if that is known.
    pub fn service(&self) -> Option<ServiceRef> {
        self.service_id.as_ref().map(|id| self.koyeb.service(id))
    }
}

async fn get(koyeb: &Koyeb, id: &str) -> Result<Instance, Error> {
    let id = checked("id", id)?;
    let came = koyeb.raw().get_instance().id(id).send().await?;
    Ok(Instance::new(koyeb, InstanceInfo::from(came)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Healthy,
    Asleep,
    Stopped,
}

impl Until {
    const ALL: [(Self, &str); 3] =
        [(Self::Healthy, "healthy"), (Self::Asleep, "asleep"), (Self::Stopped, "stopped")];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(until, _)| *until == self).map_or("", |(_, word)| word)
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
struct Wanted {
    id: String,
    until: Until,
}

impl Goal for Wanted {
    type Output = Instance;

    fn ticket(&self) -> Ticket {
        Ticket::new("koyeb", "instance", &self.id).with("until", self.until.word())
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb) -> BoxFuture<'a, Result<Seen<Instance>, Error>> {
        Box::pin(async {
            let thing = get(koyeb, &self.id).await?;
            let progress = progress("instance", &self.id, thing.status.as_str(), &thing.messages);
            Ok(Seen { verdict: self.until.verdict(&thing.status), progress, thing })
        })
    }
}

pub(super) fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<Instance>> {
    let word = ticket.fact("until").filter(|_| ticket.kind == "instance")?;
    let (until, _) = *Until::ALL.iter().find(|(_, known)| *known == word)?;
    Some(koyeb.instance(ticket.id()).until(until))
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
            let seen = Until::ALL.map(|(until, _)| until.verdict(&status));
            assert_eq!(seen, [healthy, asleep, stopped], "{status}");
        }
    }
}
