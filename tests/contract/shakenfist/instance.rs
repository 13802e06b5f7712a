//! Metadata, events, consoles, snapshots.

use std::time::Duration;

use serde_json::{Value, json};
use windlass::ErrorKind;
use windlass::shakenfist::{Disk, EventType, Snapshot, types};

use super::support::{LONG, Outcome, Served, assert_kind, can, disk, gone, made, name};

pub async fn metadata_is_json<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "meta").await?;
    web.set_metadata("text", "b ü 🦀").await?;
    web.set_metadata("tags", ["a"]).await?;
    web.set_metadata("obj", json!({"a": [1, null, {"b": true}]})).await?;
    web.set_metadata("text", "again").await?;
    let mut all = web.metadata().await?;
    all.remove("windlass-launch");
    assert_eq!(
        Value::Object(all),
        json!({"text": "again", "tags": ["a"], "obj": {"a": [1, null, {"b": true}]}})
    );
    web.remove_metadata("text").await?;
    web.remove_metadata("never-there").await?;
    assert!(!web.metadata().await?.contains_key("text"));
    // By the server itself: the typed call refuses it before.
    let raw = served.sf.raw().instance_metadata_set().instance_ref(web.uuid.as_str()).key("x");
    let e = raw.body(types::MetadataValue::new(Value::Null)).send().await.expect_err("null is no value");
    assert_eq!(e.status(), Some(400), "{e}");
    gone(&web).await?;
    Ok(())
}

pub async fn events_newest_first<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "events").await?;
    let mut events = Vec::new();
    // On 0.7 they show up late.
    for _ in 0..400 {
        events = web.events().await?;
        if events.len() > 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(events.len() > 3, "{events:?}");
    assert!(events.windows(2).all(|pair| pair[0].time >= pair[1].time));
    assert!(events.iter().all(|event| !event.message.is_empty() && !event.node.is_empty()));
    assert_eq!(web.events().limit(2).await?.len(), 2);
    let audits = web.events().kind(EventType::Audit).await?;
    assert!(!audits.is_empty() && audits.iter().all(|event| event.kind == EventType::Audit));
    gone(&web).await?;
    Ok(())
}

pub async fn console_and_vdi_helper<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "console").await?;
    web.console_log().await?;
    assert!(web.console_log().last(5).await?.len() <= 5);
    web.clear_console_log().await?;
    assert_eq!(web.console_log().whole().await?, "");
    let helper = web.vdi_console_helper().await?;
    assert!(helper.starts_with("[virt-viewer]") && helper.contains("port="), "{helper}");
    gone(&web).await?;
    Ok(())
}

pub async fn a_screenshot_is_a_blob<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "screen").await?;
    if can(&served.sf, "instance-screenshot").await? {
        let image = web.take_screenshot().await?.bytes().await?;
        assert!(image.starts_with(b"P6\n"), "{image:?}");
    } else {
        let e = assert_kind(web.take_screenshot().await, ErrorKind::Unsupported);
        assert_eq!(e.sent(), windlass::Sent::No);
    }
    gone(&web).await?;
    Ok(())
}

pub async fn metadata_takes_any_key<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "keys").await?;
    web.set_metadata("a/b", 1).await?;
    web.set_metadata("a/b", 2).await?;
    assert_eq!(web.metadata().await?.get("a/b"), Some(&json!(2)));
    gone(&web).await?;
    Ok(())
}

pub async fn snapshots_of_disks<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let web = sf
        .launch(name("snap"))
        .disk(disk())
        .disk(Disk::blank(1))
        .without_config_drive()
        .timeout(LONG)
        .await?;
    let first = web.create_snapshot().timeout(LONG).await?;
    assert_eq!(first.iter().filter_map(Snapshot::device).collect::<Vec<_>>(), ["vda"]);
    let all = web.create_snapshot().all_disks().timeout(LONG).await?;
    let mut devices: Vec<_> = all.iter().filter_map(Snapshot::device).collect();
    devices.sort_unstable();
    assert_eq!(devices, ["vda", "vdb"]);
    assert_eq!(web.snapshots().await?.len(), 3);
    assert!(first[0].blob().get().await?.size.is_some_and(|size| size > 0));
    assert_kind(web.create_snapshot().device("vdz").await.map(drop), ErrorKind::NotFound);
    for snapshot in &all {
        snapshot.artifact().get().await?.delete().await?;
    }
    gone(&web).await?;
    Ok(())
}
