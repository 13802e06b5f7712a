//! Input of commands: a connection that dies in silence is noticed, and a command that doesn't read is left alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use windlass::incus::{Exec, InstanceRef};
use windlass::testing::{FakeIncus, Generation};
use windlass::{ErrorKind, Incus, Sent};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// More than any server keeps for a command that doesn't read.
const FLOOD: usize = 2_000_000;
/// The first ping of the server, with the word "keepalive".
const PING: usize = 11;

/// Carries what a client and the fake say to each other. On the connection of file descriptor 0 nothing passes to the
/// server after the handshake, and only so many bytes to the client.
#[derive(Clone)]
struct Cable {
    origin: String,
    passes: usize,
    /// The secret that opens file descriptor 0.
    secret: Arc<Mutex<Option<String>>>,
}

impl Cable {
    /// Where the client connects.
    async fn lay(fake: &FakeIncus, passes: usize) -> std::io::Result<String> {
        let cable = Self { origin: fake.url().replace("http://", ""), passes, secret: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(cable.clone().carry(client));
            }
        });
        Ok(url)
    }

    async fn carry(self, client: TcpStream) {
        let server = TcpStream::connect(&self.origin).await.unwrap();
        let is_input = Arc::new(Mutex::new(false));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let there = self.pass_to_server(from_client, to_server, is_input.clone());
        let back = self.pass_to_client(from_server, to_client, is_input);
        tokio::join!(there, back);
    }

    async fn pass_to_server(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        is_input: Arc<Mutex<bool>>,
    ) {
        let mut piece = vec![0; 8_192];
        while let Ok(read @ 1..) = from.read(&mut piece).await {
            if *is_input.lock().unwrap() {
                continue;
            }
            let text = String::from_utf8_lossy(&piece[..read]);
            *is_input.lock().unwrap() =
                self.secret.lock().unwrap().as_ref().is_some_and(|secret| text.contains(secret));
            to.write_all(&piece[..read]).await.unwrap();
        }
    }

    async fn pass_to_client(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        is_input: Arc<Mutex<bool>>,
    ) {
        let (mut piece, mut left) = (vec![0; 8_192], None);
        while let Ok(read @ 1..) = from.read(&mut piece).await {
            let text = String::from_utf8_lossy(&piece[..read]);
            if let Some((_, secrets)) = text.split_once(r#""fds":{"0":""#) {
                *self.secret.lock().unwrap() = secrets.split('"').next().map(str::to_owned);
            }
            let mut passes = read;
            if *is_input.lock().unwrap() {
                let head = piece[..read].windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4);
                let left = left.get_or_insert(head.unwrap_or(0) + self.passes);
                passes = read.min(*left);
                *left -= passes;
            }
            let _ = to.write_all(&piece[..passes]).await;
        }
        // The end of the connection doesn't get through either.
        if *is_input.lock().unwrap() {
            std::future::pending::<()>().await;
        }
    }
}

/// How a command is given its input: not at all, with an idle writer, a little, and much.
fn inputs(web: &InstanceRef) -> [Exec; 4] {
    let exec = || web.exec(["cat"]);
    [exec(), exec().pipe_stdin(), exec().stdin("hello"), exec().stdin(vec![b'x'; FLOOD])]
}

/// The connection dies before or after the first ping of the server.
#[tokio::test(start_paused = true)]
async fn a_dead_connection_of_the_input_ends_the_call() -> Outcome {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let fake = FakeIncus::builder().generation(generation).start().await?;
        fake.client()?.launch("web").image("busybox").await?;
        for (passes, terminal) in [(0, false), (PING, false), (0, true), (PING, true)] {
            let web = Incus::http(Cable::lay(&fake, passes).await?).client()?.instance("web");
            for (at, exec) in inputs(&web).into_iter().enumerate() {
                let exec = if terminal { exec.terminal(80, 24) } else { exec };
                let mut run = exec.spawn().await?;
                // It stays idle.
                let _writer = run.take_stdin();
                let ended = timeout(Duration::from_secs(120), run.output()).await;
                let case = format!("{generation:?}, {passes} bytes, terminal {terminal}, input {at}");
                let e = ended.map_err(|_| format!("{case}: it hangs"))?.expect_err("it read nothing");
                assert_eq!((e.kind(), e.sent()), (ErrorKind::Timeout, Sent::Unknown), "{case}: {e:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_command_that_reads_nothing_for_hours_is_left_alone() -> Outcome {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let fake = FakeIncus::builder().generation(generation).start().await?;
        fake.client()?.launch("web").image("busybox").await?;
        let web = fake.client()?.instance("web");
        for terminal in [false, true] {
            let begun = Instant::now();
            let exec = web.exec(["sh", "-c", "sleep 7200; exit 3"]).stdin(vec![b'x'; FLOOD]);
            let exec = if terminal { exec.terminal(80, 24) } else { exec };
            assert_eq!(exec.output().await?.status.code(), 3, "{generation:?}, terminal {terminal}");
            assert!(begun.elapsed() >= Duration::from_secs(7_200));
        }
    }
    Ok(())
}
