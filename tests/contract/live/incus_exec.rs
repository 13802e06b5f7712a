//! Commands in large numbers and sizes on a real Incus daemon: run by `cargo xtask live incus`, which owns the daemon.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use windlass::incus::{Incus, Instance};
use windlass::{Chunk, ErrorKind};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const MIB: usize = 1 << 20;
/// Of random bytes, which the flood repeats.
const BLOCK: usize = 8 * MIB;

fn client() -> Result<Incus, Box<dyn std::error::Error>> {
    let socket = std::env::var("WINDLASS_LIVE_INCUS_SOCKET")
        .map_err(|_| "WINDLASS_LIVE_INCUS_SOCKET is not set: run `cargo xtask live incus`")?;
    Ok(Incus::unix(socket).client()?)
}

/// Open file descriptors of this process.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// Waits until no more files are open than before: connections are closed in the background.
async fn settled(before: usize) -> Outcome {
    for _ in 0..2_000 {
        if open_files() <= before {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{} files open, {before} before", open_files()).into())
}

async fn five_hundred_in_a_row(web: &Instance) -> Outcome {
    web.exec(["true"]).output().await?.success()?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (before, started) = (open_files(), Instant::now());
    for number in 0..500 {
        let script = format!("echo {number}; exit {}", number % 125);
        let output = web.exec(["sh", "-c", &script]).output().await?;
        assert_eq!((output.status.code(), output.stdout_text()), (number % 125, format!("{number}\n")));
    }
    println!("a command takes {:?}", started.elapsed() / 500);
    settled(before).await
}

/// Keeps the machine busy until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn with(threads: usize) -> Self {
        let go = Arc::new(AtomicBool::new(true));
        for _ in 0..threads {
            let go = go.clone();
            std::thread::spawn(move || while go.load(Ordering::Relaxed) {});
        }
        Self(go)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// On a busy machine: the server waits five seconds for the streams of a command, from its request on.
async fn two_hundred_at_once(web: &Instance) -> Outcome {
    let (before, started, _busy) = (open_files(), Instant::now(), Busy::with(8));
    let all = (0..200).map(|number| async move {
        let script = format!("sleep 0.2; echo {number}; exit {}", number % 100);
        let output = web.exec(["sh", "-c", &script]).output().await?;
        assert_eq!((output.status.code(), output.stdout_text()), (number % 100, format!("{number}\n")));
        Ok::<_, windlass::Error>(())
    });
    futures_util::future::try_join_all(all).await?;
    println!("200 commands at once on a busy machine took {:?}", started.elapsed());
    settled(before).await
}

/// A slow reader loses nothing of a gibibyte, and keeps next to nothing of it in memory.
async fn a_flood(web: &Instance) -> Outcome {
    let repeats = 128;
    web.exec(["dd", "if=/dev/urandom", "of=/root/block", "bs=1M", "count=8"]).output().await?.success()?;
    let block = web.exec(["cat", "/root/block"]).output().await?.success()?.stdout;
    assert_eq!(block.len(), BLOCK);
    let script = format!("i=0; while [ $i -lt {repeats} ]; do cat /root/block; i=$((i+1)); done");
    let (before, mut most, started) = (resident(), 0, Instant::now());
    let mut flood = web.exec(["sh", "-c", &script]).spawn().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (mut read, mut pauses) = (0, 0);
    while let Some(Chunk::Stdout(mut bytes)) = flood.try_next().await? {
        while !bytes.is_empty() {
            let at = read % BLOCK;
            let piece = bytes.split_to(bytes.len().min(BLOCK - at));
            assert!(piece[..] == block[at..at + piece.len()], "not what was sent, near {read}");
            read += piece.len();
        }
        if read / (64 * MIB) > pauses {
            pauses += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
            most = most.max(resident());
        }
    }
    assert!(flood.wait().await?.is_success());
    assert_eq!(read, repeats * BLOCK);
    let grown = most.saturating_sub(before);
    println!("{} MiB in {:?}, {} MiB more memory at most", read / MIB, started.elapsed(), grown / MIB);
    assert!(grown < 32 * MIB, "{} MiB more", grown / MIB);
    Ok(())
}

/// A command that has closed its outputs still gets its input.
async fn a_silent_reader(web: &Instance) -> Outcome {
    let command = "exec >/dev/null 2>&1; cat >/root/late";
    let mut cat = web.exec(["sh", "-c", command]).pipe_stdin().spawn().await?;
    let mut stdin = cat.take_stdin().ok_or("no writer")?;
    for word in ["one ", "two ", "three"] {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stdin.write_all(word).await?;
    }
    stdin.close();
    assert!(cat.wait().await?.is_success());
    assert_eq!(web.read_file("/root/late").await?, "one two three");
    Ok(())
}

/// A relay to the daemon that can go dead: then nothing passes any more, and nothing is closed.
fn relay(socket: &str) -> Result<(PathBuf, watch::Sender<bool>), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join(format!("windlass-relay-{}.socket", std::process::id()));
    let listener = UnixListener::bind(&path)?;
    let (dead, to) = (watch::Sender::new(false), socket.to_owned());
    let watching = dead.subscribe();
    tokio::spawn(async move {
        let mut unanswered = Vec::new();
        while let Ok((mut near, _)) = listener.accept().await {
            if *watching.borrow() {
                // A silent connection to the daemon would keep others out.
                unanswered.push(near);
                continue;
            }
            let (to, mut dead) = (to.clone(), watching.clone());
            tokio::spawn(async move {
                let mut far = UnixStream::connect(to).await?;
                tokio::select! {
                    copied = tokio::io::copy_bidirectional(&mut near, &mut far) => copied.map(|_| ()),
                    _ = async { dead.wait_for(|dead| *dead).await.is_ok() } => std::future::pending().await,
                }
            });
        }
    });
    Ok((path, dead))
}

/// A connection over which nothing comes any more, although it wasn't closed, ends in an error.
async fn a_dead_connection(name: &str) -> Outcome {
    let (path, dead) = relay(&std::env::var("WINDLASS_LIVE_INCUS_SOCKET")?)?;
    let web = Incus::unix(&path).client()?.instance(name);
    let mut plain = web.exec(["sh", "-c", "echo up; sleep 1000"]).spawn().await?;
    let mut terminal = web.exec(["sh", "-c", "echo up; sleep 1000"]).terminal(80, 24).spawn().await?;
    let mut console = web.attach_console().await?;
    for run in [&mut plain, &mut terminal] {
        run.next().await.ok_or("no output")??;
    }
    let started = Instant::now();
    dead.send_replace(true);
    let noticed = tokio::time::timeout(Duration::from_secs(90), async {
        tokio::join!(plain.wait(), terminal.wait(), console.next())
    });
    let (plain, terminal, console) = noticed.await.map_err(|_| "nobody notices")?;
    println!("noticed after {:?}", started.elapsed());
    let kinds = [plain.err(), terminal.err(), console.and_then(Result::err)].map(|e| e.map(|e| e.kind()));
    assert_eq!(kinds, [Some(ErrorKind::Timeout); 3]);
    std::fs::remove_file(path)?;
    Ok(())
}

/// One test: it counts what the whole process has open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn commands_in_large_numbers_and_sizes() -> Outcome {
    let incus = client()?;
    let web = incus.launch(format!("crowd-{}", std::process::id())).image("busybox").await?;
    five_hundred_in_a_row(&web).await?;
    two_hundred_at_once(&web).await?;
    a_flood(&web).await?;
    a_silent_reader(&web).await?;
    a_dead_connection(web.name()).await?;
    web.stop().force().await?;
    web.delete().await?;
    Ok(())
}
