//! Listens to the server's events for all waits: one connection per client, project and runtime.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::subscriptions::{Alive, Feed, Heard, State, Subscription};
use super::{Link, News, Wanted};
use crate::incus::{BackgroundOperation, Incus};

impl Incus {
    /// Listens to an operation; returns once the connection stands or is known not to.
    pub(in crate::incus) async fn hear_operation(&self, id: &str) -> Subscription<Heard> {
        self.feed().await.operation(id)
    }

    /// Listens to an instance in the same way.
    pub(in crate::incus) async fn hear_instance(&self, name: &str) -> Subscription<u64> {
        self.feed().await.instance(name)
    }

    /// A feed, once its connection stands or is known not to: to listen to work that doesn't exist yet.
    pub(in crate::incus) async fn feed(&self) -> Arc<Feed> {
        let start = || {
            let incus = self.clone();
            Feed::start(|feed, alive| tokio::spawn(run(incus, feed, alive)).abort_handle())
        };
        let feed = self.0.feeds.of_project(self.own_project().unwrap_or_default(), start);
        feed.connected_or_not().await;
        feed
    }
}

/// Moves a feed for as long as it is used.
async fn run(incus: Incus, feed: Weak<Feed>, alive: Alive) {
    let wanted = Wanted { types: "operation,lifecycle".to_owned(), all_projects: false };
    let mut link = Link::new(&incus, wanted);
    let mut first = true;
    loop {
        let news = link.next().await;
        let Some(feed) = feed.upgrade() else { return };
        match news {
            Ok(News::Frame(frame)) => feed.hear(&frame),
            Ok(News::Up) => {
                // A wait for the first connection looks once it is up.
                if !std::mem::take(&mut first) {
                    catch_up(&incus, &feed).await;
                }
                feed.is_now(State::Up);
            }
            Ok(News::Down) => {
                first = false;
                feed.is_now(State::Down);
            }
            Err(e) => {
                tracing::debug!(error = %e, "no events; waits look by themselves");
                feed.is_now(State::Down);
                // A server that refused will refuse again: don't retry.
                return alive.forget();
            }
        }
    }
}

/// One list tells what was missed.
async fn catch_up(incus: &Incus, feed: &Feed) {
    const LIMIT: Duration = Duration::from_secs(10);
    let list = tokio::time::timeout(LIMIT, incus.operations().into_future()).await;
    let all = list.ok().and_then(Result::ok).unwrap_or_default();
    feed.catch_up(all.into_iter().map(BackgroundOperation::into_data).collect());
}
