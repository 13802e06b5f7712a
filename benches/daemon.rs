//! A real Incus daemon, driven by windlass, by the `incus` command and by `curl`: wall times, each with its baselines.
//!
//! `cargo xtask bench-incus` starts a daemon and runs this. The sides take turns, so that a machine that slows down slows
//! all. The commands' times include their start: that is what a script pays, too. CPU time is that of the client's side
//! alone, in steps of 10 ms; on a busy machine it says more than the wall time.

#![allow(clippy::unwrap_used)] // a benchmark that fails has no result

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::try_join_all;
use tokio::runtime::Runtime;
use windlass::incus::{Event, Events, Instance, Status};
use windlass::{Chunk, Content, Error, Incus, Result};

/// Where the daemon listens.
const SOCKET: &str = "WINDLASS_LIVE_INCUS_SOCKET";
/// The daemon's directory: the `incus` command finds it by this.
const DIRECTORY: &str = "WINDLASS_LIVE_INCUS_DIR";
const MIB: usize = 1024 * 1024;
const INSTANCES: usize = 500;

fn main() {
    let Some(socket) = std::env::var_os(SOCKET) else {
        println!("no daemon: run `cargo xtask bench-incus`");
        return;
    };
    let bench = Bench::prepare(socket.into());
    for size in [64, 256] {
        bench.files(size * MIB);
    }
    bench.commands();
    bench.wake_up();
    bench.list();
    bench.runtime.block_on(bench.web.stop().force().into_future()).unwrap();
}

/// The sides, and an instance to work on.
struct Bench {
    runtime: Runtime,
    incus: Incus,
    web: Instance,
    socket: PathBuf,
    directory: PathBuf,
    /// For files on this machine.
    scratch: PathBuf,
}

/// One way to do the same thing: its name, and what takes the time.
type Side<'a> = (&'static str, Box<dyn FnMut() + 'a>);

