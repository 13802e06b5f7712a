//! Hot plug: a call that can destroy an instance.

use super::*;

#[tokio::test]
async fn a_hot_plug_is_never_replayed() -> Outcome {
    let (fake, sf) = served().await?;
    sf.create_network("back").netblock("10.0.0.0/24").await?;
    let web = ready(&sf).await?;
    let route = "POST /instances/{one}/interfaces";
    fake.on(route).reply(406, r#"{"error": "network x is not ready (initial)", "status": 406}"#);
    assert_kind(web.hot_plug(Nic::on("back")).await, ErrorKind::Conflict);
    fake.on(route).drop_before();
    let e = web.hot_plug(Nic::on("back")).await.expect_err("no answer");
    assert_eq!((e.sent(), fake.requests(route)), (Sent::Unknown, 2));
    Ok(())
}

#[tokio::test]
async fn a_hot_plug_that_would_destroy_the_instance_is_not_sent() -> Outcome {
    let (fake, sf) = served().await?;
    sf.create_network("back").netblock("10.0.0.0/29").await?;
    let web = ready(&sf).await?;
    let route = "POST /instances/{one}/interfaces";
    for _ in 0..5 {
        web.hot_plug(Nic::on("back")).await?;
    }
    // The last address is gone, and 10.0.0.2 was the first.
    for nic in [Nic::on("back"), Nic::on("back").address("10.0.0.2")] {
        let e = assert_kind(web.hot_plug(nic).await, ErrorKind::Conflict);
        assert_eq!(e.sent(), Sent::No);
    }
    assert_eq!(fake.requests(route), 5);
    assert_eq!(web.get().await?.state, InstanceState::Created);
    // A call with another opinion gets the truth.
    let e =
        assert_kind(web.hot_plug(Nic::on("back").address("10.0.0.2")).unchecked().await, ErrorKind::Conflict);
    assert_eq!(e.status(), Some(409));
    assert_eq!(web.get().await?.state, InstanceState::Error);
    Ok(())
}

#[tokio::test]
async fn what_a_release_lacks_is_unsupported_before_it_is_sent() -> Outcome {
    let fake = FakeShakenFist::start_as(Release::V0_7).await?;
    let web = ready(&fake.client()?).await?;
    assert_kind(web.hot_plug(Nic::on("back")).await, ErrorKind::Unsupported);
    assert_kind(web.take_screenshot().await, ErrorKind::Unsupported);
    assert_eq!(fake.requests("POST /instances/{one}/interfaces"), 0);
    assert_eq!(fake.requests("GET /instances/{one}/screenshot"), 0);
    assert_eq!(fake.requests("GET /"), 1);
    Ok(())
}

#[tokio::test]
async fn a_floating_address_that_cant_be_had_destroys_nothing() -> Outcome {
    let (fake, sf) = served().await?;
    sf.create_network("back").netblock("10.0.0.0/24").await?;
    let web = ready(&sf).await?;
    let plugged = web.hot_plug(Nic::on("back").floating()).await?;
    assert!(plugged.floating.is_some(), "{plugged:?}");
    fake.floating_addresses(1);
    let e = assert_kind(web.hot_plug(Nic::on("back").floating()).await, ErrorKind::InsufficientCapacity);
    let second = web.interfaces().await?.pop().ok_or("no interface")?;
    assert!(second.floating.is_none() && e.message().contains(&second.uuid), "{e}");
    assert!(e.suggestion().is_some_and(|it| it.contains(&second.uuid)));
    assert_eq!(web.get().await?.state, InstanceState::Created);
    // Both in one call.
    let e = web.hot_plug(Nic::on("back").floating()).unchecked().await;
    let e = assert_kind(e, ErrorKind::InsufficientCapacity);
    assert!(e.message().contains("tears down the instance") && e.suggestion().is_some(), "{e}");
    assert_eq!(web.get().await?.state, InstanceState::Error);
    Ok(())
}

#[tokio::test]
async fn what_destroys_the_instance_says_so() -> Outcome {
    for (status, kind) in [(409, ErrorKind::Conflict), (507, ErrorKind::InsufficientCapacity)] {
        let (fake, sf) = served().await?;
        sf.create_network("back").netblock("10.0.0.0/24").await?;
        let web = ready(&sf).await?;
        // Another client plugged one in after the look.
        let answer = format!(r#"{{"error": "address in use", "status": {status}}}"#);
        fake.on("POST /instances/{one}/interfaces").reply(status, answer);
        let e = assert_kind(web.hot_plug(Nic::on("back").address("10.0.0.5")).await, kind);
        assert!(
            e.message().contains("address in use") && e.message().contains("tears down the instance"),
            "{e}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_address_is_free_once_its_halo_is_over() -> Outcome {
    let (fake, sf) = served().await?;
    sf.create_network("back").netblock("10.0.0.0/24").await?;
    let nic = || Nic::on("back").address("10.0.0.9");
    sf.launch("a").disk(Disk::blank(1)).nic(nic()).await?.delete().await?;
    let web = ready(&sf).await?;
    fake.age_addresses(Duration::from_secs(200));
    assert_eq!(assert_kind(web.hot_plug(nic()).await, ErrorKind::Conflict).sent(), Sent::No);
    fake.age_addresses(Duration::from_secs(110));
    let listed = sf.network("back").get().await?.addresses().await?;
    assert!(listed.iter().any(|it| it.address == "10.0.0.9"), "{listed:?}");
    assert_eq!(web.hot_plug(nic()).await?.ipv4.as_deref(), Some("10.0.0.9"));
    Ok(())
}
