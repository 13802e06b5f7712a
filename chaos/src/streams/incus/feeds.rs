//! Events.

use std::time::Duration;

use serde_json::json;
use windlass::incus::Event;
use windlass::{Error, Incus};

use super::super::scenario::{Outcome, Stage, Starting};
use super::super::sequence::{self, Item};
use super::{client, running, story};
use crate::judge::Wrong;
use crate::world::address;

/// So many events are read.
const EVENTS: usize = 20;
/// A stream goes on for as long as it is read: after such a silence it isn't any more. It notices a dead connection
/// within half a minute, and tries again after a quarter at most.
const SILENCE: Duration = Duration::from_secs(90);
pub(super) const LIMIT: Duration = Duration::from_secs(600);

pub(super) fn watch() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            let heard = {
                let incus = incus.clone();
                async move {
                    let mut number = 0;
                    let telling = async {
                        loop {
                            tokio::time::sleep(Duration::from_secs(1)).await;
                            let source = format!("/1.0/instances/web{number}");
                            let event = json!({"action": "instance-started", "source": source});
                            fake.send_event("lifecycle", &event);
                            number += 1;
                        }
                    };
                    tokio::select! {
                        heard = listen(incus) => heard,
                        () = telling => unreachable!(),
                    }
                }
            };
            Ok(story(&incus, heard, |outcome, findings| {
                let Outcome::Done(items) = outcome else { return };
                let first = items.iter().find_map(|item| match item {
                    Item::Number(number) => Some(*number),
                    Item::Gap => None,
                });
                sequence::check(&items, first.unwrap_or_default(), findings);
                let enough = items.iter().any(|item| matches!(item, Item::Number(EVENTS..)));
                findings.check(Wrong::Hung, enough || !findings.heals, || {
                    format!("nothing comes after {items:?}")
                });
            }))
        })
    })
}

async fn listen(incus: Incus) -> Result<Vec<Item>, Error> {
    let (mut events, mut items) = (incus.watch().lifecycle().await?, Vec::new());
    while let Ok(event) = tokio::time::timeout(SILENCE, events.try_next()).await {
        let item = match event? {
            Some(Event::Lifecycle(event)) => number(&event.source).map_or(Item::Gap, Item::Number),
            Some(_) => Item::Gap,
            None => break,
        };
        items.push(item);
        if matches!(item, Item::Number(EVENTS..)) {
            break;
        }
    }
    Ok(items)
}

fn number(source: &str) -> Option<usize> {
    source.strip_prefix("/1.0/instances/web")?.parse().ok()
}
