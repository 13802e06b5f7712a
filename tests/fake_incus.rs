//! The fake server, driven with an ordinary HTTP client and websocket library.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use windlass::testing::{FakeIncus, Generation};

const SOON: Duration = Duration::from_secs(3);

struct Http {
    client: reqwest::Client,
    base: String,
}

impl Http {
    fn tcp(fake: &FakeIncus) -> Http {
        Http {
            client: plain(),
            base: fake.url(),
        }
    }

    fn unix(fake: &FakeIncus) -> Http {
        let client = reqwest::Client::builder()
            .retry(reqwest::retry::never())
            .unix_socket(fake.socket());
        Http {
            client: client.build().unwrap(),
            base: "http://incus".into(),
        }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}{path}", self.base);
        let request = self.client.request(method.parse().unwrap(), url);
        let request = if body.is_null() {
            request
        } else {
            request.body(body.to_string())
        };
        request.send().await
    }

    async fn json(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body).await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.json("GET", path, Value::Null).await
    }

    /// Starts an operation and returns its id and what `/wait` says.
    async fn run(&self, method: &str, path: &str, body: Value) -> (String, Value) {
        let started = self.json(method, path, body).await;
        assert_eq!(started["type"], "async", "{started}");
        let id = started["metadata"]["id"].as_str().unwrap().to_owned();
        let waited = self
            .get(&format!("/1.0/operations/{id}/wait?timeout=10"))
            .await;
        (id, waited)
    }

    async fn launch(&self, name: &str) {
        let (_, waited) = self.run("POST", "/1.0/instances", image(name, true)).await;
        assert_eq!(waited["metadata"]["status"], "Success", "{waited}");
    }
}

fn plain() -> reqwest::Client {
    reqwest::Client::builder()
        .retry(reqwest::retry::never())
        .build()
        .unwrap()
}

fn image(name: &str, start: bool) -> Value {
    json!({"name": name, "start": start, "source": {"type": "image", "alias": "busybox"}})
}

async fn server(generation: Generation) -> (FakeIncus, Http) {
    let fake = FakeIncus::builder()
        .generation(generation)
        .start()
        .await
        .unwrap();
    let http = Http::tcp(&fake);
    (fake, http)
}

type Socket = WebSocketStream<TcpStream>;

async fn dial(
    fake: &FakeIncus,
    path: &str,
) -> Result<Socket, tokio_tungstenite::tungstenite::Error> {
    let address = fake.url().replace("http://", "");
    let stream = TcpStream::connect(&address).await.unwrap();
    let dialed = tokio_tungstenite::client_async(format!("ws://{address}{path}"), stream).await;
    dialed.map(|(socket, _)| socket)
}

async fn dial_fd(fake: &FakeIncus, started: &Value, fd: &str) -> Socket {
    let id = started["metadata"]["id"].as_str().unwrap();
    let secret = started["metadata"]["metadata"]["fds"][fd].as_str().unwrap();
    dial(
        fake,
        &format!("/1.0/operations/{id}/websocket?secret={secret}"),
    )
    .await
    .unwrap()
}

