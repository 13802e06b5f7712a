//! Subscriptions of waits to one shared events connection.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use serde::Deserialize;
use tokio::runtime::{self, Handle};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::heard::Known;
use super::latest::{Change, Latest, Listener};
use super::{Heard, Stamped, instance_of};
use crate::incus::types;

/// The feeds of a client, by project and runtime: the task of a feed moves only while its own runtime does.
#[derive(Default)]
pub(in crate::incus) struct Feeds(Mutex<HashMap<(String, runtime::Id), Weak<Feed>>>);

/// How the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::incus) enum State {
    Connecting,
    Up,
    Down,
    /// The runtime that moved the connection is gone: nothing will ever be heard of it.
    Over,
}

pub(in crate::incus) struct Feed {
    operations: Topic<Known>,
    /// How often something happened to an instance.
    instances: Topic<u64>,
    state: watch::Sender<State>,
    /// When the last list began that told the waits about their operations.
    told: Mutex<Option<Instant>>,
    task: Mutex<Option<AbortHandle>>,
}

/// The listeners, by id or name.
struct Topic<V>(Mutex<HashMap<Arc<str>, Arc<Latest<V>>>>);

/// One wait's end of a feed; the last one closes the connection.
pub(in crate::incus) struct Subscription<V> {
    feed: Arc<Feed>,
    topic: fn(&Feed) -> &Topic<V>,
    key: Arc<str>,
    heard: Listener<V>,
}

impl Feeds {
    /// The feed of this project and runtime, or the new one that `start` makes.
    pub(in crate::incus) fn of_project(&self, project: &str, start: impl FnOnce() -> Arc<Feed>) -> Arc<Feed> {
        let place = (project.to_owned(), Handle::current().id());
        let mut feeds = lock(&self.0);
        if let Some(feed) = feeds.get(&place).and_then(Weak::upgrade) {
            return feed;
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let feed = start();
        feeds.insert(place, Arc::downgrade(&feed));
        feed
    }
}

impl Subscription<Known> {
    /// The operation, if it is known to have ended.
    pub(in crate::incus) fn end(&self) -> Option<Arc<types::Operation>> {
        self.heard.value().end()
    }

    /// Whether a list that was asked for since then tells the wait what it would learn by asking.
    pub(in crate::incus) fn was_told_since(&self, moment: Instant) -> bool {
        self.is_up() && *lock(&self.feed.told) >= Some(moment)
    }

    /// The next news of the operation.
    pub(in crate::incus) fn news(&mut self, patience: Duration) -> impl Future<Output = Option<Heard>> {
        self.next(patience).map(|next| next.map(|(known, before)| known.since(before)))
    }

    /// Tells all waits what was looked up.
    pub(in crate::incus) fn tell(&self, operation: types::Operation) {
        self.feed.publish(operation);
    }
}

impl Subscription<u64> {
    /// Whether something happened to the instance within `patience`, and while the connection stood.
    pub(in crate::incus) fn news(&mut self, patience: Duration) -> impl Future<Output = bool> {
        self.next(patience).map(|next| next.is_some())
    }
}

impl<V: Clone> Subscription<V> {
    pub(in crate::incus) fn is_up(&self) -> bool {
        *self.feed.state.borrow() == State::Up
    }

    /// Whether nothing more can come: it takes another subscription, from where the wait goes on.
    pub(in crate::incus) fn is_over(&self) -> bool {
        *self.feed.state.borrow() == State::Over
    }

    /// What changed; none after `patience`, or once the connection has been down for a moment: then it is better to
    /// look.
    async fn next(&mut self, patience: Duration) -> Option<(V, Change)> {
        let mut state = self.feed.state.subscribe();
        tokio::select! {
            heard = self.heard.next() => Some(heard),
            () = stays_down(&mut state) => None,
            () = tokio::time::sleep(patience) => None,
        }
    }
}

/// Waits until the connection has been down for a moment. Not the same moment for all: their looks must not come all at
/// once.
async fn stays_down(state: &mut watch::Receiver<State>) {
    let moment = Duration::from_secs(1).mul_f64(1.0 + 2.0 * rand::random::<f64>());
    // The sender lives as long as the subscription.
    while let Ok(now) =
        state.wait_for(|state| matches!(state, State::Down | State::Over)).await.map(|now| *now)
    {
        let back = state.wait_for(|state| *state != State::Down);
        // Timers are large, and most waits never come here.
        if now == State::Over || Box::pin(tokio::time::timeout(moment, back)).await.is_err() {
            return;
        }
    }
}

impl<V> Drop for Subscription<V> {
    fn drop(&mut self) {
        (self.topic)(&self.feed).leave(&self.key);
    }
}

impl<V: Default> Topic<V> {
    fn listen(&self, key: &Arc<str>) -> Listener<V> {
        lock(&self.0).entry(key.clone()).or_default().listen()
    }
}

impl<V> Topic<V> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    /// One subscriber leaves; it still counts.
    fn leave(&self, key: &str) {
        let mut all = lock(&self.0);
        if all.get(key).is_some_and(|latest| latest.listeners() <= 1) {
            all.remove(key);
        }
    }

