//! Tokens: renewed ahead, and never shown.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_in_the_middle_of_a_hundred_calls_is_renewed_once() -> Outcome {
    let (fake, sf) = served().await?;
    sf.instances().await?;
    assert_eq!(fake.requests("POST /auth"), 1);
    // All hundred are under way with the old token when it ends.
    let delayed = fake.on("GET /instances").times(100).delay(Duration::from_millis(300));
    let calls: Vec<_> = (0..100).map(|_| tokio::spawn(sf.instances().into_future())).collect();
    while delayed.hits() < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fake.expire_tokens();
    for call in calls {
        call.await??;
    }
    assert_eq!(fake.requests("POST /auth"), 2);
    Ok(())
}

#[tokio::test]
async fn a_token_is_renewed_ahead() -> Outcome {
    let (fake, sf) = served().await?;
    // However short its life, it is used for three quarters of it.
    fake.token_life(Duration::from_secs(10));
    for _ in 0..3 {
        sf.instances().await?;
    }
    assert_eq!(fake.requests("POST /auth"), 1);
    crate::clock::later(Duration::from_secs(8)).await;
    sf.instances().await?;
    assert_eq!((fake.requests("POST /auth"), fake.requests("GET /instances")), (2, 4));
    Ok(())
}

#[tokio::test]
async fn a_rotated_key_ends_in_an_error_after_one_renewal() -> Outcome {
    let (fake, sf) = served().await?;
    sf.instances().await?;
    fake.rotate_key("demo", "another");
    let e = assert_kind(sf.instances().await, ErrorKind::Unauthenticated);
    assert!(e.message().contains("key"), "{e}");
    assert_eq!((fake.requests("POST /auth"), fake.requests("GET /instances")), (2, 2));
    // The same key given anew: tokens die without a word, and the call never notices.
    fake.rotate_key("demo", "demokey");
    sf.instances().await?;
    Ok(())
}

#[tokio::test]
async fn a_permission_that_lacks_is_asked_for_twice_at_most() -> Outcome {
    let (fake, sf) = served().await?;
    let e = sf.instances().namespace("other").delete_all().await;
    assert_kind(e, ErrorKind::PermissionDenied);
    assert_eq!((fake.requests("POST /auth"), fake.requests("DELETE /instances")), (2, 2));
    Ok(())
}

#[tokio::test]
async fn neither_key_nor_token_is_sent_elsewhere_or_printed() -> Outcome {
    let (fake, sf) = served().await?;
    sf.capabilities().await?;
    sf.instances().await?;
    let page = fake.log().into_iter().find(|it| it.path == "/").ok_or("no page")?;
    assert_eq!(page.header("authorization"), None);
    assert!(!format!("{sf:?} {:?}", sf.raw()).contains("demokey"));
    Ok(())
}
