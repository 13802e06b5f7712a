//! Koyeb: commands. No exit status is missed or made up, nothing hangs, nothing piles up.

use std::time::Duration;

use windlass::koyeb::{InstanceRef, Koyeb};
use windlass::testing::FakeKoyeb;
use windlass::{Chunk, ErrorKind, Sent, Signal};

use crate::alone::{Outcome, alone, memory};

const EXEC: &str = "GET /v1/streams/instances/exec";
const MIB: usize = 1 << 20;

async fn fake() -> Result<(FakeKoyeb, Koyeb, InstanceRef), Box<dyn std::error::Error>> {
    let fake = FakeKoyeb::start().await?;
    let koyeb = fake.client()?;
    let instance = koyeb.instance(fake.add_instance("HEALTHY"));
    Ok((fake, koyeb, instance))
}

/// Until the fake sees it so; a test that hangs here fails by its own time limit.
async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if reached() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {what}");
}

#[tokio::test]
async fn streams_stay_apart_and_exit_codes_are_true() -> Outcome {
    let (fake, _, instance) = fake().await?;
    for code in [0, 1, 7, 127, 255] {
        let script = format!("echo out; echo err >&2; echo more; exit {code}");
        let done = instance.exec(["sh", "-c", &script]).output().await?;
        assert_eq!(done.status.code(), code);
        assert_eq!((done.stdout_text().as_str(), done.stderr_text().as_str()), ("out\nmore\n", "err\n"));
    }
    assert_eq!(instance.exec(["nosuch"]).output().await?.status.code(), 127);
    until("all ended", || fake.commands() == 0).await;
    Ok(())
}

#[tokio::test]
async fn output_arrives_while_the_command_runs() -> Outcome {
    let (_fake, _, instance) = fake().await?;
    let mut cat = instance.exec(["cat"]).pipe_stdin().spawn().await?;
    let mut stdin = cat.take_stdin().ok_or("no stdin")?;
    for line in ["one\n", "two\n"] {
        stdin.write_all(line).await?;
        assert_eq!(cat.next().await.transpose()?, Some(Chunk::Stdout(line.into())));
    }
    stdin.close();
    assert!(cat.wait().await?.is_success());
    Ok(())
}

#[tokio::test]
async fn the_last_chunk_is_the_exit_status() -> Outcome {
    let (_fake, _, instance) = fake().await?;
    let mut run = instance.exec(["sh", "-c", "echo out; exit 3"]).spawn().await?;
    let mut seen = Vec::new();
    while let Some(chunk) = run.try_next().await? {
        seen.push(chunk);
    }
    let last = seen.pop();
    assert!(matches!(last, Some(Chunk::Exited(status)) if status.code() == 3), "{last:?}");
    assert_eq!(seen, [Chunk::Stdout("out\n".into())]);
    Ok(())
}

#[tokio::test]
async fn a_service_chooses_an_instance() -> Outcome {
    let (fake, koyeb, _) = fake().await?;
    let shop = fake.add_service("shop", 2);
    let done = koyeb.service(&shop).exec(["hostname"]).output().await?.success()?;
    assert!(fake.instances(&shop).contains(&done.stdout_text().trim().to_owned()));
    assert_eq!(fake.log().pop().map(|request| request.query), Some(String::new()));
    fake.add_service("empty", 0);
    let empty = koyeb.services().name("empty").await?;
    let e = empty[0].exec(["true"]).output().await.expect_err("there is no instance");
    assert_eq!((e.kind(), e.code(), e.sent()), (ErrorKind::Conflict, Some("9"), Sent::Yes));
    Ok(())
}

