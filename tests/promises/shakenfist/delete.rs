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
    let e = web.delete().send().await?.timeout(Duration::from_millis(400)).await.expect_err("it hangs");
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    assert!(e.to_string().contains("delete-wait"), "{e}");
    Ok(())
}
