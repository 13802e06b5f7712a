//! A server that speaks SFTP badly, or none at all.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use windlass::incus::{Incus, InstanceRef};
use windlass::{ErrorKind, Sent};

use super::transfer::{Directory, Outcome};

const VERSION: u8 = 2;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const WRITE: u8 = 6;
const FSETSTAT: u8 = 10;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const NAME: u8 = 104;

/// What the server does with a request for SFTP, by its type and number.
type Answer = dyn Fn(u8, &[u8]) -> Reply + Send + Sync;

enum Reply {
    /// These bytes, with the length in front.
    Packet(Vec<u8>),
    /// These bytes, and then nothing more.
    Raw(Vec<u8>),
    /// The connection ends.
    End,
}

/// Answers as a small server would, but for what `odd` answers.
fn answering(odd: impl Fn(u8) -> Option<Reply> + Send + Sync + 'static) -> Arc<Answer> {
    Arc::new(move |kind, id| odd(kind).unwrap_or_else(|| usual(kind, id)))
}

fn usual(kind: u8, id: &[u8]) -> Reply {
    Reply::Packet(match kind {
        1 => vec![VERSION, 0, 0, 0, 3],
        OPEN | OPENDIR => [&[HANDLE][..], id, &text(b"h")].concat(),
        CLOSE | FSETSTAT => [&[STATUS][..], id, &[0; 4], &text(b""), &text(b"")].concat(),
        // The end of a listing, and of everything else.
        _ => [&[STATUS][..], id, &[0, 0, 0, 1], &text(b"end"), &text(b"")].concat(),
    })
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// One batch of a listing: empty files.
fn names(id: &[u8], names: &[&[u8]]) -> Reply {
    let mut packet = [&[NAME][..], id, &u32::try_from(names.len()).unwrap().to_be_bytes()].concat();
    for name in names {
        // Size and permissions.
        packet.extend(
            [&text(name)[..], &text(name), &[0, 0, 0, 5], &[0; 8], &0o100_644_u32.to_be_bytes()].concat(),
        );
    }
    Reply::Packet(packet)
}

async fn serve(mut stream: UnixStream, answer: Arc<Answer>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    stream
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: sftp\r\n\r\n")
        .await?;
    loop {
        let length = stream.read_u32().await?;
        let mut packet = vec![0; length as usize];
        stream.read_exact(&mut packet).await?;
        match answer(packet[0], &packet[1..5]) {
            Reply::Packet(bytes) => stream.write_all(&text(&bytes)).await?,
            Reply::End => return Ok(()),
            Reply::Raw(bytes) => {
                stream.write_all(&bytes).await?;
                std::future::pending::<()>().await;
            }
        }
    }
}

struct Server {
    task: tokio::task::JoinHandle<()>,
    web: InstanceRef,
    directory: Directory,
}

impl Server {
    fn start(answer: Arc<Answer>) -> Result<Self, Box<dyn std::error::Error>> {
        let directory = Directory::new()?;
        let socket: PathBuf = directory.0.join("socket");
        let listener = UnixListener::bind(&socket)?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone()));
            }
        });
        let web = Incus::unix(&socket).client()?.instance("web");
        Ok(Self { task, web, directory })
    }

    /// What becomes of a pull.
    async fn pull(&self) -> windlass::Result<windlass::incus::Copied> {
        // Nothing here waits for it, unless the end of a connection is missed.
        let pull = self.web.pull_tree("/top").idle_timeout(Duration::from_secs(600));
        pull.to(self.copy()).await
    }

    fn copy(&self) -> PathBuf {
        self.directory.0.join("copy")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

#[tokio::test]
async fn lengths_that_no_packet_has_are_noticed_at_once() -> Outcome {
    for kind in [1, OPENDIR, READDIR] {
        for length in [[0; 4], [0, 4, 0, 1], [0xff; 4], *b"HTTP"] {
            let odd = move |asked: u8| (asked == kind).then(|| Reply::Raw(length.to_vec()));
            let server = Server::start(answering(odd))?;
            let e = server.pull().await.expect_err("that is no packet");
            assert_eq!(
                (e.kind(), exists(&server.copy())),
                (ErrorKind::BadReply, false),
                "{kind} {length:?}: {e:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn packets_that_say_nothing_are_no_answers() -> Outcome {
    for kind in [1, OPENDIR, READDIR] {
        // A type that doesn't exist, a name that is longer than the packet, a status cut short.
        for packet in [vec![250, 0, 0, 0, 1], vec![NAME, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 1, 0], vec![STATUS, 0]]
        {
            let odd = move |asked: u8| (asked == kind).then(|| Reply::Packet(packet.clone()));
            let server = Server::start(answering(odd))?;
            let e = server.pull().await.expect_err("that is no answer");
            assert_eq!(e.kind(), ErrorKind::BadReply, "{kind}: {e:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_ends_is_noticed_at_once() -> Outcome {
    for kind in [1, OPENDIR, READDIR] {
        let odd = move |asked: u8| (asked == kind).then_some(Reply::End);
        let server = Server::start(answering(odd))?;
        let e = server.pull().await.expect_err("nothing more comes");
        assert_eq!(e.kind(), ErrorKind::Interrupted, "{kind}: {e:?}");
    }
    Ok(())
}

#[tokio::test]
async fn silence_has_the_limit_that_was_set() -> Outcome {
    let odd = |asked: u8| (asked == READDIR).then(|| Reply::Raw(vec![0, 0, 0, 9, NAME]));
    let server = Server::start(answering(odd))?;
    let pull = server.web.pull_tree("/top").idle_timeout(Duration::from_millis(50)).to(server.copy()).await;
    let e = pull.expect_err("the rest never comes");
    assert_eq!(e.kind(), ErrorKind::Timeout, "{e:?}");
    assert!(e.message().contains("50ms"), "{e}");
    Ok(())
}

#[tokio::test]
async fn a_listing_without_end_is_not_followed_for_ever() -> Outcome {
    for endless in [vec![&b"file"[..]; 1_000], vec![&b"."[..]]] {
        let server = Server::start(Arc::new(move |kind, id| match kind {
            READDIR => names(id, &endless),
            _ => usual(kind, id),
        }))?;
        let pull = server.web.pull_tree("/top").max_entries(5_000).to(server.copy()).await;
        let e = pull.expect_err("it never ends");
        assert_eq!((e.kind(), exists(&server.copy())), (ErrorKind::LimitExceeded, false), "{e:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_no_text_is_not_copied_under_another() -> Outcome {
    let server = Server::start(Arc::new({
        let told = std::sync::atomic::AtomicBool::new(false);
        move |kind, id| match kind {
            READDIR if !told.swap(true, std::sync::atomic::Ordering::SeqCst) => {
                names(id, &[b"fine", b"a\xffb"])
            }
            _ => usual(kind, id),
        }
    }))?;
    let e = server.pull().await.expect_err("it has no name here");
    assert_eq!((e.kind(), exists(&server.copy())), (ErrorKind::Unsupported, false), "{e:?}");
    assert!(e.message().contains("isn't UTF-8"), "{e}");
    Ok(())
}

#[tokio::test]
async fn a_large_push_that_breaks_off_is_no_success() -> Outcome {
    for (is_silent, kind) in [(true, ErrorKind::Timeout), (false, ErrorKind::Interrupted)] {
        let end = move || if is_silent { Reply::Raw(Vec::new()) } else { Reply::End };
        let odd = move |asked: u8| (asked == WRITE).then(end);
        let server = Server::start(answering(odd))?;
        // The end of a connection is noticed whatever the limit is.
        let limit = if is_silent { Duration::from_millis(50) } else { Duration::from_secs(600) };
        let push = server.web.push(vec![7; 3_000_000]).idle_timeout(limit);
        let e = push.to("/new").await.expect_err("not all of it was taken");
        assert_eq!((e.kind(), e.sent(), e.is_repeatable()), (kind, Sent::Unknown, false), "{e:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_large_push_has_its_mode_before_its_content() -> Outcome {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let server = Server::start(answering(move |kind| {
        seen.lock().unwrap().push(kind);
        (kind == WRITE).then_some(Reply::End)
    }))?;
    server.web.push(vec![7; 3_000_000]).mode(0o600).to("/new").await.expect_err("the connection ended");
    assert!(asked.lock().unwrap().starts_with(&[1, OPEN, FSETSTAT, WRITE]), "{:?}", asked.lock().unwrap());
    Ok(())
}
