//! Deleting, until it is gone.

use super::*;

#[tokio::test]
async fn a_delete_whose_answer_is_lost_goes_on() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let _held = fake.hold_instances();
    fake.on("DELETE /instances/{one}").drop_after();
    // It is in `delete-wait` by the time that the client looks.
    fake.on("GET /instances/{one}").delay(Duration::from_millis(100));
    let operation = web.delete().send().await?;
    drop(_held);
    operation.await?;
    assert!(fake.instances().is_empty());
    assert_eq!(fake.requests("DELETE /instances/{one}"), 1);
    Ok(())
}

#[tokio::test]
async fn a_tear_down_that_hangs_cannot_outlast_the_limit() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let _held = fake.hold_instances();
    let operation = web.delete().send().await?.timeout(LIMIT);
    until(|| fake.instance(&web.uuid).is_some_and(|it| it["state"] == "delete-wait")).await;
    // Once a look that saw this is followed by another.
    let look = "GET /instances/{one}";
    let before = fake.requests(look);
    let ended = over_once(|| fake.requests(look) > before + 1, operation.into_future()).await?;
    let e = ended.expect_err("it hangs");
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    assert!(e.to_string().contains("delete-wait"), "{e}");
    Ok(())
}

const GATEWAY: &str = "<html>bad gateway</html>";

#[tokio::test]
async fn a_delete_answered_by_a_gateway_goes_on() -> Outcome {
    for status in [500, 502, 503, 504] {
        let (fake, sf) = served().await?;
        // By its name, which a deleted instance has no more.
        ready(&sf).await?;
        fake.on("DELETE /instances/{one}").reply_after(status, GATEWAY);
        sf.instance("web").delete().await?;
        assert!(fake.instances().is_empty(), "{status}");
        assert_eq!(fake.requests("DELETE /instances/{one}"), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_delete_that_is_slow_to_begin_goes_on() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    // Still `created` at the first looks.
    fake.pace(Duration::from_millis(700));
    fake.on("DELETE /instances/{one}").drop_after();
    web.delete().await?;
    assert!(fake.instances().is_empty());
    assert_eq!(fake.requests("DELETE /instances/{one}"), 1);
    Ok(())
}

#[tokio::test]
async fn a_delete_of_what_never_was_is_not_found_even_behind_a_gateway() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("DELETE /instances/{one}").reply(502, GATEWAY);
    assert_kind(sf.instance("6f1c5a0e-1111-4222-8333-444455556666").delete().await, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn a_delete_that_never_arrived_is_an_error_and_not_sent_again() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.on("DELETE /instances/{one}").reply(502, GATEWAY);
    let e = assert_kind(web.delete().await, ErrorKind::Unavailable);
    assert_eq!(e.status(), Some(502));
    assert!(e.message().contains(&web.uuid), "{e}");
    assert_eq!(fake.requests("DELETE /instances/{one}"), 1);
    assert_eq!(fake.instances(), std::slice::from_ref(&web.uuid));
    Ok(())
}

#[tokio::test]
async fn delete_in_another_namespace_deletes_nothing() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let e = assert_kind(web.delete_in("other").await, ErrorKind::NotFound);
    assert!(e.message().contains("namespace"), "{e}");
    assert_eq!(fake.instances().len(), 1);
    web.delete_in("demo").await?;
    assert!(fake.instances().is_empty());
    Ok(())
}

#[tokio::test]
async fn delete_all_isnt_done_before_each_is_gone() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let held = fake.hold_instances();
    let operation = sf.instances().delete_all().send().await?;
    while web.get().await?.state != InstanceState::DeleteWait {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // It hangs in `delete-wait`, and every list misses it.
    fake.lists_miss_changing(usize::MAX);
    let ticket = operation.ticket();
    let e = operation.timeout(Duration::from_millis(300)).await.expect_err("it is still there");
    assert_eq!(e.end(), WaitEnd::OutOfTime, "{e}");
    drop(held);
    assert_eq!(sf.resume::<Vec<String>>(&ticket)?.await?, std::slice::from_ref(&web.uuid));
    assert!(fake.instances().is_empty());
    Ok(())
}

#[tokio::test]
async fn delete_all_gives_those_that_were_there() -> Outcome {
    let (fake, sf) = served().await?;
    ready(&sf).await?.delete().await?;
    let second = ready(&sf).await?;
    // This server names the first one, too.
    assert_eq!(sf.instances().delete_all().await?, std::slice::from_ref(&second.uuid));
    assert_eq!(sf.instances().delete_all().await?, [""; 0]);
    assert!(fake.instances().is_empty());
    Ok(())
}

#[tokio::test]
async fn delete_all_answered_by_a_gateway_goes_on() -> Outcome {
    for lost in [true, false] {
        let (fake, sf) = served().await?;
        let web = ready(&sf).await?;
        let rule = fake.on("DELETE /instances");
        if lost {
            rule.drop_after()
        } else {
            rule.reply_after(504, GATEWAY)
        };
        assert_eq!(sf.instances().delete_all().await?, std::slice::from_ref(&web.uuid));
        assert!(fake.instances().is_empty());
        assert_eq!(fake.requests("DELETE /instances"), 1);
    }
    Ok(())
}
