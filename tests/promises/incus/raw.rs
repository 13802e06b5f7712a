//! Raw calls: they fail as typed ones do, check their input by themselves, and send what belongs to their handle.

use std::time::Duration;

use windlass::incus::types;
use windlass::testing::{FakeIncus, Rule};
use windlass::{Error, ErrorKind, Incus, Retry, Sent};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const GET: &str = "GET /1.0/instances/{name}";
const LIST: &str = "GET /1.0/instances";

async fn fake() -> Result<(FakeIncus, Incus), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = Incus::http(fake.url()).retry(Retry::never()).client()?;
    fake.add_instance("web");
    Ok((fake, incus))
}

/// What goes wrong, as what it is told, and how it is planted.
type Way = (&'static str, ErrorKind, fn(Rule));

/// What an error tells: its sentence, which has most of it, and what isn't in there.
type Told = (String, ErrorKind, Sent, u32, bool, Vec<u8>);

fn told(e: &Error) -> Told {
    (e.to_string(), e.kind(), e.sent(), e.attempts(), e.is_repeatable(), e.body().to_vec())
}

#[tokio::test]
async fn a_raw_call_and_a_typed_one_fail_alike() -> Outcome {
    let refusal = r#"{"type":"error","error":"no access","error_code":403,"metadata":null}"#;
    let ways: [Way; 9] = [
        ("not found", ErrorKind::NotFound, |on| {
            _ = on.reply(404, r#"{"type":"error","error":"Instance not found","error_code":404}"#)
        }),
        ("a proxy", ErrorKind::Unavailable, |on| _ = on.reply(502, "<html>bad gateway</html>")),
        ("no JSON", ErrorKind::BadReply, |on| _ = on.reply(200, "{")),
        ("no data", ErrorKind::BadReply, |on| _ = on.reply(200, r#"{"type":"sync"}"#)),
        ("an error inside of 200", ErrorKind::PermissionDenied, |on| {
            _ = on.reply(200, r#"{"type":"error","error":"no","error_code":403,"metadata":"odd"}"#);
        }),
        ("an undocumented success", ErrorKind::BadReply, |on| {
            _ = on.reply(206, r#"{"type":"sync","metadata":{"name":"web"}}"#)
        }),
        ("a connection that is closed", ErrorKind::Interrupted, |on| _ = on.refuse()),
        ("an answer that is lost", ErrorKind::Interrupted, |on| _ = on.drop_after()),
        ("an answer that breaks off", ErrorKind::Interrupted, |on| _ = on.truncate(40)),
    ];
    for (way, kind, plant) in ways {
        let (fake, incus) = fake().await?;
        let (typed, raw) = (incus.instance("web"), incus.raw().instance_get().name("web"));
        plant(fake.on(GET));
        let typed = typed.get().await.expect_err(way);
        plant(fake.on(GET));
        let raw = raw.send().await.expect_err(way);
        assert_eq!(told(&typed), told(&raw), "{way}");
        assert_eq!(raw.kind(), kind, "{way}: {raw}");
        assert_eq!(
            (raw.api(), raw.operation(), raw.object()),
            ("incus", "instance_get", Some("web")),
            "{way}"
        );
        assert_eq!(raw.server(), Some(fake.url().as_str()), "{way}");
    }
    let (fake, incus) = fake().await?;
    fake.on(GET).reply(200, refusal);
    let e = incus.raw().instance_get().name("web").send().await.expect_err("it is refused");
    assert_eq!((e.kind(), e.status(), e.message()), (ErrorKind::PermissionDenied, Some(200), "no access"));
    Ok(())
}

#[tokio::test]
async fn bad_input_is_found_before_anything_is_sent() -> Outcome {
    let (fake, incus) = fake().await?;
    let raw = incus.raw();
    let rename = types::InstanceRename::new("other");
    for (e, field) in [
        (raw.instance_get().send().await.map(drop), "name"),
        (raw.instance_get().name("").send().await.map(drop), "name"),
        (raw.instance_get().name("..").send().await.map(drop), "name"),
        (raw.instance_get().name("a/b").send().await.map(drop), "name"),
        (raw.instance_rename().name("web").send().await.map(drop), "body"),
        (raw.instance_rename().name("a\\b").body(rename).send().await.map(drop), "name"),
        (raw.instance_file_get().name("web").send().await.map(drop), "path"),
        (
            raw.instance_patch()
                .name("web")
                .if_match("a\nb")
                .body(types::InstancePatch::default())
                .send()
                .await
                .map(drop),
            "if-match",
        ),
        (raw.image_alias_get().alias("/up").send().await.map(drop), "alias"),
    ] {
        let e = e.expect_err(field);
        assert_eq!(
            (e.kind(), e.sent(), e.fields()),
            (ErrorKind::InvalidInput, Sent::No, &[field.to_owned()][..]),
            "{e}"
        );
        assert!(e.to_string().contains(field) && e.server().is_some() && !e.operation().is_empty(), "{e}");
    }
    assert!(fake.log().is_empty());
    Ok(())
}

#[tokio::test]
async fn names_reach_the_server_as_they_are() -> Outcome {
    let (fake, incus) = fake().await?;
    for name in ["web 1", "ü+&=", "a?b#c", "%2e%2e", "a%2Fb", "{name}"] {
        let e = incus.raw().instance_get().name(name).send().await.expect_err("there is none");
        assert_eq!((e.kind(), e.object()), (ErrorKind::NotFound, Some(name)), "{e}");
    }
    assert_eq!(fake.requests(GET), 6);
    Ok(())
}

#[tokio::test]
async fn what_the_handle_has_is_sent_unless_the_call_says_otherwise() -> Outcome {
    let (fake, incus) = fake().await?;
    let blue = incus.project("blue");
    let list = |call: windlass::raw::Call<Vec<types::Instance>>| async { call.await.map(|all| all.len()) };
    assert_eq!(list(incus.raw().instances_list().send()).await?, 1);
    assert_eq!(list(blue.raw().instances_list().send()).await?, 0);
    assert_eq!(list(blue.raw().instances_list().project("default").send()).await?, 1);
    assert_eq!(list(blue.raw().instances_list().all_projects(true).send()).await?, 1);
    assert_eq!(fake.requests(LIST), 4);
    Ok(())
}

#[tokio::test]
async fn a_call_sends_nothing_before_it_is_awaited_and_tells_its_head() -> Outcome {
    let (fake, incus) = fake().await?;
    let call = incus.raw().instance_get().name("web").send();
    drop(incus.raw().instance_get().name("web").send());
    tokio::time::timeout(Duration::from_millis(1), std::future::pending::<()>())
        .await
        .expect_err("time passes");
    assert_eq!(fake.requests(GET), 0);
    let (web, head) = call.with_head().await?;
    assert_eq!((web.name.as_str(), head.status(), fake.requests(GET)), ("web", 200, 1));
    assert!(head.headers().contains_key("etag"));
    Ok(())
}
