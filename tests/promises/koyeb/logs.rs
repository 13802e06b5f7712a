//! Koyeb: logs. A search is whole, and a tail begins where it is told and ends when told. What tails do when their
//! connections break has a file of its own.

use std::time::Duration;

use futures_util::TryStreamExt;
use windlass::koyeb::{Koyeb, LogStream, Order, Tail};
use windlass::testing::FakeKoyeb;
use windlass::{ErrorKind, Retry};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const QUERY: &str = "GET /v1/streams/logs/query";

async fn fake() -> Result<(FakeKoyeb, Koyeb, String), Box<dyn std::error::Error>> {
    let fake = FakeKoyeb::start().await?;
    let koyeb = fake.client()?;
    let shop = fake.add_service("shop", 2);
    Ok((fake, koyeb, shop))
}

fn write(fake: &FakeKoyeb, instance: &str, lines: std::ops::Range<u32>) {
    for line in lines {
        fake.add_log(instance, if line % 2 == 0 { "stdout" } else { "stderr" }, &format!("line {line}"));
    }
}

fn numbered(lines: std::ops::Range<u32>) -> Vec<String> {
    lines.map(|line| format!("line {line}")).collect()
}

#[tokio::test]
async fn a_search_over_many_pages() -> Outcome {
    let (fake, koyeb, shop) = fake().await?;
    let own = fake.instances(&shop);
    write(&fake, &own[0], 0..250);
    let logs = koyeb.service(&shop).logs();
    let newest: Vec<_> = logs.clone().stream().map_ok(|line| line.message).try_collect().await?;
    assert_eq!(newest, numbered(0..250).into_iter().rev().collect::<Vec<_>>());
    assert_eq!(fake.requests(QUERY), 3);
    let oldest = logs.order(Order::Asc).limit(50).stream();
    let oldest: Vec<_> = oldest.map_ok(|line| line.message).try_collect().await?;
    assert_eq!((oldest, fake.requests(QUERY)), (numbered(0..250), 8));
    Ok(())
}

