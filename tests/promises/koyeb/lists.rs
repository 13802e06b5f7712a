//! Koyeb: lists are whole or an error, whatever the service adds, loses or repeats.

use std::time::Duration;

use futures_util::TryStreamExt;
use windlass::koyeb::{InstanceStatus, Koyeb, Order, ServiceStatus};
use windlass::testing::FakeKoyeb;
use windlass::{ErrorKind, Retry, Sent};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const LIST: &str = "GET /v1/instances";
const EVENTS: &str = "GET /v1/instance_events";

async fn fake() -> Result<(FakeKoyeb, Koyeb), Box<dyn std::error::Error>> {
    let fake = FakeKoyeb::start().await?;
    let koyeb = fake.client()?.with(quick());
    Ok((fake, koyeb))
}

fn quick() -> Retry {
    Retry::default().backoff(Duration::from_millis(1), Duration::from_secs(5))
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

async fn ids(list: windlass::List<windlass::koyeb::Instance>) -> windlass::Result<Vec<String>> {
    Ok(sorted(list.map_ok(|instance| instance.id.clone()).try_collect().await?))
}

#[tokio::test]
async fn all_pages_of_both_styles() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 25);
    let listed = ids(koyeb.instances().page_size(10).stream()).await?;
    assert_eq!(listed, sorted(fake.instances("")));
    assert_eq!(fake.requests(LIST), 3);
    let events = koyeb.instance_events().page_size(10).await?;
    assert_eq!((events.len(), fake.requests(EVENTS)), (25, 3));
    assert!(events.iter().all(|event| event.type_ == "healthy" && event.instance_id.is_some()));
    let services = koyeb.services().name("shop").await?;
    assert_eq!((services[0].id(), services.len()), (shop.as_str(), 1));
    assert_eq!(koyeb.deployments().service(&shop).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn every_filter_reaches_the_service() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let time = chrono::DateTime::parse_from_rfc3339("2026-08-01T10:00:00Z")?.to_utc();
    let query =
        koyeb.instances().app("a").service("s").deployment("d").regional_deployment("r").allocation("l");
    let query =
        query.replica(3).status(InstanceStatus::Healthy).status(InstanceStatus::from("NEW")).id("1").id("2");
    query.ran_after(time).ran_before(time).order(Order::Asc).page_size(7).await?;
    let request = fake.log().pop().ok_or("nothing arrived")?;
    let mut query: Vec<_> = request.query.split('&').map(str::to_owned).collect();
    query.sort();
    let expected = [
        "allocation_id=l",
        "app_id=a",
        "deployment_id=d",
        "ending_time=2026-08-01T10%3A00%3A00Z",
        "ids=1",
        "ids=2",
        "limit=7",
        "offset=0",
        "order=asc",
        "regional_deployment_id=r",
        "replica_index=3",
        "service_id=s",
        "starting_time=2026-08-01T10%3A00%3A00Z",
        "statuses=HEALTHY",
        "statuses=NEW",
    ];
    assert_eq!(query, expected);
    koyeb.instance_events().instance("1").instance("2").event_type("x").order(Order::Desc).await?;
    let request = fake.log().pop().ok_or("nothing arrived")?;
    for part in ["instance_ids=1", "instance_ids=2", "types=x", "order=desc", "limit=100"] {
        assert!(request.query.contains(part), "{}", request.query);
    }
    Ok(())
}

#[tokio::test]
async fn filters_and_order_work() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 4);
    fake.add_service("other", 2);
    let own = fake.instances(&shop);
    fake.set_status(&own[0], "SLEEPING");
    fake.set_status(&own[1], "STOPPED");
    let service = koyeb.service(&shop);
    assert_eq!(service.instances().await?.len(), 4);
    let awake = service.instances().status(InstanceStatus::Healthy).status(InstanceStatus::Sleeping);
    assert_eq!(awake.await?.len(), 3);
    let two = koyeb.instances().id(&own[2]).id(&own[3]);
    assert_eq!(ids(two.stream()).await?, sorted(own[2..].to_vec()));
    let mut oldest = service.instances().order(Order::Asc).stream();
    assert_eq!(oldest.try_next().await?.map(|one| one.id.clone()), Some(own[0].clone()));
    assert!(koyeb.services().status(ServiceStatus::Paused).await?.is_empty());
    Ok(())
}

