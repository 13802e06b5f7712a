//! Planted faults, counts, and going down.

use crate::clock::until;
use crate::fake_client::{Http, SOON, dial, image, server};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use windlass::testing::{FakeIncus, Generation};

#[tokio::test]
async fn dropped_before_has_no_effect_and_dropped_after_has() {
    let (fake, tcp) = server(Generation::V7_0).await;
    let unix = Http::unix(&fake);
    for (http, name) in [(&tcp, "a"), (&unix, "b")] {
        fake.on("POST /1.0/instances").refuse();
        fake.on("POST /1.0/instances").drop_before();
        fake.on("POST /1.0/instances").drop_after();
        let before = fake.instances().len();
        for _ in 0..2 {
            assert!(http.send("POST", "/1.0/instances", image(name, false)).await.is_err());
        }
        assert_eq!(fake.instances().len(), before);
        assert!(http.send("POST", "/1.0/instances", image(name, false)).await.is_err());
        timeout(SOON, async {
            while fake.instance(name).is_none() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }
    assert_eq!(fake.requests("POST /1.0/instances"), 6);
}

#[tokio::test]
async fn a_truncated_answer_promises_its_whole_length() {
    let (fake, http) = server(Generation::V7_0).await;
    for http in [&http, &Http::unix(&fake)] {
        fake.on("GET /1.0").truncate(10);
        let answer = http.send("GET", "/1.0", Value::Null).await.unwrap();
        assert!(answer.content_length().unwrap() > 500);
        assert!(answer.bytes().await.is_err());
    }
}

#[tokio::test]
async fn what_arrived_before_the_cut_can_be_read() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.on("GET /1.0").truncate(7);
    let mut answer = http.send("GET", "/1.0", Value::Null).await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), r#"{"type""#);
    assert!(answer.chunk().await.is_err());
}

#[tokio::test]
async fn a_truncated_wait_is_cut_after_its_headers() {
    let (fake, http) = server(Generation::V7_0).await;
    let started = http.json("POST", "/1.0/instances", image("a", false)).await;
    fake.on("GET /1.0/operations/{id}/wait").truncate(0);
    let path = format!("{}/wait", started["operation"].as_str().unwrap());
    let answer = http.send("GET", &path, Value::Null).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn hanging_never_answers_and_delay_does_later() {
    let (fake, http) = server(Generation::V7_0).await;
    let hang = fake.on("GET /1.0").hang();
    fake.on("GET /1.0").delay(Duration::from_millis(150));
    {
        let mut hung = std::pin::pin!(http.send("GET", "/1.0", Value::Null));
        tokio::select! {
            answer = &mut hung => panic!("{answer:?}"),
            () = until(|| hang.hits() == 1) => {}
        }
        assert!(timeout(Duration::from_millis(200), hung).await.is_err());
    }
    let begun = Instant::now();
    assert_eq!(http.get("/1.0").await["type"], "sync");
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn rules_on_a_route_queue_up() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.on("GET /1.0/instances/{name}").times(2).reply(503, "busy");
    fake.on("GET /1.0/instances/{name}").header("Retry-After", "7").reply(429, r#"{"a":1}"#);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = http.send("GET", "/1.0/instances/x?recursion=1", Value::Null).await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        seen.push((answer.status().as_u16(), header("retry-after"), header("content-type").unwrap()));
    }
    let json = "application/json".to_owned();
    let busy = (503, None, "text/plain; charset=utf-8".to_owned());
    let want = [busy.clone(), busy, (429, Some("7".into()), json.clone()), (404, None, json)];
    assert_eq!(seen, want);
}

#[tokio::test]
async fn a_rule_can_skip_last_and_be_taken_back() {
    let (fake, http) = server(Generation::V7_0).await;
    let rule = fake.on("* /1.0").skip(1).always().reply(500, "");
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(http.send("GET", "/1.0", Value::Null).await.unwrap().status().as_u16());
    }
    assert_eq!((codes, rule.hits()), (vec![200, 500, 500], 2));
    rule.remove();
    assert_eq!(http.get("/1.0").await["type"], "sync");
}

#[tokio::test]
async fn requests_are_kept_whole() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.on("PUT /1.0/instances/{name}").drop_before();
    let sent = http.client.put(format!("{}/1.0/instances/a%20b?project=x+y", fake.url()));
    assert!(sent.header("X-Test", "1").body("hello").send().await.is_err());
    let log = fake.log();
    let seen = log.last().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("PUT", "/1.0/instances/a%20b"));
    assert_eq!(seen.param("project").as_deref(), Some("x y"));
    assert_eq!((seen.header("x-test"), &seen.body[..]), (Some("1"), &b"hello"[..]));
    assert_eq!(fake.requests("PUT /1.0/instances/{name}"), 1);
    assert_eq!(fake.requests("GET /1.0/instances/{name}"), 0);
}

