//! Koyeb: whom a client is, and what goes with every request.

use windlass::koyeb::Koyeb;
use windlass::testing::FakeKoyeb;
use windlass::{ErrorKind, Http, Sent};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const SWITCH: &str = "POST /v1/organizations/{id}/switch";

#[tokio::test]
async fn the_token_and_other_headers_go_with_every_request() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let id = fake.add_instance("HEALTHY");
    let connect = Koyeb::token(fake.token()).url(fake.url());
    let connect = connect.http(Http::default().header("X-Koyeb-Project-Id", "p1"));
    let koyeb = connect.await?;
    koyeb.instance(&id).get().await?;
    koyeb.instance(&id).exec(["true"]).output().await?.success()?;
    let log = fake.log();
    assert_eq!(log.len(), 3);
    for request in &log {
        assert_eq!(request.header("x-koyeb-project-id"), Some("p1"));
    }
    let bearer = format!("Bearer {}", fake.token());
    assert_eq!(log[1].header("authorization"), Some(bearer.as_str()));
    // A websocket has the token in a second place, too.
    let protocol = format!("Bearer, {}", fake.token());
    assert_eq!(log[2].header("sec-websocket-protocol"), Some(protocol.as_str()));
    assert_eq!(log[2].header("authorization"), Some(bearer.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_wrong_token_does_not_connect() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let e = Koyeb::token("wrong").url(fake.url()).await.expect_err("a wrong token");
    assert_eq!((e.kind(), e.status()), (ErrorKind::Unauthenticated, Some(401)));
    Ok(())
}

#[tokio::test]
async fn an_organization_has_a_token_of_its_own() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    fake.add_organization("o1");
    let id = fake.add_instance("HEALTHY");
    let koyeb = Koyeb::token(fake.token()).url(fake.url()).organization("o1").client()?;
    assert_eq!(fake.log().len(), 0);
    let instance = koyeb.instance(&id);
    let (one, two, three) = tokio::join!(instance.get(), instance.get(), instance.exec(["true"]).output());
    one?;
    two?;
    three?.success()?;
    assert_eq!(fake.requests(SWITCH), 1, "one exchange serves all");
    // A token that is no longer accepted is replaced, once.
    fake.revoke_tokens();
    instance.get().await?;
    fake.revoke_tokens();
    instance.exec(["true"]).output().await?.success()?;
    assert_eq!(fake.requests(SWITCH), 3);
    let user = fake.log().into_iter().filter(|request| request.path.ends_with("switch"));
    let bearer = format!("Bearer {}", fake.token());
    assert!(user.into_iter().all(|request| request.header("authorization") == Some(bearer.as_str())));
    Ok(())
}

#[tokio::test]
async fn an_unknown_organization_is_an_error_of_the_call() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let koyeb = Koyeb::token(fake.token()).url(fake.url()).organization("nowhere").client()?;
    let e = koyeb.instance("1").get().await.expect_err("no such organization");
    assert_eq!(e.kind(), ErrorKind::NotFound, "{e:?}");
    assert_eq!(fake.requests("GET /v1/instances/{id}"), 0);
    let e =
        Koyeb::token("t").url("http://127.0.0.1:1").organization("..").client().expect_err("leads elsewhere");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::InvalidInput, Sent::No));
    Ok(())
}
