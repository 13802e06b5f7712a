//! A gibibyte there and back on a real Incus daemon, in constant memory: `cargo xtask live incus` runs this.

use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::time::Instant;

use tokio::io::{AsyncRead, ReadBuf};
use windlass::Content;
use windlass::incus::Incus;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// One at a time: the memory and the speed of this process are measured.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const SIZE: u64 = 1 << 30;

/// More than this would mean that something is collected.
const MOST_GROWTH: u64 = 32 << 20;

/// Bytes that don't repeat within a gibibyte.
struct Noise {
    at: u64,
    sum: DefaultHasher,
}

impl Noise {
    fn new() -> Self {
        Self { at: 0, sum: DefaultHasher::new() }
    }

    fn fill(&mut self, into: &mut [u8]) {
        for eight in into.chunks_exact_mut(8) {
            self.at += 1;
            eight.copy_from_slice(&self.at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        }
        self.sum.write(into);
    }
}

/// A hash that doesn't depend on how the bytes are cut.
fn checksum(path: &std::path::Path) -> std::io::Result<u64> {
    let (mut file, mut sum, mut buffer) =
        (std::fs::File::open(path)?, DefaultHasher::new(), vec![0; 1 << 20]);
    loop {
        match std::io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(sum.finish()),
            read => sum.write(&buffer[..read]),
        }
    }
}

/// The most memory that this process ever used, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

/// Counts peaks from here on.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

struct Endless(u64);

impl AsyncRead for Endless {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let size = into.remaining().min(usize::try_from(self.0).unwrap_or(usize::MAX));
        into.initialize_unfilled_to(size).fill(7);
        into.advance(size);
        self.0 -= size as u64;
        std::task::Poll::Ready(Ok(()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn a_gibibyte_there_and_back_in_constant_memory() -> Outcome {
    let _alone = ALONE.lock().await;
    let socket = std::env::var("WINDLASS_LIVE_INCUS_SOCKET")
        .map_err(|_| "WINDLASS_LIVE_INCUS_SOCKET is not set: run `cargo xtask live incus`")?;
    let incus = Incus::unix(socket).await?;
    let web = incus.create(format!("gib-{}", std::process::id())).image("busybox").await?;
    let directory = std::env::temp_dir().join(format!("windlass-gib-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let (there, back) = (directory.join("there"), directory.join("back"));
    let mut file = std::fs::File::create(&there)?;
    let (mut noise, mut buffer) = (Noise::new(), vec![0; 1 << 20]);
    for _ in 0..SIZE >> 20 {
        noise.fill(&mut buffer);
        file.write_all(&buffer)?;
    }
    drop(file);

    // Once with little, so that threads and buffers are there.
    web.push(vec![0; 1 << 20]).to("/root/warm").await?;
    web.pull("/root/warm").bytes().await?;
    forget_peak();
    let before = peak();
    let begun = Instant::now();
    web.push(&there).to("/root/large").await?;
    let pushed = begun.elapsed();
    let begun = Instant::now();
    let done = web.pull("/root/large").to(&back).await?;
    let pulled = begun.elapsed();
    let growth = peak().saturating_sub(before);
    let rate = |time: std::time::Duration| (SIZE >> 20) as f64 / time.as_secs_f64();
    println!("push {:.0} MiB/s, pull {:.0} MiB/s, growth {} KiB", rate(pushed), rate(pulled), growth >> 10);
    assert_eq!((done.bytes, done.total), (SIZE, Some(SIZE)));
    assert_eq!(checksum(&there)?, checksum(&back)?);
    assert!(growth < MOST_GROWTH, "{} KiB", growth >> 10);

    // A reader of unknown length.
    forget_peak();
    let before = peak();
    web.push(Content::reader(Endless(SIZE / 4))).to("/root/large").await?;
    assert_eq!(web.stat("/root/large").await?.size, Some(SIZE / 4));
    assert!(peak().saturating_sub(before) < MOST_GROWTH);
    std::fs::remove_dir_all(&directory)?;
    web.delete().await?;
    Ok(())
}

/// How often it is measured, in turns; the best of each counts.
const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn a_tree_over_itself_costs_little_more_than_onto_nothing() -> Outcome {
    let _alone = ALONE.lock().await;
    let socket = std::env::var("WINDLASS_LIVE_INCUS_SOCKET")
        .map_err(|_| "WINDLASS_LIVE_INCUS_SOCKET is not set: run `cargo xtask live incus`")?;
    let incus = Incus::unix(socket).await?;
    let web = incus.create(format!("tree-{}", std::process::id())).image("busybox").await?;
    let top = std::env::temp_dir().join(format!("windlass-over-{}", std::process::id()));
    let (there, back) = (top.join("there"), top.join("back"));
    for directory in 0..30 {
        let directory = there.join(directory.to_string());
        std::fs::create_dir_all(&directory)?;
        for file in 0..100 {
            std::fs::write(directory.join(file.to_string()), vec![7; 50 * file])?;
        }
    }
    let mut best = [f64::INFINITY; 4];
    for _ in 0..ROUNDS {
        for (at, best) in best.iter_mut().enumerate() {
            let begun = Instant::now();
            let copied = match at {
                0 | 1 => web.push_tree(&there).to("/root/tree").await?,
                _ => web.pull_tree("/root/tree").to(&back).await?,
            };
            let took = begun.elapsed().as_secs_f64();
            println!("{at}: {took:.2} s");
            *best = best.min(took);
            assert_eq!((copied.files, copied.directories), (3_000, 30));
        }
        web.delete_file("/root/tree").recursive().await?;
        std::fs::remove_dir_all(&back)?;
    }
    let [push, push_over, pull, pull_over] = best;
    println!("push {push:.2} s, over itself {push_over:.2} s ({:.2})", push_over / push);
    println!("pull {pull:.2} s, over itself {pull_over:.2} s ({:.2})", pull_over / pull);
    std::fs::remove_dir_all(&top)?;
    web.delete().await?;
    Ok(())
}