/// A fault that goes away is cured, at whatever page; one that stays is an error, and never a short list.
#[tokio::test]
async fn a_fault_at_each_page() -> Outcome {
    for page in 0..3 {
        let (fake, koyeb) = fake().await?;
        fake.add_service("shop", 25);
        let koyeb = koyeb.with(quick().attempt_timeout(Duration::from_millis(500)));
        let list = || koyeb.instances().page_size(10).order(Order::Asc).stream();
        let all = sorted(fake.instances(""));
        let on = |fake: &FakeKoyeb| fake.on(LIST).skip(page);
        let passing: [fn(windlass::testing::Rule) -> windlass::testing::Planting; 6] = [
            |rule| rule.refuse(),
            |rule| rule.drop_before(),
            |rule| rule.drop_after(),
            |rule| rule.truncate(100),
            |rule| rule.hang(),
            |rule| rule.reply(503, "<html>"),
        ];
        for plant in passing {
            let planted = plant(on(&fake));
            assert_eq!(ids(list()).await?, all, "page {page}");
            assert_eq!(planted.hits(), 1);
            planted.remove();
        }
        for (status, body, kind) in [
            (500, "<html>", ErrorKind::Server),
            (503, "", ErrorKind::Unavailable),
            (200, "<html>", ErrorKind::BadReply),
            (200, r#"{"instances":[],"count":25,"offset":0}"#, ErrorKind::BadReply),
            (
                403,
                r#"{"status":403,"code":"authorization_error","message":"Account is locked"}"#,
                ErrorKind::PermissionDenied,
            ),
        ] {
            let planted = on(&fake).always().reply(status, body);
            let mut list = list();
            let mut seen = 0;
            let e = loop {
                match list.try_next().await {
                    Ok(Some(_)) => seen += 1,
                    Ok(None) => panic!("a short list: {seen} after {status} at page {page}"),
                    Err(e) => break e,
                }
            };
            assert_eq!((e.kind(), seen), (kind, page * 10), "{status} {body}");
            assert!(list.try_next().await?.is_none());
            planted.remove();
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_service_that_ignores_the_offset_is_noticed() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let page = r#"{"events":[{"id":"1"},{"id":"2"}],"limit":2,"offset":0,"has_next":true}"#;
    fake.on(EVENTS).always().reply(200, page);
    let e = koyeb.instance_events().page_size(2).await.expect_err("it never ends");
    // New events could have shifted a few pages, but not so many.
    assert_eq!((e.kind(), fake.requests(EVENTS)), (ErrorKind::BadReply, 66));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_page_is_fetched_ahead_and_no_more() -> Outcome {
    let (fake, koyeb) = fake().await?;
    fake.add_crowd(1_000);
    let mut list = koyeb.instances().page_size(10).stream();
    list.try_next().await?;
    assert_eq!(fake.requests(LIST), 1);
    for _ in 0..6 {
        list.try_next().await?;
    }
    while fake.requests(LIST) < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(fake.requests(LIST), 2);
    drop(list);
    Ok(())
}

#[tokio::test]
async fn what_the_service_adds_is_kept() -> Outcome {
    let (fake, koyeb) = fake().await?;
    fake.add_service("shop", 3);
    let own = fake.instances("");
    fake.edit(&own[0], |one| {
        one["status"] = "HIBERNATING".into();
        one["warp"] = 9.into();
        one["messages"] = serde_json::Value::Null;
        one["created_at"] = serde_json::Value::Null;
    });
    fake.edit(&own[1], |one| *one = serde_json::json!({"id": own[1]}));
    fake.add_event(&own[0], "ABDUCTED");
    let listed = koyeb.instances().order(Order::Asc).await?;
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0].status, InstanceStatus::Unknown("HIBERNATING".into()));
    assert_eq!(listed[0].extra.get("warp").and_then(|warp| warp.as_i64()), Some(9));
    assert_eq!((listed[1].status.as_str(), &listed[1].service_id), ("", &None));
    let events = koyeb.instance(&own[0]).events().event_type("ABDUCTED").await?;
    assert_eq!(events[0].type_, "ABDUCTED");
    Ok(())
}

#[tokio::test]
async fn ids_that_lead_elsewhere_are_refused_before_anything_is_sent() -> Outcome {
    let (fake, koyeb) = fake().await?;
    for id in ["", ".", "..", "a/b", "a\\b"] {
        let e = koyeb.instance(id).get().await.expect_err("no id");
        assert_eq!(
            (e.kind(), e.fields(), e.sent()),
            (ErrorKind::InvalidInput, &["id".to_owned()][..], Sent::No)
        );
        assert_eq!(koyeb.service(id).pause().await.expect_err("no id").kind(), ErrorKind::InvalidInput);
        assert_eq!(
            koyeb.instance(id).exec(["true"]).output().await.expect_err("no id").kind(),
            ErrorKind::InvalidInput
        );
    }
    let e = koyeb.instances().page_size(101).await.expect_err("too many");
    assert_eq!(e.fields(), ["page_size"]);
    assert!(fake.log().is_empty());
    Ok(())
}

#[tokio::test]
async fn errors_in_all_shapes() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let e = koyeb.instance("nowhere").get().await.expect_err("there is none");
    assert!(e.is_not_found());
    assert_eq!((e.code(), e.status(), e.api()), (Some("unknown_resource"), Some(404), "koyeb"));
    fake.on("GET /v1/instances/{id}").reply(400, r#"{"status":400,"code":"invalid_argument","message":"Validation error","fields":[{"field":"id","description":"is no UUID"}]}"#);
    let e = koyeb.instance("1").get().await.expect_err("invalid");
    assert_eq!((e.kind(), e.fields()), (ErrorKind::InvalidInput, &["id".to_owned()][..]));
    let shop = fake.add_service("shop", 1);
    let e = koyeb.service(&shop).resume().await.expect_err("it isn't paused");
    assert_eq!((e.kind(), e.code()), (ErrorKind::Conflict, Some("failed_precondition")));
    assert!(e.message().contains("not paused"), "{e}");
    let rpc = r#"{"code":9,"message":"failed_precondition","details":[{"message":"it is not paused"}]}"#;
    fake.on("POST /v1/services/{id}/resume").reply(400, rpc);
    let e = koyeb.service(&shop).resume().await.expect_err("it isn't paused");
    assert_eq!((e.kind(), e.code()), (ErrorKind::Conflict, Some("9")));
    assert!(e.message().contains("not paused"), "{e}");
    fake.on("GET /v1/instances/{id}").reply(403, "");
    assert_eq!(koyeb.instance("1").get().await.expect_err("empty").kind(), ErrorKind::PermissionDenied);
    let stranger = Koyeb::token("wrong").url(fake.url()).client()?;
    let e = stranger.instance("1").get().await.expect_err("a wrong token");
    assert_eq!((e.kind(), e.code()), (ErrorKind::Unauthenticated, Some("authentication_error")));
    assert!(!format!("{e:?} {e}").contains("wrong"));
    Ok(())
}

#[tokio::test]
async fn too_many_requests_wait_for_the_reset_whatever_the_body() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let one = fake.add_instance("HEALTHY");
    fake.rate_limit(2, Duration::from_secs(3));
    let started = std::time::Instant::now();
    for _ in 0..3 {
        koyeb.instance(&one).get().await?;
    }
    assert!(started.elapsed() >= Duration::from_millis(2_000), "{:?}", started.elapsed());
    assert_eq!(fake.requests("GET /v1/instances/{id}"), 4);
    // Every answer tells when the limit is lifted; that is no reason to wait for it.
    fake.rate_limit(100, Duration::from_secs(60));
    fake.on("GET /v1/instances/{id}").header("x-ratelimit-reset", "58").reply(503, "");
    let started = std::time::Instant::now();
    koyeb.with(quick()).instance(&one).get().await?;
    assert!(started.elapsed() < Duration::from_secs(50), "{:?}", started.elapsed());
    assert_eq!(koyeb.instance("nowhere").get().await.expect_err("there is none").retry_after(), None);
    fake.rate_limit(0, Duration::from_secs(40));
    let e = koyeb.with(Retry::never()).instance(&one).get().await.expect_err("the limit is reached");
    assert!(e.is_rate_limited());
    assert!(matches!(e.retry_after().map(|after| after.as_secs()), Some(38..=40)), "{:?}", e.retry_after());
    Ok(())
}

#[tokio::test]
async fn what_changes_something_is_sent_once() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 1);
    let redeploy = "POST /v1/services/{id}/redeploy";
    fake.on(redeploy).drop_after();
    let e = koyeb.service(&shop).redeploy().await.expect_err("the answer is lost");
    assert!(e.is_outcome_unknown(), "{e:?}");
    assert_eq!((fake.requests(redeploy), e.is_repeatable()), (1, false));
    fake.on(redeploy).reply(503, "");
    assert_eq!(koyeb.service(&shop).redeploy().await.expect_err("refused").kind(), ErrorKind::Unavailable);
    assert_eq!(fake.requests(redeploy), 2);
    // By 429 the service says that it did nothing.
    fake.on(redeploy).header("x-ratelimit-reset", "0").reply(429, "slow down");
    koyeb.service(&shop).redeploy().await?;
    assert_eq!(fake.requests(redeploy), 4);
    let snapshot = "POST /v1/instance_snapshots";
    fake.on(snapshot).drop_after();
    let instance = koyeb.instance(fake.instances(&shop).pop().ok_or("none")?);
    let e = instance.create_snapshot().name("n1").await.expect_err("the answer is lost");
    assert_eq!((e.kind(), e.marker(), fake.requests(snapshot)), (ErrorKind::OutcomeUnknown, Some("n1"), 1));
    assert_eq!(koyeb.snapshots().name("n1").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn more_new_ones_than_a_page_holds_show_none_twice() -> Outcome {
    let (fake, koyeb) = fake().await?;
    fake.add_service("shop", 30);
    let before = sorted(fake.instances(""));
    let mut list = koyeb.instances().page_size(10).stream();
    let mut seen = Vec::new();
    while let Some(page) = list.next_page().await? {
        if seen.is_empty() {
            // The newest come first, and shift all others.
            fake.add_service("more", 20);
        }
        seen.extend(page.into_iter().map(|instance| instance.id.clone()));
    }
    let seen = sorted(seen);
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "shown twice");
    assert!(before.iter().all(|id| seen.contains(id)), "not shown");
    Ok(())
}
