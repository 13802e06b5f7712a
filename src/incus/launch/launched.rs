//! What comes after a create: the instance that bears its marker, even where an answer was lost.

use std::time::Duration;

use super::instance_source::suggest_remote;
use super::reconcile;
use super::reconcile::{MARKER, Outcome};
use crate::error::{Error, ErrorKind, Sent};
use crate::incus::instance::handle::runs;
use crate::incus::operation::completion::Completion;
use crate::incus::operation::failure;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Incus, Instance, types};
use crate::launch_marker::Marker;
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

/// In a ticket: another launch may have the same marker.
const KEY: &str = "key";

/// Ends in the instance that bears the marker.
pub(in crate::incus) struct Launched {
    name: String,
    marker: Marker,
    start: bool,
    /// The alias of this server that the launch named.
    alias: Option<String>,
}

impl Launched {
    pub(in crate::incus) fn new(name: &str, marker: &Marker, start: bool) -> Self {
        Self { name: name.to_owned(), marker: marker.clone(), start, alias: None }
    }

    /// From this alias, for the error that says that there is none.
    pub(in crate::incus) fn of_image(self, alias: Option<String>) -> Self {
        Self { alias, ..self }
    }

    /// As a ticket tells.
    pub(in crate::incus) fn resumed(ticket: &Ticket, start: bool) -> Option<Self> {
        let (name, marker) = (ticket.fact("name")?, ticket.fact("marker")?);
        let marker = if ticket.fact(KEY).is_some() { Marker::key(marker) } else { Marker::given(marker) };
        Some(Self::new(name, &marker, start))
    }

    pub(in crate::incus) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::incus) fn marker(&self) -> &str {
        self.marker.as_str()
    }

    /// The answer is lost: which operation did the request start? None if the instance is made already.
    pub(in crate::incus) async fn find(
        &self,
        incus: &Incus,
        window: Duration,
        lost: Error,
    ) -> Result<Option<types::Operation>, Error> {
        match reconcile::find(incus, &self.name, self.marker(), window).await {
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
        Error::outcome_unknown(&format!("{:?}", self.name), MARKER, self.marker(), lost)
    }

    /// "Already exists" by the text: is there one, and is it another launch's?
    pub(in crate::incus) async fn check_name_taken(&self, incus: &Incus, e: Error) -> Error {
        if !e.is_already_exists() {
            return e;
        }
        let foreign = match incus.instance(&self.name).get().await {
            Ok(instance) => !self.is_own(&instance),
            // A client that can't look believes the text.
            Err(looked) => !looked.is_not_found(),
        };
        if foreign { e } else { e.with(|inner| inner.kind = ErrorKind::OperationFailed) }
    }

    fn is_own(&self, instance: &types::Instance) -> bool {
        instance.config.get(MARKER).map(String::as_str) == Some(self.marker())
    }

    /// The instance that a launch with the same key made, if that is why this one failed: the name was taken.
    async fn made_by_another(
        &self,
        incus: &Incus,
        operation: &types::Operation,
    ) -> Result<Option<Instance>, Error> {
        if !self.marker.is_key() || !failure(operation).is_already_exists() {
            return Ok(None);
        }
        self.own(incus).await
    }

    /// Checks an instance that is made, and which no operation is about to start.
    fn check_runs(&self, instance: &types::Instance) -> Result<(), Error> {
        if !self.start || runs(&instance.status) {
            return Ok(());
        }
        let (name, status) = (&self.name, &instance.status);
        if !self.marker.is_key() {
            let message = format!("the operation is forgotten; {name:?} exists and is {status}");
            return Err(Error::new(ErrorKind::OperationGone, message));
        }
        let message = format!("{name:?} has the key {:?} and is {status}", self.marker());
        Err(Error::new(ErrorKind::Conflict, message)
            .with(|e| e.suggestion = Some(format!("start {name:?}, or delete it and launch again"))))
    }

    /// The instance, if it bears the marker.
    async fn own(&self, incus: &Incus) -> Result<Option<Instance>, Error> {
        match incus.instance(&self.name).get().await {
            Ok(instance) if self.is_own(&instance) => Ok(Some(instance)),
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
        let ticket = Ticket::new("incus", kind, id).with("name", &self.name).with("marker", self.marker());
        if self.marker.is_key() { ticket.with(KEY, "yes") } else { ticket }
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
            self.check_runs(&instance).map(|()| Some(instance))
        })
    }

    fn judge<'a>(
        &'a self,
        incus: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async {
            match self.made_by_another(incus, operation).await? {
                Some(instance) => self.check_runs(&instance),
                None => Err(self.confirm(incus, failure(operation)).await),
            }
        })
    }

    fn successor<'a>(
        &'a self,
        incus: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Option<types::Operation>, Error>> {
        Box::pin(async {
            match self.made_by_another(incus, operation).await? {
                Some(_) => reconcile::running(incus, &self.name).await,
                None => Ok(None),
            }
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