/// What arrives up to the empty text frame, after which nothing but a lost connection may come.
async fn drain(socket: &mut Socket) -> String {
    let mut all = Vec::new();
    loop {
        match timeout(SOON, socket.next()).await.unwrap() {
            Some(Ok(Message::Binary(data))) => all.extend_from_slice(&data),
            Some(Ok(Message::Text(text))) => {
                assert_eq!(text.as_str(), "");
                return String::from_utf8(all).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
}

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
            assert!(
                http.send("POST", "/1.0/instances", image(name, false))
                    .await
                    .is_err()
            );
        }
        assert_eq!(fake.instances().len(), before);
        assert!(
            http.send("POST", "/1.0/instances", image(name, false))
                .await
                .is_err()
        );
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
    fake.on("GET /1.0").hang();
    fake.on("GET /1.0").delay(Duration::from_millis(150));
    let hung = timeout(
        Duration::from_millis(200),
        http.send("GET", "/1.0", Value::Null),
    )
    .await;
    assert!(hung.is_err());
    let begun = Instant::now();
    assert_eq!(http.get("/1.0").await["type"], "sync");
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn rules_on_a_route_queue_up() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.on("GET /1.0/instances/{name}")
        .times(2)
        .reply(503, "busy");
    fake.on("GET /1.0/instances/{name}")
        .header("Retry-After", "7")
        .reply(429, r#"{"a":1}"#);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = http
            .send("GET", "/1.0/instances/x?recursion=1", Value::Null)
            .await
            .unwrap();
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|v| v.to_str().unwrap().to_owned())
        };
        seen.push((
            answer.status().as_u16(),
            header("retry-after"),
            header("content-type").unwrap(),
        ));
    }
    let json = "application/json".to_owned();
    let busy = (503, None, "text/plain; charset=utf-8".to_owned());
    let want = [
        busy.clone(),
        busy,
        (429, Some("7".into()), json.clone()),
        (404, None, json),
    ];
    assert_eq!(seen, want);
}

#[tokio::test]
async fn a_rule_can_skip_last_and_be_taken_back() {
    let (fake, http) = server(Generation::V7_0).await;
    let rule = fake.on("* /1.0").skip(1).always().reply(500, "");
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(
            http.send("GET", "/1.0", Value::Null)
                .await
                .unwrap()
                .status()
                .as_u16(),
        );
    }
    assert_eq!((codes, rule.hits()), (vec![200, 500, 500], 2));
    rule.remove();
    assert_eq!(http.get("/1.0").await["type"], "sync");
}

#[tokio::test]
async fn requests_are_kept_whole() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.on("PUT /1.0/instances/{name}").drop_before();
    let sent = http
        .client
        .put(format!("{}/1.0/instances/a%20b?project=x+y", fake.url()));
    assert!(
        sent.header("X-Test", "1")
            .body("hello")
            .send()
            .await
            .is_err()
    );
    let log = fake.log();
    let seen = log.last().unwrap();
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("PUT", "/1.0/instances/a%20b")
    );
    assert_eq!(seen.param("project").as_deref(), Some("x y"));
    assert_eq!(
        (seen.header("x-test"), &seen.body[..]),
        (Some("1"), &b"hello"[..])
    );
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
        assert!(
            http.send("GET", "/1.0", Value::Null)
                .await
                .unwrap_err()
                .is_connect()
        );
    }
    assert!(!fake.socket().exists());
    drop(hold);
    fake.restart().await.unwrap();
    for http in [&http, &unix] {
        assert_eq!(http.get(operation).await["error_code"], 404);
        assert_eq!(
            http.get("/1.0/instances/a").await["metadata"]["status"],
            "Running"
        );
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
async fn waiting_differs_between_the_generations() {
    for (generation, kind) in [(Generation::V6_0, "error"), (Generation::V7_0, "sync")] {
        let (fake, http) = server(generation).await;
        http.launch("a").await;
        let (id, failed) = http
            .run("PUT", "/1.0/instances/a/state", json!({"action": "start"}))
            .await;
        assert_eq!(failed["type"], kind);
        let text = if kind == "error" {
            &failed["error"]
        } else {
            &failed["metadata"]["err"]
        };
        assert_eq!(text, "The instance is already running");
        let shown = http.get(&format!("/1.0/operations/{id}")).await;
        assert_eq!(shown["metadata"]["status_code"], 400);

        let hold = fake.hold_operations();
        let started = http
            .json("PUT", "/1.0/instances/a/state", json!({"action": "stop"}))
            .await;
        let wait = format!("{}/wait", started["operation"].as_str().unwrap());
        let late = http.get(&format!("{wait}?timeout=0")).await;
        assert_eq!(late["type"], kind);
        match generation {
            Generation::V6_0 => assert_eq!(late["error"], "context deadline exceeded"),
            _ => assert_eq!(late["metadata"]["status"], "Running"),
        }
        assert_eq!(
            http.get(&format!("{wait}?timeout=x")).await["error_code"],
            500
        );
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
    let answer = timeout(SOON, http.send("GET", &wait, Value::Null))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.content_length()),
        (200, None)
    );
    let mut body = Box::pin(answer.bytes());
    assert!(
        timeout(Duration::from_millis(100), &mut body)
            .await
            .is_err()
    );
    drop(hold);
    let body: Value = serde_json::from_slice(&body.await.unwrap()).unwrap();
    assert_eq!(body["metadata"]["status"], "Success");
}

