//! The fake server, driven with an ordinary HTTP client and websocket library.

use crate::fake_client::{Http, SOON, dial, image, server};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use windlass::testing::{FakeIncus, Generation};

#[tokio::test]
async fn waiting_differs_between_the_generations() {
    for (generation, kind) in [(Generation::V6_0, "error"), (Generation::V7_0, "sync")] {
        let (fake, http) = server(generation).await;
        http.launch("a").await;
        let (id, failed) = http.run("PUT", "/1.0/instances/a/state", json!({"action": "start"})).await;
        assert_eq!(failed["type"], kind);
        let text = if kind == "error" { &failed["error"] } else { &failed["metadata"]["err"] };
        assert_eq!(text, "The instance is already running");
        let shown = http.get(&format!("/1.0/operations/{id}")).await;
        assert_eq!(shown["metadata"]["status_code"], 400);

        let hold = fake.hold_operations();
        let started = http.json("PUT", "/1.0/instances/a/state", json!({"action": "stop"})).await;
        let wait = format!("{}/wait", started["operation"].as_str().unwrap());
        let late = http.get(&format!("{wait}?timeout=0")).await;
        assert_eq!(late["type"], kind);
        match generation {
            Generation::V6_0 => assert_eq!(late["error"], "context deadline exceeded"),
            _ => assert_eq!(late["metadata"]["status"], "Running"),
        }
        assert_eq!(http.get(&format!("{wait}?timeout=x")).await["error_code"], 500);
        drop(hold);
        assert_eq!(http.get(&wait).await["metadata"]["status"], "Success");
    }
}

#[tokio::test]
async fn the_headers_of_wait_come_at_once() {
    let (fake, http) = server(Generation::V6_0).await;
    let hold = fake.hold_operations();
    let started = http.json("POST", "/1.0/instances", image("a", false)).await;
    let wait = format!("{}/wait", started["operation"].as_str().unwrap());
    let answer = timeout(SOON, http.send("GET", &wait, Value::Null)).await.unwrap().unwrap();
    assert_eq!((answer.status().as_u16(), answer.content_length()), (200, None));
    let mut body = Box::pin(answer.bytes());
    assert!(timeout(Duration::from_millis(100), &mut body).await.is_err());
    drop(hold);
    let body: Value = serde_json::from_slice(&body.await.unwrap()).unwrap();
    assert_eq!(body["metadata"]["status"], "Success");
}

