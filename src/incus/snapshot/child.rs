//! What comes after an operation on a child of an instance: a snapshot or a backup.

use std::marker::PhantomData;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::error::Error;
use crate::incus::operation::completion::Completion;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Incus, InstanceRef, types};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation};

/// What an instance has under a name.
pub(in crate::incus) trait Child: Sized + Send + 'static {
    /// As tickets name it.
    const KIND: &'static str;

    fn find(of: InstanceRef, name: String) -> BoxFuture<'static, Result<Self, Error>>;

    fn created_at(&self) -> Option<DateTime<Utc>>;
}

/// Where a child is, or was.
#[derive(Debug, Clone)]
struct Location {
    instance: String,
    name: String,
}

impl Location {
    async fn look<P: Child>(&self, incus: &Incus) -> Result<Option<P>, Error> {
        match P::find(incus.instance(&self.instance), self.name.clone()).await {
            Ok(child) => Ok(Some(child)),
            Err(e) => e.absence().map(|()| None),
        }
    }

    async fn get<P: Child>(&self, incus: &Incus) -> Result<P, Error> {
        P::find(incus.instance(&self.instance), self.name.clone()).await
    }
}

/// Ends in a new child.
pub(in crate::incus) struct Made<P> {
    place: Location,
    /// When the server took the work on: what is older was there before.
    since: Option<DateTime<Utc>>,
    child: PhantomData<fn() -> P>,
}

impl<P: Child> Made<P> {
    pub(in crate::incus) fn accepted(
        of: &InstanceRef,
        name: String,
        operation: types::Operation,
    ) -> Operation<P> {
        let place = Location { instance: of.name().to_owned(), name };
        let made = Self { place, since: operation.created_at, child: PhantomData };
        IncusWork::accepted(&of.incus, operation, made)
    }

    fn is_new(&self, child: &P) -> bool {
        match (self.since, child.created_at()) {
            // Some times of the server are in whole seconds.
            (Some(since), Some(created)) => {
                since.duration_trunc(TimeDelta::seconds(1)).is_ok_and(|since| created >= since)
            }
            _ => false,
        }
    }
}

impl<P: Child> Completion for Made<P> {
    type Output = P;

    fn ticket(&self, id: &str) -> Ticket {
        let ticket = Ticket::new("incus", P::KIND, id);
        let ticket = ticket.with("instance", &self.place.instance).with("name", &self.place.name);
        match self.since {
            Some(since) => ticket.with("since", &since.to_rfc3339()),
            None => ticket,
        }
    }

    fn finish<'a>(&'a self, incus: &'a Incus, _: &'a types::Operation) -> BoxFuture<'a, Result<P, Error>> {
        Box::pin(self.place.get(incus))
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<P>, Error>> {
        Box::pin(async { Ok(self.place.look(incus).await?.filter(|child| self.is_new(child))) })
    }
}

/// Ends in the child under its new name.
pub(in crate::incus) struct Renamed<P> {
    from: Location,
    to: Location,
    child: PhantomData<fn() -> P>,
}

impl<P: Child> Renamed<P> {
    pub(in crate::incus) fn accepted(
        of: &InstanceRef,
        from: String,
        to: String,
        operation: types::Operation,
    ) -> Operation<P> {
        IncusWork::accepted(&of.incus, operation, Self::new(of.name().to_owned(), from, to))
    }

    fn new(instance: String, from: String, to: String) -> Self {
        let from = Location { instance: instance.clone(), name: from };
        Self { from, to: Location { instance, name: to }, child: PhantomData }
    }
}

impl<P: Child> Completion for Renamed<P> {
    type Output = P;

    fn ticket(&self, id: &str) -> Ticket {
        let ticket = Ticket::new("incus", &format!("{}-rename", P::KIND), id);
        ticket.with("instance", &self.to.instance).with("from", &self.from.name).with("name", &self.to.name)
    }

    fn finish<'a>(&'a self, incus: &'a Incus, _: &'a types::Operation) -> BoxFuture<'a, Result<P, Error>> {
        Box::pin(self.to.get(incus))
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<P>, Error>> {
        Box::pin(async {
            // The new name alone proves nothing: it may have been there all along.
            let left = self.from.look::<P>(incus).await?.is_none();
            Ok(self.to.look(incus).await?.filter(|_| left))
        })
    }
}

/// The child is then gone.
pub(in crate::incus) struct Removed<P> {
    place: Location,
    child: PhantomData<fn() -> P>,
}

impl<P: Child> Removed<P> {
    pub(in crate::incus) fn accepted(
        of: &InstanceRef,
        name: String,
        operation: types::Operation,
    ) -> Operation<()> {
        let place = Location { instance: of.name().to_owned(), name };
        IncusWork::accepted(&of.incus, operation, Self { place, child: PhantomData })
    }
}

impl<P: Child> Completion for Removed<P> {
    type Output = ();

    fn ticket(&self, id: &str) -> Ticket {
        let ticket = Ticket::new("incus", &format!("{}-delete", P::KIND), id);
        ticket.with("instance", &self.place.instance).with("name", &self.place.name)
    }

    fn finish<'a>(&'a self, _: &'a Incus, _: &'a types::Operation) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<()>, Error>> {
        Box::pin(async { Ok(self.place.look::<P>(incus).await?.is_none().then_some(())) })
    }
}

/// Resumes what ends in a child.
pub(in crate::incus) fn resume<P: Child>(incus: &Incus, ticket: &Ticket) -> Option<Operation<P>> {
    let (instance, name) = (ticket.fact("instance")?.to_owned(), ticket.fact("name")?.to_owned());
    match ticket.kind.strip_prefix(P::KIND)? {
        "" => {
            let since = ticket.fact("since").and_then(|since| since.parse().ok());
            let made = Made { place: Location { instance, name }, since, child: PhantomData };
            Some(IncusWork::resumed(incus, ticket.id(), made))
        }
        "-rename" => {
            let renamed = Renamed::new(instance, ticket.fact("from")?.to_owned(), name);
            Some(IncusWork::resumed(incus, ticket.id(), renamed))
        }
        _ => None,
    }
}

/// Resumes the deletion of a child.
pub(in crate::incus) fn resume_removal<P: Child>(incus: &Incus, ticket: &Ticket) -> Option<Operation<()>> {
    if ticket.kind.strip_prefix(P::KIND)? != "-delete" {
        return None;
    }
    let (instance, name) = (ticket.fact("instance")?.to_owned(), ticket.fact("name")?.to_owned());
    let removed = Removed::<P> { place: Location { instance, name }, child: PhantomData };
    Some(IncusWork::resumed(incus, ticket.id(), removed))
}
