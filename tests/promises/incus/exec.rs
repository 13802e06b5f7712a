//! Commands: no exit status is missed, nothing hangs.

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use windlass::incus::Instance;
use windlass::testing::FakeIncus;
use windlass::{Chunk, ErrorKind, Http, Incus, Limits};

use crate::clock::{later, until};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn web() -> Result<(FakeIncus, Instance), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = Incus::unix(fake.socket()).client()?;
    let web = incus.launch("web").image("busybox").await?;
    Ok((fake, web))
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_takes_longer_than_the_server_remembers_learns_the_status() -> Outcome {
    let (_fake, web) = web().await?;
    let script = format!("{} exit 7", "echo line;".repeat(40));
    let mut run = web.exec(["sh", "-c", &script]).spawn().await?;
    let mut lines = 0;
    while let Some(Chunk::Stdout(bytes)) = run.try_next().await? {
        if lines == 0 {
            tokio::time::sleep(Duration::from_millis(6_500)).await;
        }
        lines += bytes.iter().filter(|byte| **byte == b'\n').count();
    }
    assert_eq!(lines, 40);
    assert_eq!(run.wait().await?.code(), 7);
    Ok(())
}

/// How many requests of each kind have arrived: the command, its streams, looks at the operation.
fn counts(fake: &FakeIncus) -> [usize; 4] {
    [
        "POST /1.0/instances/{name}/exec",
        "GET /1.0/operations/{id}/websocket",
        "GET /1.0/operations/{id}",
        "GET /1.0/operations/{id}/wait",
    ]
    .map(|route| fake.requests(route))
}

/// … in the course of something.
async fn requests<T>(fake: &FakeIncus, run: impl Future<Output = T>) -> (T, [usize; 4]) {
    let before = counts(fake);
    let result = run.await;
    let after = counts(fake);
    (result, std::array::from_fn(|at| after[at] - before[at]))
}

#[tokio::test]
async fn a_quick_command_costs_no_request_too_many() -> Outcome {
    let (fake, web) = web().await?;
    let cat = web.exec(["cat"]).stdin(vec![b'x'; 3_000_000]).output();
    let (done, made) = requests(&fake, cat).await;
    assert_eq!((done?.success()?.stdout.len(), made), (3_000_000, [1, 4, 0, 1]));
    let (done, made) = requests(&fake, web.exec(["echo"]).terminal(80, 24).output()).await;
    assert_eq!((done?.status.code(), made), (0, [1, 2, 0, 1]));
    let (status, [posts, streams, ..]) =
        requests(&fake, web.exec(["true"]).discard_output().into_future()).await;
    assert_eq!((status?.code(), posts, streams), (0, 1, 0));
    Ok(())
}

