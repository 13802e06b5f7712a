//! The other clients: the `incus` command, `curl`, and a program over the vendor's Go library.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::measure::Cost;

/// The program that `xtask` has built from `benches/go`, if it could.
const GO: &str = "WINDLASS_BENCH_GO";

pub(crate) struct Clients {
    socket: PathBuf,
    /// The daemon's directory: the `incus` command finds it by this.
    directory: PathBuf,
    go: Option<RefCell<Go>>,
}

impl Clients {
    pub(crate) fn new(socket: &Path, directory: PathBuf) -> Self {
        let go = std::env::var_os(GO).map(|program| RefCell::new(Go::start(program.as_ref(), socket)));
        Self { socket: socket.to_owned(), directory, go }
    }

    pub(crate) fn incus(&self, args: &[&str]) {
        let mut command = Command::new("incus");
        command
            .args(args)
            .env("INCUS_DIR", &self.directory)
            .env("INCUS_CONF", self.directory.join("lab/cli"));
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "incus {args:?}: {status}");
    }

    pub(crate) fn curl(&self, args: &[&str]) -> String {
        let mut command = Command::new("curl");
        command.args(["-sS", "--fail-with-body", "--unix-socket"]).arg(&self.socket).args(args);
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "curl {args:?}: {}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits for the operation in `begun`, the answer to a request that started it.
    pub(crate) fn curl_wait(&self, begun: &str) {
        let path = begun.split(r#""operation":""#).nth(1).unwrap().split('"').next().unwrap();
        let ended = self.curl(&[&format!("http://incus{path}/wait?timeout=60")]);
        assert!(ended.contains(r#""status":"Success""#), "{ended}");
    }

    /// What the Go program takes for an order. `None` without the program.
    pub(crate) fn go(&self) -> Option<impl Fn(&str) -> Cost> {
        self.go.as_ref().map(|go| |order: &str| go.borrow_mut().obey(order))
    }
}

/// A process that carries out orders and measures itself.
struct Go {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Go {
    fn start(program: &Path, socket: &Path) -> Self {
        let mut command = Command::new(program);
        let mut process = command.arg(socket).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, answers) = (process.stdin.take(), process.stdout.take().unwrap());
        Self { process, orders, answers: BufReader::new(answers) }
    }

    fn obey(&mut self, order: &str) -> Cost {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let mut times = answer.split_whitespace().map(|time| Duration::from_nanos(time.parse().unwrap()));
        Cost { wall: times.next().unwrap(), cpu: times.next().unwrap() }
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        // It ends with its input.
        self.orders = None;
        let _ = self.process.wait();
    }
}
