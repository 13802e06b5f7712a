//! The frames of a running command: JSON texts with bytes in base64.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply;
use crate::error::{Error, ErrorKind, Sent};
use crate::stream::process::Piece;

/// How much input is sent in one frame. The service may cut longer lines.
pub(super) const PIECE: usize = 4096;

/// The first frame: what to run, and where.
pub(super) fn start(id: &str, id_type: &str, command: &[String], terminal: bool) -> String {
    json!({"id": id, "id_type": id_type, "body": {"command": command, "disableTty": !terminal}}).to_string()
}

pub(super) fn stdin(bytes: &[u8]) -> String {
    let mut frame = String::with_capacity(bytes.len() * 4 / 3 + 40);
    frame.push_str(r#"{"body":{"stdin":{"data":""#);
    STANDARD.encode_string(bytes, &mut frame);
    frame.push_str(r#""}}}"#);
    frame
}

pub(super) fn end_of_stdin() -> String {
    json!({"body": {"stdin": {"close": true}}}).to_string()
}

pub(super) fn size(width: u16, height: u16) -> String {
    json!({"body": {"tty_size": {"height": height, "width": width}}}).to_string()
}

/// What a frame brings: output, and the last one the exit code.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) output: Vec<Piece>,
    pub(super) exited: Option<i32>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    result: Option<Reply<'a>>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    stdout: Option<Io<'a>>,
    #[serde(borrow)]
    stderr: Option<Io<'a>>,
    exited: Option<bool>,
    exit_code: Option<i32>,
}

#[derive(Deserialize)]
struct Io<'a> {
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
}

/// Reads a frame; an error if it is one, or can't be read.
pub(super) fn read(frame: &[u8]) -> Result<Said, Error> {
    if frame.is_empty() {
        return Ok(Said::default());
    }
    let wire: Wire<'_> =
        serde_json::from_slice(frame).map_err(|_| unreadable("a frame isn't what the API describes"))?;
    if let Some(error) = wire.error {
        return Err(reply::of_frame(&error));
    }
    let Some(reply) = wire.result else { return Ok(Said::default()) };
    let mut output = Vec::new();
    output.extend(piece(reply.stdout, Piece::Stdout)?);
    output.extend(piece(reply.stderr, Piece::Stderr)?);
    // Before the end the code is 0 and means nothing.
    let exited = (reply.exited == Some(true)).then(|| reply.exit_code.unwrap_or(0));
    Ok(Said { output, exited })
}

fn piece(io: Option<Io<'_>>, kind: fn(Bytes) -> Piece) -> Result<Option<Piece>, Error> {
    let Some(data) = io.and_then(|io| io.data).filter(|data| !data.is_empty()) else { return Ok(None) };
    let bytes = STANDARD.decode(data.as_bytes()).map_err(|_| unreadable("the output isn't base64"))?;
    Ok(Some(kind(bytes.into())))
}

fn unreadable(message: &str) -> Error {
    Error::new(ErrorKind::BadReply, message).with(|e| e.sent = Sent::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::koyeb::types;

    fn out(text: &'static str) -> Piece {
        Piece::Stdout(Bytes::from_static(text.as_bytes()))
    }

    fn err(text: &'static str) -> Piece {
        Piece::Stderr(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn frames_that_arrive() {
        let table: &[(&str, Vec<Piece>, Option<i32>)] = &[
            (
                r#"{"result":{"stdout":{"data":"aGk=","close":false},"stderr":null,"exited":false,"exit_code":0}}"#,
                vec![out("hi")],
                None,
            ),
            (
                r#"{"result":{"stdout":{"data":"aGk="},"stderr":{"data":"bm8="}}}"#,
                vec![out("hi"), err("no")],
                None,
            ),
            // The last one may hold output.
            (
                r#"{"result":{"stdout":{"data":"aGk="},"exited":true,"exit_code":7}}"#,
                vec![out("hi")],
                Some(7),
            ),
            (r#"{"result":{"exited":true,"exit_code":-1,"new":{}}}"#, vec![], Some(-1)),
            // An exit code before the end doesn't count.
            (r#"{"result":{"exited":false,"exit_code":9}}"#, vec![], None),
            (r#"{"result":{"stdout":{"data":"","close":true},"stderr":{"data":null}}}"#, vec![], None),
            (r#"{"result":{"stdout":{"data":"\u0061Gk="}}}"#, vec![out("hi")], None),
            (r#"{"result":null}"#, vec![], None),
            ("{}", vec![], None),
            ("", vec![], None),
        ];
        for (frame, output, exited) in table {
            let expected = Said { output: output.clone(), exited: *exited };
            assert_eq!(read(frame.as_bytes()).ok(), Some(expected), "{frame}");
        }
    }

    #[test]
    fn frames_that_are_errors() {
        for (frame, kind) in [
            (r#"{"error":{"code":13,"message":"internal_server_error","details":[]}}"#, ErrorKind::Server),
            (r#"{"error":{"code":16,"message":"unauthenticated"}}"#, ErrorKind::Unauthenticated),
            (
                r#"{"error":{"code":9,"message":"failed_precondition","details":[{"message":"x"}]}}"#,
                ErrorKind::Conflict,
            ),
            (r#"{"result":{"stdout":{"data":"?"}}}"#, ErrorKind::BadReply),
            ("<html>", ErrorKind::BadReply),
        ] {
            assert_eq!(read(frame.as_bytes()).map_err(|e| e.kind()), Err(kind), "{frame}");
        }
    }

    #[test]
    fn frames_that_are_sent_are_what_the_spec_describes() {
        let frames = [
            start("i1", "INSTANCE_ID", &["sh".into(), "-c".into()], false),
            stdin(b"\x00\xff"),
            end_of_stdin(),
            size(80, 24),
        ];
        for frame in frames {
            let known: Option<types::ExecCommandRequest> = serde_json::from_str(&frame).ok();
            let new = known.map(|request| (request.extra.len(), request.body.map(|body| body.extra.len())));
            assert_eq!(new, Some((0, Some(0))), "{frame}");
        }
        assert_eq!(stdin(b"\x00\xff"), r#"{"body":{"stdin":{"data":"AP8="}}}"#);
        assert_eq!(
            start("i1", "SERVICE_ID", &["ls".into()], true),
            r#"{"body":{"command":["ls"],"disableTty":false},"id":"i1","id_type":"SERVICE_ID"}"#
        );
    }
}
