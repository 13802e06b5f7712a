//! The websockets of a running `exec`: who may connect, and what flows over them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, future};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::envelope::{Answer, Failure, failure};
use super::generation::Generation;
use super::job::Job;
use super::world::{Incoming, Line, Operation, Outgoing, Session, World};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;
use crate::testing::shell::{Stream, Window};

/// How long the server waits for the streams of a command or a console, from its request.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The same for commands on a 7.0 server.
const NEW_PATIENCE: Duration = Duration::from_secs(10);
/// How long a command takes to start. A client may take what comes together with the answer to its handshake for one
/// frame, which on a real server is the first ping alone.
const START: Duration = Duration::from_millis(10);

pub(super) fn connect(world: &World, request: &Request, id: &str) -> Answer {
    let secret = request.param("secret").unwrap_or_default();
    let operation = match world.operations.find(id) {
        Err(_) if secret.is_empty() => return Err(failure(400, "Missing websocket secret")),
        found => found?,
    };
    if operation.document()["class"] != "websocket" {
        return Err(failure(500, "Only websocket operations can be connected"));
    }
    if secret.is_empty() {
        return Err(failure(500, "missing secret"));
    }
    if operation.is_over() {
        return Err(failure(500, "Only running operations can be connected"));
    }
    let session = lock(&world.sessions.0).get(id).cloned();
    let seat = session.and_then(|session| Some((session.admit(&secret)?, session)));
    let ((fd, is_late), session) = seat.ok_or_else(|| failure(403, "Forbidden"))?;
    Ok(Reply::socket(move |socket| session.seat(fd, is_late, socket)))
}

impl Session {
    pub(super) async fn run(
        self: &Arc<Self>,
        world: &World,
        operation: &Operation,
        job: Job,
    ) -> Result<(), Failure> {
        let patience = match world.generation {
            Generation::V6_0 => PATIENCE,
            Generation::V7_0 => NEW_PATIENCE,
        };
        if timeout(patience, self.complete()).await.is_err() {
            return Err(failure(500, "Timed out waiting for websockets to connect"));
        }
        sleep(START).await;
        let (code, terminal) = match job.interactive {
            true => self.terminal(world, job).await?,
            false => (self.pipes(world, job).await?, None),
        };
        if let Some(terminal) = terminal {
            // The real server waits for the client to hang up, too.
            finished(terminal).await;
        }
        world.ended(operation, code)
    }

    async fn pipes(self: &Arc<Self>, world: &World, job: Job) -> Result<i32, Failure> {
        let (typed, stdin) = mpsc::channel(8);
        let (output, mut chunks) = mpsc::channel::<(Stream, Bytes)>(8);
        let (resize, window) = watch::channel(job.window);
        let running = world.start(&job, stdin, output, window)?;
        let input = self.take("0").map(|line| type_in(line, typed));
        let ((mut out, mut from_out), (mut err, mut from_err)) = (self.output("1"), self.output("2"));
        let delivery = async {
            while let Some((stream, data)) = chunks.recv().await {
                let to = if stream == Stream::Out { &mut out } else { &mut err };
                deliver(to, data).await;
                if to.is_none() {
                    // Nothing reads it: the command notices at its next write.
                    chunks.close();
                }
            }
        };
        let code = tokio::select! {
            (code, ()) = future::join(running, delivery) => code,
            code = self.clone().controlled(resize) => code,
            // Neither the end of the input nor what arrives on the outputs ends a command.
            () = forever(input) => 137,
            () = forever(Some(answered([&mut from_out, &mut from_err]))) => 137,
        };
        // What a killed command has already written is still delivered.
        while let Ok((stream, data)) = chunks.try_recv() {
            deliver(if stream == Stream::Out { &mut out } else { &mut err }, data).await;
        }
        end_of_stream(out, from_out).await;
        end_of_stream(err, from_err).await;
        Ok(code)
    }

    async fn terminal(self: &Arc<Self>, world: &World, job: Job) -> Result<(i32, Option<Line>), Failure> {
        let (typed, stdin) = mpsc::channel(8);
        let (output, chunks) = mpsc::channel(8);
        let (resize, window) = watch::channel(job.window);
        let running = world.start(&job, stdin, output, window)?;
        let Some(mut line) = self.take("0") else {
            return Ok((running.await, None));
        };
        let code = tokio::select! {
            (code, ()) = future::join(running, show(&line.outgoing, chunks)) => code,
            code = self.clone().controlled(resize) => code,
            () = forever(Some(keys(&mut line.incoming, typed))) => 137,
        };
        // The client may have left.
        let _ = line.outgoing.send(Message::text("")).await;
        Ok((code, Some(line)))
    }

