//! `/1.0/instances/{name}/console`: one screen per instance, its log, and who is attached.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chrono::Utc;
use futures_util::{SinkExt, StreamExt, future};
use serde_json::json;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::envelope::{self, Answer, Failure, failure};
use super::files::raw;
use super::instances::path;
use super::operations::{CONSOLE, Draft, Operation};
use super::sessions::{PATIENCE, Session, forever, pump};
use super::state::{Key, World};
use super::{Generation, body, not_implemented};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;
use crate::testing::shell::Files;

#[derive(Debug)]
pub(super) struct Console {
    /// All of it, and what nobody has read yet.
    log: Mutex<(Vec<u8>, Vec<u8>)>,
    pub(super) screen: broadcast::Sender<Bytes>,
    /// Whose turn it is; nobody's when even.
    turn: watch::Sender<usize>,
}

impl Default for Console {
    fn default() -> Console {
        let (screen, _) = broadcast::channel(64);
        Console { log: Mutex::default(), screen, turn: watch::Sender::new(0) }
    }
}

impl Console {
    /// What something inside writes to it, or its echo of what is typed.
    pub(super) fn print(&self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        {
            let (all, fresh) = &mut *lock(&self.log);
            all.extend_from_slice(data);
            fresh.extend_from_slice(data);
        }
        let shown = String::from_utf8_lossy(data).replace('\n', "\r\n");
        // Nobody may be attached.
        let _ = self.screen.send(shown.into());
    }

    /// What a reading gives: of a running instance what is fresh, which it takes away.
    fn read(&self, running: bool) -> Vec<u8> {
        let (all, fresh) = &mut *lock(&self.log);
        if running { std::mem::take(fresh) } else { all.clone() }
    }

    fn clear(&self, running: bool) {
        let (all, fresh) = &mut *lock(&self.log);
        if !running {
            all.clear();
        }
        fresh.clear();
    }

    /// A new start.
    pub(super) fn renew(&self) {
        self.clear(true);
    }

    /// One client at a time, unless it pushes the other one out.
    fn attach(self: &Arc<Self>, force: bool) -> Option<Seat> {
        let mut mine = 0;
        let seated = self.turn.send_if_modified(|turn| {
            let free = turn.is_multiple_of(2);
            if free || force {
                *turn += if free { 1 } else { 2 };
            }
            mine = *turn;
            free || force
        });
        seated.then(|| Seat { console: self.clone(), mine })
    }
}

/// The right to the console.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) console: Arc<Console>,
    mine: usize,
}

impl Seat {
    /// Returns when somebody else took it.
    pub(super) async fn lost(&self) {
        let mine = self.mine;
        // The sender lives as long as `self`.
        let _ = self.console.turn.subscribe().wait_for(|turn| *turn != mine).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mine = self.mine;
        self.console.turn.send_if_modified(|turn| {
            let still_mine = *turn == mine;
            *turn += usize::from(still_mine);
            still_mine
        });
    }
}

/// The instance's files, and the device that is its console.
#[derive(Debug)]
pub(super) struct Inside<F> {
    pub(super) files: F,
    pub(super) console: Arc<Console>,
}

const DEVICE: &str = "/dev/console";

impl<F: Files> Files for Inside<F> {
    fn read(&self, path: &str) -> Option<Bytes> {
        self.files.read(path)
    }

    fn write(&self, path: &str, data: &[u8], append: bool) -> bool {
        if path == DEVICE {
            self.console.print(data);
            return true;
        }
        self.files.write(path, data, append)
    }

    fn make_pipe(&self, path: &str) -> bool {
        self.files.make_pipe(path)
    }

    fn mount(&self, path: &str, bytes: usize) -> bool {
        self.files.mount(path, bytes)
    }
}

pub(super) fn console(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    let found = world.with(key, |instance| (instance.console.clone(), instance.is_up()));
    let (console, running) = found.map_err(|_| nobody(key))?;
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

fn nobody(key: &Key) -> Failure {
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
    let (session, secrets) = Session::new(true);
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

impl Session {
    /// What is typed goes to the screen, and what appears there to the client, until either side has had enough.
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
        let Some(socket) = self.take("0") else { return Ok(()) };
        let (mut client, mut keyboard) = socket.split();
        let (resize, _) = watch::channel((0, 0));
        let show = async {
            while let Ok(data) = screen.recv().await {
                let _ = client.send(Message::Binary(data)).await;
            }
        };
        let echo = async {
            let (typed, mut keys) = mpsc::channel::<Bytes>(8);
            let copy = async {
                while let Some(data) = keys.recv().await {
                    let line = String::from_utf8_lossy(&data).replace('\r', "\n");
                    seat.console.print(line.as_bytes());
                }
            };
            future::join(pump(&mut keyboard, typed, false), copy).await;
        };
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