#[tokio::test]
async fn a_taken_name_is_refused_now_or_later() {
    let (_old, http) = server(Generation::V6_0).await;
    http.launch("a").await;
    let (_, failed) = http.run("POST", "/1.0/instances", image("a", false)).await;
    assert!(failed["error"].as_str().unwrap().contains("UNIQUE constraint failed"), "{failed}");
    let (fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    let refused = http.json("POST", "/1.0/instances", image("a", false)).await;
    assert_eq!((&refused["error_code"], &refused["type"]), (&500.into(), &"error".into()));
    assert_eq!(fake.instances(), ["a"]);
}

#[tokio::test]
async fn instances_live_through_their_states() {
    let (fake, http) = server(Generation::V7_0).await;
    let asked = json!({"name": "e", "ephemeral": true, "start": true, "config": {"user.a": "1"},
        "source": {"type": "image", "alias": "busybox"}});
    http.run("POST", "/1.0/instances", asked).await;
    let state = "/1.0/instances/e/state";
    for (action, status) in [("freeze", "Frozen"), ("unfreeze", "Running"), ("restart", "Running")] {
        let (_, waited) = http.run("PUT", state, json!({"action": action})).await;
        assert_eq!(waited["metadata"]["status"], "Success", "{action}");
        assert_eq!(fake.instance("e").unwrap()["status"], status);
    }
    let refused = http.json("DELETE", "/1.0/instances/e", Value::Null).await;
    assert_eq!((&refused["error_code"], &refused["error"]), (&400.into(), &"Instance is running".into()));
    http.run("PUT", state, json!({"action": "stop"})).await;
    assert!(fake.instances().is_empty());
}

#[tokio::test]
async fn a_guest_may_take_too_long_to_stop() {
    let (fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    fake.operation_delay(Duration::from_secs(2));
    let asked = json!({"action": "stop", "timeout": 1});
    let (_, waited) = http.run("PUT", "/1.0/instances/a/state", asked).await;
    let text = "Failed shutting down instance, status is \"Running\": context deadline exceeded";
    assert_eq!(waited["metadata"]["err"], text);
}

#[tokio::test]
async fn configuration_is_guarded_by_etags() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.add_instance("a");
    let path = "/1.0/instances/a";
    let shown = http.send("GET", path, Value::Null).await.unwrap();
    let etag = shown.headers()["etag"].clone();
    let patch = |value: &str| {
        let request = http.client.patch(format!("{}{path}", fake.url())).header("If-Match", etag.clone());
        request.body(json!({"config": {"user.a": value}}).to_string()).send()
    };
    assert_eq!(patch("1").await.unwrap().status(), 200);
    assert_eq!(patch("2").await.unwrap().status(), 412);
    assert_eq!(fake.instance("a").unwrap()["config"]["user.a"], "1");
    http.json("PATCH", path, json!({"config": {"user.a": ""}})).await;
    assert!(fake.instance("a").unwrap()["config"].get("user.a").is_none());
    fake.edit_instance("a", |document| document["status"] = "Defrosting".into());
    assert_eq!(http.get(path).await["metadata"]["status"], "Defrosting");
}

#[tokio::test]
async fn lists_filter_and_expand() {
    let (fake, http) = server(Generation::V6_0).await;
    http.launch("up").await;
    fake.add_instance("down");
    let count = async |query: &str| {
        let answer = http.get(&format!("/1.0/instances?{query}")).await;
        answer["metadata"].as_array().map(Vec::len).ok_or(answer["error_code"].clone())
    };
    assert_eq!(count("").await, Ok(2));
    assert_eq!(count("filter=status+eq+Running+and+name+eq+u.").await, Ok(1));
    assert_eq!(count("instance-type=virtual-machine").await, Ok(0));
    assert_eq!(count("project=other").await, Ok(0));
    assert_eq!(count("all-projects=true").await, Ok(2));
    assert_eq!(count("filter=status+xx+Running").await, Err(500.into()));
    let full = http.get("/1.0/instances?recursion=2").await;
    assert_eq!(full["metadata"][1]["state"]["status_code"], 103);
    assert_eq!(full["metadata"][0]["snapshots"], Value::Null);
}

#[tokio::test]
async fn events_tell_of_operations_and_of_lives() {
    let (fake, http) = server(Generation::V7_0).await;
    let mut events = dial(&fake, "/1.0/events?type=operation,lifecycle").await.unwrap();
    assert_eq!(fake.event_listeners(), 1);
    http.launch("a").await;
    let (mut actions, mut percents, mut last) = (Vec::new(), Vec::new(), Value::Null);
    while last != "Success" {
        let frame = timeout(SOON, events.next()).await.unwrap().unwrap().unwrap();
        let text = frame.to_text().unwrap();
        assert!(text.ends_with("}\n"));
        let event: Value = serde_json::from_str(text).unwrap();
        let metadata = &event["metadata"];
        actions.extend(metadata["action"].as_str().map(str::to_owned));
        percents.extend(metadata["metadata"]["progress"]["percent"].as_str().map(str::to_owned));
        last = metadata["status"].clone();
    }
    assert_eq!(actions, ["instance-created", "instance-started"]);
    assert!(percents.contains(&"52".to_owned()));
    fake.kill_events();
    assert!(!matches!(timeout(SOON, events.next()).await.unwrap(), Some(Ok(_))));
    assert_eq!(fake.event_listeners(), 0);
    let plain = http.send("GET", "/1.0/events", Value::Null).await.unwrap();
    assert_eq!((plain.status().as_u16(), plain.text().await.unwrap().as_str()), (400, "Bad Request\n"));
    assert_eq!(http.get("/1.0/events?type=weird").await["error_code"], 400);
}

#[tokio::test]
async fn files_come_back_as_they_were_sent() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.add_instance("a");
    let url = format!("{}/1.0/instances/a/files?path=/root/f", fake.url());
    let put = http.client.post(&url).header("Content-Type", "application/octet-stream");
    let put = put.header("X-Incus-mode", "0640").header("X-Incus-uid", "5").body("hello");
    assert_eq!(put.send().await.unwrap().status(), 200);
    let append = http.client.post(&url).header("X-Incus-write", "append").body(" world");
    assert_eq!(append.send().await.unwrap().status(), 200);
    let got = http.client.get(&url).header("Range", "bytes=6-").send().await.unwrap();
    assert_eq!(got.status(), 206);
    assert_eq!(
        (&got.headers()["x-incus-mode"], &got.headers()["x-incus-uid"]),
        (&"0640".parse().unwrap(), &"5".parse().unwrap())
    );
    assert_eq!(got.text().await.unwrap(), "world");
    assert_eq!(fake.file("a", "/root/f").unwrap(), b"hello world");
    let head = http.client.head(&url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "11");
    assert_eq!(http.get("/1.0/instances/a/files?path=/root").await["metadata"], json!(["f"]));
    let eaten = http.client.post(&url).header("Content-Type", "application/x-www-form-urlencoded").body("x");
    assert_eq!(eaten.send().await.unwrap().status(), 200);
    assert_eq!(fake.file("a", "/root/f").unwrap(), b"");
    let gone = http.json("DELETE", "/1.0/instances/a/files?path=/root/f", Value::Null).await;
    assert_eq!(gone["type"], "sync");
    assert_eq!(http.get("/1.0/instances/a/files?path=/root/f").await["error_code"], 404);
}

