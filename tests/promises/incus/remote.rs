//! Servers on other machines: no other server is taken for them, and nothing is sent before that is sure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use windlass::incus::{BearerToken, Connect, Identity, TrustToken};
use windlass::testing::{FakeIncus, Generation};
use windlass::{Error, ErrorKind, Incus, Retry, Sent};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The error of a connection that must not come about.
async fn refused(connect: Connect) -> Error {
    match connect.await {
        Ok(incus) => panic!("connected to {}", incus.origin()),
        Err(e) => e,
    }
}

/// A client that the fake trusts.
fn trusted(fake: &FakeIncus) -> Result<(Connect, Identity), Error> {
    let me = Identity::generate("me")?;
    assert!(fake.trust(&me.certificate_pem()));
    Ok((Incus::https(fake.https()).fingerprint(fake.fingerprint()).identity(me.clone()), me))
}

/// Nothing but handshakes came in.
fn assert_untouched(fake: &FakeIncus) {
    assert!(fake.log().is_empty(), "{:?}", fake.log());
}

fn assert_stranger(e: &Error, says: &str) {
    assert_eq!((e.kind(), e.sent(), e.status()), (ErrorKind::UntrustedServer, Sent::No, None), "{e:?}");
    assert!(e.is_repeatable(), "{e:?}");
    assert!(e.to_string().contains(says), "{e}");
}

#[tokio::test]
async fn a_pinned_server_is_worked_with() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (connect, me) = trusted(&fake)?;
    let incus = connect.clone().await?;
    assert_eq!(incus.get_server().await?.auth_user_name, me.fingerprint());
    let web = incus.launch("web").image("busybox").await?;
    let done = web.exec(["sh", "-c", "echo hi; exit 3"]).output().await?;
    assert_eq!((done.stdout_text().as_str(), done.status.code()), ("hi\n", 3));
    // Each came with the certificate: the websockets, too.
    assert!(fake.log().iter().all(|request| request.client_fingerprint() == Some(me.fingerprint())));
    assert_eq!(fake.requests("GET /1.0/operations/{id}/websocket"), 4);
    let exactly = Incus::https(fake.https()).server_certificate(fake.certificate_pem()).identity(me);
    assert!(exactly.await.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_wrong_pin_is_told_as_such_and_nothing_is_sent() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (connect, _) = trusted(&fake)?;
    let wrong = "ab".repeat(32);
    let e = refused(connect.fingerprint(&wrong)).await;
    assert_stranger(&e, &format!("its certificate is {}, not the pinned {wrong}", fake.fingerprint()));
    assert_untouched(&fake);
    Ok(())
}

#[tokio::test]
async fn another_certificate_of_the_same_key_is_another_server() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (by_fingerprint, me) = trusted(&fake)?;
    let by_certificate = Incus::https(fake.https()).server_certificate(fake.certificate_pem()).identity(me);
    fake.renew_certificate()?;
    for connect in [by_fingerprint, by_certificate] {
        assert_stranger(&refused(connect).await, "not the pinned");
    }
    assert_untouched(&fake);
    Ok(())
}

/// Shows a certificate without having its key.
#[derive(Debug)]
struct Impostor(Arc<rustls::sign::CertifiedKey>);

impl rustls::server::ResolvesServerCert for Impostor {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// Whether it gets through a handshake, at an address of its own.
async fn impostor(
    certificate: &str,
    tls12: bool,
) -> Result<(String, tokio::task::JoinHandle<bool>), Box<dyn std::error::Error>> {
    use rustls::pki_types::pem::PemObject;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = Identity::generate("other")?;
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(key.key_pem().expose().as_bytes())?;
    let shown = rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes())?;
    let shown = rustls::sign::CertifiedKey::new(vec![shown], provider.key_provider.load_private_key(key)?);
    let versions = if tls12 { &rustls::version::TLS12 } else { &rustls::version::TLS13 };
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[versions])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Impostor(Arc::new(shown))));
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let through = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.is_ok()
    });
    Ok((address, through))
}

#[tokio::test]
async fn who_shows_the_pinned_certificate_must_have_its_key() -> Outcome {
    let shown = Identity::generate("server")?;
    for tls12 in [false, true] {
        let (address, through) = impostor(&shown.certificate_pem(), tls12).await?;
        let connect = Incus::https(address).fingerprint(shown.fingerprint()).retry(Retry::never());
        assert_stranger(&refused(connect).await, "doesn't have the key");
        assert!(!through.await?, "a handshake with somebody else's certificate");
    }
    Ok(())
}

