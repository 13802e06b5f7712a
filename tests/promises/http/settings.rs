//! The HTTP settings hold on all four platforms, websockets included.

use windlass::incus::Identity;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist, Request};
use windlass::{Error, ErrorKind, Http, Incus, Koyeb, Pacing, Retry, Sent, ShakenFist};

use crate::alone::Outcome;
use crate::tls_front::with_tls;

const OWN: &str = concat!("windlass/", env!("CARGO_PKG_VERSION"));

/// What each platform's server got from a client with these settings: calls, and websockets where there are any.
async fn arrived(http: &Http) -> Result<[Vec<Request>; 4], Box<dyn std::error::Error>> {
    let incus = FakeIncus::start().await?;
    let client = Incus::unix(incus.socket()).http(http.clone()).await?;
    let events = client.watch().await?;
    let web = client.launch("web").image("busybox").await?;
    web.exec(["true"]).output().await?.success()?;
    drop(events);

    let koyeb = FakeKoyeb::start().await?;
    let id = koyeb.add_instance("HEALTHY");
    let client = Koyeb::token(koyeb.token()).url(koyeb.url()).http(http.clone()).await?;
    client.instance(&id).exec(["true"]).output().await?.success()?;

    let lambda = FakeLambdaCloud::start().await?;
    lambda.connect().http(http.clone()).await?;

    let sf = FakeShakenFist::start().await?;
    ShakenFist::at(sf.url()).namespace("demo").key("demokey").http(http.clone()).await?;
    Ok([incus.log(), koyeb.log(), lambda.log(), sf.log()])
}

#[tokio::test]
async fn headers_and_user_agent_go_with_every_request() -> Outcome {
    let http = Http::default().user_agent("fleet/2.1").header("X-Team", "blue");
    let logs = arrived(&http).await?;
    for request in logs.iter().flatten() {
        let agent = format!("fleet/2.1 {OWN}");
        let (team, seen) = (request.header("x-team"), request.header("user-agent"));
        assert_eq!((team, seen), (Some("blue"), Some(agent.as_str())), "{request:?}");
    }
    let websockets = |log: &[Request]| log.iter().filter(|one| one.header("upgrade").is_some()).count();
    assert_eq!(logs.each_ref().map(|log| websockets(log)), [5, 1, 0, 0]);
    assert!(logs.iter().all(|log| !log.is_empty()));
    Ok(())
}

#[tokio::test]
async fn without_settings_the_user_agent_is_windlass() -> Outcome {
    let logs = arrived(&Http::default()).await?;
    assert!(logs.iter().flatten().all(|request| request.header("user-agent") == Some(OWN)));
    Ok(())
}

fn assert_stranger(result: Result<(), Error>) {
    let e = result.expect_err("an authority that isn't trusted");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::UntrustedServer, Sent::No), "{e:?}");
}

#[tokio::test]
async fn an_extra_authority_is_trusted_on_three_platforms() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let id = fake.add_instance("HEALTHY");
    let (pem, url) = with_tls(&fake.url()).await?;
    let extra = Http::default().extra_authority(pem);
    let connect = || Koyeb::token(fake.token()).url(&url).retry(Retry::never());
    assert_stranger(connect().await.map(drop));
    let koyeb = connect().http(extra).await?;
    koyeb.instance(&id).exec(["true"]).output().await?.success()?;

    let fake = FakeLambdaCloud::start().await?;
    let (pem, url) = with_tls(&fake.url()).await?;
    let connect =
        || windlass::LambdaCloud::key(fake.key()).url(&url).pacing(Pacing::none()).retry(Retry::never());
    assert_stranger(connect().await.map(drop));
    connect().http(Http::default().extra_authority(pem)).await?;

    let fake = FakeShakenFist::start().await?;
    let (pem, url) = with_tls(&fake.url()).await?;
    let connect = || ShakenFist::at(&url).namespace("demo").key("demokey").retry(Retry::never());
    assert_stranger(connect().await.map(drop));
    // Several in one text, and in several calls.
    let (other, _) = with_tls("").await?;
    let http = Http::default().extra_authority(format!("{other}{pem}"));
    connect().http(http.extra_authority(other)).await?;
    Ok(())
}

#[tokio::test]
async fn an_extra_authority_of_incus_counts_where_authorities_do() -> Outcome {
    let (fake, other) = (FakeIncus::start().await?, FakeIncus::start().await?);
    let me = Identity::generate("me")?;
    assert!(fake.trust(&me.certificate_pem()));
    let connect = || Incus::https(fake.https()).identity(me.clone()).retry(Retry::never());
    let extra = || Http::default().extra_authority(fake.certificate_pem());
    assert_stranger(connect().await.map(drop));
    connect().http(extra()).await?;
    connect().authority(other.certificate_pem()).http(extra()).await?;
    // A pin admits nothing else.
    assert_stranger(connect().fingerprint(other.fingerprint()).http(extra()).await.map(drop));
    Ok(())
}

#[tokio::test]
async fn a_bad_setting_is_refused_by_every_platform() -> Outcome {
    let bad = [
        ("proxy", Http::default().proxy("hunter2")),
        ("no_proxy", Http::default().no_proxy("a")),
        ("header", Http::default().header("a b", "hunter2")),
        ("user_agent", Http::default().user_agent("")),
        ("extra_authority", Http::default().extra_authority("hunter2")),
    ];
    for (field, http) in bad {
        let clients = [
            Incus::unix("/s").http(http.clone()).client().map(drop),
            Incus::http("http://127.0.0.1:1").http(http.clone()).client().map(drop),
            Incus::https("a").http(http.clone()).client().map(drop),
            Koyeb::token("t").http(http.clone()).client().map(drop),
            windlass::LambdaCloud::key("k").http(http.clone()).client().map(drop),
            ShakenFist::at("http://127.0.0.1:1")
                .namespace("n")
                .key("k")
                .http(http.clone())
                .client()
                .map(drop),
        ];
        for refused in clients {
            let e = refused.expect_err(field);
            assert_eq!((e.kind(), e.fields()), (ErrorKind::InvalidInput, &[field.to_owned()][..]));
            assert!(!format!("{e:?} {http:?}").contains("hunter2"), "{e:?}");
        }
    }
    Ok(())
}
