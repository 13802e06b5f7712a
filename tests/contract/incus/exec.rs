//! Commands, in all the ways in which they can run.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use windlass::incus::types::InstanceExec;
use windlass::incus::{Incus, Instance};
use windlass::{Chunk, Error, ErrorKind, ExitStatus, Output, Process, Signal};

use super::{Caught, IMAGE, Outcome, SOON, handle, launched, name, remove};

pub async fn exec_has_separate_streams_and_the_true_status(incus: Incus) -> Outcome {
    let web = launched(&incus, "exec").await?;
    let output = web.exec(["sh", "-c", "echo out; echo err >&2; exit 7"]).output().await?;
    assert_eq!(output.status.code(), 7);
    assert_eq!(output.stdout_text(), "out\n");
    assert_eq!(output.stderr_text(), "err\n");
    let e = output.success().expect_err("status 7 is no success");
    assert_eq!((e.kind(), e.code()), (ErrorKind::CommandFailed, Some("7")));
    assert!(e.to_string().contains("err"), "{e}");
    let quiet = web.exec(["true"]).output().await?.success()?;
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty());
    remove(&handle(&incus, &web)).await
}

pub async fn exec_streams_chunks(incus: Incus) -> Outcome {
    let web = launched(&incus, "chunks").await?;
    let mut run = web.exec(["sh", "-c", "head -c 1000000 /dev/zero; echo done >&2; exit 5"]).spawn().await?;
    let (mut out, mut err, mut exited) = (0, Vec::new(), None);
    while let Some(chunk) = run.try_next().await? {
        assert_eq!(exited, None, "something after the end");
        match chunk {
            Chunk::Stdout(bytes) => out += bytes.len(),
            Chunk::Stderr(bytes) => err.extend_from_slice(&bytes),
            Chunk::Exited(status) => exited = Some(status.code()),
        }
    }
    assert_eq!((exited, run.wait().await?.code()), (Some(5), 5));
    assert_eq!((out, err.as_slice()), (1_000_000, b"done\n".as_slice()));
    remove(&handle(&incus, &web)).await
}

/// The client takes the silence of a connection that pings for its death.
pub async fn the_connections_of_a_command_begin_with_a_ping(incus: Incus) -> Outcome {
    let web = launched(&incus, "pinged").await?;
    for (interactive, all) in [(false, &["control", "0", "1", "2"][..]), (true, &["control", "0"])] {
        let mut exec = InstanceExec::new(vec!["sleep".to_owned(), "1000".to_owned()]);
        (exec.wait_for_websocket, exec.interactive) = (true, interactive);
        let operation = incus.raw().instance_exec().name(web.name()).body(exec).send().await?;
        let metadata = operation.metadata.ok_or("no secrets")?;
        let mut held = Vec::new();
        for fd in all {
            let secret = metadata.get("fds").and_then(|fds| fds[*fd].as_str()).ok_or("no secret")?;
            let open = incus.raw().operation_websocket().id(&operation.id).secret(secret).send();
            let mut connection = open.await?;
            let mut frame = [0; 11];
            connection.read_exact(&mut frame).await?;
            assert_eq!(&frame, b"\x89\x09keepalive", "{interactive} {fd}");
            held.push(connection);
        }
    }
    remove(&handle(&incus, &web)).await
}

pub async fn a_command_ends_though_nobody_closes_its_input(incus: Incus) -> Outcome {
    let web = launched(&incus, "held").await?;
    let mut run = web.exec(["sh", "-c", "exit 4"]).pipe_stdin().spawn().await?;
    let mut stdin = run.take_stdin().ok_or("no writer")?;
    let status = tokio::time::timeout(SOON, run.wait()).await?;
    assert_eq!(status?.code(), 4);
    assert!(stdin.write_all("more").await.is_err());
    remove(&handle(&incus, &web)).await
}

