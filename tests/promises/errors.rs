//! Errors say who, where, about what, and how often, in one sentence that no server can use against a terminal.

use windlass::{Error, ErrorKind, Sent};

#[cfg(feature = "koyeb")]
mod answers;
#[cfg(feature = "incus")]
mod origin_incus;
#[cfg(feature = "koyeb")]
mod origin_koyeb;
#[cfg(feature = "shakenfist")]
mod origin_shakenfist;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn failed<T, E: Into<Error>>(result: Result<T, E>) -> Error {
    match result {
        Ok(_) => panic!("it worked"),
        Err(e) => e.into(),
    }
}

/// The API, the server and the operation are told, and the sentence says all three; so do errors that no answer is behind.
#[track_caller]
fn assert_origins(errors: &[(&str, Error)], api: &str, server: &str) {
    let bad: Vec<String> = errors
        .iter()
        .filter(|(_, e)| {
            let (start, at) = (format!("{api} {}", e.operation()), format!(" at {server}: "));
            (e.api(), e.server()) != (api, Some(server))
                || e.operation().is_empty()
                || !(e.to_string().starts_with(&start) && e.to_string().contains(&at))
        })
        .map(|(what, e)| format!("{what}: {e}"))
        .collect();
    assert!(bad.is_empty(), "of {}:\n{}", errors.len(), bad.join("\n"));
}

#[cfg(feature = "incus")]
mod incus {
    use windlass::WaitEnd;
    use windlass::incus::Incus;
    use windlass::testing::FakeIncus;

    use super::*;

    #[tokio::test]
    async fn a_connection_that_fails_names_the_socket_and_that_it_was_the_connect() -> Outcome {
        let e = Incus::unix("/nowhere/unix.socket").await.expect_err("the server is gone");
        assert_eq!(
            (e.kind(), e.operation(), e.server()),
            (ErrorKind::Connect, "connect", Some("/nowhere/unix.socket"))
        );
        assert!(e.to_string().starts_with("incus connect at /nowhere/unix.socket: no connection: "), "{e}");
        Ok(())
    }

    #[tokio::test]
    async fn what_is_not_found_is_named() -> Outcome {
        let fake = FakeIncus::start().await?;
        let incus = Incus::http(fake.url()).client()?;
        let e = incus.instance("web").get().await.expect_err("there is none");
        let url = fake.url();
        assert_eq!((e.object(), e.server(), e.attempts()), (Some("web"), Some(url.as_str()), 1));
        assert!(
            e.to_string().starts_with(&format!("incus instance_get \"web\" at {url}: not found (404): ")),
            "{e}"
        );
        fake.add_instance("web");
        let e = incus.instance("web").read_file("/etc/none").await.expect_err("there is no file");
        assert_eq!((e.kind(), e.object()), (ErrorKind::NotFound, Some("web:/etc/none")));
        Ok(())
    }

    #[tokio::test]
    async fn failed_work_names_itself_and_how_often_it_was_looked_at() -> Outcome {
        let fake = FakeIncus::start().await?;
        let incus = fake.client()?;
        let web = incus.launch("web").image("busybox").await?;
        let e = web.start().send().await?.await.expect_err("it runs");
        assert_eq!(e.end(), WaitEnd::Failed);
        let (e, socket) = (Error::from(e), fake.socket().display().to_string());
        assert_eq!((e.operation(), e.object(), e.server()), ("start", Some("web"), Some(socket.as_str())));
        assert!(e.sent() == Sent::Yes && e.attempts() > 0, "{e:?}");
        let e = web.start().await.expect_err("it runs");
        assert_eq!((e.api(), e.operation()), ("incus", "start"));
        Ok(())
    }

    #[tokio::test]
    async fn no_server_writes_on_the_terminal() -> Outcome {
        let fake = FakeIncus::start().await?;
        let evil =
            r#"{"type":"error","error":"\u001b]0;owned\u0007\u202etxt.exe\u001b[2J","error_code":404}"#;
        fake.on("GET /1.0/instances/{name}").reply(404, evil);
        let e = fake.client()?.instance("a\u{1b}b").get().await.expect_err("planted");
        let shown = format!("{e} {e:?} {}", windlass::Error::to_string(&e));
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
        assert!(e.message().contains('\u{1b}'), "the words themselves are kept");
        Ok(())
    }
}

#[cfg(feature = "shakenfist")]
#[tokio::test]
async fn a_wrong_key_of_shaken_fist_is_an_error_of_connecting() -> Outcome {
    use windlass::ShakenFist;
    use windlass::testing::FakeShakenFist;
    let fake = FakeShakenFist::start().await?;
    let e = ShakenFist::at(fake.url()).namespace("demo").key("wrong").await.expect_err("wrong key");
    assert_eq!((e.kind(), e.operation(), e.object()), (ErrorKind::Unauthenticated, "connect", None));
    let url = fake.url();
    assert_eq!(e.server(), Some(url.as_str()));
    Ok(())
}

#[cfg(feature = "koyeb")]
#[tokio::test]
async fn a_list_that_leads_nowhere_names_its_call() -> Outcome {
    use windlass::testing::FakeKoyeb;
    let fake = FakeKoyeb::start().await?;
    fake.add_crowd(3);
    fake.on("GET /v1/instances").always().reply(200, r#"{"instances":[],"count":7,"limit":1,"offset":0}"#);
    let e = fake.client()?.instances().page_size(1).await.expect_err("it ends too soon");
    let url = fake.url();
    assert_eq!((e.api(), e.operation(), e.server()), ("koyeb", "list_instances", Some(url.as_str())));
    assert_eq!(e.kind(), ErrorKind::BadReply);
    Ok(())
}

#[cfg(feature = "lambda-cloud")]
#[tokio::test]
async fn an_unknown_outcome_keeps_all_that_was_said() -> Outcome {
    use windlass::Retry;
    use windlass::testing::FakeLambdaCloud;
    let fake = FakeLambdaCloud::start().await?;
    let body = r#"{"error":{"code":"global/internal-error","message":"oops","suggestion":"wait"}}"#;
    fake.on("POST /api/v1/instance-operations/launch").header("cf-ray", "8f1").reply(500, body);
    let launch =
        fake.client()?.with(Retry::never()).launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop");
    let e = launch.reconcile_window(std::time::Duration::ZERO).await.expect_err("who knows");
    assert_eq!((e.kind(), e.status(), e.attempts()), (ErrorKind::OutcomeUnknown, Some(500), 1));
    assert_eq!((e.code(), e.suggestion()), (Some("global/internal-error"), Some("wait")));
    assert_eq!((e.request_id(), e.body()), (Some("8f1"), body.as_bytes()));
    assert!(e.marker().is_some() && e.ticket().is_some() && !e.is_repeatable(), "{e:?}");
    Ok(())
}
