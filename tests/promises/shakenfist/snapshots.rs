//! Snapshots of disks, and metadata that no path can name.

use super::*;
use windlass::shakenfist::Snapshot;

#[tokio::test]
async fn a_snapshot_is_done_when_its_blob_is_there() -> Outcome {
    let (fake, sf) = served().await?;
    let web = sf.launch("web").disk(Disk::blank(1)).disk(Disk::blank(2)).await?;
    let first = web.create_snapshot().await?;
    assert_eq!(first.iter().map(Snapshot::device).collect::<Vec<_>>(), [Some("vda")]);
    assert!(first[0].blob().get().await?.data().bytes().await?.starts_with(b"the disk vda"));
    let all = web.create_snapshot().all_disks().max_versions(5).thin().await?;
    assert_eq!(all.len(), 2);
    assert_eq!(web.snapshots().await?.len(), 3);
    let sent = fake.log().into_iter().rfind(|it| it.method == "POST").and_then(|it| it.json());
    assert_eq!(sent, Some(json!({"all": true, "max_versions": 5, "thin": true})));
    // The second device is the config drive.
    let second = web.create_snapshot().device("vdc").await?;
    assert_eq!(second[0].uuid, all.iter().find(|it| it.device() == Some("vdc")).ok_or("no vdc")?.uuid);
    assert_kind(web.create_snapshot().device("vdz").await.map(drop), ErrorKind::NotFound);
    first[0].artifact().get().await?.delete().await?;
    Ok(())
}

#[tokio::test]
async fn a_snapshot_can_be_waited_for_by_its_ticket() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.pace(LIMIT);
    let operation = web.create_snapshot().send().await?;
    let ticket = operation.ticket().to_string();
    let e = operation.timeout(Duration::ZERO).await.expect_err("no time");
    assert_eq!(e.end(), WaitEnd::OutOfTime, "{e}");
    later(LIMIT).await;
    assert_eq!(sf.resume::<Vec<Snapshot>>(&ticket.parse()?)?.await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn any_key_of_the_metadata_can_be_set() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    for key in ["plain", "a/b", "..", "a\\b"] {
        web.set_metadata(key, 1).await?;
        web.set_metadata(key, 2).await?;
    }
    let mut all = web.metadata().await?;
    all.remove("windlass-launch");
    assert_eq!(Value::Object(all), json!({"plain": 2, "a/b": 2, "..": 2, "a\\b": 2}));
    assert_eq!(fake.requests("POST /instances/{one}/metadata"), 6);
    let e = assert_kind(web.remove_metadata("a/b").await, ErrorKind::InvalidInput);
    assert_eq!(e.sent(), Sent::No);
    Ok(())
}
