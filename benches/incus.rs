//! The cost of the typed layer compared with hand-written requests, with a server in another process. Linux only.
//!
//! `cargo bench -p windlass-benches --features bench` prints wall times by criterion, then ratios of CPU time. Each ratio has its baseline in
//! its name, and both of its sides run in turns, so that a machine that slows down slows both.

#![allow(clippy::unwrap_used)] // a benchmark that can't go on has nothing to say

use std::hint::black_box;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use criterion::Criterion;
use reqwest::header::ACCEPT;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use windlass::Incus;
use windlass::incus::Instance;
use windlass::incus::types;

/// Tells a process of this program that it is the server, and where.
const SOCKET: &str = "WINDLASS_BENCH_SOCKET";
const ONE: &str = "http://incus/1.0/instances/web";
const ALL: &str = "http://incus/1.0/instances?recursion=1";
const INSTANCES: usize = 1_000;

fn main() {
    if let Some(socket) = std::env::var_os(SOCKET) {
        return serve(Path::new(&socket));
    }
    let sides = Sides::start();
    let mut criterion = Criterion::default().configure_from_args();
    wall_times(&mut criterion, &sides);
    // `cargo test --benches` only looks whether everything runs, and a profiler wants one side alone.
    let given = |name: &str| std::env::args().any(|argument| argument == name);
    if given("--bench") && !given("--profile-time") {
        ratios(&sides);
    }
    criterion.final_summary();
}

fn wall_times(criterion: &mut Criterion, sides: &Sides) {
    let run = &sides.runtime;
    let mut group = criterion.benchmark_group("one instance");
    group.bench_function("typed GET", |b| b.iter(|| run.block_on(sides.typed_get())));
    group.bench_function("bare reqwest", |b| b.iter(|| run.block_on(sides.bare_get())));
    group.finish();
    let mut group = criterion.benchmark_group("list of 1,000 instances");
    group.sample_size(50);
    group.bench_function("typed list", |b| b.iter(|| run.block_on(sides.typed_list())));
    group.bench_function("bare reqwest", |b| b.iter(|| run.block_on(sides.bare_list())));
    group.bench_function("parsing alone", |b| b.iter(|| sides.parse()));
    group.finish();
}

fn ratios(sides: &Sides) {
    let get = |calls| sides.in_turn(calls, || sides.typed_get());
    let list = |calls| sides.in_turn(calls, || sides.typed_list());
    let bare_get = |calls| sides.in_turn(calls, || sides.bare_get());
    let bare_list = |calls| sides.in_turn(calls, || sides.bare_list());
    let other_get = |calls| sides.in_turn(calls, || sides.other_get());
    let parse = |calls| (0..calls).for_each(|_| drop(black_box(sides.parse())));
    println!("document: {} bytes; list: {} bytes", one().len(), sides.list.len());
    compare("bare reqwest / bare reqwest (noise)", 401, 100, other_get, bare_get);
    compare("typed GET / bare reqwest", 401, 100, get, bare_get);
    compare("typed list / bare reqwest", 101, 3, list, bare_list);
    compare("typed list / parsing alone", 101, 3, list, parse);
    compare("bare list / parsing alone", 101, 3, bare_list, parse);
}

/// Runs both sides in turns, and prints the median of the rounds' ratios of CPU time.
fn compare(title: &str, rounds: usize, calls: usize, a: impl Fn(usize), b: impl Fn(usize)) {
    a(1);
    b(1);
    let pairs: Vec<_> = (0..rounds).map(|round| pair(round, calls, &a, &b)).collect();
    let ratio = median(pairs.iter().map(|(a, b)| a / b));
    let [a, b] = [median(pairs.iter().map(|pair| pair.0)), median(pairs.iter().map(|pair| pair.1))];
    println!("{title}: {ratio:.3}x CPU (median of {rounds} rounds; {a:.1} us, {b:.1} us)");
}

