//! A gibibyte in and out, with a slow peer: nothing piles up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::sleep;
use windlass::incus::{Incus, InstanceRef};
use windlass::testing::FakeIncus;
use windlass::{Chunk, Content};

use crate::pattern::Pattern;
use crate::talk::{Client, figure, hear, say};
use crate::{Outcome, meter, slow};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
/// A slow reader pauses so long after each MiB.
const PAUSE: Duration = Duration::from_millis(10);

pub async fn lead() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (pattern, socket) = (Pattern::new(), fake.socket().to_owned());
    let mut client = Client::start("transfers", &socket.display().to_string(), None)?;
    client.expect("ready").await?;
    client.tell(&slow::door_to(&socket)?.display().to_string()).await?;
    client.expect("pushed").await?;
    let pushed = fake.file("web", "/pushed").ok_or("nothing was pushed")?;
    assert!(pushed.len() as u64 == GIB && pattern.is(0, &pushed), "the server has other bytes");
    drop(pushed);
    fake.add_file("web", "/there", pattern.bytes(GIB));
    client.tell("pull").await?;
    client.end().await
}

pub async fn client(socket: &str) -> Outcome {
    let incus = Incus::unix(socket).client()?;
    incus.launch("web").image("busybox").await?;
    let web = incus.instance("web");
    let pattern = Arc::new(Pattern::new());
    // What any transfer needs is there before the measuring.
    web.push(pattern.bytes(8 * MIB)).to("/warm").await?;
    web.pull("/warm").bytes().await?;
    say("ready");
    let slow = Incus::unix(hear()).client()?.instance("web");
    let content = Source { pattern: pattern.clone(), at: 0 };
    measured("pushed to a slow server", slow.push(Content::sized_reader(content, GIB)).to("/pushed")).await?;
    say("pushed");
    hear();
    measured("pulled by a slow reader", pull(&web, &pattern)).await?;
    measured("through a command, in and out, for a slow reader", command(&web, &pattern)).await
}

/// Runs one transfer, and tells what it took.
async fn measured<E>(what: &str, transfer: impl Future<Output = Result<(), E>>) -> Outcome
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    meter::forget_peak();
    let (before, started) = (meter::resident(), Instant::now());
    transfer.await.map_err(Into::into)?;
    figure(format!("1 GiB {what}"), format!("{:.1} s", started.elapsed().as_secs_f64()));
    let (peak, more) = (meter::mib(meter::peak()), meter::more(meter::peak(), before));
    figure("memory at most, and above that before", format!("{peak}, {more}"));
    Ok(())
}

async fn pull(web: &InstanceRef, pattern: &Pattern) -> Outcome {
    let mut file = web.pull("/there").stream().await?;
    let mut sink = Sink::new(pattern);
    while let Some(bytes) = file.try_next().await? {
        sink.take(&bytes).await;
    }
    assert_eq!(sink.at, GIB);
    Ok(())
}

async fn command(web: &InstanceRef, pattern: &Arc<Pattern>) -> Outcome {
    let mut cat = web.exec(["cat"]).pipe_stdin().spawn().await?;
    let mut input = cat.take_stdin().ok_or("it has an input")?;
    let source = pattern.clone();
    let writing = tokio::spawn(async move {
        let mut at = 0;
        while at < GIB {
            let piece = source.piece(at, (GIB - at).min(MIB / 4) as usize);
            input.write_all(piece).await?;
            at += piece.len() as u64;
        }
        input.close();
        Ok::<_, windlass::Error>(())
    });
    let mut sink = Sink::new(pattern);
    while let Some(Chunk::Stdout(bytes)) = cat.try_next().await? {
        sink.take(&bytes).await;
    }
    writing.await??;
    assert!(cat.wait().await?.is_success() && sink.at == GIB, "{} bytes", sink.at);
    Ok(())
}

/// The pattern, to be read.
struct Source {
    pattern: Arc<Pattern>,
    at: u64,
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let left = (GIB - self.at).min(to.remaining() as u64) as usize;
        let piece = self.pattern.piece(self.at, left);
        to.put_slice(piece);
        let read = piece.len() as u64;
        self.at += read;
        Poll::Ready(Ok(()))
    }
}

/// A slow reader that compares.
struct Sink<'a> {
    pattern: &'a Pattern,
    at: u64,
}

impl<'a> Sink<'a> {
    fn new(pattern: &'a Pattern) -> Self {
        Self { pattern, at: 0 }
    }

    async fn take(&mut self, bytes: &[u8]) {
        assert!(self.pattern.is(self.at, bytes), "other bytes near {}", self.at);
        let before = self.at;
        self.at += bytes.len() as u64;
        if self.at / MIB > before / MIB {
            sleep(PAUSE).await;
        }
    }
}