#[tokio::test]
async fn who_is_not_pinned_must_have_an_authority() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (_, me) = trusted(&fake)?;
    let connect = || Incus::https(fake.https()).identity(me.clone());
    let other = FakeIncus::start().await?;
    for connect in [connect(), connect().authority(other.certificate_pem())] {
        assert_stranger(&refused(connect).await, "certificate");
    }
    assert_untouched(&fake);
    // Its own authority, for this address.
    assert!(connect().authority(fake.certificate_pem()).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn distrust_is_not_tried_again() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (connect, _) = trusted(&fake)?;
    let started = std::time::Instant::now();
    let incus = connect.fingerprint("ab".repeat(32)).client()?;
    let e = incus.get_server().await.expect_err("it isn't pinned");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::UntrustedServer, 1));
    assert!(started.elapsed() < Duration::from_secs(30));
    Ok(())
}

#[tokio::test]
async fn a_client_that_is_not_trusted_learns_so() -> Outcome {
    let fake = FakeIncus::start().await?;
    let stranger = Incus::https(fake.https()).fingerprint(fake.fingerprint());
    for connect in [stranger.clone(), stranger.clone().identity(Identity::generate("me")?)] {
        let e = refused(connect.clone()).await;
        assert_eq!((e.kind(), e.sent()), (ErrorKind::PermissionDenied, Sent::Yes), "{e:?}");
        let e = connect.client()?.instances().await.expect_err("the server doesn't trust this client");
        assert_eq!(
            (e.kind(), e.status(), e.message()),
            (ErrorKind::PermissionDenied, Some(403), "not authorized")
        );
    }
    Ok(())
}

