//! `examples/fleet.rs`.

#[path = "../../../examples/fleet.rs"]
#[allow(dead_code)]
mod program;

use std::time::Duration;

use program::{document, rehearsal, table, watch};
use windlass::cloud::{Cloud, Fleet};
use windlass::testing::{FakeIncus, FakeKoyeb};

use super::screen::Screen;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::test]
async fn all_four_clouds_are_in_one_table() -> Outcome {
    let (fleet, _fakes) = rehearsal().await?;
    let listing = fleet.instances().await;
    let shown = table(&listing);
    for word in ["web", "shop/0", "shop/1", "train", "$0.75/h", "us-west-1", "db", "5 instances"] {
        assert!(shown.contains(word), "{word}:\n{shown}");
    }
    let document = document(&listing);
    assert_eq!(document["totals"]["price"], 75);
    assert_eq!(document["instances"].as_array().map(Vec::len), Some(5));
    Ok(())
}

#[tokio::test]
async fn a_cloud_that_fails_is_a_line_and_hides_nothing() -> Outcome {
    let (incus, koyeb) = (FakeIncus::start().await?, FakeKoyeb::start().await?);
    incus.add_instance("web");
    koyeb.on("GET /v1/instances").always().reply(403, r#"{"message":"not yours"}"#);
    let listing = Fleet::new([incus.client()?.into(), koyeb.client()?.into()]).instances().await;
    let shown = table(&listing);
    assert!(shown.contains("web") && shown.contains("not listed: koyeb"), "{shown}");
    assert!(document(&listing)["errors"][0].as_str().is_some_and(|e| e.contains("not yours")));
    Ok(())
}

#[tokio::test]
async fn the_screen_refreshes() -> Outcome {
    let fake = FakeIncus::start().await?;
    fake.add_instance("web");
    let (fleet, screen) = (Fleet::new([Cloud::from(fake.client()?)]), Screen::new());
    let something_new = async {
        screen.shows("1 instances").await;
        fake.add_instance("db");
        screen.shows("2 instances").await;
    };
    tokio::select! {
        ended = watch(&fleet, Duration::from_millis(1), screen.clone()) => ended?,
        () = something_new => {}
    }
    assert!(screen.text().starts_with("\u{1b}[H\u{1b}[J"));
    Ok(())
}
