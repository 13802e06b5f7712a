//! A CI runner: a fresh Incus container for each job, and nothing left of it afterwards.
//!
//! It launches the container, pushes the sources to `/src`, runs the steps there and shows their output as it comes,
//! pulls what they left in `/artifacts`, and deletes the container, however the job ended. The first step that fails
//! ends the job, and its exit code becomes the runner's.
//!
//! ```sh
//! cargo run --example ci_runner                                          # on a built-in fake server
//! cargo run --example ci_runner -- images:debian/13 . make "make test"   # on the Incus of this machine
//! ```

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use windlass::cloud::{Cleanup, OwnedLaunch};
use windlass::incus::{Instance, Launch};
use windlass::testing::FakeIncus;
use windlass::{Chunk, ExitStatus, Incus};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What to run, and where.
#[derive(Debug)]
pub struct Job {
    /// What the container is made from.
    pub image: String,
    /// The directory to push.
    pub sources: PathBuf,
    /// Lines for the container's shell, in this order.
    pub steps: Vec<String>,
    /// The directory for what the steps leave in `/artifacts`.
    pub artifacts: PathBuf,
}

/// The step that ended a job, and how.
#[derive(Debug)]
pub struct Failure(pub String, pub ExitStatus);

#[tokio::main]
async fn main() -> Outcome<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let failure = match args.as_slice() {
        [] => rehearse().await?,
        [image, sources, steps @ ..] if !steps.is_empty() => {
            let (image, sources, steps) = (image.into(), sources.into(), steps.to_vec());
            let job = Job { image, sources, steps, artifacts: "artifacts".into() };
            job.run(&Incus::discover().await?, io::stdout()).await?
        }
        _ => return Err("usage: ci_runner [IMAGE SOURCES STEP...]".into()),
    };
    let Some(Failure(step, status)) = failure else {
        return Ok(ExitCode::SUCCESS);
    };
    eprintln!("`{step}` failed: {status}");
    Ok(ExitCode::from(u8::try_from(status.code())?))
}

impl Job {
    /// Runs the job in a container of its own, which is gone when this returns. None if every step succeeded.
    pub async fn run(&self, incus: &Incus, mut log: impl Write) -> Outcome<Option<Failure>> {
        let cleanup = Cleanup::new(format!("ci-{:08x}", rand::random::<u32>()));
        let launch = incus.launch(cleanup.owner()).image(&self.image).cpus(2).memory("2GiB");
        let work = async {
            tokio::select! {
                done = self.run_in(cleanup.launch(launch), &mut log) => done,
                _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
            }
        };
        let (done, report) = cleanup.run(work).await;
        if report.is_success() { done } else { Err(report.to_string().into()) }
    }

    async fn run_in(&self, launch: OwnedLaunch<Launch>, log: &mut impl Write) -> Outcome<Option<Failure>> {
        let container = launch.await?;
        container.push_tree(&self.sources).to("/src").await?;
        container.make_dir("/artifacts").await?;
        let failure = self.run_steps(&container, log).await?;
        container.pull_tree("/artifacts").to(&self.artifacts).await?;
        Ok(failure)
    }

    /// Runs the steps until one fails, and passes on what they write.
    async fn run_steps(&self, container: &Instance, log: &mut impl Write) -> Outcome<Option<Failure>> {
        for step in &self.steps {
            writeln!(log, "$ {step}")?;
            let mut process = container.exec(["sh", "-c", step]).current_dir("/src").spawn().await?;
            while let Some(Chunk::Stdout(bytes) | Chunk::Stderr(bytes)) = process.try_next().await? {
                log.write_all(&bytes)?;
            }
            let status = process.wait().await?;
            if !status.is_success() {
                return Ok(Some(Failure(step.clone(), status)));
            }
        }
        Ok(None)
    }
}

/// A job on a fake server, whose guests don't have `make`: its results are planted.
pub async fn rehearse() -> Outcome<Option<Failure>> {
    let fake = FakeIncus::start().await?;
    fake.command("make").prints("cc -o hello hello.c\n");
    fake.command("make test").prints("12 passed\n");
    let job = Job {
        image: "busybox".into(),
        sources: concat!(env!("CARGO_MANIFEST_DIR"), "/examples").into(),
        steps: vec!["make".into(), "make test".into(), "make test > /artifacts/report.txt".into()],
        artifacts: std::env::temp_dir().join("windlass-artifacts"),
    };
    let failure = job.run(&fake.client()?, io::stdout()).await?;
    println!(
        "in {}: {}",
        job.artifacts.display(),
        std::fs::read_to_string(job.artifacts.join("report.txt"))?
    );
    Ok(failure)
}