#[tokio::test]
async fn a_taken_name_is_refused_now_or_later() {
    let (_old, http) = server(Generation::V6_0).await;
    http.launch("a").await;
    let (_, failed) = http.run("POST", "/1.0/instances", image("a", false)).await;
    assert!(
        failed["error"]
            .as_str()
            .unwrap()
            .contains("UNIQUE constraint failed"),
        "{failed}"
    );
    let (fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    let refused = http.json("POST", "/1.0/instances", image("a", false)).await;
    assert_eq!(
        (&refused["error_code"], &refused["type"]),
        (&500.into(), &"error".into())
    );
    assert_eq!(fake.instances(), ["a"]);
}

#[tokio::test]
async fn instances_live_through_their_states() {
    let (fake, http) = server(Generation::V7_0).await;
    let asked = json!({"name": "e", "ephemeral": true, "start": true, "config": {"user.a": "1"},
        "source": {"type": "image", "alias": "busybox"}});
    http.run("POST", "/1.0/instances", asked).await;
    let state = "/1.0/instances/e/state";
    for (action, status) in [
        ("freeze", "Frozen"),
        ("unfreeze", "Running"),
        ("restart", "Running"),
    ] {
        let (_, waited) = http.run("PUT", state, json!({"action": action})).await;
        assert_eq!(waited["metadata"]["status"], "Success", "{action}");
        assert_eq!(fake.instance("e").unwrap()["status"], status);
    }
    let refused = http.json("DELETE", "/1.0/instances/e", Value::Null).await;
    assert_eq!(
        (&refused["error_code"], &refused["error"]),
        (&400.into(), &"Instance is running".into())
    );
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
        let request = http
            .client
            .patch(format!("{}{path}", fake.url()))
            .header("If-Match", etag.clone());
        request
            .body(json!({"config": {"user.a": value}}).to_string())
            .send()
    };
    assert_eq!(patch("1").await.unwrap().status(), 200);
    assert_eq!(patch("2").await.unwrap().status(), 412);
    assert_eq!(fake.instance("a").unwrap()["config"]["user.a"], "1");
    http.json("PATCH", path, json!({"config": {"user.a": ""}}))
        .await;
    assert!(
        fake.instance("a").unwrap()["config"]
            .get("user.a")
            .is_none()
    );
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
        answer["metadata"]
            .as_array()
            .map(Vec::len)
            .ok_or(answer["error_code"].clone())
    };
    assert_eq!(count("").await, Ok(2));
    assert_eq!(
        count("filter=status+eq+Running+and+name+eq+u.").await,
        Ok(1)
    );
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
    let mut events = dial(&fake, "/1.0/events?type=operation,lifecycle")
        .await
        .unwrap();
    assert_eq!(fake.event_listeners(), 1);
    http.launch("a").await;
    let (mut actions, mut percents, mut last) = (Vec::new(), Vec::new(), Value::Null);
    while last != "Success" {
        let frame = timeout(SOON, events.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let text = frame.to_text().unwrap();
        assert!(text.ends_with("}\n"));
        let event: Value = serde_json::from_str(text).unwrap();
        let metadata = &event["metadata"];
        actions.extend(metadata["action"].as_str().map(str::to_owned));
        percents.extend(
            metadata["metadata"]["progress"]["percent"]
                .as_str()
                .map(str::to_owned),
        );
        last = metadata["status"].clone();
    }
    assert_eq!(actions, ["instance-created", "instance-started"]);
    assert!(percents.contains(&"52".to_owned()));
    fake.kill_events();
    assert!(!matches!(
        timeout(SOON, events.next()).await.unwrap(),
        Some(Ok(_))
    ));
    assert_eq!(fake.event_listeners(), 0);
    let plain = http.send("GET", "/1.0/events", Value::Null).await.unwrap();
    assert_eq!(
        (
            plain.status().as_u16(),
            plain.text().await.unwrap().as_str()
        ),
        (400, "Bad Request\n")
    );
    assert_eq!(http.get("/1.0/events?type=weird").await["error_code"], 400);
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
    assert!(!matches!(
        timeout(SOON, events.next()).await.unwrap(),
        Some(Ok(_))
    ));
}