impl Bench {
    fn prepare(socket: PathBuf) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let incus = Incus::unix(&socket).client().unwrap();
        let web = runtime.block_on(async { incus.launch("bench").image("busybox").await }).unwrap();
        let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
        let scratch = std::env::temp_dir().join(format!("windlass-bench-{}", std::process::id()));
        std::fs::create_dir(&scratch).unwrap();
        Self { runtime, incus, web, socket, directory, scratch }
    }

    fn files(&self, size: usize) {
        let (from, to) = (self.scratch.join("from"), self.scratch.join("to"));
        let content: Vec<u8> = (0..size).map(|n| (n * 2_654_435_761 >> 7) as u8).collect();
        std::fs::write(&from, &content).unwrap();
        let url = "http://incus/1.0/instances/bench/files?path=/root/f";
        let title = |verb: &str| format!("{verb} {} MiB", size / MIB);
        let rounds = (320 * MIB / size).max(3);
        compare(
            &title("push"),
            rounds,
            vec![
                ("windlass", Box::new(|| self.runtime.block_on(self.push(&from)).unwrap())),
                (
                    "incus file push",
                    Box::new(|| self.incus(&["file", "push", "-q", text(&from), "bench/root/f"])),
                ),
                (
                    "curl",
                    Box::new(|| {
                        self.curl(&[
                            "-X",
                            "POST",
                            "-H",
                            "Content-Type: application/octet-stream",
                            "-T",
                            text(&from),
                            url,
                        ]);
                    }),
                ),
            ],
        );
        compare(
            &title("pull"),
            rounds,
            vec![
                ("windlass", Box::new(|| self.runtime.block_on(self.pull(&to)).unwrap())),
                (
                    "incus file pull",
                    Box::new(|| self.incus(&["file", "pull", "-q", "bench/root/f", text(&to)])),
                ),
                ("curl", Box::new(|| drop(self.curl(&["-o", text(&to), url])))),
            ],
        );
        assert!(std::fs::read(&to).unwrap() == content, "the file came back changed");
    }

    async fn push(&self, from: &Path) -> Result<()> {
        self.web.push(Content::file(from)).to("/root/f").await
    }

    async fn pull(&self, to: &Path) -> Result<()> {
        self.web.pull("/root/f").to(to).await?;
        Ok(())
    }

    fn commands(&self) {
        compare(
            "exec true",
            20,
            vec![
                (
                    "windlass",
                    Box::new(|| assert_eq!(self.runtime.block_on(self.exec(&["true"])).unwrap(), 0)),
                ),
                ("incus exec", Box::new(|| self.incus(&["exec", "bench", "--", "true"]))),
                ("curl, twice, without output", Box::new(|| self.curl_exec())),
            ],
        );
        let zeros = ["head", "-c", "67108864", "/dev/zero"];
        compare(
            "exec with 64 MiB of output",
            5,
            vec![
                (
                    "windlass",
                    Box::new(|| {
                        assert_eq!(self.runtime.block_on(self.exec(&zeros)).unwrap(), 64 * MIB);
                    }),
                ),
                ("incus exec", Box::new(|| self.incus(&[&["exec", "bench", "--"], &zeros[..]].concat()))),
            ],
        );
    }

    /// The size of a command's output.
    async fn exec(&self, command: &[&str]) -> Result<usize> {
        let mut run = self.web.exec(command.iter().copied()).spawn().await?;
        let mut written = 0;
        while let Some(chunk) = run.try_next().await? {
            match chunk {
                Chunk::Stdout(bytes) | Chunk::Stderr(bytes) => written += bytes.len(),
                Chunk::Exited(status) => assert!(status.is_success()),
            }
        }
        Ok(written)
    }

    fn curl_exec(&self) {
        let begun = self.curl(&["-d", r#"{"command":["true"]}"#, "http://incus/1.0/instances/bench/exec"]);
        self.curl_wait(&begun);
    }

    /// The operation in `begun`, the answer to a request that started it.
    fn curl_wait(&self, begun: &str) {
        let path = begun.split(r#""operation":""#).nth(1).unwrap().split('"').next().unwrap();
        let ended = self.curl(&[&format!("http://incus{path}/wait?timeout=60")]);
        assert!(ended.contains(r#""status":"Success""#), "{ended}");
    }

    /// The time between the end of an operation, by the server's word, and the moment when the caller knows.
    fn wake_up(&self) {
        let own = Incus::unix(&self.socket).client().unwrap();
        let mut events = self.runtime.block_on(own.events().operations().connect()).unwrap();
        let restart = || self.web.restart().force().send();
        let sides: [Side<'_>; 4] = [
            (
                "windlass",
                Box::new(|| {
                    self.runtime.block_on(async { Ok::<_, Error>(restart().await?.await?) }).unwrap()
                }),
            ),
            (
                "windlass with progress",
                Box::new(|| {
                    let watched = async { Ok::<_, Error>(restart().await?.on_progress(|_| {}).await?) };
                    self.runtime.block_on(watched).unwrap();
                }),
            ),
            ("incus restart", Box::new(|| self.incus(&["restart", "-f", "bench"]))),
            (
                "curl, twice",
                Box::new(|| {
                    let change = r#"{"action":"restart","force":true,"timeout":30}"#;
                    self.curl_wait(&self.curl(&[
                        "-X",
                        "PUT",
                        "-d",
                        change,
                        "http://incus/1.0/instances/bench/state",
                    ]));
                }),
            ),
        ];
        // The server's clock is this machine's.
        let mut lags: Vec<(&str, Vec<f64>)> = sides.iter().map(|(name, _)| (*name, Vec::new())).collect();
        let mut sides = sides;
        for _ in 0..12 {
            for ((_, run), (_, lags)) in sides.iter_mut().zip(&mut lags) {
                run();
                let woken = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                let ended = self.runtime.block_on(end_of_operation(&mut events));
                lags.push(woken.as_secs_f64() - ended.as_secs_f64());
            }
        }
        report("from the end of an operation to the caller's wake-up", lags);
    }

    fn list(&self) {
        self.runtime.block_on(self.many()).unwrap();
        let url = "http://incus/1.0/instances?recursion=1";
        compare(
            &format!("list of {INSTANCES}"),
            15,
            vec![
                (
                    "windlass",
                    Box::new(|| {
                        let list = self.runtime.block_on(self.incus.instances()).unwrap();
                        assert!(list.len() > INSTANCES);
                    }),
                ),
                ("incus query", Box::new(|| self.incus(&["query", "/1.0/instances?recursion=1"]))),
                ("incus list", Box::new(|| self.incus(&["list", "--fast", "-f", "csv"]))),
                ("curl", Box::new(|| drop(self.curl(&[url])))),
            ],
        );
    }

    /// Many instances, created and awaited together.
    async fn many(&self) -> Result<()> {
        let started = Instant::now();
        let make = |number| async move { self.incus.create(format!("many-{number}")).empty().await };
        try_join_all((0..INSTANCES).map(make)).await?;
        println!(
            "{INSTANCES} instances made and awaited together in {:.1} s",
            started.elapsed().as_secs_f64()
        );
        Ok(())
    }

    fn incus(&self, args: &[&str]) {
        let mut command = Command::new("incus");
        command
            .args(args)
            .env("INCUS_DIR", &self.directory)
            .env("INCUS_CONF", self.directory.join("lab/cli"));
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "incus {args:?}: {status}");
    }

    fn curl(&self, args: &[&str]) -> String {
        let mut command = Command::new("curl");
        command.args(["-sS", "--fail-with-body", "--unix-socket"]).arg(&self.socket).args(args);
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "curl {args:?}: {}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// When the next operation succeeded, by the server's clock.
async fn end_of_operation(events: &mut Events) -> Duration {
    loop {
        if let Some(Event::Operation(event)) = events.try_next().await.unwrap()
            && event.status == Status::Success
        {
            return (event.timestamp.unwrap() - chrono::DateTime::UNIX_EPOCH).to_std().unwrap();
        }
    }
}

/// Runs the sides in turns.
fn compare(title: &str, rounds: usize, mut sides: Vec<Side<'_>>) {
    sides.iter_mut().for_each(|(_, run)| run()); // warms the caches
    let mut times: Vec<(&str, Vec<f64>)> = sides.iter().map(|(name, _)| (*name, Vec::new())).collect();
    let mut cpu = vec![0.0; sides.len()];
    for _ in 0..rounds {
        for (((_, run), (_, times)), cpu) in sides.iter_mut().zip(&mut times).zip(&mut cpu) {
            let (started, before) = (Instant::now(), cpu_time());
            run();
            times.push(started.elapsed().as_secs_f64());
            *cpu += cpu_time() - before;
        }
    }
    let cpu: Vec<_> = times.iter().zip(cpu).map(|((name, _), cpu)| (*name, cpu / rounds as f64)).collect();
    report(title, times);
    let ours = cpu[0].1.max(0.001);
    for (name, cpu) in &cpu {
        println!("  {name:28} {:9.1} ms of CPU   {:.2}x", cpu * 1e3, ours / cpu.max(0.001));
    }
}

/// CPU seconds of this process and of the commands that it has run.
fn cpu_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The program's name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(4).map(|field| field.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

/// The medians, and how the first side compares with the others.
fn report(title: &str, times: Vec<(&str, Vec<f64>)>) {
    let rounds = times[0].1.len();
    let medians: Vec<_> = times.into_iter().map(|(name, times)| (name, median(times))).collect();
    println!("{title} (median of {rounds} rounds)");
    let ours = medians[0].1;
    for (name, median) in &medians {
        let ratio = format!("{} / {name}: {:.2}x", medians[0].0, ours / median);
        println!("  {name:28} {:9.2} ms   {}", median * 1e3, if *name == medians[0].0 { "" } else { &ratio });
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
