//! Logging in to a real Incus daemon with tokens of OpenID Connect, from a small provider on loopback: run by `cargo xtask
//! live incus`, which owns the daemon.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use windlass::incus::{BearerToken, Connect, Event, Incus};
use windlass::{Content, ErrorKind, Retry, Sent};

use crate::oidc::{Claims, Provider};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run `cargo xtask live incus`"))
}

fn admin() -> Result<Incus, Box<dyn std::error::Error>> {
    Ok(Incus::unix(variable("WINDLASS_LIVE_INCUS_SOCKET")?).client()?)
}

/// Sets keys of the daemon's configuration, with the vendor's command.
async fn configure(keys: &[&str]) -> Outcome {
    let directory = variable("WINDLASS_LIVE_INCUS_DIR")?;
    let mut command = tokio::process::Command::new("incus");
    command.args(["config", "set"]).args(keys).env("INCUS_DIR", &directory);
    let status = command.env("INCUS_CONF", format!("{directory}/lab/cli")).status().await?;
    if status.success() { Ok(()) } else { Err(format!("incus config set {keys:?}: {status}").into()) }
}

/// How to reach the daemon over TLS, knowing it, but without a login.
async fn remote() -> Result<Connect, Box<dyn std::error::Error>> {
    let fingerprint = admin()?.create_trust_token("pin").await?.fingerprint().to_owned();
    Ok(Incus::https(variable("WINDLASS_LIVE_INCUS_HTTPS")?).fingerprint(fingerprint).retry(Retry::never()))
}

/// Logs in with these tokens, one after the other and then the last one again; how many were fetched.
fn with_tokens(connect: Connect, tokens: Vec<String>) -> (Connect, Arc<AtomicUsize>) {
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = fetched.clone();
    let connect = connect.bearer(move || {
        let number = count.fetch_add(1, Ordering::SeqCst).min(tokens.len() - 1);
        let token = tokens[number].clone();
        async move { Ok::<_, std::io::Error>(BearerToken::new(token)) }
    });
    (connect, fetched)
}

/// One test: there is one configuration to change.
#[tokio::test]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn tokens_of_openid_connect_log_in() -> Outcome {
    let provider = Provider::start().await?;
    configure(&[&format!("oidc.issuer={}", provider.issuer()), "oidc.client.id=windlass"]).await?;
    let outcome = logged_in(&provider).await.and(refusals(&provider).await);
    configure(&["oidc.issuer=", "oidc.client.id="]).await?;
    outcome
}

/// Calls, websockets and events; the server knows who it is.
async fn logged_in(provider: &Provider) -> Outcome {
    let claims = Claims { subject: "me@example.org", ..Claims::default() };
    let (expired, good) = (Claims { seconds: -10, ..claims }, claims);
    // The first one has expired by the server's clock: another is fetched, once.
    let tokens = vec![provider.token(&expired)?, provider.token(&good)?];
    let (connect, fetched) = with_tokens(remote().await?, tokens);
    let incus = connect.await?;
    let server = incus.get_server().await?;
    assert_eq!(
        (server.auth_user_name.as_str(), server.auth_user_method.as_str()),
        ("me@example.org", "oidc")
    );
    let mut events = incus.watch().lifecycle().await?;
    let name = format!("oidc-{}", std::process::id());
    let web = incus.launch(&name).image("busybox").await?;
    let output = web.exec(["sh", "-c", "cat; echo err >&2; exit 7"]).stdin("in").output().await?;
    assert_eq!(
        (output.status.code(), output.stdout_text(), output.stderr_text()),
        (7, "in".to_owned(), "err\n".to_owned())
    );
    web.push(Content::bytes("content")).to("/root/file").await?;
    assert_eq!(web.pull("/root/file").bytes().await?, "content");
    web.delete().force().await?;
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
    while let Some(event) = events.try_next().await? {
        let Event::Lifecycle(event) = event else { continue };
        let who = event.requestor.as_ref().map(|who| (who.protocol.as_str(), who.username.as_str()));
        if event.instance() == Some(&name) && who.is_some() {
            assert_eq!(who, Some(("oidc", "me@example.org")));
            break;
        }
    }
    Ok(())
}

/// Tokens that the server refuses, and none.
async fn refusals(provider: &Provider) -> Outcome {
    let stranger = Provider::start().await?;
    let forged = Claims { issuer: Some(provider.issuer()), ..Claims::default() };
    for (token, reason) in [
        (provider.token(&Claims { seconds: -10, ..Claims::default() })?, "expired"),
        (stranger.token(&Claims::default())?, "issuer"),
        (stranger.token(&forged)?, "signature"),
    ] {
        let (connect, fetched) = with_tokens(remote().await?, vec![token]);
        let e = connect.await.expect_err(reason);
        assert_eq!(
            (e.kind(), e.status(), e.sent()),
            (ErrorKind::Unauthenticated, Some(401), Sent::Yes),
            "{e:?}"
        );
        assert!(e.to_string().contains(reason), "{e}");
        assert_eq!(fetched.load(Ordering::SeqCst), 2, "one more is fetched, and no third");
    }
    let e = remote().await?.await.expect_err("nobody");
    println!("{e}");
    assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{e:?}");
    Ok(())
}
