//! Events go on: through cuts, silence and restarts, and never without saying that something may have been missed.

use std::time::Duration;

use serde_json::json;
use windlass::incus::{Event, Events};
use windlass::testing::FakeIncus;
use windlass::{ErrorKind, Incus};

use crate::clock::later;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const EVENTS: &str = "GET /1.0/events";
const FORBIDDEN: &str = r#"{"type":"error","error":"not authorized","error_code":403}"#;

async fn fake() -> Result<(FakeIncus, Incus), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = fake.client()?;
    Ok((fake, incus))
}

/// The next event, which comes soon in real time.
async fn next(events: &mut Events) -> Result<Option<Event>, Box<dyn std::error::Error>> {
    let next = tokio::time::timeout(Duration::from_secs(20), events.try_next());
    Ok(next.await.map_err(|_| "no event")??)
}

fn tell(fake: &FakeIncus, action: &str) {
    fake.send_event("lifecycle", &json!({"action": action, "source": "/1.0/instances/web"}));
}

fn action(event: Option<Event>) -> Option<String> {
    match event {
        Some(Event::Lifecycle(event)) => Some(event.action.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_cut_shows_as_a_gap_and_events_go_on() -> Outcome {
    let (fake, incus) = fake().await?;
    let mut events = incus.watch().lifecycle().await?;
    for round in 1..=3 {
        tell(&fake, "instance-started");
        assert_eq!(action(next(&mut events).await?).as_deref(), Some("instance-started"));
        fake.kill_events();
        tell(&fake, "instance-stopped"); // unheard
        assert_eq!(next(&mut events).await?, Some(Event::Gap));
        assert_eq!((fake.requests(EVENTS), fake.event_listeners()), (round + 1, 1));
    }
    Ok(())
}

#[tokio::test]
async fn a_peer_that_is_gone_without_a_word_is_noticed() -> Outcome {
    let (fake, incus) = fake().await?;
    let mut events = incus.watch().await?;
    fake.hang_events();
    // As long as that may be an idle server, nothing happens.
    assert!(tokio::time::timeout(Duration::from_millis(100), events.try_next()).await.is_err());
    let waiting = tokio::spawn(async move { (events.try_next().await, events) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    later(Duration::from_secs(31)).await;
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    let (event, mut events) = waited.map_err(|_| "nobody noticed")??;
    assert_eq!(event?, Some(Event::Gap));
    assert_eq!(fake.requests(EVENTS), 2);
    tell(&fake, "instance-started");
    loop {
        // The log tells of the new connection as well.
        if let Some(Event::Lifecycle(_)) = next(&mut events).await? {
            return Ok(());
        }
    }
}

#[tokio::test]
async fn pings_are_a_sign_of_life() -> Outcome {
    let (fake, incus) = fake().await?;
    let mut events = incus.watch().lifecycle().await?;
    let waiting = tokio::spawn(async move { events.try_next().await });
    for _ in 0..8 {
        // The server pings every ten seconds; the ping needs a moment of real time to arrive.
        tokio::time::sleep(Duration::from_millis(30)).await;
        later(Duration::from_secs(10)).await;
    }
    assert_eq!((fake.requests(EVENTS), waiting.is_finished()), (1, false));
    waiting.abort();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_is_found_again() -> Outcome {
    let (fake, incus) = fake().await?;
    let mut events = incus.watch().lifecycle().await?;
    fake.stop().await;
    let waiting = tokio::spawn(async move { (next(&mut events).await.map_err(|e| e.to_string()), events) });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waiting.is_finished());
    fake.restart().await?;
    let (event, mut events) = waiting.await?;
    assert_eq!(event?, Some(Event::Gap));
    tell(&fake, "instance-ready");
    assert_eq!(action(next(&mut events).await?).as_deref(), Some("instance-ready"));
    Ok(())
}

#[tokio::test]
async fn what_the_server_refuses_ends_the_stream() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on(EVENTS).reply(403, FORBIDDEN);
    let e = incus.watch().await.expect_err("forbidden");
    assert_eq!((e.kind(), e.operation(), e.attempts()), (ErrorKind::PermissionDenied, "events", 1));
    let mut events = incus.watch().lifecycle().await?;
    fake.on(EVENTS).times(2).reply(503, "busy");
    fake.on(EVENTS).always().reply(403, FORBIDDEN);
    fake.kill_events();
    let refused = tokio::time::timeout(Duration::from_secs(20), events.try_next()).await?;
    let e = refused.expect_err("forbidden by now");
    assert_eq!((e.kind(), e.status()), (ErrorKind::PermissionDenied, Some(403)));
    assert_eq!(events.try_next().await?, None);
    // The refused one, the good one, two that may pass, the refusal.
    assert_eq!(fake.requests(EVENTS), 5);
    Ok(())
}

#[tokio::test]
async fn a_server_that_never_answers_does_not_hang_the_connecting() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on(EVENTS).hang();
    let connecting = tokio::spawn(incus.watch().into_future());
    while fake.requests(EVENTS) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    later(Duration::from_secs(11)).await;
    let e = tokio::time::timeout(Duration::from_secs(5), connecting).await??.expect_err("no answer");
    assert_eq!((e.kind(), e.operation()), (ErrorKind::Timeout, "events"));
    Ok(())
}

#[tokio::test]
async fn a_server_that_takes_connections_only_to_close_them_is_not_stormed() -> Outcome {
    let (fake, incus) = fake().await?;
    let mut events = incus.watch().lifecycle().await?;
    let closing = fake.clone();
    let closing = tokio::spawn(async move {
        loop {
            closing.kill_events();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let _ = tokio::time::timeout(Duration::from_secs(2), async { while next(&mut events).await.is_ok() {} })
        .await;
    closing.abort();
    assert!((2..=8).contains(&fake.requests(EVENTS)), "{} connections in two seconds", fake.requests(EVENTS));
    Ok(())
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() -> Outcome {
    let (fake, incus) = fake().await?;
    drop(incus.watch().await?);
    for _ in 0..5_000 {
        if fake.event_listeners() == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err("it is still open".into())
}

#[tokio::test]
async fn what_is_new_arrives_as_it_came() -> Outcome {
    let (fake, incus) = fake().await?;
    let mut events = incus.watch().lifecycle().await?;
    fake.send_event(
        "lifecycle",
        &json!({"action": "instance-cloned", "source": "/1.0/instances/web", "of": "db"}),
    );
    fake.send_event("lifecycle", &json!(["another shape"]));
    match next(&mut events).await? {
        Some(Event::Lifecycle(event)) => {
            assert_eq!((event.action.as_str(), &event.extra["of"]), ("instance-cloned", &json!("db")));
        }
        other => panic!("{other:?}"),
    }
    match next(&mut events).await? {
        Some(Event::Unknown(frame)) => assert_eq!(frame["metadata"], json!(["another shape"])),
        other => panic!("{other:?}"),
    }
    Ok(())
}
