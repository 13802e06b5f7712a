//! Orders to the agent.

use super::*;

#[tokio::test]
async fn a_degraded_agent_is_ready() -> Outcome {
    let (fake, sf) = served().await?;
    fake.agents_say("ready (degraded)");
    let web = ready(&sf).await?;
    assert_eq!(web.exec("echo hi").output().await?.stdout_text(), "hi\n");
    Ok(())
}

#[tokio::test]
async fn exec_gives_status_and_both_streams_of_any_size() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let done = web.exec("echo out; echo err >&2; exit 7").output().await?;
    assert_eq!(
        (done.status.code(), done.stdout_text().as_str(), done.stderr_text().as_str()),
        (7, "out\n", "err\n")
    );
    assert_kind(done.success(), ErrorKind::CommandFailed);
    let long: Vec<u8> = (b'a'..=b'z').cycle().take(300_000).collect();
    fake.add_file(&web.uuid, "/long", long.clone());
    // The text comes from a blob, and the connection to that breaks.
    fake.on("GET /blobs/{one}/data").truncate(100_000);
    let done = web.exec("cat /long").output().await?.success()?;
    assert!(done.stdout == long);
    assert_eq!(fake.requests("GET /blobs/{one}/data"), 2);
    Ok(())
}

#[tokio::test]
async fn an_order_is_given_once() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let route = "POST /instances/{one}/agent/execute";
    // The answer is lost, or a gateway's, or the server stumbles after it: the operation is found.
    for status in [None, Some(500), Some(502), Some(504)] {
        match status {
            None => fake.on(route).drop_after(),
            Some(status) => fake.on(route).reply_after(status, "<html>"),
        };
        assert_eq!(web.exec("echo hi").output().await?.stdout_text(), "hi\n");
    }
    assert_eq!((fake.requests(route), fake.agent_operations().len()), (4, 4));
    // It went away between the look and the order: nothing was done, so again.
    fake.on(route).reply(400, r#"{"error": "instance agent not ready", "status": 400}"#);
    assert_eq!(web.exec("echo hi").output().await?.stdout_text(), "hi\n");
    assert_eq!((fake.requests(route), fake.agent_operations().len()), (6, 5));
    Ok(())
}

/// Held agents stop in this state.
async fn until_held(fake: &FakeShakenFist, uuid: &str) {
    let mut held = false;
    while !held {
        tokio::time::sleep(Duration::from_millis(5)).await;
        fake.edit_agent_operation(uuid, |document| held = document["state"] == "executing");
    }
}

#[tokio::test]
async fn agent_operations_end_on_every_terminal_state() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let _held = fake.hold_agents();
    for (state, kind) in [
        ("error", ErrorKind::OperationFailed),
        ("expired", ErrorKind::OperationFailed),
        ("deleted", ErrorKind::Cancelled),
    ] {
        let operation = web.exec("echo hi").send().await?;
        let uuid = operation.ticket().id().to_owned();
        until_held(&fake, &uuid).await;
        fake.edit_agent_operation(&uuid, |document| {
            document["state"] = state.into();
            document["error_message"] = "no such luck".into();
        });
        let e = operation.await.expect_err("it failed");
        assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, kind), "{state}");
        assert!(e.to_string().contains("no such luck"), "{e}");
    }
    // One that stays in `executing` can't outlast the limit.
    let look = "GET /agentoperations/{one}";
    let before = fake.requests(look);
    let run = web.exec("echo hi").timeout(LIMIT).output();
    let e = assert_kind(over_once(|| fake.requests(look) > before, run).await?, ErrorKind::Timeout);
    drop(_held);
    let done = sf.resume::<Output>(&e.ticket().ok_or("no ticket")?.parse()?)?.await?;
    assert_eq!(done.stdout_text(), "hi\n");
    Ok(())
}

#[tokio::test]
async fn an_order_that_never_arrived_is_an_unknown_outcome() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    // The same was run before: that isn't ours.
    web.exec("echo hi").output().await?;
    let route = "POST /instances/{one}/agent/execute";
    fake.on(route).reply(502, "<html>bad gateway</html>");
    // The events would tell of it.
    let look = "GET /instances/{one}/events";
    let before = fake.requests(look);
    let run = web.exec("echo hi").timeout(LIMIT).output();
    let e = over_once(|| fake.requests(look) > before, run).await?;
    let e = assert_kind(e, ErrorKind::OutcomeUnknown);
    assert_eq!((e.status(), fake.requests(route), fake.agent_operations().len()), (Some(502), 2, 1));
    assert!(e.request_id().is_some_and(|id| id.starts_with("windlass-")), "{e:?}");
    Ok(())
}

#[tokio::test]
async fn files_whose_orders_lose_their_answers_arrive() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.on("POST /instances/{one}/agent/put").drop_after();
    web.push(b"hello".to_vec()).to("/a").await?;
    fake.on("POST /instances/{one}/agent/get").reply_after(502, "<html>");
    assert_eq!(web.pull("/a").bytes().await?, "hello");
    assert_eq!(fake.agent_operations().len(), 2);
    Ok(())
}
