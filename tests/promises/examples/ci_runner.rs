//! `examples/ci_runner.rs`.

#[path = "../../../examples/ci_runner.rs"]
#[allow(dead_code)]
mod program;

use std::path::PathBuf;

use program::{Failure, Job};
use windlass::testing::FakeIncus;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn job(sources: &str, steps: &[&str]) -> Job {
    Job {
        image: "busybox".into(),
        sources: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(sources),
        steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        artifacts: std::env::temp_dir().join(format!("windlass-ci-runner-{}", std::process::id())),
    }
}

#[tokio::test]
async fn its_rehearsal_passes() -> Outcome {
    assert!(program::rehearse().await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_failed_step_ends_the_job_with_its_exit_code() -> Outcome {
    let fake = FakeIncus::start().await?;
    fake.command("make test").prints("1 failed\n").exits(2);
    let install = fake.command("make install");
    let job = job("examples", &["cat fleet.rs > /artifacts/copy", "make test", "make install"]);
    let mut log = Vec::new();
    let Failure(step, status) = job.run(&fake.client()?, &mut log).await?.ok_or("it passed")?;
    assert_eq!((step.as_str(), status.code()), ("make test", 2));
    assert!(String::from_utf8(log)?.ends_with("$ make test\n1 failed\n"));
    assert_eq!(install.calls(), 0);
    // The sources were there, the artifacts come back all the same, and the container is gone.
    assert_eq!(std::fs::read(job.artifacts.join("copy"))?, std::fs::read(job.sources.join("fleet.rs"))?);
    assert!(fake.instances().is_empty());
    std::fs::remove_dir_all(job.artifacts)?;
    Ok(())
}

#[tokio::test]
async fn a_job_that_cannot_be_run_leaves_no_container() -> Outcome {
    let fake = FakeIncus::start().await?;
    let ran = job("no such directory", &["true"]).run(&fake.client()?, &mut Vec::new()).await;
    assert!(ran.is_err_and(|e| e.to_string().contains("no such directory")));
    assert_eq!(fake.requests("POST /1.0/instances"), 1);
    assert!(fake.instances().is_empty());
    Ok(())
}