#[tokio::test]
async fn filters() -> Outcome {
    let (fake, koyeb, shop) = fake().await?;
    let own = fake.instances(&shop);
    write(&fake, &own[0], 0..10);
    write(&fake, &own[1], 10..20);
    fake.add_build_log(&shop, "building");
    let service = koyeb.service(&shop);
    let count = async |logs: windlass::koyeb::Logs| Ok::<_, windlass::Error>(logs.await?.len());
    assert_eq!(count(service.logs()).await?, 20);
    assert_eq!(count(koyeb.instance(&own[0]).logs()).await?, 10);
    assert_eq!(count(koyeb.logs().instance(&own[0]).instance(&own[1])).await?, 20);
    assert_eq!(count(service.logs().log_stream(LogStream::Stderr)).await?, 10);
    assert_eq!(count(service.logs().text("line 1")).await?, 11);
    assert_eq!(count(service.logs().regex("line [0-4]$")).await?, 5);
    assert_eq!(count(service.logs().end(std::time::UNIX_EPOCH + Duration::from_secs(9_000))).await?, 0);
    let build = service.logs().build().await?;
    assert_eq!((build[0].message.as_str(), &build[0].instance_id, build.len()), ("building", &None, 1));
    let line = service.logs().text("line 7").await?.remove(0);
    assert_eq!(
        (line.stream, line.instance_id, line.service_id),
        (LogStream::Stderr, Some(own[0].clone()), Some(shop))
    );
    assert!(line.created_at.is_some());
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_anything_is_sent() -> Outcome {
    let (fake, koyeb, shop) = fake().await?;
    let service = koyeb.service(&shop);
    for (logs, field) in [
        (koyeb.logs(), "logs"),
        (service.logs().text("a").regex("b"), "regex"),
        (service.logs().limit(0), "limit"),
        (service.logs().limit(1001), "limit"),
        (koyeb.instance("").logs(), "id"),
    ] {
        assert_eq!(logs.clone().await.expect_err(field).fields(), [field]);
        assert_eq!(logs.tail().await.expect_err(field).fields(), [field]);
    }
    let now = std::time::SystemTime::now();
    assert_eq!(service.logs().start(now).end(now).await.expect_err("no time").fields(), ["start"]);
    assert_eq!(service.logs().end(now).tail().await.expect_err("no end").fields(), ["end"]);
    assert!(fake.log().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_search_that_does_not_advance_is_an_error() -> Outcome {
    let (fake, koyeb, shop) = fake().await?;
    let page = |start: &str| {
        format!(
            r#"{{"data":[{{"msg":"a"}}],"pagination":{{"has_more":true,"next_start":"{start}","next_end":"2026-08-01T01:00:00Z"}}}}"#
        )
    };
    fake.on(QUERY).always().reply(200, page("2026-08-01T00:00:00Z"));
    let e = koyeb.service(&shop).logs().await.expect_err("it never ends");
    assert_eq!((e.kind(), fake.requests(QUERY)), (ErrorKind::BadReply, 2));
    Ok(())
}

async fn next(tail: &mut Tail) -> Result<Option<String>, windlass::Error> {
    let line = tokio::time::timeout(Duration::from_secs(20), tail.next()).await;
    let tailed = line.expect("a line comes").transpose()?;
    Ok(tailed.map(|tailed| tailed.into_line().map_or_else(|| "GAP".to_owned(), |line| line.message)))
}

#[tokio::test]
async fn a_tail_ends_when_told() -> Outcome {
    let (fake, koyeb, shop) = fake().await?;
    let own = fake.instances(&shop);
    let mut tail = koyeb.service(&shop).logs().log_stream(LogStream::Stdout).tail().await?;
    let stop = tail.stopper();
    fake.add_log(&own[0], "stderr", "not this one");
    fake.add_log(&own[0], "stdout", "this one");
    assert_eq!(next(&mut tail).await?.as_deref(), Some("this one"));
    stop.stop();
    assert_eq!(next(&mut tail).await?, None);
    for _ in 0..6_000 {
        if fake.followers() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(fake.followers(), 0);
    let another = koyeb.service(&shop).logs().tail().await?;
    drop(another);
    Ok(())
}

#[tokio::test]
async fn a_tail_begins_where_it_is_told() -> Outcome {
    let (fake, koyeb, shop) = fake().await?;
    let own = fake.instances(&shop);
    write(&fake, &own[0], 0..10);
    let now = std::time::SystemTime::now();
    write(&fake, &own[0], 10..12);
    let mut tail = koyeb.service(&shop).logs().start(now).tail().await?;
    assert_eq!(next(&mut tail).await?.as_deref(), Some("line 10"));
    let mut tail = koyeb.service(&shop).logs().limit(3).tail().await?;
    assert_eq!(next(&mut tail).await?.as_deref(), Some("line 9"));
    Ok(())
}

#[tokio::test]
async fn a_tail_that_is_refused_says_so() -> Outcome {
    let (fake, koyeb, shop) = fake().await?;
    let stranger = Koyeb::token("wrong").url(fake.url()).client()?.with(Retry::never());
    assert_eq!(
        stranger.service(&shop).logs().tail().await.expect_err("a wrong token").kind(),
        ErrorKind::Unauthenticated
    );
    fake.stream_error(7, "permission_denied");
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    assert_eq!(next(&mut tail).await.expect_err("refused").kind(), ErrorKind::PermissionDenied);
    assert_eq!(next(&mut tail).await?, None);
    // Cut at once: REST knows why.
    fake.stream_cut();
    fake.on(QUERY).reply(401, r#"{"status":401,"code":"authentication_error","message":"no"}"#);
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    assert_eq!(next(&mut tail).await.expect_err("refused").kind(), ErrorKind::Unauthenticated);
    Ok(())
}

/// A tail that is read elsewhere than where it began doesn't end as if it had been told to.
#[test]
fn a_tail_whose_runtime_is_gone_ends_in_an_error() -> Outcome {
    let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (_fake, koyeb, shop) = servers.block_on(fake())?;
    let first = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut tail = first.block_on(koyeb.service(&shop).logs().tail())?;
    drop(first);
    servers.block_on(async {
        assert!(matches!(tail.next().await, Some(Err(e)) if e.kind() == ErrorKind::Interrupted));
        assert!(tail.next().await.is_none());
    });
    Ok(())
}
