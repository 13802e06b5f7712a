//! One events connection per client and project, shared by all waits that need it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::operation::is_final;
use super::{Incus, scoped, types};
use crate::error::{Error, Kind};
use crate::socket::{Frame, Socket};

/// The feeds of a client, by project.
#[derive(Default)]
pub(super) struct Feeds(Mutex<HashMap<String, Weak<Feed>>>);

/// What a wait hears of its operation.
#[derive(Debug, Clone)]
pub(super) enum Seen {
    Nothing,
    /// The connection broke or is new: something may have been missed.
    Gap,
    Operation(Arc<types::Operation>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Connecting,
    Up,
    Down,
}

struct Feed {
    operations: Mutex<HashMap<String, watch::Sender<Seen>>>,
    link: watch::Sender<Link>,
    task: Mutex<Option<AbortHandle>>,
}

/// One wait's end of a feed; the last one closes the connection.
pub(super) struct Subscription {
    feed: Arc<Feed>,
    id: String,
    seen: watch::Receiver<Seen>,
}

impl Feeds {
    /// Listens to an operation; returns once the connection stands or is known not to.
    pub(super) async fn subscribe(&self, incus: &Incus, id: &str) -> Subscription {
        let subscription = self.feed(incus).subscribe(id);
        let mut link = subscription.feed.link.subscribe();
        let _ = tokio::time::timeout(Duration::from_secs(5), link.wait_for(|link| *link != Link::Connecting))
            .await;
        subscription
    }

    fn feed(&self, incus: &Incus) -> Arc<Feed> {
        let project = incus.own_project().unwrap_or_default().to_owned();
        let mut feeds = lock(&self.0);
        if let Some(feed) = feeds.get(&project).and_then(Weak::upgrade) {
            return feed;
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let feed = Feed::start(incus.clone());
        feeds.insert(project, Arc::downgrade(&feed));
        feed
    }
}

impl Subscription {
    pub(super) fn is_up(&self) -> bool {
        *self.feed.link.borrow() == Link::Up
    }

    /// The next news.
    pub(super) async fn changed(&mut self) -> Seen {
        match self.seen.changed().await {
            Ok(()) => self.seen.borrow_and_update().clone(),
            Err(_) => Seen::Gap,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut operations = lock(&self.feed.operations);
        // This one still counts.
        if operations.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            operations.remove(&self.id);
        }
    }
}

impl Feed {
    fn start(incus: Incus) -> Arc<Self> {
        let feed = Arc::new(Self {
            operations: Mutex::default(),
            link: watch::Sender::new(Link::Connecting),
            task: Mutex::default(),
        });
        let task = tokio::spawn(run(incus, Arc::downgrade(&feed)));
        *lock(&feed.task) = Some(task.abort_handle());
        feed
    }

    fn subscribe(self: Arc<Self>, id: &str) -> Subscription {
        let seen = {
            let mut operations = lock(&self.operations);
            operations.entry(id.to_owned()).or_insert_with(|| watch::Sender::new(Seen::Nothing)).subscribe()
        };
        Subscription { feed: self, id: id.to_owned(), seen }
    }

    fn publish(&self, operation: types::Operation) {
        let operations = lock(&self.operations);
        if let Some(sender) = operations.get(&operation.id) {
            tell(sender, Seen::Operation(Arc::new(operation)));
        }
    }

    fn set(&self, link: Link) {
        self.link.send_replace(link);
        for sender in lock(&self.operations).values() {
            tell(sender, Seen::Gap);
        }
    }
}

/// Frames can arrive out of order: nothing overwrites an end.
fn tell(sender: &watch::Sender<Seen>, news: Seen) {
    sender.send_if_modified(|seen| {
        let ended = matches!(seen, Seen::Operation(operation) if is_final(operation));
        if !ended {
            *seen = news;
        }
        !ended
    });
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

async fn run(incus: Incus, feed: Weak<Feed>) {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(15);
    let mut pause = FIRST;
    loop {
        let connected = connect(&incus).await;
        let Some(alive) = feed.upgrade() else { return };
        match connected {
            Ok(mut socket) => {
                alive.set(Link::Up);
                drop(alive);
                let since = Instant::now();
                listen(&mut socket, &feed).await;
                // A server that takes the connection only to close it is not to be stormed.
                if since.elapsed() > LONGEST {
                    pause = FIRST;
                }
                feed.upgrade().inspect(|feed| feed.set(Link::Down));
            }
            Err(e) => {
                tracing::debug!(error = %e, "no events; waits use long polls");
                alive.set(Link::Down);
                if matches!(e.kind(), Kind::PermissionDenied | Kind::Unsupported | Kind::NotFound) {
                    return;
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

async fn connect(incus: &Incus) -> Result<Socket, Error> {
    let call = incus.call();
    let request = call.events().type_("operation");
    let result = scoped!(request, incus.own_project()).send().await;
    let answer = call.done(result).await?;
    Socket::open(&call, answer).await
}

async fn listen(socket: &mut Socket, feed: &Weak<Feed>) {
    #[derive(Deserialize)]
    struct Event {
        metadata: types::Operation,
    }

    while let Ok(Some(Frame::Text(text))) = socket.next().await {
        let Some(feed) = feed.upgrade() else { return };
        match serde_json::from_slice::<Event>(&text) {
            Ok(event) => feed.publish(event.metadata),
            Err(e) => tracing::debug!(line = e.line(), column = e.column(), "an event that is no operation"),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics with these locks held, and plain maps can't be left half-written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overwrites_an_end() {
        let at = |code: i64| {
            let json = format!(r#"{{"id":"1","status":"x","status_code":{code}}}"#);
            Seen::Operation(Arc::new(serde_json::from_str(&json).unwrap_or_else(|e| unreachable!("{e}"))))
        };
        for end in [200, 400, 401] {
            let (sender, _receiver) = watch::channel(Seen::Nothing);
            for news in [at(103), Seen::Gap, at(end), at(103), Seen::Gap] {
                tell(&sender, news);
            }
            let seen = sender.borrow();
            assert!(matches!(&*seen, Seen::Operation(last) if last.status_code == end), "{end}: {seen:?}");
        }
    }
}
