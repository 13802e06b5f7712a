//! Listens to the server's events for all waits: one connection per client, project and runtime.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::subscriptions::{Alive, Feed, State, Subscription};
use super::{Known, Link, News, Wanted};
use crate::incus::{BackgroundOperation, Incus};

impl Incus {
    /// Listens to an operation; returns once the connection stands or is known not to.
    pub(in crate::incus) async fn hear_operation(&self, id: &str) -> Subscription<Known> {
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
            Feed::start(|feed, alive| {
                let lists = tell_now_and_then(incus.clone(), feed.clone());
                let events = run(incus, feed, alive);
                let all = async move {
                    tokio::select! {
                        () = events => {}
                        () = lists => {}
                    }
                };
                tokio::spawn(all).abort_handle()
            })
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

/// Where many wait, one list tells all of them now and then whose work goes on: else each would ask.
async fn tell_now_and_then(incus: Incus, feed: Weak<Feed>) {
    // Each half minute in which a wait hears nothing has the whole of at least one list in it.
    const EVERY: Duration = Duration::from_secs(20);
    const LIMIT: Duration = Duration::from_secs(10);
    let mut ticks = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let began = ticks.tick().await;
        match feed.upgrade() {
            Some(feed) if feed.has_many() => {}
            Some(_) => continue,
            None => return,
        }
        let list = tokio::time::timeout(LIMIT, incus.raw().operations_ids().send()).await;
        // Without it, each asks.
        let (Ok(Ok(urls)), Some(feed)) = (list, feed.upgrade()) else { continue };
        feed.running_since(began, &running(&urls));
    }
}

/// The ids of the operations that go on, from their URLs by status. In a cluster these may have a query.
fn running(urls: &BTreeMap<String, Vec<String>>) -> HashSet<&str> {
    // A status that isn't known may be an end.
    const STATUSES: [&str; 3] = ["pending", "running", "cancelling"];
    let urls = STATUSES.iter().filter_map(|status| urls.get(*status)).flatten();
    urls.filter_map(|url| url.split('?').next()?.rsplit('/').next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_told_by_status_and_url() {
        let urls = [
            ("pending", "/1.0/operations/a"),
            ("running", "/1.0/operations/b?project=blue"),
            ("cancelling", "/1.0/operations/c"),
            ("success", "/1.0/operations/d"),
            ("failure", "/1.0/operations/e"),
            ("cancelled", "/1.0/operations/f"),
            ("pondering", "/1.0/operations/g"),
        ];
        let urls = urls.map(|(status, url)| (status.to_owned(), vec![url.to_owned()]));
        assert_eq!(running(&urls.into()), HashSet::from(["a", "b", "c"]));
    }
}
