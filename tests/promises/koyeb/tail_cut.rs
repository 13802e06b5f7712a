//! Koyeb: a tail whose connection breaks. No line is lost or shown twice, or a gap is told.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use windlass::koyeb::{Koyeb, Tail, Tailed};
use windlass::testing::FakeKoyeb;
use windlass::{ErrorKind, Retry};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const QUERY: &str = "GET /v1/streams/logs/query";
const TAIL: &str = "GET /v1/streams/logs/tail";

async fn fake() -> Result<(FakeKoyeb, Koyeb, String, Vec<String>), Box<dyn std::error::Error>> {
    let fake = FakeKoyeb::start().await?;
    let koyeb = fake.client()?;
    let shop = fake.add_service("shop", 2);
    let instances = fake.instances(&shop);
    Ok((fake, koyeb, shop, instances))
}

fn write(fake: &FakeKoyeb, instance: &str, lines: Range<usize>) {
    for line in lines {
        fake.add_log(instance, if line % 2 == 0 { "stdout" } else { "stderr" }, &format!("line {line}"));
    }
}

fn numbered(lines: Range<usize>) -> Vec<String> {
    lines.map(|line| format!("line {line}")).collect()
}

/// The next line's text, or `GAP`.
async fn next(tail: &mut Tail) -> Result<String, Box<dyn std::error::Error>> {
    let tailed = tokio::time::timeout(Duration::from_secs(60), tail.next()).await?;
    Ok(match tailed.ok_or("it ended")?? {
        Tailed::Line(line) => line.message,
        Tailed::Gap => "GAP".to_owned(),
        other => format!("{other:?}"),
    })
}

async fn read(tail: &mut Tail, lines: usize) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut read = Vec::new();
    while read.len() < lines {
        read.push(next(tail).await?);
    }
    Ok(read)
}

#[tokio::test]
async fn a_tail_survives_every_cut_without_a_gap_or_a_double() -> Outcome {
    let (fake, koyeb, shop, own) = fake().await?;
    write(&fake, &own[0], 0..5);
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    let mut seen = Vec::new();
    for round in 1..6 {
        // Read one before the cut, so that the service repeats it after.
        while seen.len() < round * 5 {
            seen.push(next(&mut tail).await?);
        }
        match round {
            1 => fake.close_tails(),
            2 => fake.cut_connections().await,
            3 => {
                fake.on(TAIL).reply(503, "<html>");
                fake.on(TAIL).reply(200, "<html>");
                fake.stop().await;
                fake.restart().await?;
            }
            // One that is refused for a while, and one that says that something went wrong over there.
            _ => {
                fake.stream_error(13, "internal_server_error");
                fake.close_tails();
            }
        }
        let from = round * 5;
        write(&fake, &own[round % 2], from..from + 5);
    }
    while seen.len() < 30 {
        seen.push(next(&mut tail).await?);
    }
    assert_eq!(seen, numbered(0..30));
    Ok(())
}

#[tokio::test]
async fn thousands_of_lines_written_during_a_cut_come_in_order() -> Outcome {
    let (fake, koyeb, shop, own) = fake().await?;
    write(&fake, &own[0], 0..5);
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    assert_eq!(read(&mut tail, 5).await?, numbered(0..5));
    fake.stop().await;
    write(&fake, &own[0], 5..2_506);
    fake.restart().await?;
    write(&fake, &own[1], 2_506..2_510);
    assert!(read(&mut tail, 2_505).await? == numbered(5..2_510));
    write(&fake, &own[1], 2_510..2_511);
    assert_eq!(next(&mut tail).await?, "line 2510", "and nothing after them twice");
    Ok(())
}

#[tokio::test]
async fn lines_that_are_written_all_the_time_survive_every_cut() -> Outcome {
    let (fake, koyeb, shop, own) = fake().await?;
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    let (mut seen, mut written) = (BTreeSet::new(), 0);
    for round in 0..3 {
        // More than the service sends of old lines, and more than it keeps for a slow reader.
        write(&fake, &own[round % 2], written..written + 1_200);
        fake.cut_connections().await;
        write(&fake, &own[1], written + 1_200..written + 2_400);
        written += 2_400;
        while seen.len() < written - 500 {
            let line = next(&mut tail).await?;
            assert!(line != "GAP" && seen.insert(line.clone()), "{line} twice, or a gap");
        }
    }
    while seen.len() < written {
        assert!(seen.insert(next(&mut tail).await?), "twice");
    }
    assert_eq!(seen, numbered(0..written).into_iter().collect());
    Ok(())
}

#[tokio::test]
async fn a_line_of_another_instance_with_an_earlier_time_is_shown() -> Outcome {
    let (fake, koyeb, shop, own) = fake().await?;
    let now = SystemTime::now();
    let ago = |seconds| now - Duration::from_secs(seconds);
    fake.add_log_at(&own[0], "stdout", "first", ago(100));
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    assert_eq!(next(&mut tail).await?, "first");
    fake.add_log_at(&own[0], "stdout", "same", ago(5));
    // This instance's clock is a minute behind.
    fake.add_log_at(&own[1], "stdout", "behind", ago(65));
    assert_eq!(read(&mut tail, 2).await?, ["same", "behind"]);
    fake.stop().await;
    fake.add_log_at(&own[1], "stdout", "behind again", ago(64));
    fake.add_log_at(&own[1], "stdout", "same", ago(5));
    fake.add_log_at(&own[0], "stderr", "same", ago(5));
    fake.restart().await?;
    assert_eq!(read(&mut tail, 3).await?, ["behind again", "same", "same"]);
    fake.add_log(&own[0], "stdout", "end");
    assert_eq!(next(&mut tail).await?, "end");
    Ok(())
}

