//! Deleting by force, labels, and launches that are found by their marker.

use windlass::ErrorKind;
use windlass::incus::Incus;

use super::{IMAGE, Outcome, name, remove};

pub async fn force_deletes_what_runs(incus: Incus) -> Outcome {
    let web = incus.launch(name("forced")).image(IMAGE).await?;
    let e = web.delete().await.expect_err("it runs");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    web.delete().force().await?;
    assert!(web.get().await.is_err_and(|e| e.is_not_found()));
    // A stopped one, and one that deletes itself when it stops.
    let stopped = incus.create(name("unforced")).image(IMAGE).await?;
    stopped.delete().force().send().await?.await?;
    let short = incus.launch(name("forced-short")).image(IMAGE).ephemeral().await?;
    short.delete().force().await?;
    assert!(short.get().await.is_err_and(|e| e.is_not_found()));
    let e = short.delete().force().await.expect_err("it is gone");
    assert!(e.is_not_found(), "{e:?}");
    Ok(())
}

pub async fn labels_are_found_exactly(incus: Incus) -> Outcome {
    let group = name("label");
    let values = ["a b", "a.b", "a  b", "^a", "\"a", "'a b'", "x and y", "A", "größe\u{a0}1", "a=1&b"];
    for (number, value) in values.iter().enumerate() {
        let launch = incus.create(format!("{group}-{number}")).image(IMAGE);
        launch.label("group", &*group).label("kind", *value).await?;
    }
    for (number, value) in values.iter().enumerate() {
        let found = incus.instances().label("group", &*group).label("kind", *value).names().await?;
        let found: Vec<_> = found.iter().map(|one| one.name().to_owned()).collect();
        assert_eq!(found, [format!("{group}-{number}")], "{value:?}");
    }
    assert!(incus.instances().label("group", &*group).label("kind", "a").await?.is_empty());
    let all = incus.instances().label("group", &*group).full().await?;
    assert_eq!(all.len(), values.len());
    for one in all {
        remove(&incus.instance(one.name())).await?;
    }
    Ok(())
}

pub async fn a_launch_is_found_by_its_marker(incus: Incus) -> Outcome {
    let launch = incus.create(name("marked")).image(IMAGE);
    let marker = launch.marker().to_owned();
    assert!(incus.launched(&marker).await?.is_none());
    let web = launch.await?;
    let found = incus.launched(&marker).await?.ok_or("it is there")?;
    assert_eq!(found.name, web.name);
    remove(&incus.instance(web.name())).await?;
    assert!(incus.launched(&marker).await?.is_none());
    Ok(())
}