#[tokio::test]
async fn connections_are_counted() {
    let (fake, http) = server(Generation::V7_0).await;
    assert_eq!(fake.connections(), 0);
    http.get("/1.0").await;
    let events = dial(&fake, "/1.0/events").await.unwrap();
    assert_eq!((fake.connections(), fake.connections_peak()), (2, 2));
    drop(events);
    timeout(SOON, async {
        while fake.connections() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    fake.cut_connections().await;
    assert_eq!((fake.connections(), fake.connections_peak()), (0, 2));
    assert_eq!(http.get("/1.0").await["type"], "sync");
}

#[tokio::test]
async fn stopping_refuses_and_restarting_forgets_operations() {
    let (fake, http) = server(Generation::V7_0).await;
    let unix = Http::unix(&fake);
    http.launch("a").await;
    let hold = fake.hold_operations();
    let started = http.json("POST", "/1.0/instances", image("b", false)).await;
    let operation = started["operation"].as_str().unwrap();
    assert_eq!(unix.get(operation).await["metadata"]["status"], "Running");
    fake.stop().await;
    assert_eq!(fake.connections(), 0);
    for http in [&http, &unix] {
        assert!(http.send("GET", "/1.0", Value::Null).await.unwrap_err().is_connect());
    }
    assert!(!fake.socket().exists());
    drop(hold);
    fake.restart().await.unwrap();
    for http in [&http, &unix] {
        assert_eq!(http.get(operation).await["error_code"], 404);
        assert_eq!(http.get("/1.0/instances/a").await["metadata"]["status"], "Running");
    }
}

#[tokio::test]
async fn the_last_clone_takes_the_server_with_it() {
    let (fake, http) = server(Generation::V7_0).await;
    let (clone, socket) = (fake.clone(), fake.socket().to_owned());
    let _events = dial(&fake, "/1.0/events").await.unwrap();
    drop(fake);
    http.get("/1.0").await;
    drop(clone);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(http.send("GET", "/1.0", Value::Null).await.is_err());
    assert!(!socket.parent().unwrap().exists());
}

#[tokio::test]
async fn faults_reach_websockets() {
    let (fake, _http) = server(Generation::V7_0).await;
    fake.on("GET /1.0/events").reply(503, "");
    fake.on("GET /1.0/events").drop_after();
    fake.on("GET /1.0/events").truncate(5);
    assert!(dial(&fake, "/1.0/events").await.is_err());
    assert!(dial(&fake, "/1.0/events").await.is_err());
    let mut events = dial(&fake, "/1.0/events").await.unwrap();
    fake.send_event("lifecycle", &json!({"action": "instance-created"}));
    assert!(!matches!(timeout(SOON, events.next()).await.unwrap(), Some(Ok(_))));
}

/// The message of a panic.
fn told(panic: Box<dyn std::any::Any + Send>) -> String {
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_route_that_is_not_there_panics_at_once_and_names_the_nearest() {
    let (fake, http) = server(Generation::V7_0).await;
    for (typo, meant) in [
        ("POST /1.0/instance", "POST /1.0/instances"),
        ("GET /1.0/instances/{name}/status", "GET /1.0/instances/{name}/state"),
        ("DELETE /1.0/instances", "DELETE /1.0/instances/{name}"),
        ("GET /v1/instances", "GET /1.0/instances"),
        ("/1.0/operation", "/1.0/operations"),
    ] {
        let calls: [fn(&FakeIncus, &str); 2] =
            [|fake, route| drop(fake.on(route)), |fake, route| _ = fake.requests(route)];
        for call in calls {
            let panic =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call(&fake, typo))).unwrap_err();
            let told = told(panic);
            assert!(told.contains(&format!("no route `{typo}`")) && told.contains(meant), "{told}");
        }
    }
    for fine in [
        "* /1.0",
        "get /1.0/instances",
        "GET /1.0/instances/b",
        "GET /1.0/projects",
        "GET /1.0/{any}/b/state",
        // Of operations that share their path with others.
        "POST /1.0/instances/{name}/metadata/templates",
    ] {
        drop(fake.on(fine));
        fake.requests(fine);
    }
    // What did arrive can be counted, whatever it is.
    http.get("/2.0").await;
    assert_eq!(fake.requests("GET /2.0"), 1);
}

#[tokio::test]
async fn a_rule_that_must_apply_and_does_not_fails_the_test() {
    let (fake, http) = server(Generation::V7_0).await;
    let twice = fake.on("GET /1.0").expect(2).reply(503, "wait");
    fake.on("POST /1.0/instances").expect(1).drop_after();
    fake.on("DELETE /1.0/instances/{name}").expect(0).pass();
    http.send("GET", "/1.0", Value::Null).await.unwrap();
    let verify = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fake.verify())).map_err(told);
    let wrong = verify().unwrap_err();
    assert!(wrong.contains("`GET /1.0` reply: expected 2, applied to 1"), "{wrong}");
    assert!(wrong.contains("`POST /1.0/instances` drop_after: expected 1, applied to 0"), "{wrong}");
    assert!(wrong.contains("GET /1.0: 1") && !wrong.contains("DELETE"), "{wrong}");

    assert_eq!(http.send("GET", "/1.0", Value::Null).await.unwrap().status(), 503);
    assert_eq!(http.send("GET", "/1.0", Value::Null).await.unwrap().status(), 200);
    assert_eq!(twice.hits(), 2);
    http.send("POST", "/1.0/instances", image("a", false)).await.unwrap_err();
    verify().unwrap();
    http.send("DELETE", "/1.0/instances/a", Value::Null).await.unwrap();
    let wrong = verify().unwrap_err();
    assert!(wrong.contains("`DELETE /1.0/instances/{name}` pass: expected 0, applied to 1"), "{wrong}");

    // The last handle checks as well; and what is removed is expected no more.
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(fake))).unwrap_err();
    assert!(told(panic).contains("expected 0"));
    let (fake, _http) = server(Generation::V7_0).await;
    fake.on("GET /1.0").expect(1).pass().remove();
    drop(fake);
}