#[tokio::test]
async fn exec_over_websockets_keeps_the_streams_apart() {
    let (fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    let script = "cat; echo \"err $WHO\" >&2; exit 7";
    let asked = json!({"command": ["sh", "-c", script], "wait-for-websocket": true, "environment": {"WHO": "me"}});
    let started = http.json("POST", "/1.0/instances/a/exec", asked).await;
    let id = started["metadata"]["id"].as_str().unwrap();
    let wrong = dial(&fake, &format!("/1.0/operations/{id}/websocket?secret=no"))
        .await
        .unwrap_err();
    assert!(wrong.to_string().contains("403"), "{wrong}");
    let mut stdin = dial_fd(&fake, &started, "0").await;
    let mut stdout = dial_fd(&fake, &started, "1").await;
    let mut stderr = dial_fd(&fake, &started, "2").await;
    stdin.send(Message::binary("hello ")).await.unwrap();
    stdin.send(Message::binary("world")).await.unwrap();
    stdin.send(Message::text("")).await.unwrap();
    assert_eq!(drain(&mut stdout).await, "hello world");
    assert_eq!(drain(&mut stderr).await, "err me\n");
    assert!(
        !matches!(stdout.next().await, Some(Ok(_))),
        "no Close frame"
    );
    let waited = http.get(&format!("/1.0/operations/{id}/wait")).await;
    assert_eq!(waited["metadata"]["metadata"]["return"], 7);
    assert_eq!(waited["metadata"]["status"], "Success");
}

#[tokio::test]
async fn control_signals_and_its_end_kill() {
    let (fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    for (order, code) in [
        (Some(json!({"command": "signal", "signal": 15})), 143),
        (None, 137),
    ] {
        let asked =
            json!({"command": ["sh", "-c", "echo up; sleep 100"], "wait-for-websocket": true});
        let started = http.json("POST", "/1.0/instances/a/exec", asked).await;
        let mut control = dial_fd(&fake, &started, "control").await;
        let _stdin = dial_fd(&fake, &started, "0").await;
        let mut stdout = dial_fd(&fake, &started, "1").await;
        let _stderr = dial_fd(&fake, &started, "2").await;
        assert_eq!(
            stdout.next().await.unwrap().unwrap(),
            Message::binary("up\n")
        );
        match order {
            Some(order) => control
                .send(Message::text(order.to_string()))
                .await
                .unwrap(),
            None => control.close(None).await.unwrap(),
        }
        let wait = format!("{}/wait?timeout=3", started["operation"].as_str().unwrap());
        assert_eq!(
            http.get(&wait).await["metadata"]["metadata"]["return"],
            code
        );
    }
}

#[tokio::test]
async fn a_terminal_waits_for_the_client_to_hang_up() {
    let (fake, http) = server(Generation::V6_0).await;
    http.launch("a").await;
    let asked = json!({"command": ["sh"], "wait-for-websocket": true, "interactive": true, "width": 80, "height": 24});
    let started = http.json("POST", "/1.0/instances/a/exec", asked).await;
    assert!(started["metadata"]["metadata"]["fds"].get("1").is_none());
    let mut terminal = dial_fd(&fake, &started, "0").await;
    let mut control = dial_fd(&fake, &started, "control").await;
    terminal.send(Message::binary("stty size\n")).await.unwrap();
    assert_eq!(
        terminal.next().await.unwrap().unwrap(),
        Message::binary("24 80\r\n")
    );
    let resize = json!({"command": "window-resize", "args": {"width": "100", "height": "30"}});
    control
        .send(Message::text(resize.to_string()))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    terminal
        .send(Message::binary("stty size\nexit 5\n"))
        .await
        .unwrap();
    assert_eq!(drain(&mut terminal).await, "30 100\r\n");
    let wait = format!("{}/wait", started["operation"].as_str().unwrap());
    let early = http.get(&format!("{wait}?timeout=1")).await;
    assert_eq!(early["error"], "context deadline exceeded");
    terminal.close(None).await.unwrap();
    assert_eq!(http.get(&wait).await["metadata"]["metadata"]["return"], 5);
}

#[tokio::test]
async fn the_small_shell_knows_a_few_commands() {
    let (_fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    let cases = [
        ("echo -n a; echo b", 0, "ab\n", ""),
        ("true && echo yes || echo no", 0, "yes\n", ""),
        ("false && echo yes || echo no", 0, "no\n", ""),
        ("A=1; echo '$A' \"$A\" ${A}x $?", 0, "$A 1 1x 0\n", ""),
        ("printf '%s-%d\\n' a 1 b 2", 0, "a-1\nb-2\n", ""),
        ("pwd; cd /tmp; pwd; id -u", 0, "/root\n/tmp\n0\n", ""),
        ("nosuch; echo $?", 0, "127\n", "sh: nosuch: not found\n"),
        ("echo a >&2; echo b 1>&2; echo c 2>&1", 0, "c\n", "a\nb\n"),
        (
            "echo x > /tmp/f; echo y >> /tmp/f; cat /tmp/f",
            0,
            "x\ny\n",
            "",
        ),
        (
            "cat /none",
            1,
            "",
            "cat: can't open '/none': No such file or directory\n",
        ),
        ("sh -c 'exit 3'; echo $?; exit 4", 4, "3\n", ""),
        ("head -c 3 /dev/zero", 0, "\0\0\0", ""),
        ("echo $HOME # no more", 0, "/root\n", ""),
    ];
    for (script, code, out, err) in cases {
        let asked = json!({"command": ["sh", "-c", script], "record-output": true});
        let (_, waited) = http.run("POST", "/1.0/instances/a/exec", asked).await;
        let metadata = &waited["metadata"]["metadata"];
        assert_eq!(metadata["return"], code, "{script}");
        for (fd, want) in [("1", out), ("2", err)] {
            let url = metadata["output"][fd].as_str().unwrap();
            let answer = http.send("GET", url, Value::Null).await.unwrap();
            assert_eq!(answer.text().await.unwrap(), want, "{script}");
            assert_eq!(http.json("DELETE", url, Value::Null).await["type"], "sync");
            assert_eq!(http.get(url).await["error_code"], 404);
        }
    }
}

#[tokio::test]
async fn a_missing_command_fails_the_operation() {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let (_fake, http) = server(generation).await;
        http.launch("a").await;
        let asked = json!({"command": ["nosuch"]});
        let (id, _) = http.run("POST", "/1.0/instances/a/exec", asked).await;
        let shown = http.get(&format!("/1.0/operations/{id}")).await;
        assert_eq!(shown["metadata"]["err"], "Command not found");
        assert_eq!(shown["metadata"]["metadata"]["return"], 127);
        http.run("PUT", "/1.0/instances/a/state", json!({"action": "stop"}))
            .await;
        let refused = http
            .json(
                "POST",
                "/1.0/instances/a/exec",
                json!({"command": ["true"]}),
            )
            .await;
        assert_eq!(refused["error"], "Instance is not running");
    }
}

#[tokio::test]
async fn five_seconds_end_an_unconnected_exec_and_a_finished_operation() {
    let (_fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    let asked = json!({"command": ["true"], "wait-for-websocket": true});
    let begun = Instant::now();
    let (id, waited) = http.run("POST", "/1.0/instances/a/exec", asked).await;
    assert_eq!(
        waited["metadata"]["err"],
        "Timed out waiting for websockets to connect"
    );
    assert!(begun.elapsed() >= Duration::from_secs(5));
    assert_eq!(
        http.get("/1.0/operations").await["metadata"],
        json!({"failure": [format!("/1.0/operations/{id}")]})
    );
    tokio::time::sleep(Duration::from_millis(5100)).await;
    assert_eq!(
        http.get(&format!("/1.0/operations/{id}")).await["error"],
        "Operation not found"
    );
}

#[tokio::test]
async fn only_newer_servers_cancel_exec() {
    for (generation, code) in [(Generation::V6_0, 400), (Generation::V7_0, 0)] {
        let (_fake, http) = server(generation).await;
        http.launch("a").await;
        let asked = json!({"command": ["true"], "wait-for-websocket": true});
        let started = http.json("POST", "/1.0/instances/a/exec", asked).await;
        let path = started["operation"].as_str().unwrap();
        let cancelled = http.json("DELETE", path, Value::Null).await;
        assert_eq!(cancelled["error_code"], code);
        let status = if code == 0 { "Cancelled" } else { "Running" };
        assert_eq!(http.get(path).await["metadata"]["status"], status);
    }
}

#[tokio::test]
async fn files_come_back_as_they_were_sent() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.add_instance("a");
    let url = format!("{}/1.0/instances/a/files?path=/root/f", fake.url());
    let put = http
        .client
        .post(&url)
        .header("Content-Type", "application/octet-stream");
    let put = put
        .header("X-Incus-mode", "0640")
        .header("X-Incus-uid", "5")
        .body("hello");
    assert_eq!(put.send().await.unwrap().status(), 200);
    let append = http
        .client
        .post(&url)
        .header("X-Incus-write", "append")
        .body(" world");
    assert_eq!(append.send().await.unwrap().status(), 200);
    let got = http
        .client
        .get(&url)
        .header("Range", "bytes=6-")
        .send()
        .await
        .unwrap();
    assert_eq!(got.status(), 206);
    assert_eq!(
        (
            &got.headers()["x-incus-mode"],
            &got.headers()["x-incus-uid"]
        ),
        (&"0640".parse().unwrap(), &"5".parse().unwrap())
    );
    assert_eq!(got.text().await.unwrap(), "world");
    assert_eq!(fake.file("a", "/root/f").unwrap(), b"hello world");
    let head = http.client.head(&url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "11");
    assert_eq!(
        http.get("/1.0/instances/a/files?path=/root").await["metadata"],
        json!(["f"])
    );
    let eaten = http
        .client
        .post(&url)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("x");
    assert_eq!(eaten.send().await.unwrap().status(), 200);
    assert_eq!(fake.file("a", "/root/f").unwrap(), b"");
    let gone = http
        .json("DELETE", "/1.0/instances/a/files?path=/root/f", Value::Null)
        .await;
    assert_eq!(gone["type"], "sync");
    assert_eq!(
        http.get("/1.0/instances/a/files?path=/root/f").await["error_code"],
        404
    );
}

#[tokio::test]
async fn images_are_imported_and_named() {
    let fake = FakeIncus::builder().without_image().start().await.unwrap();
    let http = Http::tcp(&fake);
    let (_, failed) = http.run("POST", "/1.0/instances", image("a", false)).await;
    assert_eq!(
        failed["metadata"]["err"],
        "Image not provided for instance creation"
    );
    let post = http.client.post(format!("{}/1.0/images", fake.url()));
    let post = post
        .header("Content-Type", "application/octet-stream")
        .body(&b"\x1f\x8btarball"[..]);
    let started: Value =
        serde_json::from_slice(&post.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let waited = http
        .get(&format!("{}/wait", started["operation"].as_str().unwrap()))
        .await;
    let fingerprint = waited["metadata"]["metadata"]["fingerprint"]
        .as_str()
        .unwrap();
    assert_eq!(fingerprint.len(), 64);
    let alias = json!({"name": "busybox", "target": fingerprint});
    let named = http
        .send("POST", "/1.0/images/aliases", alias)
        .await
        .unwrap();
    assert_eq!(named.status(), 201);
    http.launch("a").await;
    let shown = http
        .get(&format!("/1.0/images/{}", &fingerprint[..12]))
        .await;
    assert_eq!(shown["metadata"]["aliases"][0]["name"], "busybox");
}

#[tokio::test]
async fn errors_have_the_shape_of_their_generation() {
    for (generation, end) in [
        (Generation::V6_0, "null}\n\n"),
        (Generation::V7_0, "null}\n"),
    ] {
        let (_fake, http) = server(generation).await;
        let cases = [
            ("GET", "/1.0/nothing", 404),
            ("PATCH", "/1.0/instances", 501),
            ("POST", "/1.0/instances", 400),
        ];
        for (method, path, code) in cases {
            let answer = http.send(method, path, Value::Null).await.unwrap();
            assert_eq!(answer.status(), code);
            assert!(answer.text().await.unwrap().ends_with(end));
        }
        let odd = http
            .json("POST", "/1.0/instances", image("bad_name!", false))
            .await;
        let text =
            "Invalid instance name: Name can only contain alphanumeric and hyphen characters";
        assert_eq!(odd["error"], text);
        assert_eq!(odd.as_object().unwrap().len(), 7);
    }
}

/// The vendor's own command line client, as installed.
struct Cli {
    socket: PathBuf,
    home: PathBuf,
}

impl Cli {
    /// Exit code, stdout, stderr.
    async fn run(&self, args: &[&str], input: &str) -> (i32, String, String) {
        use tokio::io::AsyncWriteExt;
        let mut child = tokio::process::Command::new("incus")
            .args(args)
            .env("INCUS_SOCKET", &self.socket)
            .env("INCUS_CONF", &self.home)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the `incus` command is installed");
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = timeout(Duration::from_secs(20), child.wait_with_output())
            .await
            .unwrap()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    async fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args, "").await;
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        out
    }
}

#[tokio::test]
#[ignore = "needs the vendor's `incus` command"]
async fn vendor_cli_drives_the_fake() {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let (fake, _http) = server(generation).await;
        let home = fake.socket().with_file_name("cli");
        let cli = Cli {
            socket: fake.socket().to_owned(),
            home,
        };
        assert!(
            cli.ok(&["image", "list", "-f", "csv"])
                .await
                .starts_with("busybox,")
        );
        cli.ok(&["launch", "busybox", "web", "-c", "user.a=1"])
            .await;
        assert_eq!(
            cli.ok(&["list", "-f", "csv", "-c", "ns"]).await,
            "web,RUNNING\n"
        );
        let script = "cat; echo err >&2; exit 7";
        let done = cli
            .run(&["exec", "web", "--", "sh", "-c", script], "in")
            .await;
        assert_eq!(done, (7, "in".into(), "err\n".into()));
        let (code, _, err) = cli.run(&["exec", "web", "--", "nosuch"], "").await;
        assert_eq!((code, err.trim()), (127, "Error: Command not found"));
        cli.ok(&["stop", "web"]).await;
        cli.ok(&["start", "web"]).await;
        let (code, _, err) = cli.run(&["start", "web"], "").await;
        assert_eq!(code, 1);
        assert!(err.contains("already running"), "{err}");
        cli.ok(&["stop", "-f", "web"]).await;
        cli.ok(&["rename", "web", "site"]).await;
        cli.ok(&["config", "set", "site", "user.a", "2"]).await;
        assert_eq!(cli.ok(&["config", "get", "site", "user.a"]).await, "2\n");
        let (code, _, err) = cli.run(&["launch", "nope", "x"], "").await;
        assert_eq!(code, 1, "{err}");
        cli.ok(&["delete", "site"]).await;
        assert!(fake.instances().is_empty());
    }
}
