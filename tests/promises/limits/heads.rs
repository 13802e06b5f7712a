//! Every call ends although its answer never begins.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use windlass::incus::Incus;
use windlass::koyeb::Koyeb;
use windlass::lambda_cloud::LambdaCloud;
use windlass::shakenfist::{Disk, ShakenFist};
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist};
use windlass::{Error, ErrorKind, Http, Limits, Pacing, Retry, Sent};

use super::hostile::{Door, Manner};
use crate::alone::Outcome;

/// So much that a busy machine has no part in it; a call without a limit is given up here.
const ENOUGH: Duration = Duration::from_secs(60);

fn impatient() -> Retry {
    let pause = Duration::from_millis(1);
    Retry::default()
        .attempts(2)
        .attempt_timeout(Duration::from_millis(400))
        .total(Duration::from_millis(600))
        .backoff(pause, pause)
}

type Ended = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// A call, and the part of the path at which it gets stuck.
type Case<C> = (&'static str, &'static str, fn(C) -> Ended);

macro_rules! cases {
    ($client:ty: $($name:literal at $path:literal: |$it:ident| $call:expr;)*) => {
        [$(($name, $path, (|$it: $client| Box::pin(async move { $call.await.map(drop) }) as Ended) as fn($client) -> Ended)),*]
    };
}

/// The call ends in time, having been stopped at the door, and says which limit it was.
async fn ends(name: &str, door: &Door, call: Ended) {
    let ended = tokio::time::timeout(ENOUGH, call).await.unwrap_or_else(|_| panic!("{name}: it never ends"));
    let e = ended.expect_err(name);
    // What has no token isn't sent.
    let sent = if name.starts_with("token") { Sent::No } else { Sent::Unknown };
    assert_eq!((e.kind(), e.sent()), (ErrorKind::Timeout, sent), "{name}: {e:?}");
    let told = e.message().contains("(Retry::attempt_timeout)") || e.message().contains("(Retry::total)");
    assert!(told && e.message().starts_with("no "), "{name}: {e}");
    assert!(door.stopped() > 0, "{name}: it got stuck elsewhere");
}