#[tokio::test]
async fn a_terminal_has_a_size_that_changes() -> Outcome {
    let (_fake, _, instance) = fake().await?;
    let mut shell = instance.exec(["sh"]).terminal(80, 24).pipe_stdin().spawn().await?;
    let mut stdin = shell.take_stdin().ok_or("no stdin")?;
    stdin.write_all("stty size\n").await?;
    assert_eq!(shell.next().await.transpose()?, Some(Chunk::Stdout("24 80\r\n".into())));
    shell.resize(132, 50).await?;
    stdin.write_all("stty size; echo err >&2; exit 3\n").await?;
    let done = shell.output().await?;
    assert_eq!(done.stdout_text(), "50 132\r\nerr\r\n");
    assert_eq!((done.stderr.len(), done.status.code()), (0, 3));
    let plain = instance.exec(["cat"]).pipe_stdin().spawn().await?;
    assert_eq!(plain.resize(80, 24).await.expect_err("no terminal").kind(), ErrorKind::InvalidInput);
    assert_eq!(plain.signal(Signal::TERM).await.expect_err("no signals").kind(), ErrorKind::Unsupported);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_before_anything_is_sent() -> Outcome {
    let (fake, _, instance) = fake().await?;
    let none: [&str; 0] = [];
    for exec in [instance.exec(none), instance.exec([""]), instance.exec(["sh"]).terminal(0, 24)] {
        let e = exec.output().await.expect_err("it can't be run");
        assert_eq!((e.kind(), e.sent()), (ErrorKind::InvalidInput, Sent::No));
    }
    assert_eq!(fake.requests(EXEC), 0);
    Ok(())
}

#[tokio::test]
async fn a_refusal_in_all_its_guises() -> Outcome {
    let (fake, _, instance) = fake().await?;
    // As a status.
    let stranger = Koyeb::token("wrong").url(fake.url()).client()?;
    let e = stranger.instance(instance.id()).exec(["true"]).output().await.expect_err("a wrong token");
    assert_eq!((e.kind(), e.status()), (ErrorKind::Unauthenticated, Some(401)));
    // As the first frame.
    fake.stream_error(16, "unauthenticated");
    let e = instance.exec(["true"]).output().await.expect_err("refused");
    assert_eq!((e.kind(), e.code(), e.api()), (ErrorKind::Unauthenticated, Some("16"), "koyeb"));
    fake.stream_error(13, "internal_server_error");
    assert_eq!(instance.exec(["true"]).output().await.expect_err("failed").kind(), ErrorKind::Server);
    // As a connection that is cut at once: REST knows why …
    fake.stream_cut();
    fake.on("GET /v1/instances/{id}")
        .reply(403, r#"{"status":403,"code":"authorization_error","message":"no"}"#);
    let e = instance.exec(["true"]).output().await.expect_err("cut");
    assert_eq!((e.kind(), e.code()), (ErrorKind::PermissionDenied, Some("authorization_error")));
    // … or doesn't.
    fake.add_organization("o1");
    let e = instance.exec(["true"]).output().await.expect_err("cut");
    assert_eq!(e.kind(), ErrorKind::Interrupted);
    assert!(e.suggestion().is_some_and(|text| text.contains("organization")));
    Ok(())
}

#[tokio::test]
async fn an_instance_that_is_not_there_or_not_healthy() -> Outcome {
    let (fake, koyeb, instance) = fake().await?;
    let e = koyeb.instance("nowhere").exec(["true"]).output().await.expect_err("there is none");
    assert!(e.is_not_found());
    fake.set_status(instance.id(), "STOPPED");
    assert_eq!(
        instance.exec(["true"]).output().await.expect_err("it is stopped").kind(),
        ErrorKind::Conflict
    );
    Ok(())
}

#[tokio::test]
async fn an_end_without_an_exit_status_is_no_success() -> Outcome {
    let (fake, _, instance) = fake().await?;
    let mut run = instance.exec(["sh", "-c", "echo ready; sleep 1000"]).spawn().await?;
    assert_eq!(run.next().await.transpose()?, Some(Chunk::Stdout("ready\n".into())));
    fake.close_commands();
    let e = run.wait().await.expect_err("closed properly, without a word");
    assert_eq!(e.kind(), ErrorKind::Interrupted);
    assert!(e.message().contains("exit status"), "{e}");
    fake.on(EXEC).truncate(300);
    let e = instance.exec(["head", "-c", "1M", "/dev/zero"]).output().await.expect_err("cut off");
    assert_eq!(e.kind(), ErrorKind::Interrupted, "{e}");
    Ok(())
}

#[tokio::test]
async fn dropping_kills_the_command() -> Outcome {
    let (fake, _, instance) = fake().await?;
    let run = instance.exec(["yes"]).spawn().await?;
    until("running", || fake.commands() == 1).await;
    drop(run);
    until("killed", || fake.commands() == 0).await;
    let mut run = instance.exec(["sleep", "1000"]).spawn().await?;
    until("running", || fake.commands() == 1).await;
    run.kill().await?;
    assert_eq!(run.wait().await.expect_err("the status is lost").kind(), ErrorKind::Cancelled);
    until("killed", || fake.commands() == 0).await;
    Ok(())
}

#[tokio::test]
async fn a_dead_peer_is_noticed() -> Outcome {
    let (fake, _, instance) = fake().await?;
    fake.stream_dead();
    let quick = Duration::from_millis(300);
    let run = instance.exec(["cat"]).pipe_stdin().keepalive(quick).output();
    let e = tokio::time::timeout(Duration::from_secs(20), run).await?.expect_err("the server is gone");
    assert_eq!(e.kind(), ErrorKind::Timeout, "{e}");
    // One that answers, but has nothing to say, is not dead.
    let done = instance.exec(["sleep", "2"]).keepalive(Duration::from_millis(500)).output().await?;
    assert!(done.status.is_success());
    Ok(())
}

#[tokio::test]
async fn an_upgrade_is_asked_for_again() -> Outcome {
    let (fake, _, instance) = fake().await?;
    fake.on(EXEC).times(2).reply(503, "");
    let done = instance.exec(["sh", "-c", "echo once >> /log; cat /log"]).output().await?;
    assert_eq!((done.stdout_text().as_str(), fake.requests(EXEC)), ("once\n", 3));
    // But not once the command may run.
    fake.on(EXEC).truncate(100);
    instance
        .exec(["sh", "-c", "echo twice >> /log; cat /log /log /log /log /log"])
        .output()
        .await
        .expect_err("cut");
    assert_eq!(fake.requests(EXEC), 4);
    Ok(())
}

#[tokio::test]
async fn many_at_once() -> Outcome {
    let (fake, koyeb, _) = fake().await?;
    let shop = fake.add_service("shop", 20);
    let all = koyeb.service(&shop).instances().await?;
    let runs = all.iter().map(|instance| async move {
        let done = instance.exec(["sh", "-c", "hostname; exit 5"]).output().await?;
        Ok::<_, windlass::Error>((instance.id.clone(), done))
    });
    for run in futures_util::future::join_all(runs).await {
        let (id, done) = run?;
        assert_eq!((done.stdout_text().trim(), done.status.code()), (id.as_str(), 5));
    }
    Ok(())
}

/// So much output for a reader who rests now and then; nothing is lost, and little is held anywhere.
async fn flood(size: usize) -> Outcome {
    let (_fake, _, instance) = fake().await?;
    let (before, zeros) = (memory("VmRSS"), vec![0; MIB]);
    let mut run = instance.exec(["head", "-c", &size.to_string(), "/dev/zero"]).spawn().await?;
    let (mut read, mut most, mut rests) = (0, 0, 0);
    while let Some(Chunk::Stdout(bytes)) = run.try_next().await? {
        assert!(bytes == zeros[..bytes.len()]);
        read += bytes.len();
        if read * 8 / size > rests {
            rests += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        most = most.max(memory("VmRSS"));
    }
    assert_eq!((read, run.wait().await?.code()), (size, 0));
    let more = most.saturating_sub(before) >> 20;
    assert!(more < 64, "{more} MiB more");
    Ok(())
}

/// So much input, to a command that gives it all back.
async fn feed(size: usize) -> Outcome {
    let (_fake, _, instance) = fake().await?;
    let mut cat = instance.exec(["cat"]).pipe_stdin().spawn().await?;
    let mut stdin = cat.take_stdin().ok_or("no stdin")?;
    let writer = tokio::spawn(async move {
        let block = pattern();
        for _ in 0..size / MIB {
            stdin.write_all(&block).await?;
        }
        Ok::<_, windlass::Error>(())
    });
    let (mut read, expected) = (0, pattern());
    while let Some(Chunk::Stdout(bytes)) = cat.try_next().await? {
        for piece in bytes.chunks(1024) {
            let at = read % MIB;
            let (first, second) = piece.split_at(piece.len().min(MIB - at));
            assert!(first == &expected[at..at + first.len()] && second == &expected[..second.len()]);
            read += piece.len();
        }
    }
    assert_eq!(read, size);
    writer.await??;
    assert!(cat.wait().await?.is_success());
    Ok(())
}

/// A block in which every place can be told from its neighbours.
fn pattern() -> Vec<u8> {
    (0..MIB).map(|at| (at % 251) as u8).collect()
}

alone! {
async fn a_flood_of_output_for_a_slow_reader() -> Outcome {
    flood(16 * MIB).await
}
}

alone! {
#[ignore = "long: 1 GiB; run by `cargo xtask live koyeb`"]
async fn a_flood_of_output_for_a_slow_reader_full() -> Outcome {
    flood(1024 * MIB).await
}
}

#[tokio::test]
async fn a_flood_of_input() -> Outcome {
    feed(4 * MIB).await
}

#[tokio::test]
#[ignore = "long: 100 MiB; run by `cargo xtask live koyeb`"]
async fn a_flood_of_input_full() -> Outcome {
    feed(100 * MIB).await
}

#[tokio::test]
async fn a_command_that_reads_no_input_ends() -> Outcome {
    let (_fake, _, instance) = fake().await?;
    let done = instance.exec(["sh", "-c", "exit 4"]).stdin(vec![b'x'; 4 * MIB]).output().await?;
    assert_eq!(done.status.code(), 4);
    Ok(())
}
