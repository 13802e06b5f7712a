//! Logs: searched and followed.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_tungstenite::tungstenite::Message;

use super::caller::Caller;
use super::exec;
use super::lists::params;
use super::reply::{Answer, invalid, ok};
use super::world::{State, TICK, World};
use crate::testing::server::limited::WebSocket;
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// Which lines.
struct Wanted {
    kind: String,
    /// Labels and the values that they may have.
    labels: Vec<(&'static str, Vec<String>)>,
    /// What the labels don't say, by the fields of the instance that wrote a line, and their values.
    origin: [(&'static str, Vec<String>); 3],
    text: Option<String>,
    regex: Option<regress::Regex>,
    limit: usize,
}

fn time(request: &Request, name: &str) -> Result<Option<DateTime<Utc>>, Reply> {
    let parse = |text: String| text.parse().map_err(|_| invalid(name, "is not a time"));
    request.param(name).map(parse).transpose()
}

impl Wanted {
    fn of(request: &Request, limit: usize) -> Result<Wanted, Reply> {
        // Some names have an older one.
        let labels: Vec<_> = [
            ("app_id", "", "app_id"),
            ("service_id", "", "service_id"),
            ("instance_ids", "instance_id", "instance_id"),
            ("streams", "stream", "stream"),
        ]
        .into_iter()
        .map(|(name, old, label)| (label, [params(request, name), params(request, old)].concat()))
        .collect();
        let origin = [
            ("xyz_deployment_id", params(request, "deployment_id")),
            ("regional_deployment_id", params(request, "regional_deployment_id")),
            ("region", params(request, "regions")),
        ];
        let named = origin[..2].iter().any(|(_, values)| !values.is_empty());
        if !named && labels.iter().take(3).all(|(_, values)| values.is_empty()) {
            return Err(invalid("service_id", "one of the ids is required"));
        }
        let (text, regex) = (request.param("text"), request.param("regex"));
        if text.is_some() && regex.is_some() {
            return Err(invalid("regex", "can't be used with text"));
        }
        let regex = regex.map(|regex| regress::Regex::new(&regex)).transpose();
        let limit = match request.param("limit") {
            Some(limit) => limit.parse().map_err(|_| invalid("limit", "is not a number"))?,
            None => limit,
        };
        Ok(Wanted {
            kind: request.param("type").unwrap_or_else(|| "runtime".to_owned()),
            labels,
            origin,
            text,
            regex: regex.map_err(|_| invalid("regex", "is invalid"))?,
            limit,
        })
    }

    /// A line of a build comes from the latest deployment of its service, and from no region.
    fn is_from(&self, state: &State, labels: &Value) -> bool {
        let instance = state.find(labels["instance_id"].as_str().unwrap_or_default());
        let service = state.find(labels["service_id"].as_str().unwrap_or_default());
        self.origin.iter().filter(|(_, values)| !values.is_empty()).all(|(field, values)| {
            let value = match (instance, service) {
                (Some(instance), _) => &instance[*field],
                (None, Some(service)) if *field == "xyz_deployment_id" => &service["latest_deployment_id"],
                _ => &Value::Null,
            };
            values.iter().any(|wanted| value == wanted.as_str())
        })
    }

    fn matches(&self, state: &State, line: &Value) -> bool {
        let labels = &line["labels"];
        let labelled = self.labels.iter().all(|(label, values)| {
            values.is_empty() || values.iter().any(|value| labels[*label] == value.as_str())
        });
        let message = line["msg"].as_str().unwrap_or_default();
        labelled
            && self.is_from(state, labels)
            && labels["type"] == self.kind.as_str()
            && self.text.as_ref().is_none_or(|text| message.contains(text.as_str()))
            && self.regex.as_ref().is_none_or(|regex| regex.find(message).is_some())
    }
}

pub(super) fn query(world: &World, request: &Request) -> Answer {
    let wanted = Wanted::of(request, 100)?;
    let end = time(request, "end")?.unwrap_or_else(Utc::now);
    let start = time(request, "start")?;
    let start = start.unwrap_or_else(|| end.checked_sub_signed(TimeDelta::minutes(15)).unwrap_or(end));
    if start >= end {
        return Err(invalid("start", "must be before end"));
    }
    let mut lines = found(&lock(&world.state), &wanted, |at| (start..end).contains(&at));
    let newest_first = request.param("order").as_deref() != Some("asc");
    if newest_first {
        lines.reverse();
    }
    let end_of_page = page(&lines, wanted.limit);
    let more = lines.len() > end_of_page;
    lines.truncate(end_of_page);
    let pagination = match lines.last().map(|(at, _)| *at).filter(|_| more) {
        None => json!({"has_more": false, "next_start": null, "next_end": null}),
        Some(last) if newest_first => {
            json!({"has_more": true, "next_start": text(start), "next_end": text(last)})
        }
        Some(last) => {
            let next = last + TICK;
            json!({"has_more": true, "next_start": text(next), "next_end": text(end)})
        }
    };
    let lines: Vec<Value> = lines.into_iter().map(|(_, line)| line).collect();
    ok(&json!({"data": lines, "pagination": pagination}))
}

type Line = (DateTime<Utc>, Value);

/// Lines in the order of their times.
fn found(state: &State, wanted: &Wanted, within: impl Fn(DateTime<Utc>) -> bool) -> Vec<Line> {
    let lines = state.logs.iter().filter(|(at, line)| within(*at) && wanted.matches(state, line));
    let mut lines: Vec<Line> = lines.cloned().collect();
    lines.sort_by_key(|(at, _)| *at);
    lines
}

/// How many lines are on a page: the next begins with another moment, so that none falls in between.
fn page(lines: &[Line], limit: usize) -> usize {
    let rest = lines.iter().skip(limit.saturating_sub(1)).zip(lines.iter().skip(limit));
    limit + rest.take_while(|(one, next)| one.0 == next.0).count()
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
}

pub(super) fn tail(world: &Arc<World>, request: &Request, caller: Caller) -> Answer {
    let wanted = Wanted::of(request, 1000)?;
    let start = time(request, "start")?.unwrap_or_else(|| Utc::now() - TimeDelta::hours(24));
    // Lines written from now on are followed, however long the connection takes to open.
    let (mut old, new) = {
        let state = lock(&world.state);
        (found(&state, &wanted, |at| at >= start), world.lines.subscribe())
    };
    let old = old.split_off(old.len().saturating_sub(wanted.limit));
    let world = world.clone();
    Ok(exec::open(&world.clone(), request, caller, move |socket| follow(world, wanted, old, new, socket)))
}

async fn follow(
    world: Arc<World>,
    wanted: Wanted,
    old: Vec<Line>,
    mut new: broadcast::Receiver<Value>,
    mut socket: WebSocket,
) {
    let _here = world.followers.enter();
    let mut closing = world.tail_closing.subscribe();
    closing.mark_unchanged();
    // The first frame can be empty.
    let _ = socket.send(Message::text("{}")).await;
    for (_, line) in &old {
        if send(&mut socket, line).await.is_err() {
            return;
        }
    }
    loop {
        tokio::select! {
            line = new.recv() => match line {
                Ok(line) if fits(&world, &wanted, &line) => {
                    if send(&mut socket, &line).await.is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_) | RecvError::Closed) => return,
            },
            frame = socket.next() => match frame {
                Some(Ok(frame)) if !frame.is_close() => {}
                _ => return,
            },
            _ = closing.changed() => {
                let _ = socket.close(None).await;
                return;
            }
        }
    }
}

fn fits(world: &World, wanted: &Wanted, line: &Value) -> bool {
    wanted.matches(&lock(&world.state), line)
}

async fn send(socket: &mut WebSocket, line: &Value) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    socket.send(Message::text(json!({"result": line}).to_string())).await
}