const MANNERS: [Manner; 2] = [Manner::Silent, Manner::Drip];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_incus() -> Outcome {
    let cases: &[Case<Incus>] = &cases! { Incus:
        "get" at "GET /1.0/instances/web": |incus| incus.instance("web").get();
        "read_dir" at "/files?": |incus| incus.instance("web").read_dir("/etc");
        "read_link" at "/files?": |incus| incus.instance("web").read_link("/etc/localtime");
        "make_dir" at "POST /1.0/instances/web/files": |incus| incus.instance("web").make_dir("/new").into_future();
        "pull" at "/files?": |incus| incus.instance("web").pull("/etc/hostname").bytes();
        "pull_tree" at "/sftp": |incus| incus.instance("web").pull_tree("/etc").to("/nonexistent/windlass");
        "exec" at "/websocket?": |incus| incus.instance("web").exec(["true"]).output();
        "console" at "/websocket?": |incus| incus.instance("web").attach_console().force();
        "console_log" at "/console": |incus| incus.instance("web").read_console_log();
        "log" at "/logs/": |incus| incus.instance("web").log("lxc.log").read();
        "template" at "/metadata/templates": |incus| incus.instance("web").template("hosts.tpl").read();
        "backup export" at "/export": |incus| incus.instance("web").backup("daily").export().bytes();
        "raw events" at "/1.0/events": |incus| incus.raw().events().send();
        "raw wait" at "/wait": |incus| incus.raw().operation_wait().id("x").send();
    };
    let fake = FakeIncus::start().await?;
    fake.client()?.launch("web").image("busybox").await?;
    for (name, path, call) in cases {
        for manner in MANNERS {
            let door = Door::before(&fake.url(), path, manner).await?;
            let incus = Incus::http(&door.url).retry(impatient()).client()?;
            ends(&format!("{name}, {manner:?}"), &door, call(incus)).await;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_incus_events() -> Outcome {
    for manner in MANNERS {
        let door = Door::to_nowhere(manner).await?;
        let incus = Incus::http(&door.url).retry(impatient()).client()?;
        let ended = tokio::time::timeout(ENOUGH, incus.watch()).await?;
        assert_eq!(ended.map(drop).map_err(|e| e.kind()), Err(ErrorKind::Timeout), "{manner:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_koyeb() -> Outcome {
    let cases: &[Case<Koyeb>] = &cases! { Koyeb:
        "list" at "/v1/instances": |koyeb| async move { koyeb.instances().await };
        "exec output" at "/instances/exec": |koyeb| koyeb.instance("i1").exec(["true"]).output();
        "exec spawn" at "/instances/exec": |koyeb| koyeb.instance("i1").exec(["true"]).spawn();
        "tail" at "/logs/tail": |koyeb| koyeb.instance("i1").logs().tail();
    };
    for (name, path, call) in cases {
        for manner in MANNERS {
            let door = Door::before("127.0.0.1:1", path, manner).await?;
            let koyeb = Koyeb::token("t").url(&door.url).retry(impatient()).client()?;
            ends(&format!("{name}, {manner:?}"), &door, call(koyeb)).await;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_tail_that_reconnects() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.add_service("shop", 1);
    let koyeb = Koyeb::token(fake.token()).url(fake.url()).retry(impatient()).client()?;
    let _tail = koyeb.service(&shop).logs().tail().await?;
    let silent = fake.on("GET /v1/streams/logs/tail").always().hang();
    fake.close_tails();
    // Each attempt to come back is given up in favour of another.
    let again = async {
        while silent.hits() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(ENOUGH, again).await.map_err(|_| "it hangs in its first attempt to come back")?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_lambda_cloud() -> Outcome {
    let cases: &[Case<LambdaCloud>] = &cases! { LambdaCloud:
        "list" at "/instances": |lambda| async move { lambda.instances().await };
        "types" at "/instance-types": |lambda| async move { lambda.instance_types().await };
    };
    let fake = FakeLambdaCloud::start().await?;
    for (name, path, call) in cases {
        for manner in MANNERS {
            let door = Door::before(&fake.url(), path, manner).await?;
            let connect = LambdaCloud::key(fake.key()).url(&door.url).pacing(Pacing::none());
            ends(&format!("{name}, {manner:?}"), &door, call(connect.retry(impatient()).client()?)).await;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_shaken_fist() -> Outcome {
    let fake = FakeShakenFist::start().await?;
    let uuid = fake.client()?.launch("web").disk(Disk::blank(8)).await?.uuid.clone();
    let blob = fake.add_blob(vec![7; 10_000]);
    for manner in MANNERS {
        for (name, path) in [
            ("token", "POST /auth"),
            ("get", "GET /instances/"),
            ("blob", "/data"),
            ("console log", "/consoledata"),
            ("vdi helper", "/vdiconsolehelper"),
        ] {
            let door = Door::before(&fake.url(), path, manner).await?;
            let sf =
                ShakenFist::at(&door.url).namespace("demo").key("demokey").retry(impatient()).client()?;
            let (uuid, blob) = (uuid.clone(), blob.clone());
            let call: Ended = match name {
                "blob" => Box::pin(async move { sf.blob(&blob).data().bytes().await.map(drop) }),
                "console log" => Box::pin(async move { sf.instance(&uuid).console_log().await.map(drop) }),
                "vdi helper" => {
                    Box::pin(async move { sf.instance(&uuid).vdi_console_helper().await.map(drop) })
                }
                _ => Box::pin(async move { sf.instance(&uuid).get().await.map(drop) }),
            };
            ends(&format!("{name}, {manner:?}"), &door, call).await;
        }
    }
    Ok(())
}

/// A wait goes on with other looks, and a body that trickles is no better than a head.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_bodies_that_trickle() -> Outcome {
    for status in [200, 500] {
        let door = Door::to_nowhere(Manner::SlowBody { status }).await?;
        let incus = Incus::http(&door.url).retry(impatient()).client()?;
        let ended = tokio::time::timeout(ENOUGH, incus.instance("web").get()).await?;
        let e = ended.expect_err("it is never whole");
        assert_eq!((e.kind(), e.status()), (ErrorKind::Timeout, Some(status)), "{e:?}");
        assert!(e.message().contains("was incomplete within"), "{e}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_client_with_a_limit_of_its_own() -> Outcome {
    let door = Door::to_nowhere(Manner::Silent).await?;
    let limits = Limits::default().head(Duration::from_millis(250));
    let incus = Incus::http(&door.url).http(Http::default().limits(limits)).retry(Retry::never()).client()?;
    let web = incus.instance("web");
    let calls: [(&str, Ended); 3] = [
        (
            "document",
            Box::pin({
                let web = web.clone();
                async move { web.get().await.map(drop) }
            }),
        ),
        (
            "content",
            Box::pin({
                let web = web.clone();
                async move { web.read_dir("/").await.map(drop) }
            }),
        ),
        // An upload is bounded by its own limit on silence; what is no upload is not.
        ("link", Box::pin(async move { web.symlink("a").at("/b").await })),
    ];
    for (name, call) in calls {
        let e = tokio::time::timeout(ENOUGH, call).await?.expect_err(name);
        assert_eq!(e.message(), "no answer within 250ms (Limits::head)", "{name}: {e:?}");
        assert_eq!((e.kind(), e.attempts(), e.api()), (ErrorKind::Timeout, 1, "incus"), "{name}: {e:?}");
    }
    Ok(())
}

/// The limits at both their ends: nothing overflows, and no call without an answer hangs for want of a limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_extremes() -> Outcome {
    let fake = FakeIncus::start().await?;
    for time in [Duration::ZERO, Duration::MAX] {
        let limits = Limits::default().head(time);
        let incus = Incus::unix(fake.socket()).http(Http::default().limits(limits)).client()?;
        let listed = incus.instances().await.map(drop).map_err(|e| e.kind());
        assert!(
            listed.is_ok() || (listed == Err(ErrorKind::Timeout) && time.is_zero()),
            "{time:?}: {listed:?}"
        );
        let retry = Retry::default().attempt_timeout(time).total(time).backoff(time, time);
        let incus = Incus::unix(fake.socket()).retry(retry.attempts(0)).client()?;
        let listed = incus.instances().await.map(drop).map_err(|e| e.kind());
        assert!(
            listed.is_ok() || (listed == Err(ErrorKind::Timeout) && time.is_zero()),
            "{time:?}: {listed:?}"
        );
    }
    for most in [0, u64::MAX] {
        let limits = Limits::default().json_body(most).error_body(most).in_flight(usize::try_from(most)?);
        let incus = Incus::unix(fake.socket()).http(Http::default().limits(limits)).client()?;
        assert_eq!(incus.instances().await.is_ok(), most > 0);
        let missing = incus.instance("nobody").get().await.map(drop);
        assert_eq!(missing.map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    }
    Ok(())
}
