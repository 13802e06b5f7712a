//! What comes after a create: the instance that bears its marker, even where an answer was lost.

use std::time::Duration;

use super::instance_source::suggest_remote;
use super::reconcile;
use super::reconcile::{MARKER, Outcome};
use crate::error::{Error, ErrorKind, Sent};
use crate::incus::instance::handle::runs;
use crate::incus::operation::completion::Completion;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Incus, Instance, types};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation};

/// Whether an instance may have come into being although the request failed.
pub(in crate::incus) fn is_ambiguous(e: &Error) -> bool {
    let from_incus = e.code().is_some();
    match e.status() {
        // Accepted, but by which operation can't be read.
        Some(200..=299) => !from_incus,
        // Something between us and the server gave up on it.
        Some(408 | 500..=599) => !from_incus,
        Some(_) => false,
        None => e.sent() == Sent::Unknown,
    }
}

/// A marker that no other launch has.
pub(in crate::incus) fn new_marker() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Ends in the instance that bears the marker.
pub(in crate::incus) struct Launched {
    name: String,
    marker: String,
    start: bool,
    /// The alias of this server that the launch named.
    alias: Option<String>,
}

impl Launched {
    pub(in crate::incus) fn new(name: &str, marker: &str, start: bool) -> Self {
        Self { name: name.to_owned(), marker: marker.to_owned(), start, alias: None }
    }

    /// From this alias, for the error that says that there is none.
    pub(in crate::incus) fn of_image(self, alias: Option<String>) -> Self {
        Self { alias, ..self }
    }

    /// As a ticket tells.
    pub(in crate::incus) fn resumed(ticket: &Ticket, start: bool) -> Option<Self> {
        let (name, marker) = (ticket.fact("name")?.to_owned(), ticket.fact("marker")?.to_owned());
        Some(Self { name, marker, start, alias: None })
    }

    pub(in crate::incus) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::incus) fn marker(&self) -> &str {
        &self.marker
    }

    /// The answer is lost: which operation did the request start? None if the instance is made already.
    pub(in crate::incus) async fn find(
        &self,
        incus: &Incus,
        window: Duration,
        lost: Error,
    ) -> Result<Option<types::Operation>, Error> {
        match reconcile::find(incus, &self.name, &self.marker, window).await {
            Ok(Outcome::Running(operation)) => Ok(Some(*operation)),
            Ok(Outcome::Exists) => Ok(None),
            Ok(Outcome::Foreign) => Err(self.name_taken(lost)),
            Ok(Outcome::Nothing) => Err(self.unknown(lost)),
            Err(e) => {
                tracing::debug!(error = %e, "looking for the launched instance failed");
                Err(self.unknown(lost))
            }
        }
    }

    fn name_taken(&self, lost: Error) -> Error {
        let message =
            format!("another instance has the name {:?}; the answer to the request was lost", self.name);
        Error::new(ErrorKind::AlreadyExists, message).with(|e| {
            e.copy_facts(&lost);
            (e.sent, e.status, e.code) = (Sent::Unknown, None, None);
            e.source = Some(Box::new(lost));
        })
    }

    pub(in crate::incus) fn unknown(&self, lost: Error) -> Error {
        Error::outcome_unknown(&format!("{:?}", self.name), MARKER, &self.marker, lost)
    }

    /// "Already exists" by the text: is there one, and is it another launch's?
    pub(in crate::incus) async fn check_name_taken(&self, incus: &Incus, e: Error) -> Error {
        if !e.is_already_exists() {
            return e;
        }
        let foreign = match incus.instance(&self.name).get().await {
            Ok(instance) => instance.config.get(MARKER) != Some(&self.marker),
            // Who can't look believes the text.
            Err(looked) => !looked.is_not_found(),
        };
        if foreign { e } else { e.with(|inner| inner.kind = ErrorKind::OperationFailed) }
    }

    /// The instance, if it bears the marker.
    async fn own(&self, incus: &Incus) -> Result<Option<Instance>, Error> {
        match incus.instance(&self.name).get().await {
            Ok(instance) if instance.config.get(MARKER) == Some(&self.marker) => Ok(Some(instance)),
            Ok(_) => Ok(None),
            Err(e) if e.is_not_found() => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl Completion for Launched {
    type Output = Instance;

    fn ticket(&self, id: &str) -> Ticket {
        let kind = if self.start { "launch" } else { "create" };
        Ticket::new("incus", kind, id).with("name", &self.name).with("marker", &self.marker)
    }

    fn finish<'a>(
        &'a self,
        incus: &'a Incus,
        _: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Instance, Error>> {
        Box::pin(async { incus.instance(&self.name).get().await })
    }

    fn reconcile<'a>(&'a self, incus: &'a Incus) -> BoxFuture<'a, Result<Option<Instance>, Error>> {
        Box::pin(async {
            let Some(instance) = self.own(incus).await? else { return Ok(None) };
            if !self.start || runs(&instance.status) {
                return Ok(Some(instance));
            }
            let message =
                format!("the operation is forgotten; {:?} exists and is {}", self.name, instance.status);
            Err(Error::new(ErrorKind::OperationGone, message))
        })
    }

    fn confirm<'a>(&'a self, incus: &'a Incus, e: Error) -> BoxFuture<'a, Error> {
        let alias = self.alias.as_deref();
        Box::pin(async move { suggest_remote(self.check_name_taken(incus, e).await, alias) })
    }
}

pub(in crate::incus) fn resume(incus: &Incus, ticket: &Ticket) -> Option<Operation<Instance>> {
    let start = match ticket.kind.as_str() {
        "launch" => true,
        "create" => false,
        _ => return None,
    };
    Some(IncusWork::resumed(incus, ticket.id(), Launched::resumed(ticket, start)?))
}