#[tokio::test]
async fn a_clock_that_is_ahead_hides_nothing_of_the_others() -> Outcome {
    let (fake, koyeb, shop, own) = fake().await?;
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    let hour_ahead = SystemTime::now() + Duration::from_secs(3_600);
    fake.add_log_at(&own[1], "stdout", "ahead", hour_ahead);
    assert_eq!(next(&mut tail).await?, "ahead");
    fake.stop().await;
    write(&fake, &own[0], 0..1_500);
    fake.restart().await?;
    assert!(read(&mut tail, 1_500).await? == numbered(0..1_500));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_searched_is_a_gap() -> Outcome {
    let (fake, _, shop, own) = fake().await?;
    let koyeb = fake.client()?.with(Retry::never());
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    write(&fake, &own[0], 0..1);
    assert_eq!(next(&mut tail).await?, "line 0");
    fake.stop().await;
    write(&fake, &own[0], 1..2_000);
    let planted = fake.on(QUERY).reply(500, r#"{"status":500,"code":"api_error","message":"no"}"#);
    fake.restart().await?;
    // A thousand old lines come on the new connection.
    assert_eq!(next(&mut tail).await?, "GAP");
    assert!(read(&mut tail, 1_000).await? == numbered(1_000..2_000));
    assert_eq!(planted.hits(), 1);
    // The next cut is no gap any more; what was missing is so recent that it comes late.
    fake.stop().await;
    write(&fake, &own[0], 2_000..2_003);
    fake.restart().await?;
    assert!(read(&mut tail, 1_002).await? == [numbered(1..1_000), numbered(2_000..2_003)].concat());
    Ok(())
}

#[tokio::test]
async fn a_search_that_breaks_off_is_a_gap_after_what_it_found() -> Outcome {
    let (fake, _, shop, own) = fake().await?;
    let koyeb = fake.client()?.with(Retry::never());
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    write(&fake, &own[0], 0..1);
    assert_eq!(next(&mut tail).await?, "line 0");
    fake.stop().await;
    write(&fake, &own[0], 1..2_500);
    fake.on(QUERY).skip(1).reply(500, "");
    fake.restart().await?;
    // One page of the search, with the line that was known.
    assert!(read(&mut tail, 999).await? == numbered(1..1_000));
    assert_eq!(next(&mut tail).await?, "GAP");
    assert!(read(&mut tail, 1_000).await? == numbered(1_500..2_500));
    Ok(())
}

#[tokio::test]
async fn lines_without_a_time_are_a_gap_after_a_cut() -> Outcome {
    let (fake, koyeb, shop, own) = fake().await?;
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    write(&fake, &own[0], 0..1);
    assert_eq!(next(&mut tail).await?, "line 0");
    // The next connection says what has no time.
    fake.stream_frame(r#"{"result":{"msg":"no time","created_at":null}}"#);
    fake.close_tails();
    assert_eq!(next(&mut tail).await?, "no time");
    fake.close_tails();
    assert_eq!(next(&mut tail).await?, "GAP");
    write(&fake, &own[0], 1..2);
    assert_eq!(next(&mut tail).await?, "line 1");
    Ok(())
}

#[tokio::test]
async fn a_tail_that_showed_nothing_before_the_cut_begins_as_it_was_told() -> Outcome {
    let (fake, koyeb, shop, own) = fake().await?;
    let now = SystemTime::now();
    for line in 0..5 {
        let time = now - Duration::from_secs(100 - line);
        fake.add_log_at(&own[0], "stdout", &format!("line {line}"), time);
    }
    // Cut before it says anything.
    fake.stream_cut();
    let mut tail = koyeb.service(&shop).logs().limit(3).tail().await?;
    fake.on(TAIL).reply(503, "");
    write(&fake, &own[1], 5..2_005);
    assert!(read(&mut tail, 2_003).await? == numbered(2..2_005));
    Ok(())
}

#[tokio::test]
async fn no_older_lines_after_a_cut_than_were_asked_for() -> Outcome {
    let (fake, koyeb, shop, own) = fake().await?;
    write(&fake, &own[0], 0..10);
    let mut tail = koyeb.service(&shop).logs().limit(3).tail().await?;
    assert_eq!(read(&mut tail, 3).await?, numbered(7..10));
    let start = SystemTime::now();
    write(&fake, &own[0], 10..11);
    let mut other = koyeb.service(&shop).logs().start(start).tail().await?;
    assert_eq!(next(&mut tail).await?, "line 10");
    assert_eq!(next(&mut other).await?, "line 10");
    fake.close_tails();
    write(&fake, &own[0], 11..12);
    assert_eq!(next(&mut tail).await?, "line 11");
    assert_eq!(next(&mut other).await?, "line 11");
    Ok(())
}

#[tokio::test]
async fn a_search_that_is_refused_ends_the_tail() -> Outcome {
    let (fake, koyeb, shop, own) = fake().await?;
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    write(&fake, &own[0], 0..1);
    assert_eq!(next(&mut tail).await?, "line 0");
    fake.on(QUERY).reply(403, r#"{"status":403,"code":"authorization_required","message":"no"}"#);
    fake.close_tails();
    let e = tokio::time::timeout(Duration::from_secs(60), tail.next()).await?.ok_or("it ended")?;
    assert_eq!(e.map_err(|e| e.kind()), Err(ErrorKind::PermissionDenied));
    assert!(tail.next().await.is_none());
    Ok(())
}
