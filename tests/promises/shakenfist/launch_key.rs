//! A launch with the caller's own key makes one instance, however often it is called.

use super::*;
use windlass::shakenfist::Launch;

const CREATE: &str = "POST /instances";

fn job(sf: &ShakenFist) -> Launch {
    sf.launch("web").disk(Disk::blank(1)).key("job-17")
}

#[tokio::test]
async fn the_same_call_after_a_crash_finds_its_instance() -> Outcome {
    let (fake, sf) = served().await?;
    assert!(sf.launched("job-17").await?.is_none());
    let held = fake.hold_instances();
    fake.on(CREATE).hang_after();
    let crashing = tokio::spawn(job(&sf).send());
    while fake.instances().is_empty() {
        tokio::task::yield_now().await;
    }
    crashing.abort();
    assert!(crashing.await.is_err());
    // A list that misses what changes its state hides it as little.
    fake.lists_miss_changing(usize::MAX);

    let again = fake.client()?;
    let waiting = job(&again).send().await?;
    drop(held);
    let web = waiting.await?;
    assert_eq!((&web.state, &web.metadata["windlass-launch"]), (&InstanceState::Created, &json!("job-17")));
    assert_eq!(again.launched("job-17").await?.map(|found| found.uuid.clone()), Some(web.uuid.clone()));
    assert_eq!((fake.requests(CREATE), fake.instances().len()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_key_is_free_again_once_its_instance_is_deleted() -> Outcome {
    let (fake, sf) = served().await?;
    let first = job(&sf).await?;
    first.delete().await?;
    assert!(sf.launched("job-17").await?.is_none());
    // The answer is lost, and the list still has the old one.
    fake.on(CREATE).drop_after();
    let second = job(&sf).await?;
    assert_ne!(second.uuid, first.uuid);
    assert_eq!(job(&sf).await?.uuid, second.uuid);
    assert_eq!((fake.requests(CREATE), fake.instances().len()), (2, 1));
    Ok(())
}

#[tokio::test]
async fn two_instances_of_one_key_are_a_conflict_that_names_both() -> Outcome {
    let (fake, sf) = served().await?;
    let mut uuids = Vec::new();
    for key in ["job-17", "job-18"] {
        uuids.push(job(&sf).key(key).await?.uuid.clone());
    }
    sf.instance(&uuids[1]).set_metadata("windlass-launch", "job-17").await?;
    for result in [sf.launched("job-17").await.map(drop), job(&sf).await.map(drop)] {
        let e = assert_kind(result, ErrorKind::Conflict);
        assert!(uuids.iter().all(|uuid| e.message().contains(uuid)), "{e}");
    }
    assert_eq!(fake.requests(CREATE), 2);
    Ok(())
}

#[tokio::test]
async fn a_text_that_is_no_key_is_refused_before_anything_is_sent() -> Outcome {
    let (fake, sf) = served().await?;
    for bad in ["", "a\nb", &"x".repeat(129)] {
        let e = assert_kind(job(&sf).key(bad).await, ErrorKind::InvalidInput);
        assert_eq!((e.fields(), e.sent()), (["key".to_owned()].as_slice(), Sent::No));
    }
    assert!(fake.log().is_empty());
    Ok(())
}

/// A refusal leaves a record with the key. It must not stand in the way of the next call.
#[tokio::test]
async fn a_refused_launch_keeps_no_key() -> Outcome {
    let (fake, sf) = served().await?;
    fake.no_room(1, false);
    let e = assert_kind(job(&sf).await, ErrorKind::InsufficientCapacity);
    assert!(e.marker().is_none(), "{e:?}");
    let web = job(&sf).await?;
    assert_eq!((fake.requests(CREATE), fake.instances()), (2, vec![web.uuid.clone()]));
    Ok(())
}

#[tokio::test]
async fn an_instance_that_failed_keeps_its_key() -> Outcome {
    let (fake, sf) = served().await?;
    let web = job(&sf).await?;
    fake.edit_instance(&web.uuid, |document| document["state"] = "error".into());
    let e = assert_kind(job(&sf).await, ErrorKind::OperationFailed);
    assert!(e.message().contains(&web.uuid), "{e}");
    assert_eq!(fake.requests(CREATE), 1);
    Ok(())
}