    /// Both halves of a stream that the client only reads.
    fn output(&self, fd: &str) -> (Option<Outgoing>, Option<Incoming>) {
        self.take(fd).map(|line| (line.outgoing, line.incoming)).unzip()
    }

    /// The exit code of a command that is killed through the control socket. Never returns if that isn't connected.
    pub(super) async fn controlled(self: Arc<Self>, resize: watch::Sender<Window>) -> i32 {
        let mut control = loop {
            match self.take("control") {
                Some(control) => break control,
                None => self.arrived.notified().await,
            }
        };
        while let Some(Ok(message)) = control.incoming.next().await {
            let Ok(order) = serde_json::from_slice::<Value>(&message.into_data()) else {
                continue;
            };
            if let Some(signal) = obey(&order, &resize) {
                return 128 + signal;
            }
        }
        137
    }
}

/// SIGCHLD, SIGCONT, SIGSTOP, SIGURG and SIGWINCH kill nothing.
const HARMLESS: [i32; 5] = [17, 18, 19, 23, 28];

/// The signal, if the order is one that kills.
fn obey(order: &Value, resize: &watch::Sender<Window>) -> Option<i32> {
    let number = |key: &str| order["args"][key].as_str().and_then(|n| n.parse().ok());
    match order["command"].as_str() {
        Some("signal") => {
            let number = order["signal"].as_i64().and_then(|n| i32::try_from(n).ok());
            number.filter(|number| !HARMLESS.contains(number))
        }
        Some("window-resize") => {
            if let (Some(width), Some(height)) = (number("width"), number("height")) {
                resize.send_replace((width, height));
            }
            None
        }
        _ => None,
    }
}

pub(super) async fn forever(task: Option<impl Future<Output = ()>>) {
    if let Some(task) = task {
        task.await;
    }
    future::pending().await
}

/// Passes stdin on until the client ends it, by an empty text, a Close frame, or a lost connection.
async fn type_in(mut line: Line, typed: mpsc::Sender<Bytes>) {
    pump(&mut line.incoming, typed, false).await;
    // If the connection were dropped, the client would think that the command had died.
    future::pending().await
}

/// Reads connections on which the client only pings: reading answers that.
async fn answered(all: [&mut Option<Incoming>; 2]) {
    let each =
        all.into_iter().flatten().map(async |incoming| while let Some(Ok(_)) = incoming.next().await {});
    future::join_all(each).await;
}

async fn keys(keyboard: &mut Incoming, typed: mpsc::Sender<Bytes>) {
    pump(keyboard, typed, true).await;
}

pub(super) async fn pump(incoming: &mut Incoming, typed: mpsc::Sender<Bytes>, terminal: bool) {
    while let Some(Ok(message)) = incoming.next().await {
        let data = match message {
            Message::Binary(data) => data,
            Message::Text(_) | Message::Close(_) => return,
            _ => continue,
        };
        // Control-D ends the input of a terminal.
        let end = data.iter().position(|b| terminal && *b == 4);
        let sent = typed.send(data.slice(..end.unwrap_or(data.len()))).await;
        if end.is_some() || sent.is_err() {
            return;
        }
    }
}

async fn deliver(to: &mut Option<Outgoing>, data: Bytes) {
    if let Some(line) = to
        && line.send(Message::Binary(data)).await.is_err()
    {
        *to = None;
    }
}

async fn end_of_stream(outgoing: Option<Outgoing>, incoming: Option<Incoming>) {
    if let (Some(outgoing), Some(incoming)) = (outgoing, incoming) {
        Line { outgoing, incoming }.end().await;
    }
}

async fn show(screen: &Outgoing, mut chunks: mpsc::Receiver<(Stream, Bytes)>) {
    while let Some((_, data)) = chunks.recv().await {
        let text = String::from_utf8_lossy(&data).replace('\n', "\r\n");
        if screen.send(Message::binary(text)).await.is_err() {
            return;
        }
    }
}

/// Until the client closes its end.
async fn finished(mut terminal: Line) {
    while let Some(Ok(message)) = terminal.incoming.next().await {
        if message.is_close() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::sync::watch;

    use super::obey;

    #[test]
    fn orders_on_the_control_socket() {
        let (resize, window) = watch::channel((0, 0));
        let order = json!({"command": "window-resize", "args": {"width": "100", "height": "30"}});
        assert_eq!(obey(&order, &resize), None);
        assert_eq!(*window.borrow(), (100, 30));
        assert_eq!(obey(&json!({"command": "signal", "signal": 15}), &resize), Some(15));
        assert_eq!(obey(&json!({"command": "?"}), &resize), None);
    }
}