#[tokio::test]
async fn joining_makes_a_trusted_client() -> Outcome {
    let fake = FakeIncus::start().await?;
    let me = Identity::generate("me")?;
    let token = fake.token("me");
    let join = Incus::https(fake.https()).identity(me.clone()).join(format!(" {token}\n"));
    let incus = join.clone().await?;
    assert_eq!(fake.trusted(), [me.fingerprint()]);
    incus.launch("web").image("busybox").await?;
    // Again: the token is not even shown.
    let posts = fake.requests("POST /1.0/certificates");
    assert!(join.await.is_ok());
    assert_eq!((posts, fake.requests("POST /1.0/certificates")), (1, 1));
    // Without an identity one is made, which works later, too.
    let incus = Incus::joining(fake.token("other")).await?;
    let other = incus.identity().cloned().expect("it was made");
    let again = Incus::https(fake.https()).fingerprint(fake.fingerprint()).identity(other);
    assert!(again.await.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_token_of_another_server_is_not_shown() -> Outcome {
    let (fake, other) = (FakeIncus::start().await?, FakeIncus::start().await?);
    let e = refused(Incus::https(fake.https()).join(other.token("me"))).await;
    assert_stranger(&e, "not the pinned");
    // A pin that contradicts the token: not even a handshake.
    let e = refused(Incus::https(fake.https()).fingerprint(fake.fingerprint()).join(other.token("me"))).await;
    assert_stranger(&e, "the token is from a server");
    for fake in [&fake, &other] {
        assert_untouched(fake);
        assert!(fake.trusted().is_empty());
    }
    Ok(())
}

/// The token with another end.
fn ending(token: &str, end: &str) -> String {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    let json = engine.decode(token).unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    json["expires_at"] = end.into();
    engine.encode(json.to_string())
}

#[tokio::test]
async fn useless_tokens_are_typed_errors() -> Outcome {
    let fake = FakeIncus::start().await?;
    let join = |token: String| refused(Incus::https(fake.https()).join(token));
    let (used, good) = (fake.token("used"), fake.token("me"));
    Incus::joining(used.clone()).await?;
    let requests = fake.log().len();
    for malformed in ["", "hunter2", &good[1..], &good[..good.len() / 2]] {
        let e = join(malformed.to_owned()).await;
        assert_eq!((e.kind(), e.sent()), (ErrorKind::InvalidInput, Sent::No), "{e:?}");
        assert!(!format!("{e} {e:?}").contains("hunter2"));
    }
    let e = join(ending(&good, "2001-01-01T00:00:00Z")).await;
    assert_eq!((e.kind(), e.sent()), (ErrorKind::Unauthenticated, Sent::No), "{e:?}");
    assert!(e.to_string().contains("2001-01-01"), "{e}");
    assert_eq!(fake.log().len(), requests, "something was sent");

    let e = join(used).await;
    assert_eq!((e.kind(), e.status(), e.sent()), (ErrorKind::Unauthenticated, Some(403), Sent::Yes), "{e:?}");
    assert!(e.suggestion().is_some_and(|what| what.contains("another token")));
    // Our clock says that it is good, the server's says that it isn't.
    fake.token_lifetime(Duration::ZERO);
    let e = join(ending(&fake.token("late"), "2999-01-01T00:00:00Z")).await;
    assert_eq!((e.kind(), e.status()), (ErrorKind::Unauthenticated, Some(500)), "{e:?}");
    assert_eq!(fake.trusted().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_join_whose_answer_is_lost_has_worked() -> Outcome {
    let fake = FakeIncus::start().await?;
    fake.on("POST /1.0/certificates").drop_after();
    let incus = Incus::joining(fake.token("me")).await?;
    assert_eq!(fake.requests("POST /1.0/certificates"), 1);
    assert!(incus.instances().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_tokens_addresses_are_tried_together() -> Outcome {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    let (fake, other) = (FakeIncus::start().await?, FakeIncus::start().await?);
    let at = |addresses: &[String]| {
        let json = engine.decode(fake.token("me")).unwrap();
        let mut json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        json["addresses"] = addresses.into();
        Incus::joining(engine.encode(json.to_string()))
    };
    let closed = {
        let gone = FakeIncus::start().await?;
        gone.https()
    };
    let incus = at(&[closed.clone(), other.https(), fake.https()]).await?;
    assert_eq!(incus.origin(), format!("https://{}", fake.https()));
    let e = refused(at(&[closed.clone(), other.https()])).await;
    assert_stranger(&e, &closed);
    assert!(e.to_string().contains(&other.https()), "{e}");
    let e = refused(at(std::slice::from_ref(&closed))).await;
    assert_eq!((e.kind(), e.sent()), (ErrorKind::Connect, Sent::No), "{e:?}");
    assert_eq!(refused(at(&[])).await.kind(), ErrorKind::InvalidInput);
    assert_untouched(&other);
    Ok(())
}

#[tokio::test]
async fn trust_is_given_and_taken() -> Outcome {
    let fake = FakeIncus::start().await?;
    let admin = fake.client()?;
    let token = admin.create_trust_token("builder").restrict_to(["default"]).await?;
    assert_eq!((token.client_name(), token.addresses()), ("builder", [fake.https()].as_slice()));
    assert_eq!(token.fingerprint(), fake.fingerprint());
    let parsed: TrustToken = token.text().expose().parse()?;
    let builder = Incus::joining(parsed).await?;
    let me = builder.identity().expect("it was made").fingerprint();
    let found = admin.certificate(&me[..12]).get().await?;
    assert_eq!(
        (found.name.as_str(), found.restricted, found.projects.as_slice()),
        ("builder", true, ["default".to_owned()].as_slice())
    );
    assert_eq!(admin.certificates().await?.len(), 1);
    // It may not let others in.
    let e = builder.create_trust_token("friend").await.expect_err("it is restricted");
    assert_eq!(e.kind(), ErrorKind::PermissionDenied);
    admin.certificate(&me).delete().await?;
    assert!(admin.certificate(&me).get().await.is_err_and(|e| e.is_not_found()));
    assert!(builder.instances().await.is_err_and(|e| e.kind() == ErrorKind::PermissionDenied));

    let revoked = admin.create_trust_token("never").await?;
    admin.revoke_trust_token(&revoked).await?;
    assert_eq!(refused(Incus::joining(revoked.clone())).await.kind(), ErrorKind::Unauthenticated);
    assert!(admin.revoke_trust_token(&revoked).await.is_err_and(|e| e.is_not_found()));

    let friend = Identity::generate("friend")?;
    admin.add_certificate(friend.certificate_pem()).name("friend").await?;
    assert_eq!(admin.certificate(friend.fingerprint()).get().await?.name, "friend");
    let again = admin.add_certificate(friend.certificate_pem()).await;
    assert!(again.is_err_and(|e| e.is_already_exists()));
    let key = friend.key_pem().expose();
    assert!(admin.add_certificate(key).await.is_err_and(|e| e.kind() == ErrorKind::InvalidInput));
    Ok(())
}

/// A login whose tokens are `token-1`, `token-2` …, and how often it was asked.
fn login(fake: &FakeIncus) -> (Connect, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let connect = Incus::https(fake.https()).fingerprint(fake.fingerprint()).bearer(move || {
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, std::io::Error>(BearerToken::new(format!("token-{number}")))
        }
    });
    (connect, count)
}

#[tokio::test]
async fn many_calls_share_a_bearer_token_and_a_refused_one_is_renewed() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (connect, count) = login(&fake);
    fake.accept_bearer("token-1");
    let incus = connect.client()?;
    let calls = futures_util::future::join_all((0..8).map(|_| incus.get_server())).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
    fake.accept_bearer("token-2");
    let calls = futures_util::future::join_all((0..8).map(|_| incus.get_server())).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(count.load(Ordering::SeqCst), 2);
    // Commands and their websockets, too.
    let web = incus.launch("web").image("busybox").await?;
    assert_eq!(web.exec(["echo", "hi"]).output().await?.stdout_text(), "hi\n");
    // A server that takes none of them is asked twice, not without end.
    fake.accept_bearer("another");
    let requests = fake.requests("GET /1.0");
    let e = incus.get_server().await.expect_err("it takes none");
    assert_eq!((e.kind(), e.status()), (ErrorKind::Unauthenticated, Some(401)));
    assert_eq!(fake.requests("GET /1.0") - requests, 2);
    Ok(())
}

#[tokio::test]
async fn a_login_lifts_no_limit_of_attempts() -> Outcome {
    let fake = FakeIncus::start().await?;
    let quick = Retry::default().attempts(3).backoff(Duration::from_millis(1), Duration::from_millis(1));
    let incus = login(&fake).0.retry(quick).client()?;
    fake.stop().await;
    let e = incus.get_server().await.expect_err("the server is gone");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::Connect, 3), "{e:?}");
    Ok(())
}

#[tokio::test]
async fn a_login_that_fails_sends_nothing() -> Outcome {
    let fake = FakeIncus::start().await?;
    let connect = Incus::https(fake.https())
        .fingerprint(fake.fingerprint())
        .bearer(|| async { Err::<BearerToken, _>(std::io::Error::other("the browser was closed")) });
    let e = refused(connect).await;
    assert_eq!((e.kind(), e.sent()), (ErrorKind::Unauthenticated, Sent::No), "{e:?}");
    assert!(e.to_string().contains("the browser was closed"), "{e}");
    assert_untouched(&fake);
    Ok(())
}

#[tokio::test]
async fn a_bearer_token_goes_to_nobody_else() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (connect, count) = login(&fake);
    assert_stranger(&refused(connect.fingerprint("ab".repeat(32))).await, "not the pinned");
    assert_untouched(&fake);
    let plain =
        Incus::http("http://10.1.2.3:8443").bearer(|| async { Ok::<_, Error>(BearerToken::new("x")) });
    assert_eq!(refused(plain).await.kind(), ErrorKind::InvalidInput);
    assert_eq!(count.load(Ordering::SeqCst), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waits_survive_a_restart_of_a_remote_server() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (connect, _) = trusted(&fake)?;
    let incus = connect.await?;
    let hold = fake.hold_operations();
    let mut launches = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        launches.push(incus.launch(name).image("busybox").send().await?.timeout(Duration::from_secs(30)));
    }
    let all = tokio::spawn(futures_util::future::join_all(launches.into_iter().map(IntoFuture::into_future)));
    tokio::time::sleep(Duration::from_millis(300)).await;
    fake.cut_connections().await;
    drop(hold);
    for one in all.await? {
        one?;
    }
    Ok(())
}

#[tokio::test]
async fn a_restricted_client_stays_in_its_projects() -> Outcome {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let fake = FakeIncus::builder().generation(generation).start().await?;
        let token = fake.client()?.create_trust_token("builder").restrict_to(["default"]).await?;
        let incus = Incus::joining(token).await?;
        incus.launch("web").image("busybox").await?;
        let blue = incus.project("blue");
        let denied = |e: &Error| e.kind() == ErrorKind::PermissionDenied;
        assert!(blue.instance("web").get().await.is_err_and(|e| denied(&e)));
        assert!(blue.launch("web").image("busybox").await.is_err_and(|e| denied(&e)));
        // Only 6.0 refuses the list, and that with a 500.
        match blue.instances().await {
            Ok(none) => assert!(generation == Generation::V7_0 && none.is_empty()),
            Err(e) => assert!(generation == Generation::V6_0 && denied(&e), "{e:?}"),
        }
    }
    Ok(())
}
