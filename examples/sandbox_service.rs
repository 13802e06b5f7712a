//! A web service that runs each posted script in a fresh Incus container and streams back what the script writes.
//!
//! ```sh
//! cargo run --example sandbox_service                        # on a built-in fake server
//! cargo run --example sandbox_service -- images:alpine/3.22  # on the Incus of this machine
//! curl --no-buffer --data-binary 'echo hello; exit 3' http://127.0.0.1:8080/run
//! ```
//!
//! A sandbox has one processor, 256 MiB of memory, 100 processes, no network, and ten seconds. It is deleted when the
//! script ends or the client hangs up. The last line tells how the script ended. Ctrl-C waits for the last sandbox.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::{Router, extract::State, http::StatusCode, routing::post};
use futures_util::stream::{self, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit, mpsc};
use windlass::{Chunk, Incus, Result, cloud::Cleanup, testing::FakeIncus};

/// Where the output of a script goes: to the body of the answer.
type Output = mpsc::Sender<Result<Bytes>>;

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let service = match std::env::args().nth(1) {
        None => Sandboxes::new(fake.client()?, "busybox"),
        Some(image) => Sandboxes::new(Incus::discover().await?, image),
    };
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("post a script to http://{}/run", listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, service.clone().router()).into_future() => served?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(service.end().await?)
}

/// How many sandboxes there may be at the same time.
const PLACES: usize = 8;

/// What makes the sandboxes.
#[derive(Debug, Clone)]
pub struct Sandboxes {
    incus: Incus,
    image: String,
    places: Arc<Semaphore>,
    /// How long a script may run.
    pub limit: Duration,
}

impl Sandboxes {
    /// Ten seconds for each.
    pub fn new(incus: Incus, image: impl Into<String>) -> Self {
        let (places, limit) = (Arc::new(Semaphore::new(PLACES)), Duration::from_secs(10));
        Self { incus, image: image.into(), places, limit }
    }

    /// The web service.
    pub fn router(self) -> Router {
        Router::new().route("/run", post(run)).with_state(self)
    }

    /// Makes no more sandboxes, and waits until the last one is gone.
    pub async fn end(&self) -> std::result::Result<(), AcquireError> {
        self.places.acquire_many(PLACES as u32).await.map(SemaphorePermit::forget)
    }

    /// Runs a script in a sandbox, which is gone when this returns: how it ended.
    async fn run(&self, script: String, output: &Output) -> Result<String> {
        let cleanup = Cleanup::new(format!("sandbox-{:016x}", rand::random::<u64>()));
        let launch = self.incus.launch(cleanup.owner()).image(&self.image).cpus(1).memory("256MiB");
        let launch = launch.config("limits.processes", "100").device("eth0", [("type", "none")]);
        let script = async {
            let mut process = cleanup.launch(launch).await?.exec(["sh", "-c", &script]).spawn().await?;
            let run = async {
                while let Some(Chunk::Stdout(bytes) | Chunk::Stderr(bytes)) = process.try_next().await? {
                    let _ = output.send(Ok(bytes)).await;
                }
                Ok(format!("{}\n", process.wait().await?))
            };
            let stopped = |_| Ok(format!("stopped after {:?}\n", self.limit));
            tokio::time::timeout(self.limit, run).await.unwrap_or_else(stopped)
        };
        let work = async {
            tokio::select! {
                ended = script => ended,
                () = output.closed() => Ok(String::new()), // the client has hung up
            }
        };
        let (ended, report) = cleanup.run(work).await;
        println!("{}: {report}", cleanup.owner());
        ended
    }
}

/// `POST /run`: the body is a script for `sh`.
async fn run(State(service): State<Sandboxes>, script: String) -> Response {
    let Ok(place) = service.places.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "all sandboxes are in use\n").into_response();
    };
    let (output, mut chunks) = mpsc::channel(8);
    // In a task of its own, so that it cleans up even if the client hangs up.
    tokio::spawn(async move {
        let ended = service.run(script, &output).await;
        drop(place); // before the last line: a client that doesn't read never takes it
        let _ = output.send(ended.map(Bytes::from)).await; // an error cuts the answer off, unless it is all of it
    });
    match chunks.recv().await {
        Some(Err(e)) => (StatusCode::BAD_GATEWAY, format!("{e}\n")).into_response(),
        first => {
            let rest = stream::poll_fn(move |context| chunks.poll_recv(context));
            Body::from_stream(stream::iter(first).chain(rest)).into_response()
        }
    }
}
