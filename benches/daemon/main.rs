//! A real Incus daemon, driven by windlass and by other clients: wall time and CPU time of each.
//!
//! `cargo xtask bench-incus` starts a daemon and runs this. The sides take turns, so that a machine that slows down slows
//! all. windlass and the Go program work in a process that runs already. What the commands take includes their start: that
//! is what a script pays, too. CPU time is that of the client alone; on a busy machine it says more than the wall time.

#![allow(clippy::unwrap_used)] // a benchmark that fails has no result

mod calls;
mod clients;
mod commands;
mod files;
mod measure;
mod trees;
mod wake_up;

use std::path::{Path, PathBuf};

use clients::Clients;
use measure::Side;
use tokio::runtime::Runtime;
use windlass::Incus;
use windlass::incus::Instance;

/// Where the daemon listens.
const SOCKET: &str = "WINDLASS_LIVE_INCUS_SOCKET";
/// The daemon's directory.
const DIRECTORY: &str = "WINDLASS_LIVE_INCUS_DIR";
/// Parts to run, with blanks between them; all without it.
const PARTS: &str = "WINDLASS_BENCH_PARTS";
const MIB: usize = 1024 * 1024;

/// The parts in their order: the list makes many instances, which would slow the others down.
const ALL: [(&str, fn(&Bench)); 7] = [
    ("get", calls::get),
    ("exec", commands::run),
    ("launch", calls::launch),
    ("files", files::run),
    ("trees", trees::run),
    ("wake-up", wake_up::run),
    ("list", calls::list),
];

fn main() {
    let Some(socket) = std::env::var_os(SOCKET) else {
        println!("no daemon: run `cargo xtask bench-incus`");
        return;
    };
    let bench = Bench::prepare(socket.into());
    let parts = std::env::var(PARTS).unwrap_or_default();
    let wanted = |name| parts.is_empty() || parts.split(' ').any(|part| part == name);
    for (_, run) in ALL.iter().filter(|(name, _)| wanted(*name)) {
        run(&bench);
    }
    bench.runtime.block_on(bench.web.stop().force().into_future()).unwrap();
}

/// The sides, and an instance to work on.
struct Bench {
    runtime: Runtime,
    incus: Incus,
    web: Instance,
    socket: PathBuf,
    clients: Clients,
    /// For files on this machine.
    scratch: PathBuf,
}

impl Bench {
    fn prepare(socket: PathBuf) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let incus = Incus::unix(&socket).client().unwrap();
        let web = runtime.block_on(async { incus.launch("bench").image("busybox").await }).unwrap();
        let clients = Clients::new(&socket, PathBuf::from(std::env::var_os(DIRECTORY).unwrap()));
        let scratch = std::env::temp_dir().join(format!("windlass-bench-{}", std::process::id()));
        std::fs::create_dir(&scratch).unwrap();
        Self { runtime, incus, web, socket, clients, scratch }
    }

    fn incus(&self, args: &[&str]) {
        self.clients.incus(args);
    }

    fn curl(&self, args: &[&str]) -> String {
        self.clients.curl(args)
    }

    /// The side of the Go program, if it is there.
    fn go(&self, order: String) -> Option<Side<'_>> {
        let go = self.clients.go()?;
        Some(("the vendor's Go client", Box::new(move || go(&order))))
    }

    /// Prepares something in the instance.
    fn shell(&self, script: &str) {
        let output = self.runtime.block_on(async { self.web.exec(["sh", "-c", script]).output().await });
        assert!(output.unwrap().status.is_success(), "{script}");
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
