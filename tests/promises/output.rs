//! Output that is collected: up to a limit, on every platform, and never lost when something goes wrong.

use windlass::{Error, ErrorKind, Output};

use crate::alone::Outcome;

/// What both outputs had when it failed, and the kind of the failure.
fn failed(ended: Result<Output, Error>) -> (ErrorKind, String, String) {
    let e = ended.expect_err("it is too much");
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.expect("it is there")).into_owned();
    assert!(e.message().contains("max_output()") && e.to_string().len() < 300, "{e}");
    (e.kind(), text(e.stdout()), text(e.stderr()))
}

/// Until the server has none of them left.
#[cfg(any(feature = "incus", feature = "koyeb"))]
async fn none_left(number: impl Fn() -> usize) {
    for _ in 0..1_000 {
        if number() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{} left", number());
}

#[cfg(feature = "incus")]
mod incus {
    use super::*;
    use windlass::incus::Instance;
    use windlass::testing::FakeIncus;
    use windlass::{Http, Incus, Limits};

    async fn web() -> Result<(FakeIncus, Instance), Box<dyn std::error::Error>> {
        let fake = FakeIncus::start().await?;
        let web = Incus::unix(fake.socket()).client()?.launch("web").image("busybox").await?;
        Ok((fake, web))
    }

    #[tokio::test]
    async fn more_than_the_limit_is_an_error_with_what_came_and_the_command_is_killed() -> Outcome {
        let (fake, web) = web().await?;
        let yes = || web.exec(["sh", "-c", "echo no >&2; yes"]);
        let (kind, stdout, stderr) = failed(yes().max_output(10_003).output().await);
        assert_eq!((kind, stdout.len() + stderr.len()), (ErrorKind::LimitExceeded, 10_003));
        assert!(stdout.starts_with("y\ny\n") && "no\n".starts_with(&stderr));
        // Started in the other way, it is the same.
        let (kind, ..) = failed(yes().max_output(10).spawn().await?.output().await);
        assert_eq!(kind, ErrorKind::LimitExceeded);
        let e = yes().max_output(10).terminal(80, 24).output().await.expect_err("a terminal, too");
        assert_eq!((e.kind(), e.api(), e.operation()), (ErrorKind::LimitExceeded, "incus", "instance_exec"));
        none_left(|| fake.connections()).await;
        Ok(())
    }

    #[tokio::test]
    async fn what_fits_exactly_is_no_error() -> Outcome {
        let (_fake, web) = web().await?;
        let echo = || web.exec(["sh", "-c", "echo out; echo err >&2"]);
        for limit in [8, 9, u64::MAX] {
            let done = echo().max_output(limit).output().await?;
            assert_eq!((done.stdout_text().as_str(), done.stderr_text().as_str()), ("out\n", "err\n"));
            let done = echo().max_output(limit).record_output().await?;
            assert_eq!((done.stdout_text().as_str(), done.stderr_text().as_str()), ("out\n", "err\n"));
        }
        for limit in [0, 7] {
            assert_eq!(failed(echo().max_output(limit).output().await).0, ErrorKind::LimitExceeded);
        }
        assert!(web.exec(["true"]).max_output(0).output().await?.status.is_success());
        Ok(())
    }

    #[tokio::test]
    async fn recorded_output_has_the_same_limit_and_its_files_are_deleted() -> Outcome {
        let (fake, web) = web().await?;
        let flood = || web.exec(["sh", "-c", "head -c 3M /dev/zero; echo err >&2"]);
        let e = flood().max_output(2_000_000).record_output().await.expect_err("too much");
        assert_eq!(e.kind(), ErrorKind::LimitExceeded, "{e}");
        let kept = e.stdout().map_or(0, <[u8]>::len) + e.stderr().map_or(0, <[u8]>::len);
        assert_eq!(kept, 2_000_000);
        assert_eq!(fake.requests("DELETE /1.0/instances/{name}/logs/exec-output/{file}"), 2);
        // A wait that is resumed has the limit of its client.
        let operation = flood().record_output().send().await?;
        let small = Limits::default().output(1_000);
        let small = Incus::unix(fake.socket()).http(Http::default().limits(small)).client()?;
        let e = Error::from(small.resume::<Output>(&operation.ticket())?.await.expect_err("too much"));
        assert_eq!((e.kind(), e.message().contains("1000 bytes")), (ErrorKind::LimitExceeded, true), "{e}");
        Ok(())
    }

    #[tokio::test]
    async fn a_client_can_have_another_limit() -> Outcome {
        let (fake, _) = web().await?;
        let small =
            Incus::unix(fake.socket()).http(Http::default().limits(Limits::default().output(4))).client()?;
        let echo = || small.instance("web").exec(["echo", "hello"]);
        assert_eq!(failed(echo().output().await).0, ErrorKind::LimitExceeded);
        assert!(echo().max_output(6).output().await.is_ok());
        Ok(())
    }

    #[tokio::test]
    async fn what_came_before_a_cut_or_a_failure_is_in_the_error() -> Outcome {
        let (fake, web) = web().await?;
        let e = web.exec(["sh", "-c", "echo out; exit 3"]).output().await?.success().expect_err("3");
        assert_eq!((e.kind(), e.stdout()), (ErrorKind::CommandFailed, Some(&b"out\n"[..])));
        fake.on("GET /1.0/operations/{id}/websocket").times(4).truncate(30);
        let e = web.exec(["sh", "-c", &"echo line;".repeat(40)]).output().await.expect_err("it is cut");
        assert_eq!(e.kind(), ErrorKind::Interrupted, "{e}");
        assert!(e.stdout().is_some_and(|came| came.starts_with(b"line\n") && came.len() < 200), "{e:?}");
        Ok(())
    }
}

#[cfg(feature = "koyeb")]
mod koyeb {
    use super::*;
    use windlass::testing::FakeKoyeb;

    #[tokio::test]
    async fn more_than_the_limit_is_an_error_with_what_came_and_the_command_is_killed() -> Outcome {
        let fake = FakeKoyeb::start().await?;
        let id = fake.add_instance("HEALTHY");
        let web = fake.client()?.instance(&id);
        let (kind, stdout, stderr) =
            failed(web.exec(["sh", "-c", "echo no >&2; yes"]).max_output(10_003).output().await);
        assert_eq!((kind, stdout.len(), stderr.as_str()), (ErrorKind::LimitExceeded, 10_000, "no\n"));
        none_left(|| fake.commands()).await;
        let e = web.exec(["yes"]).max_output(0).output().await.expect_err("nothing is allowed");
        assert_eq!((e.api(), e.operation()), ("koyeb", "exec_command"));
        assert!(web.exec(["echo", "hello"]).max_output(6).output().await.is_ok());
        assert!(web.exec(["echo", "hello"]).max_output(u64::MAX).output().await.is_ok());
        Ok(())
    }
}

#[cfg(feature = "shakenfist")]
mod shakenfist {
    use super::*;
    use windlass::shakenfist::Disk;
    use windlass::testing::FakeShakenFist;

    #[tokio::test]
    async fn more_than_the_limit_is_an_error_with_what_came() -> Outcome {
        let fake = FakeShakenFist::start().await?;
        let web = fake.client()?.launch("web").disk(Disk::blank(8)).await?;
        fake.add_file(&web.uuid, "/long", vec![b'a'; 300_000]);
        // The first is in a blob, the other in the answer.
        let both = || web.exec("cat /long; echo err >&2");
        let (kind, stdout, stderr) = failed(both().max_output(200_000).output().await);
        assert_eq!((kind, stdout.len(), stderr.as_str()), (ErrorKind::LimitExceeded, 200_000, ""));
        let (kind, stdout, stderr) = failed(both().max_output(300_001).output().await);
        assert_eq!((kind, stdout.len(), stderr.as_str()), (ErrorKind::LimitExceeded, 300_000, "e"));
        for limit in [300_004, u64::MAX] {
            assert_eq!(both().max_output(limit).output().await?.stderr_text(), "err\n");
        }
        assert_eq!(failed(web.exec("echo hello").max_output(0).output().await).0, ErrorKind::LimitExceeded);
        Ok(())
    }
}
