//! Errors keep what was said, whatever the answer looked like; what is new is kept; nothing prints a secret.

use std::cell::RefCell;
use std::sync::Once;

use serde_json::{Value, json};
use windlass::incus::Status;
use windlass::testing::FakeIncus;
use windlass::{ErrorKind, Incus, Retry, Sent};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const GET: &str = "GET /1.0/instances/{name}";

async fn fake() -> Result<(FakeIncus, Incus), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = Incus::http(fake.url()).retry(Retry::never()).client()?;
    fake.add_instance("web");
    Ok((fake, incus))
}

#[tokio::test]
async fn any_body_survives() -> Outcome {
    let error_in_200 = r#"{"type":"error","error":"no access","error_code":403,"metadata":null}"#;
    let table: [(u16, &str, ErrorKind, &str); 9] = [
        (401, "", ErrorKind::Unauthenticated, ""),
        (502, "<html>bad gateway</html>", ErrorKind::Unavailable, ""),
        (200, r#"{"type":"sync","metadata":{"name":"web","#, ErrorKind::BadReply, "EOF"),
        (200, "", ErrorKind::BadReply, "no body"),
        (200, r#"{"type":"sync","metadata":null}"#, ErrorKind::BadReply, "no metadata"),
        (200, error_in_200, ErrorKind::PermissionDenied, "no access"),
        (404, r#"{"error":"odd shape"}"#, ErrorKind::NotFound, ""),
        (302, "elsewhere", ErrorKind::BadReply, ""),
        (500, r#"{"type":"error","error":"boom","error_code":500}"#, ErrorKind::Server, "boom"),
    ];
    for (status, body, kind, said) in table {
        let (fake, incus) = fake().await?;
        fake.on(GET).reply(status, body);
        let e = incus.instance("web").get().await.expect_err(body);
        assert_eq!((e.kind(), e.status()), (kind, Some(status)), "{body}: {e:?}");
        assert_eq!(e.sent(), Sent::Yes);
        assert!(e.message().contains(said), "{body}: {e}");
        assert_eq!((e.api(), e.operation()), ("incus", "instance_get"));
        let kept = String::from_utf8_lossy(e.body()).into_owned();
        match serde_json::from_str::<Value>(body) {
            // Only its shape may differ: the very same keys and values.
            Ok(all) if status == 200 && said != "no metadata" => {
                let kept: Value = serde_json::from_str(&kept)?;
                assert_eq!((&kept["error"], &kept["error_code"]), (&all["error"], &all["error_code"]));
            }
            Ok(_) if said == "no metadata" => {}
            _ => assert_eq!(kept, body),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_breaks_off_keeps_the_status() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on(GET).truncate(100);
    let e = incus.instance("web").get().await.expect_err("it breaks off");
    assert_eq!((e.kind(), e.status(), e.sent()), (ErrorKind::Interrupted, Some(200), Sent::Yes));
    Ok(())
}

#[tokio::test]
async fn unknown_words_and_fields_are_kept_and_null_is_nothing() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.add_instance("odd");
    fake.edit_instance("odd", |odd| {
        odd["status"] = json!("Hibernating");
        odd["status_code"] = json!(115);
        odd["type"] = json!("unikernel");
        odd["brand_new"] = json!({"nested": [1, null]});
        for key in [
            "config",
            "devices",
            "profiles",
            "expanded_config",
            "expanded_devices",
            "created_at",
            "last_used_at",
        ] {
            odd[key] = Value::Null;
        }
    });
    let odd = incus.instance("odd").get().await?;
    assert_eq!(odd.status, Status::Unknown("Hibernating".into()));
    assert_eq!(odd.status.to_string(), "Hibernating");
    assert_eq!(odd.type_.as_str(), "unikernel");
    assert_eq!(odd.extra["brand_new"], json!({"nested": [1, null]}));
    assert!(odd.config.is_empty() && odd.devices.is_empty() && odd.profiles.is_empty());
    assert!(odd.expanded_config.is_empty() && odd.expanded_devices.is_empty());
    assert!(odd.created_at.is_none() && odd.last_used_at.is_none());
    // One odd instance doesn't spoil the list, and what is unknown goes back unchanged.
    let all = incus.instances().await?;
    assert_eq!(all.len(), 2);
    let back = serde_json::to_value(&*odd)?;
    assert_eq!((&back["status"], &back["brand_new"]), (&json!("Hibernating"), &json!({"nested": [1, null]})));
    Ok(())
}

#[tokio::test]
async fn strange_names_arrive_as_they_are() -> Outcome {
    let (fake, incus) = fake().await?;
    for name in ["ü b", "a%2fb", "a?b#c", "%2e%2e", "..."] {
        incus.instance(name).get().await.expect_err("there is none");
        let path = fake.log().pop().ok_or("nothing arrived")?.path;
        let arrived = path.rsplit('/').next().unwrap_or_default().replace('+', "%2B");
        let arrived = format!("x={arrived}");
        let url = reqwest::Url::parse(&format!("http://x/?{arrived}"))?;
        let decoded = url.query_pairs().next().map(|(_, value)| value.into_owned());
        assert_eq!(decoded.as_deref(), Some(name), "{path}");
        assert_eq!(path.matches('/').count(), 3, "{path}");
    }
    Ok(())
}

/// All that a subscriber can see: names, fields, values. One for the whole process, since tracing remembers places
/// without a listener; each test reads what its own thread did.
#[derive(Clone, Copy)]
struct Recorder;

thread_local! {
    static SEEN: RefCell<String> = const { RefCell::new(String::new()) };
}

fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Recorder).unwrap());
    seen();
}

fn seen() -> String {
    SEEN.take()
}

impl tracing::field::Visit for Recorder {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        SEEN.with_borrow_mut(|seen| seen.push_str(&format!("{}={value:?}\n", field.name())));
    }
}

impl tracing::Subscriber for Recorder {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("windlass")
    }
    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        attributes.record(&mut Recorder);
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut Recorder);
    }
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Recorder);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

