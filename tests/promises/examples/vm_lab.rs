//! `examples/vm_lab.rs`.

#[path = "../../../examples/vm_lab.rs"]
#[allow(dead_code)]
mod program;

use std::future::pending;
use std::time::Duration;

use futures_util::FutureExt;
use program::Stop;
use windlass::shakenfist::Disk;
use windlass::testing::FakeShakenFist;

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn fake() -> std::io::Result<FakeShakenFist> {
    let fake = FakeShakenFist::start().await?;
    fake.pace(Duration::from_millis(1));
    Ok(fake)
}

/// What is left of a lab: machines, snapshots, networks.
async fn left(fake: &FakeShakenFist) -> windlass::Result<(usize, usize, usize)> {
    let sf = fake.client()?;
    Ok((fake.instances().len(), sf.artifacts().await?.len(), sf.networks().await?.len()))
}

fn never() -> Stop {
    pending().boxed().shared()
}

/// When so many machines were asked for.
fn at_launch(fake: &FakeShakenFist, count: usize) -> Stop {
    let fake = fake.clone();
    let asked = async move {
        while fake.requests("POST /instances") < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    asked.boxed().shared()
}

#[tokio::test]
async fn nothing_is_left_of_a_lab() -> Outcome {
    let fake = fake().await?;
    program::run(&fake.client()?, &Disk::blank(8), 2, never()).await?;
    // Two machines, and one from a snapshot.
    assert_eq!(fake.requests("POST /instances"), 3);
    assert_eq!(left(&fake).await?, (0, 0, 0));
    Ok(())
}

#[tokio::test]
async fn nothing_is_left_of_a_lab_that_failed() -> Outcome {
    let fake = fake().await?;
    fake.command("hostname").exits(1);
    let e = program::run(&fake.client()?, &Disk::blank(8), 2, never()).await.expect_err("a command fails");
    assert!(e.to_string().contains("command failed"), "{e}");
    assert_eq!(left(&fake).await?, (0, 0, 0));

    fake.fail_launches("creating", "no such image");
    let e = program::run(&fake.client()?, &Disk::blank(8), 2, never()).await.expect_err("no launch succeeds");
    assert!(e.to_string().contains("no such image"), "{e}");
    assert_eq!(left(&fake).await?, (0, 0, 0));
    Ok(())
}

#[tokio::test]
async fn nothing_is_left_of_a_lab_that_was_interrupted() -> Outcome {
    for launches in [0, 1, 2] {
        let fake = fake().await?;
        let _held = fake.hold_agents();
        let stop = at_launch(&fake, launches);
        let e = program::run(&fake.client()?, &Disk::blank(8), 2, stop).await.expect_err("interrupted");
        assert_eq!(e.to_string(), "interrupted");
        assert_eq!(left(&fake).await?, (0, 0, 0), "at launch {launches}");
    }
    // While the copy is made, or after it.
    let fake = fake().await?;
    let stop = at_launch(&fake, 3);
    let _ = program::run(&fake.client()?, &Disk::blank(8), 2, stop).await;
    assert_eq!(left(&fake).await?, (0, 0, 0));
    Ok(())
}
