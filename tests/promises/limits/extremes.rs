//! Times and numbers at their ends overflow nowhere.

use std::time::Duration;

use windlass::lambda_cloud::{Choice, LambdaCloud};
use windlass::testing::{FakeLambdaCloud, FakeShakenFist};
use windlass::{Pacing, Retry};

use crate::alone::Outcome;

#[tokio::test]
async fn a_search_without_a_deadline_or_with_attempts_without_a_limit() -> Outcome {
    for (deadline, attempt) in [
        (Duration::MAX, Duration::from_secs(30)),
        (Duration::from_secs(60), Duration::MAX),
        (Duration::MAX, Duration::MAX),
    ] {
        let fake = FakeLambdaCloud::start().await?;
        let lambda = fake.connect().retry(Retry::default().attempt_timeout(attempt).total(deadline));
        let search = lambda.client()?.launch_when_available([Choice::of("gpu_1x_a10").anywhere()]);
        search
            .launch(|launch| launch.ssh_key("laptop").reconcile_window(Duration::MAX))
            .search_timeout(deadline)
            .await?;
        assert_eq!(fake.launches(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_pace_without_an_end() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    let pacing = Pacing::new(Duration::MAX).launches(Duration::MAX);
    let lambda = LambdaCloud::key(fake.key()).url(fake.url()).pacing(pacing).client()?;
    lambda.instance_types().await?;
    let brief = lambda.with(Retry::default().total(Duration::from_millis(20)));
    assert!(brief.instance_types().await.is_err_and(|e| e.is_timeout()));
    Ok(())
}

#[tokio::test]
async fn a_token_that_lasts_for_all_time() -> Outcome {
    for life in [i64::MIN, 0, i64::MAX] {
        let fake = FakeShakenFist::start().await?;
        let token =
            format!(r#"{{"access_token":"not-a-good-one","token_type":"Bearer","expires_in":{life}}}"#);
        fake.on("POST /auth").reply(200, token);
        // The server doesn't take it, but that is another matter.
        fake.client()?.instances().await?;
    }
    Ok(())
}