fn but_for_durations(seen: &str) -> Vec<&str> {
    seen.lines().filter(|line| !line.starts_with("duration=")).collect()
}

#[tokio::test]
async fn spans_follow_the_conventions_for_raw_and_typed_calls_and_show_no_secret() -> Outcome {
    record();
    let (fake, incus) = fake().await?;
    incus.instance("web").get().await?;
    let typed = seen();
    incus.raw().instance_get().name("web").send().await?;
    assert_eq!(but_for_durations(&typed), but_for_durations(&seen()));
    for expected in [
        "otel.name=GET /1.0/instances/{name}",
        "otel.kind=\"client\"",
        "http.request.method=\"GET\"",
        "url.template=\"/1.0/instances/{name}\"",
        "server.address=\"127.0.0.1\"",
        "http.response.status_code=200",
        "windlass.operation=\"instance_get\"",
    ] {
        assert!(typed.contains(expected), "no {expected} in {typed}");
    }

    // An operation that shares its path with another has the path that is sent.
    let missing = incus.instance("web").template("none.tpl").read().await;
    let shared = seen();
    let path = "url.template=\"/1.0/instances/{name}/metadata/templates\"";
    assert!(missing.is_err() && shared.contains(path) && !shared.contains('#'), "{shared}");

    // Websocket secrets pass through a query: they must show nowhere, whether it works or not.
    let web = incus.instance("web");
    web.start().await?;
    web.exec(["true"]).output().await?;
    let refusal = fake.on("GET /1.0/operations/{id}/websocket").always().reply(403, "wrong secret");
    let e = web.exec(["true"]).output().await.expect_err("refused");
    refusal.remove();
    fake.on("GET /1.0/operations/{id}/websocket").always().drop_before();
    let cut = web.exec(["true"]).output().await.expect_err("cut");
    let operations = incus.operations().await?;
    let printed = format!("{} {e} {e:?} {e:#?} {cut} {cut:?} {operations:?} {incus:?}", seen());
    let secrets: Vec<String> = fake
        .log()
        .iter()
        .filter_map(|request| request.param("secret"))
        .filter(|secret| secret.len() == 64)
        .collect();
    assert!(secrets.len() >= 6, "{}", secrets.len());
    for secret in secrets {
        assert!(!printed.contains(&secret), "{printed}");
    }
    assert!(!printed.contains("secret="), "{printed}");
    Ok(())
}