    fn has(&self, key: &str) -> bool {
        lock(&self.0).contains_key(key)
    }

    fn tell(&self, key: &str, tell: impl FnOnce(&Latest<V>)) {
        if let Some(latest) = lock(&self.0).get(key) {
            tell(latest);
        }
    }

    fn tell_all(&self, tell: impl Fn(&str, &Latest<V>)) {
        for (key, latest) in lock(&self.0).iter() {
            tell(key, latest);
        }
    }
}

impl Feed {
    /// A feed that the task moves which `move_it` starts.
    pub(in crate::incus) fn start(move_it: impl FnOnce(Weak<Self>, Alive) -> AbortHandle) -> Arc<Self> {
        let feed = Arc::new(Self {
            operations: Topic::new(),
            instances: Topic::new(),
            state: watch::Sender::new(State::Connecting),
            told: Mutex::default(),
            task: Mutex::default(),
        });
        let weak = Arc::downgrade(&feed);
        *lock(&feed.task) = Some(move_it(weak.clone(), Alive(weak)));
        feed
    }

    /// Returns once the connection stands or is known not to.
    pub(in crate::incus) async fn connected_or_not(&self) {
        let mut state = self.state.subscribe();
        let known = state.wait_for(|state| *state != State::Connecting);
        let _ = tokio::time::timeout(Duration::from_secs(5), known).await;
    }

    /// Tells all waits whether the connection stands.
    pub(in crate::incus) fn is_now(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Listens to an operation.
    pub(in crate::incus) fn operation(self: &Arc<Self>, id: &str) -> Subscription<Known> {
        self.subscribe(|feed| &feed.operations, id)
    }

    /// Listens to an instance.
    pub(in crate::incus) fn instance(self: &Arc<Self>, name: &str) -> Subscription<u64> {
        self.subscribe(|feed| &feed.instances, name)
    }

    fn subscribe<V: Default>(self: &Arc<Self>, topic: fn(&Self) -> &Topic<V>, key: &str) -> Subscription<V> {
        let key = Arc::from(key);
        let heard = topic(self).listen(&key);
        Subscription { feed: self.clone(), topic, key, heard }
    }

    /// Decodes only what a wait listens to: a busy server sends much else.
    pub(in crate::incus) fn hear(&self, frame: &[u8]) {
        #[derive(Deserialize)]
        struct Glance {
            metadata: About,
        }
        #[derive(Deserialize)]
        struct About {
            #[serde(default)]
            id: String,
            #[serde(default)]
            source: String,
        }

        let Ok(Glance { metadata: About { id, source } }) = serde_json::from_slice(frame) else { return };
        if self.operations.has(&id)
            && let Ok(event) = serde_json::from_slice::<Stamped<types::Operation>>(frame)
        {
            self.publish(event.into_data());
        }
        if let Some(name) = instance_of(&source) {
            self.instances.tell(name, count);
        }
    }

    fn publish(&self, operation: types::Operation) {
        let id = operation.id.clone();
        self.operations.tell(&id, |latest| latest.hear(operation));
    }

    /// The connection is new: tells what was missed, by the list of all operations. An operation that isn't on it has
    /// to be looked up.
    pub(in crate::incus) fn catch_up(&self, all: Vec<types::Operation>) {
        self.ask_but_for(&all.iter().map(|found| found.id.as_str()).collect());
        for operation in all {
            self.publish(operation);
        }
        self.instances.tell_all(|_, latest| count(latest));
    }

    /// Whether one list is less than what the waits would ask by themselves.
    pub(in crate::incus) fn has_many(&self) -> bool {
        const MANY: usize = 16;
        *self.state.borrow() == State::Up && lock(&self.operations.0).len() >= MANY
    }

    /// Tells the waits that these operations were running at that moment, or later; the others have to be looked up.
    pub(in crate::incus) fn running_since(&self, moment: Instant, running: &HashSet<&str>) {
        self.ask_but_for(running);
        *lock(&self.told) = Some(moment);
    }

    fn ask_but_for(&self, known: &HashSet<&str>) {
        self.operations.tell_all(|id, latest| {
            if !known.contains(id) {
                latest.gap();
            }
        });
    }
}

fn count(latest: &Latest<u64>) {
    latest.change(|times, _| {
        *times = times.wrapping_add(1);
        true
    });
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

/// Goes with the task: at its own end as well as at that of its runtime, which drops it without a word.
pub(in crate::incus) struct Alive(Weak<Feed>);

impl Alive {
    /// The feed stays as it is.
    pub(in crate::incus) fn forget(mut self) {
        self.0 = Weak::new();
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(feed) = self.0.upgrade() {
            feed.state.send_replace(State::Over);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics with these locks held, and plain maps can't be left half-written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
