//! Moves the bytes of a running command, executes its controls, and finds its exit status.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{oneshot, watch};

use super::keyboard::{self, Keyboard, PIECE, TYPED, not_read, tell};
use super::status;
use super::streams::{Pipes, Terminal};
use crate::error::{Error, ErrorKind, Sent};
use crate::incus::Incus;
use crate::incus::events::Known;
use crate::incus::events::subscriptions::Subscription;
use crate::stream::process::{
    Control, ControlRequest, Controls, ExitStatus, Input, Piece, Signal, Sink, Wires,
};
use crate::stream::websocket::{Frame, Socket};
use crate::wait::{WaitEnd, WaitError};

/// How long the wait for the end of a command lasts without a connection of its own: most end sooner.
const SOON: Duration = Duration::from_secs(1);
/// How long to wait for the server's explanation of a broken stream.
const WORD: Duration = Duration::from_secs(5);

/// A command that has been started.
pub(super) struct Run {
    pub(super) incus: Incus,
    pub(super) id: String,
    /// Its events, subscribed to before it started.
    pub(super) heard: Option<Subscription<Known>>,
}

/// Drives a command without a terminal.
pub(super) async fn pipes(run: Run, pipes: Pipes, wires: Wires) -> Result<ExitStatus, Error> {
    let Pipes { stdin, stdout, stderr, control } = pipes;
    let Wires { output, input, controls } = wires;
    let (silent, silence) = watch::channel(false);
    let drain = async {
        let out = pour(&stdout, &output, Piece::Stdout);
        let err = pour(&stderr, &output, Piece::Stderr);
        let drained = tokio::try_join!(out, err).map(|(out, err)| out.saturating_add(err));
        silent.send_replace(true);
        drained
    };
    tokio::select! {
        ended = ended(run, drain, &|| ()) => ended,
        e = steer(&control, controls, false) => Err(e),
        // Until the exit status: a command that closed its output may still read input.
        e = feed(&stdin, input, silence) => Err(e),
    }
}

/// Drives a command with a terminal.
pub(super) async fn terminal(run: Run, terminal: Terminal, wires: Wires) -> Result<ExitStatus, Error> {
    let Terminal { both, control } = terminal;
    let Wires { output, input, controls } = wires;
    let (over, is_over) = watch::channel(false);
    let drain = async move {
        let result = tokio::select! {
            result = pour(&both, &output, Piece::Stdout) => result,
            never = keyboard::send(&both, input, Keyboard::ControlD) => never,
            never = watch_at_the_end(&both, is_over) => never,
        };
        // The server ends the operation only after the client has closed the connection.
        let _ = tokio::time::timeout(SOON, both.close()).await;
        drop(both);
        result
    };
    let last = || _ = over.send_replace(true);
    tokio::select! {
        ended = ended(run, drain, &last) => ended,
        e = steer(&control, controls, true) => Err(e),
    }
}

/// Pings a terminal again once its command has ended: nothing that is typed keeps the server from answering any more.
async fn watch_at_the_end<T>(both: &Socket, mut is_over: watch::Receiver<bool>) -> T {
    // Its sender lives as long as the command.
    let _ = is_over.wait_for(|over| *over).await;
    both.watch_again();
    std::future::pending().await
}

/// Waits for the end of the output, whose size `drain` returns, and for the exit status, whichever comes first. Calls
/// `last` when only output is waited for.
async fn ended(
    run: Run,
    drain: impl Future<Output = Result<u64, Error>>,
    last: &(dyn Fn() + Sync),
) -> Result<ExitStatus, Error> {
    let (told, drained) = oneshot::channel();
    let mut status = pin!(status_of(run, drained, last));
    let mut drain = pin!(drain);
    tokio::select! {
        drained = &mut drain => {
            let _ = told.send(());
            match drained {
                Ok(size) => status::with_output(status.await, size > 0),
                Err(e) => Err(said(tokio::time::timeout(WORD, status).await.ok(), e)),
            }
        }
        status = &mut status => {
            last();
            match drain.await {
                Ok(size) => status::with_output(status, size > 0),
                Err(e) => Err(said(Some(status), e)),
            }
        }
    }
}

/// The server's reason for the missing output, if it gives one: a better error than a lost connection.
fn said(status: Option<Result<ExitStatus, WaitError>>, otherwise: Error) -> Error {
    match status {
        Some(Err(word)) if word.end() == WaitEnd::Failed => word.into(),
        _ => otherwise,
    }
}

