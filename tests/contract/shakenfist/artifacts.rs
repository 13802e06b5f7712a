//! Artifacts and blobs.

use std::sync::{Arc, Mutex};

use windlass::ErrorKind;
use windlass::shakenfist::ObjectState;

use super::support::{Outcome, Served, assert_kind, name};

pub async fn the_same_bytes_are_not_sent_twice<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let bytes: Vec<u8> = rand::random_iter().take(70_000).collect();
    let (first, second) = (name("blob"), name("blob"));
    let sent = Arc::new(Mutex::new(0));
    let count = |sent: &Arc<Mutex<u64>>| {
        let sent = sent.clone();
        move |p: windlass::Transferred| *sent.lock().unwrap() = p.bytes
    };
    let one = sf.upload(bytes.clone()).on_progress(count(&sent)).as_other(&first).await?;
    assert_eq!(std::mem::take(&mut *sent.lock().unwrap()), 70_000);
    let two = sf.upload(bytes).on_progress(count(&sent)).as_other(&second).await?;
    assert_eq!(*sent.lock().unwrap(), 0);
    assert_eq!(one.blob_uuid, two.blob_uuid);
    one.delete().await?;
    two.delete().await?;
    Ok(())
}

pub async fn uploads_become_artifacts<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let own = name("golden");
    let bytes: Vec<u8> = rand::random_iter().take(700_000).collect();
    let artifact = sf.upload(bytes.clone()).as_image(&own).await?;
    assert_eq!(artifact.state, ObjectState::Created);
    assert!(sf.artifacts().await?.iter().any(|it| it.uuid == artifact.uuid));
    assert_eq!(sf.artifact(&artifact.uuid).get().await?.source_url, artifact.source_url);
    let blob = sf.blob(artifact.blob_uuid.as_deref().ok_or("no blob")?).get().await?;
    assert_eq!(blob.size, Some(700_000));
    assert!(blob.data().bytes().await? == bytes);
    let hash = blob.sha512.clone().ok_or("no checksum")?;
    assert_eq!(sf.find_blob(&hash.to_uppercase()).await?.map(|it| it.uuid.clone()), Some(blob.uuid.clone()));
    assert_kind(sf.find_blob("abc").await, ErrorKind::InvalidInput);
    artifact.delete().await?;
    Ok(())
}

pub async fn blobs_in_ranges<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
    let artifact = sf.upload(bytes.clone()).as_other(name("ranges")).await?;
    let blob = sf.blob(artifact.blob_uuid.as_deref().ok_or("no blob")?).get().await?;
    assert!(blob.data().offset(4_000).bytes().await? == bytes[4_000..]);
    assert!(blob.data().offset(10).limit(20).bytes().await? == bytes[10..30]);
    assert!(blob.data().limit(0).bytes().await?.is_empty());
    assert!(blob.data().offset(9_999).bytes().await?.is_empty());
    artifact.delete().await?;
    Ok(())
}
