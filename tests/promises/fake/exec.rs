//! Commands in the fake server: streams, terminals, the small shell.

use crate::fake_client::{dial, dial_fd, drain, next, server};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use windlass::testing::Generation;

#[tokio::test]
async fn exec_over_websockets_keeps_the_streams_apart() {
    let (fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    let script = "cat; echo \"err $WHO\" >&2; exit 7";
    let asked =
        json!({"command": ["sh", "-c", script], "wait-for-websocket": true, "environment": {"WHO": "me"}});
    let started = http.json("POST", "/1.0/instances/a/exec", asked).await;
    let id = started["metadata"]["id"].as_str().unwrap();
    let wrong = dial(&fake, &format!("/1.0/operations/{id}/websocket?secret=no")).await.unwrap_err();
    assert!(wrong.to_string().contains("403"), "{wrong}");
    let mut stdin = dial_fd(&fake, &started, "0").await;
    let mut stdout = dial_fd(&fake, &started, "1").await;
    let mut stderr = dial_fd(&fake, &started, "2").await;
    stdin.send(Message::binary("hello ")).await.unwrap();
    stdin.send(Message::binary("world")).await.unwrap();
    stdin.send(Message::text("")).await.unwrap();
    assert_eq!(drain(&mut stdout).await, "hello world");
    assert_eq!(drain(&mut stderr).await, "err me\n");
    assert!(!matches!(next(&mut stdout).await, Some(Ok(_))), "no Close frame");
    let waited = http.get(&format!("/1.0/operations/{id}/wait")).await;
    assert_eq!(waited["metadata"]["metadata"]["return"], 7);
    assert_eq!(waited["metadata"]["status"], "Success");
}

#[tokio::test]
async fn control_signals_and_its_end_kill() {
    let (fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    for (order, code) in [(Some(json!({"command": "signal", "signal": 15})), 143), (None, 137)] {
        let asked = json!({"command": ["sh", "-c", "echo up; sleep 100"], "wait-for-websocket": true});
        let started = http.json("POST", "/1.0/instances/a/exec", asked).await;
        let mut control = dial_fd(&fake, &started, "control").await;
        let _stdin = dial_fd(&fake, &started, "0").await;
        let mut stdout = dial_fd(&fake, &started, "1").await;
        let _stderr = dial_fd(&fake, &started, "2").await;
        assert_eq!(next(&mut stdout).await.unwrap().unwrap(), Message::binary("up\n"));
        match order {
            Some(order) => control.send(Message::text(order.to_string())).await.unwrap(),
            None => control.close(None).await.unwrap(),
        }
        let wait = format!("{}/wait?timeout=3", started["operation"].as_str().unwrap());
        assert_eq!(http.get(&wait).await["metadata"]["metadata"]["return"], code);
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
    assert_eq!(next(&mut terminal).await.unwrap().unwrap(), Message::binary("24 80\r\n"));
    let resize = json!({"command": "window-resize", "args": {"width": "100", "height": "30"}});
    control.send(Message::text(resize.to_string())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    terminal.send(Message::binary("stty size\nexit 5\n")).await.unwrap();
    assert_eq!(drain(&mut terminal).await, "30 100\r\n");
    let wait = format!("{}/wait", started["operation"].as_str().unwrap());
    let early = http.get(&format!("{wait}?timeout=1")).await;
    assert_eq!(early["error"], "context deadline exceeded");
    terminal.close(None).await.unwrap();
    assert_eq!(http.get(&wait).await["metadata"]["metadata"]["return"], 5);
}

/// Every ten seconds from the beginning, on each connection, also if nothing is read from it.
#[tokio::test(start_paused = true)]
async fn commands_are_pinged() {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let (fake, http) = server(generation).await;
        http.launch("a").await;
        let asked = json!({"command": ["sleep", "100"], "wait-for-websocket": true});
        let started = http.json("POST", "/1.0/instances/a/exec", asked).await;
        let mut all = Vec::new();
        for fd in ["control", "0", "1", "2"] {
            all.push((dial_fd(&fake, &started, fd).await, Instant::now()));
        }
        let flood = Message::binary(vec![0; 60_000]);
        for _ in 0..40 {
            let _ = tokio::time::timeout(Duration::from_millis(1), all[1].0.send(flood.clone())).await;
        }
        let pinged = all.iter_mut().map(async |(socket, begun)| {
            for number in 0..5 {
                assert_eq!(socket.next().await.unwrap().unwrap(), Message::Ping("keepalive".into()));
                let seconds = begun.elapsed().as_secs();
                assert!(
                    (10 * number..=10 * number + 1).contains(&seconds),
                    "ping {number} after {seconds} s"
                );
            }
        });
        futures_util::future::join_all(pinged).await;
    }
}

/// What a client says to a connection that has ended takes nothing from it.
#[tokio::test]
async fn the_end_of_an_output_leaves_what_is_not_yet_read() {
    const SIZE: usize = 1_000_000;
    let (fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    let asked = json!({"command": ["head", "-c", SIZE.to_string(), "/dev/zero"], "wait-for-websocket": true});
    let started = http.json("POST", "/1.0/instances/a/exec", asked).await;
    let _stdin = dial_fd(&fake, &started, "0").await;
    let mut stdout = dial_fd(&fake, &started, "1").await;
    let _stderr = dial_fd(&fake, &started, "2").await;
    let wait = format!("{}/wait?timeout=10", started["operation"].as_str().unwrap());
    assert_eq!(http.get(&wait).await["metadata"]["metadata"]["return"], 0);
    for _ in 0..10 {
        let _ = stdout.send(Message::Pong("keepalive".into())).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(drain(&mut stdout).await.len(), SIZE);
}

#[tokio::test]
async fn a_console_has_one_client_and_a_log() {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let (fake, http) = server(generation).await;
        http.launch("a").await;
        let attach = async |asked: Value| http.json("POST", "/1.0/instances/a/console", asked).await;
        let first = attach(json!({"width": 80, "height": 24})).await;
        assert_eq!(first["metadata"]["may_cancel"], true);
        let mut screen = dial_fd(&fake, &first, "0").await;
        let _control = dial_fd(&fake, &first, "control").await;
        http.run("POST", "/1.0/instances/a/exec", json!({"command": ["sh", "-c", "echo hi >/dev/console"]}))
            .await;
        assert_eq!(next(&mut screen).await.unwrap().unwrap(), Message::binary("hi\r\n"));
        screen.send(Message::binary("typed\r")).await.unwrap();
        assert_eq!(next(&mut screen).await.unwrap().unwrap(), Message::binary("typed\r\n"));
        assert_eq!(attach(json!({})).await["error_code"], 500);
        let second = attach(json!({"force": true})).await;
        let ended = http.get(&format!("{}/wait?timeout=3", first["operation"].as_str().unwrap())).await;
        let word = if generation == Generation::V6_0 { "Cancelled" } else { "Success" };
        assert_eq!(ended["metadata"]["status"], word);
        assert!(!matches!(next(&mut screen).await, Some(Ok(_))), "no farewell");
        let _screen = dial_fd(&fake, &second, "0").await;
        let mut control = dial_fd(&fake, &second, "control").await;
        control.close(None).await.unwrap();
        let ended = http.get(&format!("{}/wait?timeout=3", second["operation"].as_str().unwrap())).await;
        assert_eq!(ended["metadata"]["status"], "Success");
        for expected in ["hi\ntyped\n", ""] {
            let log = http.send("GET", "/1.0/instances/a/console", Value::Null).await.unwrap();
            assert_eq!(log.text().await.unwrap(), expected);
        }
        http.run("PUT", "/1.0/instances/a/state", json!({"action": "stop", "force": true})).await;
        let log = http.send("GET", "/1.0/instances/a/console", Value::Null).await.unwrap();
        assert_eq!(log.text().await.unwrap(), "hi\ntyped\n");
        assert_eq!(attach(json!({})).await["error_code"], 400);
    }
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
        ("pwd; cd /var; pwd; id -u", 0, "/root\n/var\n0\n", ""),
        ("nosuch; echo $?", 0, "127\n", "sh: nosuch: not found\n"),
        ("echo a >&2; echo b 1>&2; echo c 2>&1", 0, "c\n", "a\nb\n"),
        ("echo x > /root/f; echo y >> /root/f; cat /root/f", 0, "x\ny\n", ""),
        ("cat /none", 1, "", "cat: can't open '/none': No such file or directory\n"),
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
        http.run("PUT", "/1.0/instances/a/state", json!({"action": "stop"})).await;
        let refused = http.json("POST", "/1.0/instances/a/exec", json!({"command": ["true"]})).await;
        assert_eq!(refused["error"], "Instance is not running");
    }
}

#[tokio::test(start_paused = true)]
async fn five_seconds_end_an_unconnected_exec_and_a_finished_operation() {
    let (_fake, http) = server(Generation::V7_0).await;
    http.launch("a").await;
    let asked = json!({"command": ["true"], "wait-for-websocket": true});
    let begun = tokio::time::Instant::now();
    let (id, waited) = http.run("POST", "/1.0/instances/a/exec", asked).await;
    assert_eq!(waited["metadata"]["err"], "Timed out waiting for websockets to connect");
    assert!(begun.elapsed() >= Duration::from_secs(5));
    assert_eq!(
        http.get("/1.0/operations").await["metadata"],
        json!({"failure": [format!("/1.0/operations/{id}")]})
    );
    tokio::time::sleep(Duration::from_millis(5100)).await;
    assert_eq!(http.get(&format!("/1.0/operations/{id}")).await["error"], "Operation not found");
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
