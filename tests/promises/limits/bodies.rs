//! Bodies without end cost neither memory nor time.

use windlass::incus::Incus;
use windlass::koyeb::Koyeb;
use windlass::lambda_cloud::LambdaCloud;
use windlass::shakenfist::{Disk, ShakenFist};
use windlass::testing::FakeShakenFist;
use windlass::{Error, ErrorKind, Http, Limits, Pacing, Retry};

use super::hostile::{Door, Manner};
use crate::alone::{alone, memory};

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