/// The CPU time of each side in one round. They take turns in going first.
fn pair(round: usize, calls: usize, a: &impl Fn(usize), b: &impl Fn(usize)) -> (f64, f64) {
    if round.is_multiple_of(2) {
        let first = cpu_of(calls, a);
        (first, cpu_of(calls, b))
    } else {
        let first = cpu_of(calls, b);
        (cpu_of(calls, a), first)
    }
}

/// CPU time of this thread per call, in microseconds.
fn cpu_of(calls: usize, side: impl Fn(usize)) -> f64 {
    let before = cpu_time();
    side(calls);
    (cpu_time() - before) / calls as f64
}

/// CPU time of this thread so far, in microseconds.
fn cpu_time() -> f64 {
    // The kernel accounts a thread's time when it leaves the processor.
    std::thread::sleep(Duration::from_micros(50));
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    line.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e3
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The clients to compare, and what they talk to. On one thread, whose CPU time is theirs alone.
struct Sides {
    runtime: Runtime,
    incus: Incus,
    http: reqwest::Client,
    /// The same again on another connection: the difference between the two is noise.
    other: reqwest::Client,
    list: Vec<u8>,
    _server: Server,
}

impl Sides {
    fn start() -> Self {
        let server = Server::start();
        let incus = Incus::unix(&server.socket).client().unwrap();
        let [http, other] = [(); 2].map(|()| bare_client(&server.socket));
        Self { runtime: runtime(), incus, http, other, list: many(), _server: server }
    }

    /// One call after the other in one async program, as callers have it: entering the runtime isn't part of a call.
    fn in_turn<T, F: Future<Output = T>>(&self, calls: usize, call: impl Fn() -> F) {
        self.runtime.block_on(async {
            for _ in 0..calls {
                drop(black_box(call().await));
            }
        });
    }

    async fn typed_get(&self) -> Instance {
        self.incus.instance("web").get().await.unwrap()
    }

    async fn bare_get(&self) -> types::Instance {
        fetch(&self.http, ONE).await
    }

    async fn other_get(&self) -> types::Instance {
        fetch(&self.other, ONE).await
    }

    async fn typed_list(&self) -> Vec<Instance> {
        self.incus.instances().await.unwrap()
    }

    async fn bare_list(&self) -> Vec<types::Instance> {
        fetch(&self.http, ALL).await
    }

    fn parse(&self) -> Vec<types::Instance> {
        serde_json::from_slice::<Envelope<_>>(&self.list).unwrap().metadata
    }
}

/// The part of an answer that matters.
#[derive(Deserialize)]
struct Envelope<T> {
    metadata: T,
}

/// The same request as the typed client's. The time limit is each request's own there, for the sake of long polls.
async fn fetch<T: DeserializeOwned>(http: &reqwest::Client, url: &str) -> T {
    let request = http.get(url).header(ACCEPT, "application/json").timeout(Duration::from_secs(30));
    let response = request.send().await.unwrap();
    response.error_for_status().unwrap().json::<Envelope<T>>().await.unwrap().metadata
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// With the settings of the typed client, so that only the layer above them differs.
fn bare_client(socket: &Path) -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(Duration::from_secs(10))
        .user_agent("windlass/0.0.0")
        .unix_socket(socket)
        .pool_idle_timeout(Duration::from_millis(100))
        .tls_backend_preconfigured(no_tls())
        .build()
        .unwrap()
}

/// reqwest needs a TLS configuration, although nothing here uses it.
fn no_tls() -> rustls::ClientConfig {
    let provider = rustls::crypto::ring::default_provider();
    let builder = rustls::ClientConfig::builder_with_provider(provider.into());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
}

/// This program again, as the server: in another process, so that its CPU time isn't counted.
struct Server {
    process: Child,
    socket: PathBuf,
}

impl Server {
    fn start() -> Self {
        let socket = std::env::temp_dir().join(format!("windlass-bench-{}.socket", std::process::id()));
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process =
            command.env(SOCKET, &socket).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // It writes a byte once it listens.
        process.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        Self { process, socket }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Answers until its input ends, as it does however the process at the other end dies.
fn serve(socket: &Path) {
    let socket = socket.to_owned();
    std::thread::spawn(move || runtime().block_on(listen(&socket)));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// All connections on one thread: a thread for each could be near the client's processor for one side, and far for the
/// other.
async fn listen(socket: &Path) {
    let (one, all) = (&*reply(&one()).leak(), &*reply(&many()).leak());
    let listener = UnixListener::bind(socket).unwrap();
    std::io::stdout().write_all(b"!").unwrap();
    std::io::stdout().flush().unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, one, all));
    }
}

/// One connection: one request after the other, none of which has a body.
async fn answer(mut stream: UnixStream, one: &[u8], all: &[u8]) {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        head.extend_from_slice(&chunk[..read]);
        if head.ends_with(b"\r\n\r\n") {
            let reply = if head.starts_with(b"GET /1.0/instances/web") { one } else { all };
            if stream.write_all(reply).await.is_err() {
                break;
            }
            head.clear();
        }
    }
}