#[tokio::test]
async fn many_commands_leave_no_connection_behind() -> Outcome {
    let (fake, web) = web().await?;
    for number in 0..200 {
        let script = format!("echo {number}; exit {}", number % 125);
        let output = web.exec(["sh", "-c", &script]).output().await?;
        assert_eq!((output.status.code(), output.stdout_text()), (number % 125, format!("{number}\n")));
    }
    drop(web.exec(["sleep", "1000"]).spawn().await?);
    drop(web.exec(["sleep", "1000"]).terminal(80, 24).spawn().await?);
    drop(web.attach_console().await?);
    for _ in 0..2_000 {
        if fake.connections() == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{} connections are left", fake.connections()).into())
}

#[tokio::test]
async fn a_close_frame_before_the_end_is_no_success() -> Outcome {
    let (fake, web) = web().await?;
    for script in ["echo out", "echo err >&2", "true", "echo out; sleep 1000"] {
        let planted = fake.on("GET /1.0/operations/{id}/websocket").times(4).close_socket();
        let output = web.exec(["sh", "-c", script]).output();
        let ended = tokio::time::timeout(Duration::from_secs(20), output).await;
        let e = ended.map_err(|_| "it hangs")?.expect_err("a stream ended too early");
        assert_eq!(e.kind(), ErrorKind::Interrupted, "{script}: {e:?}");
        assert_eq!(planted.hits(), 4);
    }
    fake.on("GET /1.0/operations/{id}/websocket").times(2).close_socket();
    let e = web.exec(["echo", "out"]).terminal(80, 24).output().await.expect_err("it ended too early");
    assert_eq!(e.kind(), ErrorKind::Interrupted, "{e:?}");
    fake.on("GET /1.0/operations/{id}/websocket").times(2).close_socket();
    let mut console = web.attach_console().await?;
    console.write_all("x\r").await?;
    let ended =
        tokio::time::timeout(Duration::from_secs(20), console.next()).await.map_err(|_| "it hangs")?;
    assert_eq!(ended.and_then(Result::err).map(|e| e.kind()), Some(ErrorKind::Interrupted));
    Ok(())
}

#[tokio::test]
async fn a_look_that_fails_while_the_command_runs_is_made_again_at_its_end() -> Outcome {
    let (fake, web) = web().await?;
    let refused =
        fake.on("GET /1.0/operations/{id}").reply(403, r#"{"type":"error","error":"no","error_code":403}"#);
    let output = web.exec(["sh", "-c", "sleep 1.5; echo out; exit 7"]).output().await?;
    assert_eq!((output.status.code(), output.stdout_text().as_str()), (7, "out\n"));
    assert_eq!(refused.hits(), 1);
    Ok(())
}

#[tokio::test]
async fn a_failed_command_is_seen_by_who_only_reads() -> Outcome {
    let (fake, web) = web().await?;
    fake.on("GET /1.0/operations/{id}/wait")
        .always()
        .reply(403, r#"{"type":"error","error":"no","error_code":403}"#);
    fake.on("GET /1.0/operations/{id}")
        .always()
        .reply(403, r#"{"type":"error","error":"no","error_code":403}"#);
    let mut run = web.exec(["echo", "out"]).spawn().await?;
    let mut last = None;
    while let Some(chunk) = run.next().await {
        last = Some(chunk.map_err(|e| e.kind()));
    }
    assert_eq!(last, Some(Err(ErrorKind::PermissionDenied)));
    assert_eq!(run.wait().await.map_err(|e| e.kind()), Err(ErrorKind::PermissionDenied));
    Ok(())
}

#[tokio::test]
async fn a_wait_for_success_kills_the_run_that_takes_too_long() -> Outcome {
    let (fake, web) = web().await?;
    let limit = Duration::from_secs(5);
    let waiting = tokio::spawn(web.exec(["sleep", "1000"]).until_success().timeout(limit).into_future());
    until(|| counts(&fake)[1] == 4).await;
    later(limit).await;
    let ended = waiting.await?;
    assert_eq!((ended.map_err(|e| e.kind()).err(), counts(&fake)[0]), (Some(ErrorKind::Timeout), 1));
    all_ends(&fake).await
}

/// Whether the server's work ends.
async fn all_ends(fake: &FakeIncus) -> Outcome {
    let incus = fake.client()?;
    for _ in 0..2_000 {
        if incus.operations().await?.iter().all(|operation| operation.status_code >= 200) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("the command runs on".into())
}

#[tokio::test]
async fn a_command_given_up_while_it_starts_is_killed() -> Outcome {
    let (fake, web) = web().await?;
    let route = "GET /1.0/operations/{id}/websocket";
    // The controls, or any of the others.
    for late in 0..4 {
        let (before, delay) = (fake.requests(route), Duration::from_secs(1));
        let delayed = fake.on(route).skip(late).delay(delay);
        let run = web.exec(["sleep", "1000"]);
        let spawning = tokio::spawn(async move { run.spawn().await });
        until(|| delayed.hits() > 0).await;
        spawning.abort();
        assert!(spawning.await.is_err_and(|e| e.is_cancelled()), "it started in no time");
        all_ends(&fake).await?;
        // Whatever part of the rule is left.
        until(|| fake.requests(route) >= before + 4).await;
    }
    Ok(())
}

/// A 7.0 server may wait without end for the end of controls that came after the end of their command.
#[tokio::test(start_paused = true)]
async fn no_command_starts_before_its_controls_are_there() -> Outcome {
    let (fake, web) = web().await?;
    for terminal in [false, true] {
        let before = fake.requests("GET /1.0/operations/{id}/websocket");
        fake.on("GET /1.0/operations/{id}/websocket").delay(Duration::from_millis(500));
        let run = web.exec(["sh", "-c", "exit 7"]);
        let run = if terminal { run.terminal(80, 24) } else { run };
        let ended = tokio::spawn(run.output());
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(fake.requests("GET /1.0/operations/{id}/websocket") - before, 1);
        assert_eq!(ended.await??.status.code(), 7);
    }
    Ok(())
}

#[tokio::test]
async fn controls_that_are_refused_once_are_tried_again() -> Outcome {
    let (fake, web) = web().await?;
    let refused = fake.on("GET /1.0/operations/{id}/websocket").reply(503, "busy");
    let mut run = web.exec(["sleep", "1000"]).spawn().await?;
    assert_eq!(refused.hits(), 1);
    run.kill().await?;
    assert_eq!(run.wait().await?.code(), 137);
    // A stream isn't.
    fake.on("GET /1.0/operations/{id}/websocket").skip(1).reply(503, "busy");
    assert!(web.exec(["sleep", "1000"]).spawn().await.is_err());
    Ok(())
}

/// The server keeps the first connection: the end of one whose answer was lost kills the command, whatever comes later.
#[tokio::test]
async fn controls_whose_answer_is_lost_are_not_tried_again() -> Outcome {
    let (fake, web) = web().await?;
    for terminal in [false, true] {
        let work = fake.command("work").prints("done");
        let lost = fake.on("GET /1.0/operations/{id}/websocket").drop_after();
        let run = web.exec(["work"]);
        let run = if terminal { run.terminal(80, 24) } else { run };
        let e = run.output().await.expect_err("it can't be controlled");
        assert_eq!((e.kind(), lost.hits(), work.calls()), (ErrorKind::Interrupted, 1, 0), "{e:?}");
    }
    Ok(())
}

#[tokio::test]
async fn recorded_output_that_cannot_be_deleted_is_not_lost() -> Outcome {
    let (fake, web) = web().await?;
    let file = "DELETE /1.0/instances/{name}/logs/exec-output/{file}";
    let refused = fake.on(file).times(2).reply(500, r#"{"type":"error","error":"no","error_code":500}"#);
    let output = web.exec(["echo", "out"]).record_output().await?;
    assert_eq!((output.stdout_text().as_str(), refused.hits()), ("out\n", 2));
    Ok(())
}

#[tokio::test]
async fn output_that_breaks_off_is_no_success() -> Outcome {
    let (fake, web) = web().await?;
    fake.on("GET /1.0/operations/{id}/websocket").times(4).truncate(30);
    let e = web.exec(["sh", "-c", &"echo line;".repeat(40)]).output().await.expect_err("it is cut");
    assert_eq!(e.kind(), ErrorKind::Interrupted, "{e:?}");
    Ok(())
}

#[tokio::test]
async fn an_upgrade_that_is_not_made_from_the_key_is_refused() -> Outcome {
    let (fake, web) = web().await?;
    fake.on("GET /1.0/operations/{id}/websocket").always().reply(101, "");
    let e = web.exec(["true"]).output().await.expect_err("the answer isn't authenticated");
    assert_eq!(e.kind(), ErrorKind::BadReply, "{e:?}");
    Ok(())
}

/// The server's patience counts from the request on: only few at a time are on their way to their streams.
#[tokio::test]
async fn commands_start_a_few_at_a_time_and_in_order() -> Outcome {
    let fake = FakeIncus::start().await?;
    let incus = Incus::unix(fake.socket())
        .http(Http::default().limits(Limits::default().starting_commands(3)))
        .client()?;
    let web = incus.launch("web").image("busybox").await?;
    fake.on("GET /1.0/operations/{id}/websocket").always().delay(Duration::from_millis(20));
    let before = fake.log().len();
    let all = (0..40).map(|number| {
        let run = web.exec(["sh", "-c", &format!("echo {number}; exit {number}")]);
        async move { Ok::<_, windlass::Error>((number, run.output().await?)) }
    });
    for (number, output) in futures_util::future::try_join_all(all).await? {
        assert_eq!((output.status.code(), output.stdout_text()), (number, format!("{number}\n")));
    }
    // Four streams make a command that is under way; those of the others are at most three each.
    let (mut posts, mut streams) = (0_usize, 0_usize);
    for request in &fake.log()[before..] {
        posts += usize::from(request.path.ends_with("/exec"));
        streams += usize::from(request.path.ends_with("/websocket"));
        assert!(posts <= 3 + streams.div_ceil(4), "{posts} commands with {streams} streams");
    }
    assert_eq!((posts, streams), (40, 160));
    Ok(())
}

/// A client that starts one command at a time, for an instance that runs.
async fn one_at_a_time() -> Result<(FakeIncus, Instance), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = Incus::unix(fake.socket())
        .http(Http::default().limits(Limits::default().starting_commands(1)))
        .client()?;
    let web = incus.launch("web").image("busybox").await?;
    Ok((fake, web))
}

/// Where many start, a look at the end of one may come when the server has forgotten it.
#[tokio::test]
async fn commands_that_had_to_queue_learn_their_status_from_a_server_that_forgets_it_at_once() -> Outcome {
    let (fake, web) = one_at_a_time().await?;
    let gone = r#"{"type":"error","error":"Operation not found","error_code":404}"#;
    fake.on("GET /1.0/operations/{id}").always().reply(404, gone);
    fake.on("GET /1.0/operations/{id}/wait").always().reply(404, gone);
    let all = (0..40).map(|number| web.exec(["sh", "-c", &format!("echo {number}; exit {number}")]).output());
    let all = futures_util::future::join_all(all).await;
    // The first had no need to queue.
    for (number, output) in (0..).zip(all).skip(1) {
        let output = output?;
        assert_eq!((output.status.code(), output.stdout_text()), (number, format!("{number}\n")));
    }
    // What fails is told as well.
    let missing = (0..3).map(|_| web.exec(["no-such-program"]).output());
    for missing in futures_util::future::join_all(missing).await.into_iter().skip(1) {
        assert_eq!(missing.map(drop).map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    }
    Ok(())
}

#[tokio::test]
async fn commands_that_had_to_queue_end_right_though_the_events_break_or_die() -> Outcome {
    for dead in [false, true] {
        let (fake, web) = one_at_a_time().await?;
        let all =
            (0..8).map(|number| web.exec(["sh", "-c", &format!("cat; exit {number}")]).pipe_stdin().spawn());
        let running = futures_util::future::try_join_all(all).await?;
        assert_eq!(fake.event_listeners(), 1);
        if dead {
            fake.hang_events();
        } else {
            fake.on("GET /1.0/events").always().reply(503, "busy");
            fake.kill_events();
        }
        let all = running.into_iter().map(|mut run| async move {
            let mut stdin = run.take_stdin().ok_or("it reads")?;
            stdin.write_all("word").await?;
            drop(stdin);
            Ok::<_, Box<dyn std::error::Error>>(run.output().await?)
        });
        for (number, output) in (0..).zip(futures_util::future::join_all(all).await) {
            let output = output?;
            assert_eq!((output.status.code(), output.stdout_text()), (number, "word".to_owned()), "{dead}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn hundreds_of_commands_at_once_end_right() -> Outcome {
    let (_fake, web) = web().await?;
    let all = (0..200).map(|number| {
        let run = web.exec(["sh", "-c", &format!("echo {number}; exit {}", number % 100)]);
        async move { Ok::<_, windlass::Error>((number, run.output().await?)) }
    });
    for (number, output) in futures_util::future::try_join_all(all).await? {
        assert_eq!((output.status.code(), output.stdout_text()), (number % 100, format!("{number}\n")));
    }
    Ok(())
}

#[tokio::test]
#[ignore = "long: 2,000 commands; run by `cargo xtask live incus`"]
async fn thousands_of_commands_at_once_end_right() -> Outcome {
    let (_fake, web) = web().await?;
    let all = (0..2_000).map(|number| {
        let run = web.exec(["sh", "-c", &format!("cat; echo {number} >&2; exit {}", number % 100)]);
        let run = run.stdin(vec![number as u8; 1_000]);
        async move { Ok::<_, windlass::Error>((number, run.output().await?)) }
    });
    for (number, output) in futures_util::future::try_join_all(all).await? {
        let expected = (number % 100, vec![number as u8; 1_000], format!("{number}\n"));
        assert_eq!((output.status.code(), output.stdout.clone(), output.stderr_text()), expected);
    }
    Ok(())
}

#[tokio::test]
#[ignore = "long: 2,000 commands; run by `cargo xtask live incus`"]
async fn thousands_of_commands_without_streams_end_right() -> Outcome {
    let (_fake, web) = web().await?;
    let all = (0..2_000).map(|number| {
        let run = web.exec(["sh", "-c", &format!("exit {}", number % 100)]).discard_output();
        async move { Ok::<_, windlass::Error>((number, run.await?)) }
    });
    for (number, status) in futures_util::future::try_join_all(all).await? {
        assert_eq!(status.code(), number % 100);
    }
    Ok(())
}

/// Copies what a client and the fake say to each other. Of a terminal's screen, which is the second websocket, only the
/// answer to the handshake gets through.
async fn without_a_screen(listener: TcpListener, origin: String) {
    let websockets = Arc::new(AtomicUsize::new(0));
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&origin).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let (websockets, muted) = (websockets.clone(), Arc::new(AtomicBool::new(false)));
        let is_muted = muted.clone();
        tokio::spawn(async move {
            let mut piece = vec![0; 8_192];
            while let Ok(read @ 1..) = from_client.read(&mut piece).await {
                let opens = String::from_utf8_lossy(&piece[..read]).contains("/websocket?");
                if opens && websockets.fetch_add(1, Ordering::SeqCst) == 1 {
                    muted.store(true, Ordering::SeqCst);
                }
                to_server.write_all(&piece[..read]).await.unwrap();
            }
        });
        tokio::spawn(async move {
            let (mut piece, mut shaken) = (vec![0; 8_192], false);
            while let Ok(read @ 1..) = from_server.read(&mut piece).await {
                let head =
                    piece[..read].windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |end| end + 4);
                let passes = match is_muted.load(Ordering::SeqCst) {
                    true if std::mem::replace(&mut shaken, true) => 0,
                    true => head,
                    false => read,
                };
                let _ = to_client.write_all(&piece[..passes]).await;
            }
            // The end of the connection doesn't get through either.
            if is_muted.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_terminal_whose_screen_falls_silent_ends() -> Outcome {
    let fake = FakeIncus::start().await?;
    fake.client()?.launch("web").image("busybox").await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(without_a_screen(listener, fake.url().replace("http://", "")));
    let exec = Incus::http(url).client()?.instance("web").exec(["sleep", "1000"]).terminal(80, 24);
    let ended = tokio::time::timeout(Duration::from_secs(120), exec.output()).await?;
    let e = ended.expect_err("nothing was shown");
    assert!(matches!(e.kind(), ErrorKind::Timeout | ErrorKind::Interrupted), "{e:?}");
    Ok(())
}
