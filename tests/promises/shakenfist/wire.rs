//! What goes over the wire, and odd answers.

use super::*;

#[tokio::test]
async fn options_travel_in_bodies_and_nothing_else_does() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    sf.instances().with_deleted().list().all().await?;
    web.events().limit(3).list().all().await?;
    web.console_log().last(7).await?;
    sf.instances().list().all().await?;
    web.get().await?;
    let log = fake.log();
    assert!(log.iter().all(|it| it.query.is_empty() && !it.path.contains("//")), "{log:?}");
    assert!(log.iter().all(|it| it.path == "/" || !it.path.ends_with('/')));
    let bodies: Vec<Value> =
        log.iter().filter(|it| it.method == "GET").filter_map(windlass::testing::Request::json).collect();
    // A proxy may not like a body of a GET: there is one only where there is something to say.
    assert_eq!(bodies, [json!({"all": true}), json!({"limit": 3}), json!({"length": 7})]);
    Ok(())
}

#[tokio::test]
async fn a_base_url_may_have_a_path() -> Outcome {
    let fake = FakeShakenFist::start().await?;
    let sf = ShakenFist::at(format!("{}/api/v1/", fake.url())).namespace("demo").key("demokey").client()?;
    let e = assert_kind(sf.instances().list().all().await, Kind::Unsupported);
    assert!(e.message().contains("path"), "{e}");
    assert_eq!(fake.requests("POST /api/v1/auth"), 1);
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_an_error_that_says_where_to() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("POST /auth").header("Location", "https://there/api").reply(301, "<html>moved</html>");
    let e = assert_kind(sf.instances().list().all().await, Kind::Configuration);
    assert!(e.message().contains("https://there/api"), "{e}");
    Ok(())
}

#[tokio::test]
async fn odd_answers_are_errors_with_their_status() -> Outcome {
    let (fake, sf) = served().await?;
    let sf = sf.with(Retry::never());
    for (status, body, kind) in [
        (404, "<!doctype html>", Kind::Unsupported),
        (405, r#"{"message": "not allowed"}"#, Kind::Unsupported),
        (403, r#"{"error": {"deleted": [], "unable": ["x"]}, "status": 403}"#, Kind::Conflict),
        (500, "<html>boom</html>", Kind::Server),
        (502, "<html>bad gateway</html>", Kind::Unavailable),
        (503, "", Kind::Unavailable),
    ] {
        fake.on("GET /instances").reply(status, body);
        let e = assert_kind(sf.instances().list().all().await, kind);
        assert_eq!(e.status(), Some(status));
    }
    Ok(())
}

#[tokio::test]
async fn reading_survives_a_gateway_that_stumbles() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("GET /instances").reply(502, "<html>");
    fake.on("GET /instances").reply(503, "");
    fake.on("GET /instances").drop_after();
    assert!(sf.instances().list().all().await?.is_empty());
    assert_eq!(fake.requests("GET /instances"), 4);
    Ok(())
}

#[tokio::test]
async fn unknown_states_and_fields_are_kept() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.edit_instance(&web.uuid, |document| {
        document["state"] = "hibernating".into();
        document["power_state"] = "dreaming".into();
        document["mood"] = json!({"calm": true});
        document["disks"] = Value::Null;
        document["metadata"] = Value::Null;
    });
    let odd = web.get().await?;
    assert_eq!(
        (odd.state.as_str(), odd.power_state.as_ref().map(|it| it.as_str())),
        ("hibernating", Some("dreaming"))
    );
    assert_eq!(odd.extra.get("mood"), Some(&json!({"calm": true})));
    assert!(odd.disks.is_empty() && odd.metadata.is_empty());
    Ok(())
}