pub async fn exec_takes_stdin_and_environment(incus: Incus) -> Outcome {
    let web = launched(&incus, "stdin").await?;
    let text = "ünïcode\n".repeat(50_000);
    let cat = web.exec(["cat"]).stdin(text.clone()).output().await?.success()?;
    assert!(cat.stdout == text.as_bytes(), "{} of {} bytes came back", cat.stdout.len(), text.len());
    let env = web.exec(["sh", "-c", "echo $GREETING; pwd"]).env("GREETING", "hi").current_dir("/tmp");
    assert_eq!(env.output().await?.stdout_text(), "hi\n/tmp\n");
    // A command that doesn't read its input still ends.
    let deaf = web.exec(["true"]).stdin(vec![0; 4_000_000]).output().await?;
    assert!(deaf.status.is_success());
    remove(&handle(&incus, &web)).await
}

pub async fn dropping_a_process_kills_the_command(incus: Incus) -> Outcome {
    let web = launched(&incus, "drop").await?;
    let run = web.exec(["sleep", "1000"]).spawn().await?;
    let at_work = async || {
        let url = format!("/1.0/instances/{}", web.name());
        let all = incus.operations().await?;
        let mut mine =
            all.iter().filter(|operation| operation.resources.values().flatten().any(|on| *on == url));
        Ok::<_, Error>(mine.any(|operation| operation.status_code < 200))
    };
    assert!(at_work().await?);
    drop(run);
    for _ in 0..2_000 {
        if !at_work().await? {
            return remove(&handle(&incus, &web)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("the command outlived its process".into())
}

pub async fn exec_of_what_cannot_be_run_fails(incus: Incus) -> Outcome {
    let web = launched(&incus, "missing").await?;
    let e = web.exec(["no-such-command"]).output().await.expect_err("there is no such command");
    assert_eq!((e.kind(), e.message()), (ErrorKind::NotFound, "Command not found"));
    web.push(b"data".to_vec()).mode(0o644).to("/root/plain").await?;
    let e = web.exec(["/root/plain"]).output().await.expect_err("its mode doesn't let it run");
    assert_eq!((e.code(), e.message()), (Some("126"), "Command not executable"));
    remove(&handle(&incus, &web)).await
}

/// The server makes failures of 126 and 127, as if the command had not run.
pub async fn a_command_that_wrote_something_has_run_whatever_its_status(incus: Incus) -> Outcome {
    let web = launched(&incus, "wrote").await?;
    let kept = async || {
        let files = incus.raw().instance_exec_outputs_list().name(web.name()).send().await;
        files.map(|files| files.len())
    };
    for status in [126, 127] {
        for (script, out, err) in [("echo data", "data\n", ""), ("echo why >&2", "", "why\n")] {
            let run = || web.exec(["sh", "-c", &format!("{script}; exit {status}")]);
            for output in [run().output().await?, run().record_output().await?] {
                assert_eq!(output.status.code(), status);
                assert_eq!((output.stdout_text().as_str(), output.stderr_text().as_str()), (out, err));
            }
            assert_eq!(run().terminal(80, 24).output().await?.status.code(), status);
            assert_eq!(run().spawn().await?.wait().await?.code(), status);
        }
    }
    // Without a word there is nothing to tell it by.
    for (status, kind) in [(126, ErrorKind::OperationFailed), (127, ErrorKind::NotFound)] {
        let run = || web.exec(["sh", "-c", &format!("exit {status}")]);
        let code = status.to_string();
        for e in [
            run().output().await.err(),
            run().record_output().await.err(),
            run().discard_output().await.err(),
            run().terminal(80, 24).output().await.err(),
        ] {
            let e = e.ok_or("it was told as run")?;
            assert_eq!((e.kind(), e.code()), (kind, Some(code.as_str())), "{e:?}");
        }
    }
    web.exec(["no-such-command"]).record_output().await.expect_err("there is no such command");
    assert_eq!(kept().await?, 0, "files stay behind");
    remove(&handle(&incus, &web)).await
}

pub async fn exec_on_a_stopped_instance_is_a_conflict(incus: Incus) -> Outcome {
    let web = incus.create(name("still")).image(IMAGE).await?;
    let e = web.exec(["true"]).output().await.expect_err("it isn't running");
    assert_eq!((e.kind(), e.status()), (ErrorKind::Conflict, Some(400)));
    assert_eq!(e.message(), "Instance is not running");
    remove(&handle(&incus, &web)).await
}

pub async fn exec_as_user_and_group(incus: Incus) -> Outcome {
    let web = launched(&incus, "user").await?;
    for (user, group) in [(0, 0), (1000, 1001), (1000, 0), (0, 7)] {
        let ids = web.exec(["sh", "-c", "id -u; id -g"]).uid(user).gid(group).output().await?.success()?;
        assert_eq!(ids.stdout_text(), format!("{user}\n{group}\n"));
    }
    remove(&handle(&incus, &web)).await
}

/// The next output, as text; an error where the command has ended.
async fn text(process: &mut Process) -> Result<String, Caught> {
    match process.next().await.ok_or("ended too early")?? {
        Chunk::Stdout(bytes) | Chunk::Stderr(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Chunk::Exited(status) => Err(format!("ended too early, with {status}").into()),
    }
}

/// Reads until the words appear.
async fn read_until(process: &mut Process, words: &str) -> Outcome {
    read_until_any(process, &[words]).await.map(drop)
}

/// Reads until one of these appears, and gives it.
async fn read_until_any<'a>(process: &mut Process, all: &[&'a str]) -> Result<&'a str, Caught> {
    let mut seen = String::new();
    loop {
        if let Some(found) = all.iter().find(|words| seen.contains(**words)) {
            return Ok(found);
        }
        let more = tokio::time::timeout(SOON, text(process)).await;
        seen += &more.map_err(|_| format!("none of {all:?} in {seen:?}"))??;
    }
}

pub async fn exec_reads_from_a_writer(incus: Incus) -> Outcome {
    let web = launched(&incus, "writer").await?;
    let mut cat = web.exec(["cat"]).pipe_stdin().spawn().await?;
    let mut stdin = cat.take_stdin().ok_or("no writer")?;
    assert!(cat.take_stdin().is_none());
    for line in ["one\n", "two\n"] {
        stdin.write_all(line).await?;
        read_until(&mut cat, line).await?;
    }
    // Far more than any buffer holds, so it must be read meanwhile.
    let flood = tokio::spawn(async move {
        let mut lines = std::io::Cursor::new(b"line\n".repeat(400_000));
        tokio::io::copy(&mut lines, &mut stdin).await
    });
    let rest = cat.output().await?.success()?;
    assert_eq!(flood.await??, 2_000_000);
    assert!(rest.stdout == b"line\n".repeat(400_000), "{} bytes came back", rest.stdout.len());
    // A writer that isn't taken ends with the wait.
    let mut cat = web.exec(["cat"]).pipe_stdin().spawn().await?;
    assert!(cat.wait().await?.is_success());
    remove(&handle(&incus, &web)).await
}

pub async fn exec_input_that_nobody_reads_holds_nothing_up(incus: Incus) -> Outcome {
    let web = launched(&incus, "deaf").await?;
    let mut sleep = web.exec(["sh", "-c", "echo up; sleep 1000"]).pipe_stdin().spawn().await?;
    let mut stdin = sleep.take_stdin().ok_or("no writer")?;
    read_until(&mut sleep, "up").await?;
    let flood = tokio::spawn(async move {
        loop {
            if let Err(e) = stdin.write_all(vec![0; 100_000]).await {
                return e.kind();
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!flood.is_finished(), "nothing held the writer back");
    sleep.signal(Signal::TERM).await?;
    assert_eq!(sleep.wait().await?.code(), 143);
    assert_eq!(flood.await?, ErrorKind::Interrupted);
    remove(&handle(&incus, &web)).await
}

pub async fn exec_in_a_terminal(incus: Incus) -> Outcome {
    let web = launched(&incus, "terminal").await?;
    let mut shell = web.exec(["sh"]).terminal(80, 24).spawn().await?;
    let mut keyboard = shell.take_stdin().ok_or("no keyboard")?;
    keyboard.write_all("stty size\n").await?;
    read_until(&mut shell, "24 80\r\n").await?;
    shell.resize(100, 30).await?;
    // The new size takes its own way: what is typed may overtake it.
    let mut size = "24 80\r\n";
    for _ in 0..50 {
        keyboard.write_all("stty size\n").await?;
        size = read_until_any(&mut shell, &["24 80\r\n", "30 100\r\n"]).await?;
        if size == "30 100\r\n" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(size, "30 100\r\n");
    keyboard.write_all("echo $TERM\n").await?;
    read_until(&mut shell, "xterm\r\n").await?;
    keyboard.write_all("exit 5\n").await?;
    let status = tokio::time::timeout(Duration::from_secs(20), shell.wait()).await;
    assert_eq!(status.map_err(|_| "it doesn't end")??.code(), 5);
    remove(&handle(&incus, &web)).await
}

pub async fn exec_in_a_terminal_without_input_ends(incus: Incus) -> Outcome {
    let web = launched(&incus, "tty").await?;
    let ended = tokio::time::timeout(Duration::from_secs(20), async {
        let echo = web.exec(["sh", "-c", "echo out; echo err >&2; exit 3"]).terminal(80, 24).output().await?;
        let cat = web.exec(["cat"]).terminal(80, 24).output().await?;
        let typed = web.exec(["cat"]).terminal(80, 24).stdin("typed\n").output().await?;
        Ok::<_, Error>((echo, cat, typed))
    });
    let (echo, cat, typed) = ended.await.map_err(|_| "it doesn't end")??;
    assert_eq!((echo.status.code(), echo.stdout_text().as_str()), (3, "out\r\nerr\r\n"));
    assert!(echo.stderr.is_empty());
    assert!(cat.status.is_success());
    assert!(typed.stdout_text().contains("typed\r\n"), "{typed:?}");
    remove(&handle(&incus, &web)).await
}

pub async fn exec_signals_and_kill(incus: Incus) -> Outcome {
    let web = launched(&incus, "signal").await?;
    for (signal, code) in
        [(Some(Signal::TERM), 143), (Some(Signal::HUP), 129), (Some(Signal::new(10)), 138), (None, 137)]
    {
        let mut run = web.exec(["sh", "-c", "echo up; sleep 1000"]).spawn().await?;
        read_until(&mut run, "up").await?;
        match signal {
            Some(signal) => run.signal(signal).await?,
            None => run.kill().await?,
        }
        assert_eq!(run.wait().await?.code(), code, "{signal:?}");
    }
    remove(&handle(&incus, &web)).await
}

pub async fn orders_to_a_command_that_has_ended_come_too_late(incus: Incus) -> Outcome {
    let web = launched(&incus, "late").await?;
    let mut run = web.exec(["sleep", "1000"]).spawn().await?;
    assert_eq!(run.resize(80, 24).await.map_err(|e| e.kind()), Err(ErrorKind::InvalidInput));
    run.kill().await?;
    assert!(matches!(run.try_next().await?, Some(Chunk::Exited(status)) if status.code() == 137));
    assert_eq!(run.signal(Signal::TERM).await.map_err(|e| e.kind()), Err(ErrorKind::Conflict));
    assert_eq!(run.kill().await.map_err(|e| e.kind()), Err(ErrorKind::Conflict));
    assert_eq!(run.wait().await?.code(), 137);
    remove(&handle(&incus, &web)).await
}

/// Waits until a file has this content.
async fn appears(web: &Instance, path: &str, content: &str) -> Outcome {
    for _ in 0..5_000 {
        if web.read_file(path).await.is_ok_and(|bytes| bytes == content.as_bytes()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{path} never holds {content:?}").into())
}

pub async fn a_detached_process_goes_on(incus: Incus) -> Outcome {
    let web = launched(&incus, "detach").await?;
    // More output than fits anywhere: it must still be read.
    let script = "head -c 3000000 /dev/zero; sleep 0.5; echo done > /root/mark";
    web.exec(["sh", "-c", script]).spawn().await?.detach();
    appears(&web, "/root/mark", "done\n").await?;
    remove(&handle(&incus, &web)).await
}

pub async fn exec_without_output(incus: Incus) -> Outcome {
    let web = launched(&incus, "quiet").await?;
    let status = web.exec(["sh", "-c", "echo lost; exit 7"]).discard_output().await?;
    assert_eq!(status.code(), 7);
    let operation = web.exec(["sh", "-c", "sleep 0.5; exit 9"]).discard_output().send().await?;
    let ticket = operation.ticket().to_string().parse()?;
    drop(operation);
    assert_eq!(incus.resume::<ExitStatus>(&ticket)?.await?.code(), 9);
    assert_eq!(incus.resume::<()>(&ticket).map_err(|e| e.kind()).err(), Some(ErrorKind::InvalidInput));
    let input = web.exec(["cat"]).stdin("x").discard_output().await.map_err(|e| e.kind());
    assert_eq!(input, Err(ErrorKind::InvalidInput));
    let terminal = web.exec(["cat"]).terminal(80, 24).record_output().await.map_err(|e| e.kind());
    assert_eq!(terminal.err(), Some(ErrorKind::InvalidInput));
    remove(&handle(&incus, &web)).await
}

pub async fn exec_with_recorded_output(incus: Incus) -> Outcome {
    let web = launched(&incus, "record").await?;
    let kept = async || {
        let files = incus.raw().instance_exec_outputs_list().name(web.name()).send().await;
        files.map(|files| files.len())
    };
    let output =
        web.exec(["sh", "-c", "echo $WHO; echo err >&2; exit 7"]).env("WHO", "me").record_output().await?;
    assert_eq!(
        (output.status.code(), output.stdout_text(), output.stderr_text()),
        (7, "me\n".into(), "err\n".into())
    );
    assert_eq!(kept().await?, 0, "files stay behind");
    let operation = web.exec(["sh", "-c", "sleep 0.5; echo late"]).record_output().send().await?;
    let ticket = operation.ticket().to_string().parse()?;
    drop(operation);
    assert_eq!(incus.resume::<Output>(&ticket)?.await?.stdout_text(), "late\n");
    assert_eq!(kept().await?, 0, "files stay behind");
    remove(&handle(&incus, &web)).await
}

pub async fn unattended_exec_of_what_cannot_be_run_fails(incus: Incus) -> Outcome {
    let web = launched(&incus, "nocmd").await?;
    let discarded =
        web.exec(["no-such-command"]).discard_output().await.expect_err("there is no such command");
    let recorded = web.exec(["no-such-command"]).record_output().await.expect_err("there is no such command");
    for e in [discarded, recorded] {
        assert_eq!((e.kind(), e.message()), (ErrorKind::NotFound, "Command not found"));
    }
    remove(&handle(&incus, &web)).await
}

pub async fn until_a_command_succeeds(incus: Incus) -> Outcome {
    let web = incus.create(name("until")).image(IMAGE).await?;
    let (other, pause) = (web.clone(), Duration::from_millis(100));
    let helper = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.start().await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        other.write_file("/root/mark", "ready\n").await
    });
    // It isn't even running at first.
    let ready =
        web.exec(["cat", "/root/mark"]).until_success().every(pause).timeout(Duration::from_secs(60)).await?;
    assert_eq!(ready.stdout_text(), "ready\n");
    helper.await??;
    let never = || web.exec(["sh", "-c", "echo not yet >&2; exit 4"]).until_success().every(pause);
    let mut told = String::new();
    // On a busy machine not even one run may fit in a short time.
    for limit in [1, 5, 60] {
        let e = never().timeout(Duration::from_secs(limit)).await.expect_err("it never succeeds");
        assert_eq!(e.kind(), ErrorKind::Timeout);
        told = e.message().to_owned();
        if !told.contains("the first run goes on") {
            break;
        }
    }
    assert!(told.contains("exit status 4: not yet"), "{told}");
    let hanging = web.exec(["sleep", "1000"]).until_success().timeout(Duration::from_millis(500)).await;
    assert_eq!(hanging.map_err(|e| e.kind()).err(), Some(ErrorKind::Timeout));
    let nobody = incus.instance(name("nobody")).exec(["true"]).until_success().await;
    assert_eq!(nobody.map_err(|e| e.kind()).err(), Some(ErrorKind::NotFound));
    remove(&handle(&incus, &web)).await
}
