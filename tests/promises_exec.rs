//! Commands: no exit status is missed, nothing hangs.
#![cfg(feature = "incus")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use windlass::incus::Instance;
use windlass::testing::FakeIncus;
use windlass::{Chunk, Incus, Kind};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn web() -> Result<(FakeIncus, Instance), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = Incus::unix(fake.socket()).client()?;
    let web = incus.launch("web").image("busybox").await?;
    Ok((fake, web))
}

#[tokio::test]
async fn a_reader_who_takes_longer_than_the_server_remembers_learns_the_status() -> Outcome {
    let (_fake, web) = web().await?;
    let script = format!("{} exit 7", "echo line;".repeat(40));
    let mut run = web.exec(["sh", "-c", &script]).spawn().await?;
    let mut lines = 0;
    while let Some(chunk) = run.next().await {
        if lines == 0 {
            tokio::time::sleep(Duration::from_millis(6_500)).await;
        }
        let Chunk::Stdout(bytes) = chunk? else { return Err("nothing goes to stderr".into()) };
        lines += bytes.iter().filter(|byte| **byte == b'\n').count();
    }
    assert_eq!(lines, 40);
    assert_eq!(run.wait().await?.code(), 7);
    Ok(())
}

#[tokio::test]
async fn a_quick_command_needs_no_second_look() -> Outcome {
    let (fake, web) = web().await?;
    let looks = || fake.requests("GET /1.0/operations/{id}") + fake.requests("GET /1.0/operations/{id}/wait");
    let before = looks();
    let done = web.exec(["cat"]).stdin(vec![b'x'; 3_000_000]).output().await?.success()?;
    assert_eq!(done.stdout.len(), 3_000_000);
    assert!(looks() - before <= 2, "{}", looks() - before);
    Ok(())
}

#[tokio::test]
async fn output_that_breaks_off_is_no_success() -> Outcome {
    let (fake, web) = web().await?;
    fake.on("GET /1.0/operations/{id}/websocket").times(4).truncate(30);
    let e = web.exec(["sh", "-c", &"echo line;".repeat(40)]).output().await.expect_err("it is cut");
    assert_eq!(e.kind(), Kind::Interrupted, "{e:?}");
    Ok(())
}

#[tokio::test]
async fn an_upgrade_that_is_not_made_from_the_key_is_refused() -> Outcome {
    let (fake, web) = web().await?;
    fake.on("GET /1.0/operations/{id}/websocket").always().reply(101, "");
    let e = web.exec(["true"]).output().await.expect_err("anybody could say that");
    assert_eq!(e.kind(), Kind::BadReply, "{e:?}");
    Ok(())
}