#[tokio::test]
async fn images_are_imported_and_named() {
    let fake = FakeIncus::builder().without_image().start().await.unwrap();
    let http = Http::tcp(&fake);
    let (_, failed) = http.run("POST", "/1.0/instances", image("a", false)).await;
    assert_eq!(failed["metadata"]["err"], "Image not provided for instance creation");
    let post = http.client.post(format!("{}/1.0/images", fake.url()));
    let post = post.header("Content-Type", "application/octet-stream").body(&b"\x1f\x8btarball"[..]);
    let started: Value = serde_json::from_slice(&post.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let waited = http.get(&format!("{}/wait", started["operation"].as_str().unwrap())).await;
    let fingerprint = waited["metadata"]["metadata"]["fingerprint"].as_str().unwrap();
    assert_eq!(fingerprint.len(), 64);
    let alias = json!({"name": "busybox", "target": fingerprint});
    let named = http.send("POST", "/1.0/images/aliases", alias).await.unwrap();
    assert_eq!(named.status(), 201);
    http.launch("a").await;
    let shown = http.get(&format!("/1.0/images/{}", &fingerprint[..12])).await;
    assert_eq!(shown["metadata"]["aliases"][0]["name"], "busybox");
}

#[tokio::test]
async fn errors_have_the_shape_of_their_generation() {
    for (generation, end) in [(Generation::V6_0, "null}\n\n"), (Generation::V7_0, "null}\n")] {
        let (_fake, http) = server(generation).await;
        let cases =
            [("GET", "/1.0/nothing", 404), ("PATCH", "/1.0/instances", 501), ("POST", "/1.0/instances", 400)];
        for (method, path, code) in cases {
            let answer = http.send(method, path, Value::Null).await.unwrap();
            assert_eq!(answer.status(), code);
            assert!(answer.text().await.unwrap().ends_with(end));
        }
        let odd = http.json("POST", "/1.0/instances", image("bad_name!", false)).await;
        let text = "Invalid instance name: Name can only contain alphanumeric and hyphen characters";
        assert_eq!(odd["error"], text);
        assert_eq!(odd.as_object().unwrap().len(), 7);
    }
}

#[tokio::test]
async fn files_take_the_names_of_headers_that_clients_of_lxd_use() {
    // 7.0 ignores them.
    for generation in [Generation::V6_0] {
        let (fake, http) = server(generation).await;
        http.launch("a").await;
        let post = async |path: &str, headers: &[(&str, &str)], body: &'static str| {
            let url = format!("{}/1.0/instances/a/files?path={path}", fake.url());
            let request =
                headers.iter().fold(http.client.post(url), |it, (name, value)| it.header(*name, *value));
            request.body(body).send().await.unwrap().status().as_u16()
        };
        let owned = [("X-LXD-uid", "1000"), ("X-LXD-gid", "1001"), ("X-LXD-mode", "0640")];
        assert_eq!(post("/root/f", &owned, "one").await, 200);
        assert_eq!(post("/root/f", &[("X-LXD-write", "append")], " two").await, 200);
        assert_eq!(post("/root/d", &[("X-LXD-type", "directory")], "").await, 200);
        assert_eq!(post("/root/l", &[("X-LXD-type", "symlink")], "/root/f").await, 200);
        let shown = async |path: &str| {
            let got =
                http.send("GET", &format!("/1.0/instances/a/files?path={path}"), Value::Null).await.unwrap();
            let said = |name: &str| got.headers()[name].to_str().unwrap().to_owned();
            (said("x-incus-type"), said("x-incus-uid"), said("x-incus-gid"), said("x-incus-mode"))
        };
        assert_eq!(shown("/root/f").await, ("file".into(), "1000".into(), "1001".into(), "0640".into()));
        assert_eq!(shown("/root/d").await.0, "directory");
        assert_eq!(shown("/root/l").await.0, "symlink");
        assert_eq!(fake.file("a", "/root/f").unwrap(), b"one two");
    }
}