/// Asks how the command ended.
///
/// The server forgets that five seconds after the end, which a slow reader can't see for its output. Nearly every
/// command ends sooner and needs no connection for the wait.
async fn status_of(
    run: Run,
    mut drained: oneshot::Receiver<()>,
    last: &(dyn Fn() + Sync),
) -> Result<ExitStatus, WaitError> {
    if let Some(heard) = run.heard {
        return status_heard(&run.incus, &run.id, heard, drained).await;
    }
    if tokio::time::timeout(SOON, &mut drained).await.is_err() {
        match status::of_running(&run.incus, &run.id).await {
            // The streams may still work: ask again at their end. If they had ended, there is nothing left to wait for.
            Err(e) if e.end() == WaitEnd::LostContact && drained.try_recv().is_err() => {
                tracing::debug!(error = %e, "no exit status yet");
                last();
                let _ = drained.await;
            }
            told => return told,
        }
    }
    status::of_ended(&run.incus, &run.id).await
}

/// Waits for the event that tells how the command ended. If none comes after the end of the output, the events
/// connection may be dead: then it also asks.
async fn status_heard(
    incus: &Incus,
    id: &str,
    heard: Subscription<Known>,
    drained: oneshot::Receiver<()>,
) -> Result<ExitStatus, WaitError> {
    let mut told = pin!(status::of_heard(incus, id, heard));
    let asked = async {
        let _ = drained.await;
        tokio::time::sleep(SOON).await;
        status::of_ended(incus, id).await
    };
    let mut asked = pin!(asked);
    let is_open = |e: &WaitError| matches!(e.end(), WaitEnd::LostContact | WaitEnd::Gone);
    tokio::select! {
        told = &mut told => match told {
            Err(e) if is_open(&e) => asked.await,
            told => told,
        },
        answer = &mut asked => match answer {
            // The event may still be on its way.
            Err(e) if is_open(&e) => tokio::time::timeout(WORD, told).await.unwrap_or(Err(e)),
            answer => answer,
        },
    }
}

/// Passes one stream on, and returns its length. Its end is an empty text frame; if the connection ends without it,
/// output is missing.
pub(in crate::incus) async fn pour<C: AsyncRead + AsyncWrite + Unpin>(
    socket: &Socket<C>,
    sink: &Sink,
    kind: fn(Bytes) -> Piece,
) -> Result<u64, Error> {
    let mut size = 0_u64;
    loop {
        match socket.next().await? {
            Some(Frame::Text(text)) if text.is_empty() => return Ok(size),
            Some(Frame::Text(bytes) | Frame::Binary(bytes)) => {
                size = size.saturating_add(bytes.len() as u64);
                sink.put(kind(bytes)).await;
            }
            None => {
                let e = Error::new(ErrorKind::Interrupted, "the stream closed before its end");
                return Err(socket.labelled(e.with(|e| e.sent = Sent::Yes)));
            }
        }
    }
}

/// Sends the input of a command without a terminal. Once the output has ended, so has the command, most likely: then a
/// writer that stays idle is waited for no longer. Returns only when the connection is dead.
async fn feed<C: AsyncRead + AsyncWrite + Unpin>(
    stdin: &Socket<C>,
    input: Input,
    silence: watch::Receiver<bool>,
) -> Error {
    let dead = tokio::select! {
        biased;
        // Also read: pings must be answered, and the server closes the connection once the command stops reading.
        dead = closed(stdin) => dead,
        sent = type_in(stdin, input, silence) => {
            tell(sent);
            closed(stdin).await
        }
    };
    match dead {
        Some(e) => e,
        None => std::future::pending().await,
    }
}

/// Sends all input, and its end.
async fn type_in<C: AsyncRead + AsyncWrite + Unpin>(
    stdin: &Socket<C>,
    mut input: Input,
    mut silence: watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut typed = 0_usize;
    while let Some(piece) = tokio::select! {
        piece = input.next(PIECE) => piece,
        () = idle_in(&mut silence) => None,
    } {
        typed = typed.saturating_add(piece.len());
        if typed > TYPED {
            not_read(stdin).await?;
        }
        stdin.send_binary(piece).await?;
    }
    // After the end the server reads no more.
    not_read(stdin).await?;
    stdin.send_text("").await
}

