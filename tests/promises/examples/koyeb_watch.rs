//! `examples/koyeb_watch.rs`.

#[path = "../../../examples/koyeb_watch.rs"]
#[allow(dead_code)]
mod program;

use std::time::Duration;

use program::watch;
use windlass::testing::FakeKoyeb;

use super::screen::Screen;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const LOOK: Duration = Duration::from_millis(1);

#[tokio::test]
async fn states_and_lines_are_shown_as_they_come() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.client()?.service(fake.add_service("shop", 1));
    let writer = fake.instances(shop.id()).remove(0);
    let screen = Screen::new();
    let play = async {
        screen.shows("in fra: HEALTHY").await;
        fake.add_log(&writer, "stderr", "timeout of the database");
        screen.shows("stderr timeout of the database").await;
        fake.fail_deployment("no such commit");
        assert!(shop.redeploy().await.is_err());
        screen.shows("→ ERROR: no such commit").await;
    };
    tokio::select! {
        ended = watch(&shop, LOOK, screen.clone()) => ended?,
        () = play => {}
    }
    assert_eq!(screen.text().matches("in fra: HEALTHY").count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_gap_in_the_log_is_shown() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.client()?.service(fake.add_service("shop", 1));
    let writer = fake.instances(shop.id()).remove(0);
    let screen = Screen::new();
    let play = async {
        // After a line without a time, a search can't tell what is missing.
        fake.stream_frame(r#"{"result":{"msg":"no time","created_at":null}}"#);
        fake.close_tails();
        screen.shows("no time").await;
        fake.close_tails();
        screen.shows("lines may be missing here").await;
        fake.add_log(&writer, "stdout", "after");
        screen.shows("after").await;
    };
    tokio::select! {
        ended = watch(&shop, LOOK, screen.clone()) => ended,
        () = play => Ok(()),
    }
}