#[tokio::test]
async fn an_image_is_named_by_the_sha256_of_what_is_exported() {
    let (_fake, http) = server(Generation::V7_0).await;
    let images = http.get("/1.0/images").await;
    let path = images["metadata"][0].as_str().unwrap();
    let exported =
        http.send("GET", &format!("{path}/export"), Value::Null).await.unwrap().bytes().await.unwrap();
    let sum = ring::digest::digest(&ring::digest::SHA256, &exported);
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(path, format!("/1.0/images/{sum}"));
}

#[tokio::test]
async fn a_time_of_expiry_must_be_a_time() {
    let (_fake, http) = server(Generation::V6_0).await;
    http.run("POST", "/1.0/instances", image("a", false)).await;
    for made in ["snapshots", "backups"] {
        let path = format!("/1.0/instances/a/{made}");
        for odd in [json!("2020-01-01"), json!("")] {
            let refused = http.json("POST", &path, json!({"name": "x", "expires_at": odd})).await;
            let text = refused["error"].as_str().unwrap_or_default();
            assert!(refused["error_code"] == 400 && text.starts_with("parsing time"), "{refused}");
        }
        let (_, done) =
            http.run("POST", &path, json!({"name": "x", "expires_at": "2030-01-01T00:00:00Z"})).await;
        assert_eq!(done["status"], "Success");
        let found = http.json("GET", &format!("{path}/x"), json!(null)).await;
        assert_eq!(found["metadata"]["expires_at"], "2030-01-01T00:00:00Z");
    }
    let refused = http.json("PUT", "/1.0/instances/a/snapshots/x", json!({"expires_at": 7})).await;
    assert_eq!(refused["error_code"], 400);
}
