//! The search for capacity: rounds of launches, one at a time, until one is accepted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::choice::Choice;
use super::client::LambdaCloud;
use super::instance::Instance;
use super::launch::Launch;
use super::types;
use crate::error::{Error, ErrorKind};
use crate::launch_marker::Marker;
use crate::price::Price;
use crate::wait::{BoxFuture, Operation, Progress};

/// Told of the search first, then of the launch.
pub(super) type Tell = Arc<Mutex<dyn FnMut(&Progress) + Send>>;

/// A search under way.
pub(super) struct Search {
    launch: Launch,
    /// Still worth trying, best first.
    choices: Vec<Choice>,
    /// Those with a region, in the order in which they are tried while they aren't listed.
    unlisted: VecDeque<Choice>,
    tell: Option<Tell>,
    started: Instant,
    limit: Duration,
    /// How often each choice was tried, and the last result.
    tried: BTreeMap<String, (u32, ErrorKind)>,
    last: Option<Error>,
    /// What all instances of this search together may cost, and what they cost so far.
    price_limit: Option<Price>,
    spent: Price,
    /// What each type costs.
    prices: BTreeMap<String, Price>,
}

impl Search {
    pub(super) fn new(launch: Launch, choices: Vec<Choice>, limit: Duration, tell: Option<Tell>) -> Self {
        Self {
            unlisted: choices.iter().filter(|choice| choice.region.is_some()).cloned().collect(),
            launch,
            choices,
            tell,
            started: Instant::now(),
            limit,
            tried: BTreeMap::new(),
            last: None,
            price_limit: None,
            spent: Price::default(),
            prices: BTreeMap::new(),
        }
    }

    /// For several instances, which together cost no more than this.
    pub(super) fn price_limit(self, price_limit: Option<Price>) -> Self {
        Self { price_limit, ..self }
    }

    /// The next instance has this marker.
    pub(super) fn mark(&mut self, marker: Marker) {
        self.launch.marker = marker;
    }

    pub(super) async fn run(
        &mut self,
        stop: &mut BoxFuture<'static, ()>,
    ) -> Result<Operation<Instance>, Error> {
        if let Some(operation) = self.found().await? {
            return Ok(operation);
        }
        while !self.left().is_zero() {
            let round = tokio::select! {
                biased;
                () = &mut *stop => return Err(self.given_up(ErrorKind::Cancelled, "stopped")),
                round = self.round() => round?,
            };
            for choice in round {
                if self.left().is_zero() {
                    break;
                }
                if (&mut *stop).now_or_never().is_some() {
                    return Err(self.given_up(ErrorKind::Cancelled, "stopped"));
                }
                // Never dropped halfway: a launch must not get lost.
                if let Some(operation) = self.attempt(&choice).await? {
                    return Ok(self.followed(operation));
                }
            }
            if self.choices.is_empty() {
                return Err(self
                    .last
                    .take()
                    .unwrap_or_else(|| Error::new(ErrorKind::InsufficientCapacity, "")));
            }
            let pause = self.launch.lambda.0.interval.min(self.left());
            tokio::select! {
                biased;
                () = &mut *stop => return Err(self.given_up(ErrorKind::Cancelled, "stopped")),
                () = tokio::time::sleep(pause) => {}
            }
        }
        Err(self.given_up(ErrorKind::Timeout, "nothing could be had"))
    }