fn reply(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
         Etag: 8f4b1a6c0f3d7e5b92a1c4d8e7f60312b5a49c8d7e6f10234b5c6d7e8f901a2b\r\n\
         Date: Tue, 14 Oct 2025 08:15:30 GMT\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn one() -> Vec<u8> {
    let mut config = volatile(0);
    config.as_object_mut().unwrap().extend(image().as_object().unwrap().clone());
    envelope(&instance("web", &config))
}

fn many() -> Vec<u8> {
    let instances = (0..INSTANCES).map(|n| instance(&format!("web-{n}"), &volatile(n)));
    envelope(&instances.collect())
}

fn envelope(metadata: &Value) -> Vec<u8> {
    let envelope = json!({
        "type": "sync", "status": "Success", "status_code": 200, "operation": "", "error_code": 0, "error": "",
        "metadata": metadata,
    });
    serde_json::to_vec(&envelope).unwrap()
}

/// A running container, as a real server describes it.
fn instance(name: &str, config: &Value) -> Value {
    let root = json!({"path": "/", "pool": "default", "type": "disk"});
    let eth0 = json!({"name": "eth0", "network": "incusbr0", "type": "nic"});
    json!({
        "name": name, "project": "default", "location": "none", "architecture": "x86_64", "type": "container",
        "status": "Running", "status_code": 103, "description": "", "stateful": false, "ephemeral": false,
        "created_at": "2025-10-14T07:59:12.123456789Z", "last_used_at": "2025-10-14T08:00:01.987654321Z",
        "profiles": ["default"], "config": config, "expanded_config": config,
        "devices": {}, "expanded_devices": {"root": root, "eth0": eth0},
    })
}

fn volatile(n: usize) -> Value {
    let uuid = format!("6d3c1f0a-52b7-4f6e-9a51-{n:012x}");
    json!({
        "volatile.uuid": uuid, "volatile.uuid.generation": uuid, "volatile.last_state.idmap": "[]",
        "volatile.last_state.power": "RUNNING", "volatile.idmap.base": "0",
        "volatile.eth0.hwaddr": "10:66:6a:4b:1c:2d", "volatile.eth0.host_name": format!("veth{n:08x}"),
    })
}

fn image() -> Value {
    json!({
        "image.architecture": "amd64", "image.description": "Debian trixie amd64 (20251014_05:24)",
        "image.os": "Debian", "image.release": "trixie", "image.serial": "20251014_05:24",
        "image.type": "squashfs", "image.variant": "default", "volatile.idmap.next": "[]",
        "volatile.base_image": "1f5d6c8b3a2e4f7081929a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f",
        "volatile.cloud-init.instance-id": "0f5c8a4e-3a5b-4d7e-8c61-2b9d4e6f8a10",
    })
}
