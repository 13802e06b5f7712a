//! What goes over the wire, and odd answers.

use super::*;

#[tokio::test]
async fn options_travel_in_bodies_and_nothing_else_does() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    sf.instances().with_deleted().await?;
    web.events().limit(3).await?;
    web.console_log().last(7).await?;
    sf.instances().await?;
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
    let e = assert_kind(sf.instances().await, ErrorKind::Unsupported);
    assert!(e.message().contains("path"), "{e}");
    assert_eq!(fake.requests("POST /api/v1/auth"), 1);
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_an_error_that_says_where_to() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("POST /auth").header("Location", "https://there/api").reply(301, "<html>moved</html>");
    let e = assert_kind(sf.instances().await, ErrorKind::Configuration);
    assert!(e.message().contains("https://there/api"), "{e}");
    Ok(())
}

#[tokio::test]
async fn odd_answers_are_errors_with_their_status() -> Outcome {
    let (fake, sf) = served().await?;
    let sf = sf.with(Retry::never());
    for (status, body, kind) in [
        (404, "<!doctype html>", ErrorKind::Unsupported),
        (405, r#"{"message": "not allowed"}"#, ErrorKind::Unsupported),
        (403, r#"{"error": {"deleted": [], "unable": ["x"]}, "status": 403}"#, ErrorKind::Conflict),
        (500, "<html>boom</html>", ErrorKind::Server),
        (502, "<html>bad gateway</html>", ErrorKind::Unavailable),
        (503, "", ErrorKind::Unavailable),
    ] {
        fake.on("GET /instances").reply(status, body);
        let e = assert_kind(sf.instances().await, kind);
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
    assert!(sf.instances().await?.is_empty());
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

#[tokio::test]
async fn a_network_without_dhcp_is_what_the_release_makes_of_it() -> Outcome {
    for (release, dhcp) in [(Release::V0_7, false), (Release::V0_8, false), (Release::Develop, true)] {
        let fake = FakeShakenFist::start_as(release).await?;
        let network = fake.client()?.create_network("front").netblock("10.0.0.0/24").dhcp(false).await?;
        assert_eq!((network.provide_dhcp, network.provide_nat), (Some(dhcp), Some(true)), "{release:?}");
    }
    Ok(())
}

#[tokio::test]
async fn networks_and_interfaces_whose_answers_are_lost_tell_by_themselves() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("POST /networks").reply_after(502, "<html>");
    let e = assert_kind(
        sf.create_network("front").netblock("10.0.0.0/24").await.map(drop),
        ErrorKind::OutcomeUnknown,
    );
    assert_eq!((e.status(), fake.requests("POST /networks")), (Some(502), 1));
    let front = sf.network("front").get().await?;
    let web = sf.launch("web").disk(Disk::blank(1)).nic(Nic::on(&front.uuid)).await?;
    let nic = web.interfaces().await?.pop().ok_or("no interface")?;
    for status in [500, 504] {
        fake.on("POST /interfaces/{one}/float").reply_after(status, "<html>");
        nic.float().await?;
        fake.on("POST /interfaces/{one}/defloat").reply_after(status, "<html>");
        nic.defloat().await?;
    }
    // It never arrived.
    fake.on("POST /interfaces/{one}/float").reply(502, "<html>");
    assert_kind(nic.float().await, ErrorKind::Unavailable);
    web.delete().await?;
    fake.on("DELETE /networks/{one}").drop_after();
    front.delete().await?;
    assert_eq!(fake.requests("DELETE /networks/{one}"), 1);
    fake.on("POST /instances/{one}/snapshot").reply_after(502, "<html>");
    let web = sf.launch("web").disk(Disk::blank(1)).await?;
    assert_kind(web.create_snapshot().await.map(drop), ErrorKind::OutcomeUnknown);
    Ok(())
}

#[tokio::test]
async fn the_fake_survives_any_offset_of_an_upload() -> Outcome {
    let (fake, sf) = served().await?;
    let raw = sf.raw();
    let upload = raw.upload_create().send().await?.uuid;
    let append = raw.upload_append().upload_uuid(upload.as_str()).body(b"hello".to_vec());
    append.send().await?;
    for offset in [i64::MAX, 1 << 62] {
        let cut = raw.upload_truncate().upload_uuid(upload.as_str()).offset(offset).send().await;
        assert_eq!(cut.map_err(|e| e.status()), Err(Some(500)));
    }
    raw.upload_truncate().upload_uuid(upload).offset(2_i64).send().await?;
    assert_eq!(fake.requests("POST /upload/{one}/truncate/{to}"), 3);
    Ok(())
}
