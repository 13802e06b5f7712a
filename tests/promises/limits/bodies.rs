//! Bodies without end cost neither memory nor time.

use windlass::incus::Incus;
use windlass::koyeb::Koyeb;
use windlass::lambda_cloud::LambdaCloud;
use windlass::shakenfist::{Disk, ShakenFist};
use windlass::testing::{FakeIncus, FakeKoyeb, FakeShakenFist};
use windlass::{Error, ErrorKind, Http, Limits, Pacing, Retry};

use super::hostile::{Door, Manner};
use crate::alone::{Outcome, alone, memory};

const MIB: u64 = 1 << 20;

async fn all(door: &Door, limits: &Limits) -> Result<[Error; 4], Error> {
    let (url, limits) = (&door.url, || limits.clone());
    let incus = Incus::http(url).http(Http::default().limits(limits())).client()?;
    let koyeb = Koyeb::token("t").url(url).http(Http::default().limits(limits())).client()?;
    let lambda = LambdaCloud::key("k")
        .url(url)
        .pacing(Pacing::none())
        .http(Http::default().limits(limits()))
        .client()?;
    let sf = ShakenFist::at(url).namespace("n").key("k").http(Http::default().limits(limits())).client()?;
    Ok([
        incus.with(Retry::never()).instance("web").get().await.expect_err("incus"),
        koyeb.with(Retry::never()).instance("i1").get().await.expect_err("koyeb"),
        lambda.with(Retry::never()).instance_types().await.expect_err("lambda cloud"),
        sf.with(Retry::never()).instance("web").get().await.expect_err("shaken fist"),
    ])
}

alone! {
async fn an_endless_document() -> Outcome {
    let door = Door::to_nowhere(Manner::Endless { status: 200 }).await?;
    let before = memory("VmHWM");
    for e in all(&door, &Limits::default()).await? {
        assert_eq!((e.kind(), e.status()), (ErrorKind::BadReply, Some(200)), "{e:?}");
        assert!(e.message().contains("67108864 bytes (Limits::json_body)"), "{e}");
    }
    let more = memory("VmHWM").saturating_sub(before);
    // The document, doubled while it grows, and what is on its way.
    assert!(more < 224 * MIB, "{} MiB more", more / MIB);
    Ok(())
}
}

alone! {
async fn an_endless_document_with_a_limit_of_its_own() -> Outcome {
    let door = Door::to_nowhere(Manner::Endless { status: 200 }).await?;
    let before = memory("VmHWM");
    for e in all(&door, &Limits::default().json_body(MIB)).await? {
        assert_eq!((e.kind(), e.status()), (ErrorKind::BadReply, Some(200)), "{e:?}");
        assert!(e.message().contains("1048576 bytes (Limits::json_body)"), "{e}");
    }
    // Documents that come as streams.
    let limits = Limits::default().json_body(MIB);
    let fake = FakeShakenFist::start().await?;
    let uuid = fake.client()?.launch("web").disk(Disk::blank(8)).await?.uuid.clone();
    let console = Door::before(&fake.url(), "/consoledata", Manner::Endless { status: 200 }).await?;
    let sf = ShakenFist::at(&console.url).namespace("demo").key("demokey").http(Http::default().limits(limits)).client()?;
    let e = sf.instance(&uuid).console_log().await.expect_err("it has no end");
    assert!(e.kind() == ErrorKind::BadReply && e.message().contains("(Limits::json_body)"), "{e:?}");
    let more = memory("VmHWM").saturating_sub(before);
    assert!(more < 24 * MIB, "{} MiB more", more / MIB);
    Ok(())
}
}

alone! {
async fn an_endless_error() -> Outcome {
    let door = Door::to_nowhere(Manner::Endless { status: 500 }).await?;
    let before = memory("VmHWM");
    for e in all(&door, &Limits::default()).await? {
        assert_eq!(e.status(), Some(500), "{e:?}");
        assert!(!e.body().is_empty() && e.body().len() <= 64 << 10);
    }
    // A stream that is refused, too.
    let incus = Incus::http(&door.url).retry(Retry::never()).client()?;
    let e = incus.instance("web").read_dir("/").await.expect_err("it is refused");
    assert_eq!(e.status(), Some(500), "{e:?}");
    let more = memory("VmHWM").saturating_sub(before);
    assert!(more < 24 * MIB, "{} MiB more", more / MIB);
    Ok(())
}
}

#[tokio::test]
async fn a_websocket_message_that_is_too_large() -> Outcome {
    let http = || Http::default().limits(Limits::default().websocket_message(1_000));
    let too_large = |e: Error| {
        assert_eq!(e.kind(), ErrorKind::BadReply, "{e:?}");
        assert!(e.message().contains("more than 1000 bytes (Limits::websocket_message)"), "{e}");
    };
    let zeros = ["head", "-c", "100000", "/dev/zero"];
    let fake = FakeIncus::start().await?;
    let web = Incus::unix(fake.socket()).http(http()).client()?.launch("web").image("busybox").await?;
    too_large(web.exec(zeros).output().await.expect_err("a large frame"));
    web.exec(["echo", "hello"]).output().await?.success()?;

    let fake = FakeKoyeb::start().await?;
    let id = fake.add_instance("HEALTHY");
    let instance = Koyeb::token(fake.token()).url(fake.url()).http(http()).client()?.instance(&id);
    too_large(instance.exec(zeros).output().await.expect_err("a large frame"));
    instance.exec(["echo", "hello"]).output().await?.success()?;
    let mut tail = instance.logs().tail().await?;
    fake.add_log(&id, "stdout", &"x".repeat(10_000));
    too_large(tail.next().await.ok_or("the end")?.expect_err("a long line"));
    assert!(tail.next().await.is_none());
    Ok(())
}