#[tokio::test]
async fn a_refusal_records_status_and_repetitions_in_its_span() -> Outcome {
    record();
    let (fake, incus) = fake().await?;
    fake.on(GET).times(2).reply(503, "");
    incus.with(Retry::default()).instance("nobody").get().await.expect_err("there is none");
    let seen = seen();
    assert!(seen.contains("http.request.resend_count=2"), "{seen}");
    assert!(seen.contains("http.response.status_code=404") && seen.contains("error.type=404"), "{seen}");
    Ok(())
}

#[tokio::test]
async fn the_errors_of_raw_calls_show_no_secret_either() -> Outcome {
    let (fake, incus) = fake().await?;
    fake.on("GET /1.0/operations/{id}/websocket").drop_before();
    let e = incus.raw().operation_websocket().id("1").secret("hunter2").send().await.expect_err("cut");
    assert!(!format!("{e} {e:?}").contains("hunter2"), "{e:?}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_a_name_is_refused_by_every_verb_before_anything_is_sent() -> Outcome {
    let (fake, incus) = fake().await?;
    for name in ["", ".", "..", "a/b"] {
        let bad = incus.instance(name);
        let refused = [
            bad.get().await.err(),
            bad.get_full().await.err(),
            bad.get_state().await.err(),
            bad.start().await.err(),
            bad.rename("other").await.err(),
            incus.instance("web").rename(name).await.err(),
            bad.delete().await.err(),
            bad.update(|_| {}).await.err(),
            bad.patch().description("x").await.err(),
            bad.exec(["true"]).output().await.err(),
            bad.read_file("/a").await.err(),
            bad.write_file("/a", "x").await.err(),
            bad.logs().await.err(),
            bad.log("lxc.log").read().await.err(),
            incus.launch(name).image("busybox").await.err(),
        ];
        for (verb, e) in refused.into_iter().enumerate() {
            let e = e.ok_or_else(|| format!("verb {verb} took {name:?}"))?;
            assert_eq!(
                (e.kind(), e.sent()),
                (ErrorKind::InvalidInput, Sent::No),
                "verb {verb}, {name:?}: {e:?}"
            );
            let field = if verb == 5 { "to" } else { "name" };
            assert_eq!(e.fields(), [field], "verb {verb}, {name:?}");
        }
    }
    assert!(fake.log().is_empty());
    Ok(())
}

#[tokio::test]
async fn lists_inside_a_map_may_be_null() -> Outcome {
    let fake = FakeIncus::start().await?;
    // As a member of a real cluster said.
    let reply = r#"{"type":"sync","status":"Success","status_code":200,"operation":"","error_code":0,"error":"",
        "metadata":{"success":null,"running":[{"id":"1","status":"Running","status_code":103,
            "resources":{"instances":null}}]}}"#;
    fake.on("GET /1.0/operations").reply(200, reply);
    let operations = fake.client()?.operations().await?;
    assert!(operations[0].resources["instances"].is_empty());
    assert_eq!(operations.iter().map(|operation| operation.id.as_str()).collect::<Vec<_>>(), ["1"]);
    Ok(())
}

#[tokio::test]
async fn a_call_whose_wait_fails_was_sent_and_must_not_be_repeated() -> Outcome {
    let fake = FakeIncus::start().await?;
    let incus = fake.client()?;
    // Only the last look fails, which changes nothing.
    fake.on("GET /1.0/instances/{name}").always().reply(400, r#"{"type":"error","error":"no"}"#);
    let e = incus.launch("web").image("busybox").await.expect_err("it can't be looked at");
    assert_eq!((e.status(), e.sent(), e.is_repeatable()), (Some(400), Sent::Yes, false), "{e:?}");
    assert!(e.ticket().is_some());
    assert_eq!(fake.instances(), ["web"]);
    // A wait for a state began nothing.
    let e = windlass::Error::from(incus.instance("web").until_running().await.expect_err("as before"));
    assert!(e.is_repeatable(), "{e:?}");
    // What is gone was there.
    let run = incus.instance("web").exec(["true"]).discard_output().send().await?;
    fake.restart().await?;
    let e = windlass::Error::from(run.await.expect_err("forgotten"));
    assert_eq!(
        (e.kind(), e.sent(), e.is_repeatable()),
        (ErrorKind::OperationGone, Sent::Yes, false),
        "{e:?}"
    );
    Ok(())
}