/// Reads until the connection ends; the error if it is dead instead.
async fn closed<C: AsyncRead + AsyncWrite + Unpin>(stdin: &Socket<C>) -> Option<Error> {
    loop {
        match stdin.next().await {
            Ok(Some(_)) => {}
            Err(e) if e.kind() == ErrorKind::Timeout => return Some(e),
            // It ends with the command, whose end shows in the streams.
            Ok(None) | Err(_) => return None,
        }
    }
}

/// How long a writer may stay idle after the end of the output.
async fn idle_in(silence: &mut watch::Receiver<bool>) {
    // Its sender lives as long as the command.
    let _ = silence.wait_for(|silent| *silent).await;
    tokio::time::sleep(SOON).await;
}

/// Executes controls while the command runs; returns only when the connection is dead.
pub(in crate::incus) async fn steer<C: AsyncRead + AsyncWrite + Unpin>(
    control: &Socket<C>,
    mut controls: Controls,
    terminal: bool,
) -> Error {
    loop {
        tokio::select! {
            asked = controls.next() => obey(control, asked, terminal).await,
            heard = control.next() => match heard {
                Ok(Some(_)) => {}
                Err(e) if e.kind() == ErrorKind::Timeout => return e,
                // It ends with the command, whose end shows in the streams.
                Ok(None) | Err(_) => break,
            },
        }
    }
    loop {
        // Callers that send a control now get an error.
        drop(controls.next().await);
    }
}

async fn obey<C: AsyncRead + AsyncWrite + Unpin>(control: &Socket<C>, asked: ControlRequest, terminal: bool) {
    let order = match asked.control {
        Control::Resize { .. } if !terminal => {
            return asked.answer(Err(Error::invalid("terminal", "the command has none")));
        }
        // The server wants strings.
        Control::Resize { width, height } => {
            json!({"command": "window-resize", "args": {"width": width.to_string(), "height": height.to_string()}})
        }
        Control::Signal(signal) => json!({"command": "signal", "signal": signal.number()}),
        Control::Kill => json!({"command": "signal", "signal": Signal::KILL.number()}),
    };
    asked.answer(control.send_text(&order.to_string()).await);
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::time::{Instant, sleep};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;
    use crate::stream::process::StdinSource;

    /// Frames received until the end of input is sent.
    async fn received(connection: tokio::io::DuplexStream) -> Vec<u8> {
        let mut server = WebSocketStream::from_raw_socket(connection, Role::Server, None).await;
        let mut all = Vec::new();
        while let Some(Ok(message)) = server.next().await {
            if message.is_text() {
                break;
            }
            all.extend_from_slice(&message.into_data());
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn input_outlives_the_output_but_an_idle_writer_does_not() {
        let (ours, theirs) = tokio::io::duplex(1024);
        let stdin = Socket::over(ours).await;
        let (input, writer) = Input::new(StdinSource::Pipe);
        let (_silent, silence) = watch::channel(true);
        let writing = async {
            let mut writer = writer;
            for word in ["one ", "two ", "three"] {
                sleep(SOON.mul_f64(0.9)).await;
                if let Some(writer) = &mut writer {
                    let _ = writer.write_all(word).await;
                }
            }
            std::future::pending().await
        };
        let started = Instant::now();
        let all = tokio::select! {
            all = received(theirs) => all,
            _ = feed(&stdin, input, silence) => Vec::new(),
            () = writing => Vec::new(),
        };
        assert_eq!(all, b"one two three");
        assert!((SOON.mul_f64(3.6)..SOON * 4).contains(&started.elapsed()), "{:?}", started.elapsed());
    }

    /// In any order of ends, the wait ends a minute after the last sign of life.
    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_gone_is_given_up_after_a_minute() -> std::io::Result<()> {
        let silent = std::env::temp_dir().join(format!("windlass-silent-{}.socket", std::process::id()));
        let _nobody_accepts = std::os::unix::net::UnixListener::bind(&silent)?;
        for socket in ["/nowhere".as_ref(), silent.as_path()] {
            for end_of_output in [0, 5, 59] {
                let Ok(incus) = Incus::unix(socket).client() else { unreachable!("nothing is asked") };
                let run = Run { incus, id: "1".to_owned(), heard: None };
                let (started, drain) = (Instant::now(), async {
                    sleep(Duration::from_secs(end_of_output)).await;
                    Ok(0)
                });
                let ended = ended(run, drain, &|| ()).await;
                let waited = started.elapsed().as_secs();
                assert!(
                    ended.is_err() && (60..=62).contains(&waited),
                    "{socket:?} {end_of_output}: {waited}"
                );
            }
        }
        std::fs::remove_file(silent)
    }
}