    /// The instance that has the key already.
    async fn found(&mut self) -> Result<Option<Operation<Instance>>, Error> {
        let Some(found) = self.launch.found_by_key().await? else { return Ok(None) };
        self.spent = self.spent + found.instance_type.price();
        Ok(Some(self.followed(self.launch.operation(Some(found.id)))))
    }

    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.started.elapsed())
    }

    /// A handle whose calls end with the search.
    fn in_time(&self) -> LambdaCloud {
        self.within(self.left())
    }

    /// A handle for a launch: one that is under way at the end of the search still gets its answer. If it were cut off, it
    /// would be unknown whether there is an instance.
    fn in_time_for_an_answer(&self) -> LambdaCloud {
        self.within(self.left().saturating_add(self.launch.lambda.retry().attempt))
    }

    fn within(&self, limit: Duration) -> LambdaCloud {
        let lambda = &self.launch.lambda;
        let retry = lambda.retry().clone();
        let total = retry.total.min(limit);
        lambda.with(retry.total(total))
    }

    /// What to try in this round: the listed choices in their order, then one of the others.
    async fn round(&mut self) -> Result<Vec<Choice>, Error> {
        let offers = match self.in_time().instance_types().await {
            Ok(offers) => offers,
            Err(e) if passes(&e) => {
                self.keep(e);
                Vec::new()
            }
            Err(e) => return Err(e),
        };
        self.check_prices(&offers)?;
        let mut round: Vec<Choice> = Vec::new();
        for choice in self.choices.iter().flat_map(|choice| listed(choice, &offers)) {
            if !round.contains(&choice) {
                round.push(choice);
            }
        }
        if let Some(at) = self.unlisted.iter().position(|choice| !round.contains(choice))
            && let Some(other) = self.unlisted.remove(at)
        {
            self.unlisted.push_back(other.clone());
            round.push(other);
        }
        round.retain(|choice| self.is_affordable(choice));
        Ok(round)
    }

    /// Ends the search if no choice fits into the limit any more. A price can't be exceeded by a list that is missing:
    /// what isn't known to be cheap enough isn't tried.
    fn check_prices(&mut self, offers: &[types::InstanceTypeOffer]) -> Result<(), Error> {
        let types = offers.iter().map(|offer| &offer.instance_type);
        self.prices.extend(types.map(|it| (it.name.clone(), it.price())));
        let Some(limit) = self.price_limit else { return Ok(()) };
        if offers.is_empty() || self.choices.iter().any(|choice| self.is_affordable(choice)) {
            return Ok(());
        }
        let message = format!("nothing fits into the limit of {limit}; {} are spent", self.spent);
        Err(Error::new(ErrorKind::LimitExceeded, message))
    }

    fn is_affordable(&self, choice: &Choice) -> bool {
        let price = self.prices.get(&choice.instance_type);
        let fits = |limit| price.is_some_and(|price| self.spent + *price <= limit);
        self.price_limit.is_none_or(fits)
    }

    async fn attempt(&mut self, choice: &Choice) -> Result<Option<Operation<Instance>>, Error> {
        self.launch.request.instance_type_name.clone_from(&choice.instance_type);
        self.launch.request.region_name = choice.region.clone().unwrap_or_default();
        // The wait for the instance uses the launch's own handle.
        let placed = self.launch.place(&self.in_time_for_an_answer()).await;
        match placed {
            Ok(operation) => {
                let price = self.prices.get(&choice.instance_type).copied().unwrap_or_default();
                self.spent = self.spent + price;
                self.say(choice, "accepted");
                Ok(Some(operation))
            }
            Err(e) => self.refused(choice, e).map(|()| None),
        }
    }

    /// Continues if the refusal allows it.
    fn refused(&mut self, choice: &Choice, e: Error) -> Result<(), Error> {
        self.say(choice, &e.kind().to_string());
        let (times, last) = self.tried.entry(choice.to_string()).or_insert((0, e.kind()));
        (*times, *last) = (*times + 1, e.kind());
        match e.kind() {
            ErrorKind::QuotaExceeded
            | ErrorKind::NotFound
            | ErrorKind::InvalidInput
            | ErrorKind::Rejected => {
                // A choice for any region would be refused there again.
                self.choices.retain(|other| {
                    let elsewhere = other.region.is_some() && other.region != choice.region;
                    other.instance_type != choice.instance_type || elsewhere
                });
                self.unlisted.retain(|other| other != choice);
            }
            _ if e.marker().is_none() && passes(&e) => {}
            _ => return Err(e),
        }
        self.keep(e);
        Ok(())
    }

    fn keep(&mut self, e: Error) {
        self.last = Some(e);
    }

    fn say(&self, choice: &Choice, what: &str) {
        if let Some(tell) = &self.tell {
            let progress =
                Progress { message: choice.to_string(), status: what.to_owned(), ..Progress::default() };
            let mut tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
            tell(&progress);
        }
    }

    /// Tells the progress of the launch to the listener of the search.
    fn followed(&self, operation: Operation<Instance>) -> Operation<Instance> {
        match self.tell.clone() {
            Some(tell) => operation.on_progress(move |progress| {
                let mut tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
                tell(progress);
            }),
            None => operation,
        }
    }

    fn given_up(&mut self, kind: ErrorKind, why: &str) -> Error {
        let tried =
            self.tried.iter().map(|(choice, (times, kind))| format!("{choice}: {kind}, {times} times"));
        let tried: Vec<String> = tried.collect();
        let tried = if tried.is_empty() { "nothing was tried".to_owned() } else { tried.join("; ") };
        let message = format!("{why} within {:.1?} ({tried})", self.started.elapsed());
        Error::new(kind, message).with(|e| {
            if let Some(last) = self.last.take() {
                e.code = last.code().map(str::to_owned);
                (e.sent, e.status) = (last.sent(), last.status());
                e.source = Some(Box::new(last));
            }
        })
    }
}

/// A choice with each region that is listed for it.
fn listed(choice: &Choice, offers: &[types::InstanceTypeOffer]) -> Vec<Choice> {
    let offer = offers.iter().find(|offer| offer.instance_type.name == choice.instance_type);
    let Some(offer) = offer else { return Vec::new() };
    let regions = offer.regions_with_capacity_available.iter().map(|region| region.name.as_str());
    let wanted = regions.filter(|region| choice.region.as_deref().is_none_or(|wanted| wanted == *region));
    wanted.map(|region| choice.clone().in_region(region)).collect()
}

/// Failures after which another try may do better. A launch whose outcome is unknown has a marker, and is not among them.
fn passes(e: &Error) -> bool {
    matches!(
        e.kind(),
        ErrorKind::InsufficientCapacity
            | ErrorKind::RateLimited
            | ErrorKind::Unavailable
            | ErrorKind::Server
            | ErrorKind::Conflict
            | ErrorKind::Connect
            | ErrorKind::Interrupted
            | ErrorKind::BadReply
            | ErrorKind::Timeout
    )
}
