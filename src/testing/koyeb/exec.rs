//! Commands over a websocket.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;

use super::caller::Caller;
use super::quirk::Quirk;
use super::world::World;
use crate::testing::server::limited::WebSocket;
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;
use crate::testing::shell::{Addresses, Guest, Stream, Window};

pub(super) fn connect(world: &Arc<World>, request: &Request, caller: Caller) -> Reply {
    let world = world.clone();
    let named = request.param("id");
    open(&world.clone(), request, caller, move |socket| async move { serve(world, named, socket).await })
}

/// Opens a websocket, with whatever was planted for it.
pub(super) fn open<F>(
    world: &World,
    request: &Request,
    caller: Caller,
    talk: impl FnOnce(WebSocket) -> F + Send + 'static,
) -> Reply
where
    F: Future<Output = ()> + Send + 'static,
{
    let wrong = caller == Caller::User && !lock(&world.state).organizations.is_empty();
    let quirk = if wrong { Some(Quirk::Cut) } else { lock(&world.quirks).pop_front() };
    let reply = Reply::socket(move |socket| async move {
        let socket = match quirk {
            Some(quirk) => quirk.play(socket).await,
            None => Some(socket),
        };
        if let Some(socket) = socket {
            talk(socket).await;
        }
    });
    match request.header("sec-websocket-protocol") {
        Some(_) => reply.header("Sec-WebSocket-Protocol", "Bearer"),
        None => reply,
    }
}

type Outgoing = SplitSink<WebSocket, Message>;
type Incoming = SplitStream<WebSocket>;

async fn serve(world: Arc<World>, named: Option<String>, socket: WebSocket) {
    let (mut out, mut input) = socket.split();
    let Some(first) = frame(&mut input).await else { return };
    match Job::new(&world, named, &first) {
        Ok(job) => job.run(&world, &first, &mut out, &mut input).await,
        Err((code, message)) => {
            let error = json!({"error": {"code": code, "message": message, "details": []}});
            let _ = out.send(Message::text(error.to_string())).await;
        }
    }
    let _ = out.close().await;
}

async fn frame(input: &mut Incoming) -> Option<Value> {
    loop {
        match input.next().await? {
            Ok(Message::Text(text)) => return serde_json::from_slice(text.as_bytes()).ok(),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// A command as asked for.
struct Job {
    instance: String,
    command: Vec<String>,
    terminal: bool,
}

impl Job {
    fn new(world: &World, named: Option<String>, first: &Value) -> Result<Job, (i32, &'static str)> {
        let word = |one: &str, other: &str| first[one].as_str().or(first[other].as_str()).map(str::to_owned);
        let id = word("id", "id").or(named).ok_or((3, "id is required"))?;
        let instance = match word("id_type", "idType").as_deref() {
            Some("SERVICE_ID") => {
                let mine = lock(&world.state).of_service(&id, &["HEALTHY"]);
                mine.into_iter().next().ok_or((9, "the service has no healthy instance"))?
            }
            _ => id,
        };
        let status = lock(&world.state).instances.iter().find(|one| one["id"] == instance.as_str()).cloned();
        if status.ok_or((5, "instance not found"))?["status"] != "HEALTHY" {
            return Err((9, "failed_precondition"));
        }
        let words = first["body"]["command"].as_array().into_iter().flatten();
        let command: Vec<_> = words.filter_map(Value::as_str).map(str::to_owned).collect();
        if command.is_empty() {
            return Err((3, "command is required"));
        }
        Ok(Job { instance, command, terminal: first["body"]["disableTty"] != true })
    }

    async fn run(self, world: &World, first: &Value, out: &mut Outgoing, input: &mut Incoming) {
        let _running = world.commands.enter();
        let mut closing = world.closing.subscribe();
        closing.mark_unchanged();
        let (typed, stdin) = mpsc::channel(8);
        let (output, chunks) = mpsc::channel(8);
        let (resize, window) = watch::channel((0, 0));
        obey(first, &resize);
        let guest = Guest {
            env: BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]),
            cwd: "/".to_owned(),
            uid: 0,
            gid: 0,
            files: Arc::new(lock(&world.state).disk(&self.instance)),
            addresses: Addresses::default(),
            output,
            window,
            hostname: self.instance.clone(),
            commands: world.planted.clone(),
        };
        tokio::select! {
            () = deliver(guest.run(stdin, self.command), chunks, out, self.terminal) => {}
            // A client that hangs up kills the command.
            () = listen(input, typed, resize) => {}
            _ = closing.changed() => {}
        }
    }
}

/// Passes output on; the last frame has the exit code, and what was left.
async fn deliver(
    run: impl Future<Output = i32>,
    mut chunks: mpsc::Receiver<(Stream, Bytes)>,
    out: &mut Outgoing,
    terminal: bool,
) {
    let mut run = std::pin::pin!(run);
    let code = loop {
        tokio::select! {
            biased;
            code = &mut run => break code,
            Some((stream, data)) = chunks.recv() => {
                if say(out, reply(stream, &data, terminal)).await.is_err() {
                    return;
                }
            }
        }
    };
    let mut last = json!({"stdout": null, "stderr": null});
    while let Ok((stream, data)) = chunks.try_recv() {
        let next = reply(stream, &data, terminal);
        let before = std::mem::replace(&mut last, next);
        if (!before["stdout"].is_null() || !before["stderr"].is_null()) && say(out, before).await.is_err() {
            return;
        }
    }
    last["exited"] = true.into();
    last["exit_code"] = code.into();
    let _ = say(out, last).await;
}

fn reply(stream: Stream, data: &[u8], terminal: bool) -> Value {
    let text = if terminal {
        String::from_utf8_lossy(data).replace('\n', "\r\n").into_bytes()
    } else {
        data.to_vec()
    };
    let io = json!({"data": STANDARD.encode(text), "close": false});
    match stream {
        Stream::Err if !terminal => json!({"stdout": null, "stderr": io, "exited": false, "exit_code": 0}),
        _ => json!({"stdout": io, "stderr": null, "exited": false, "exit_code": 0}),
    }
}

async fn say(out: &mut Outgoing, reply: Value) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    out.send(Message::text(json!({"result": reply}).to_string())).await
}

/// Passes input on; returns when the other side is gone.
async fn listen(input: &mut Incoming, typed: mpsc::Sender<Bytes>, resize: watch::Sender<Window>) {
    let mut typed = Some(typed);
    while let Some(frame) = frame(input).await {
        obey(&frame, &resize);
        let stdin = &frame["body"]["stdin"];
        if let (Some(to), Some(data)) = (&typed, stdin["data"].as_str()) {
            let data = STANDARD.decode(data).unwrap_or_default();
            // A command that reads no more is no reason to stop listening.
            let _ = to.send(data.into()).await;
        }
        if stdin["close"] == true {
            typed = None;
        }
    }
}

fn obey(frame: &Value, resize: &watch::Sender<Window>) {
    let number = |key: &str| frame["body"]["tty_size"][key].as_u64().and_then(|n| u32::try_from(n).ok());
    if let (Some(width), Some(height)) = (number("width"), number("height")) {
        resize.send_replace((width, height));
    }
}
