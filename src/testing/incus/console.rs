//! `/1.0/instances/{name}/console`: one screen per instance, its log, and who is attached.

use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use futures_util::future;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::common::{body, not_implemented};
use super::envelope::{self, Answer, Failure, failure};
use super::files::raw;
use super::generation::Generation;
use super::sessions::{PATIENCE, forever, pump};
use super::world::{CONSOLE, Console, Draft, Incoming, Key, Line, Operation, Seat, Session, World, path};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;

pub(super) fn console(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    let found = world.with(key, |instance| (instance.console.clone(), instance.is_up()));
    let (console, running) = found.map_err(|_| not_attached(key))?;
    match request.method.as_str() {
        "GET" => Ok(log(request, &console.read(running))),
        "DELETE" => {
            console.clear(running);
            Ok(envelope::done())
        }
        "POST" => attach(world, request, key, &console),
        _ => not_implemented(),
    }
}

fn not_attached(key: &Key) -> Failure {
    let (project, name) = key;
    failure(404, format!("Failed to fetch instance \"{name}\" in project \"{project}\": Instance not found"))
}

fn log(request: &Request, text: &[u8]) -> Reply {
    match text.is_empty() {
        true => Reply::new(200, "").header("Content-Type", "application/json"),
        false => raw(request, "console.log", Bytes::copy_from_slice(text), Utc::now()),
    }
}

fn attach(world: &Arc<World>, request: &Request, key: &Key, console: &Arc<Console>) -> Answer {
    let asked = body(request)?;
    match asked["type"].as_str().unwrap_or_default() {
        "" | "console" => {}
        "vga" => return Err(failure(400, "VGA console is only supported by virtual machines")),
        other => return Err(failure(400, format!("Unknown console type \"{other}\""))),
    }
    match world.with(key, |instance| instance.status().to_owned())?.as_str() {
        "Stopped" => return Err(failure(400, "Instance is not running")),
        "Frozen" => return Err(failure(400, "Instance is frozen")),
        _ => {}
    }
    let seat = console.attach(asked["force"] == true);
    let seat = seat.ok_or_else(|| {
        failure(500, "This console is already connected. Force is required to take it over.")
    })?;
    let (session, secrets) = Session::of_console();
    let draft = Draft {
        description: CONSOLE,
        project: key.0.clone(),
        resources: json!({"instances": [path(key)]}),
        socket: Some(json!({"fds": secrets})),
    };
    let power = world.with(key, |instance| instance.power.subscribe())?;
    Ok(world.launch(draft, move |world, operation| {
        world.sessions.open(&operation.id, &session);
        async move {
            let result = session.console(&world, &operation, seat, power).await;
            world.sessions.close(&operation.id);
            result
        }
    }))
}

/// Writes what is typed to the screen.
async fn echo(console: &Console, keyboard: &mut Incoming) {
    let (typed, mut keys) = mpsc::channel::<Bytes>(8);
    let copy = async {
        while let Some(data) = keys.recv().await {
            let line = String::from_utf8_lossy(&data).replace('\r', "\n");
            console.print(line.as_bytes());
        }
    };
    future::join(pump(keyboard, typed, false), copy).await;
}

impl Session {
    /// Shows the client what appears on the screen, and writes there what is typed, until either side ends.
    pub(super) async fn console(
        self: &Arc<Self>,
        world: &World,
        operation: &Operation,
        seat: Seat,
        mut power: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let mut screen = seat.console.screen.subscribe();
        if timeout(PATIENCE, self.complete()).await.is_err() {
            return Err(failure(500, "Timed out waiting for websockets to connect"));
        }
        let Some(Line { outgoing: client, incoming: mut keyboard }) = self.take("0") else { return Ok(()) };
        let (resize, _) = watch::channel((0, 0));
        let show = async {
            while let Ok(data) = screen.recv().await {
                let _ = client.send(Message::Binary(data)).await;
            }
        };
        let echo = echo(&seat.console, &mut keyboard);
        let hung_up = self.clone().controlled(resize);
        let mut hung_up = std::pin::pin!(hung_up);
        tokio::select! {
            _ = &mut hung_up => return Ok(()),
            () = seat.lost() => {
                if world.generation == Generation::V6_0 {
                    world.cancelled(operation);
                }
                return Ok(());
            }
            _ = power.wait_for(|on| !on) => {}
            () = show => {}
            () = forever(Some(echo)) => {}
        }
        let _ = client.send(Message::text("")).await;
        if world.generation == Generation::V6_0 {
            hung_up.await;
        }
        Ok(())
    }
}
