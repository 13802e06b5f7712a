//! Backups.

use std::time::{Duration, SystemTime};

use windlass::Kind;
use windlass::incus::Incus;

use super::{IMAGE, Outcome, handle, name, remove};

pub async fn backups_are_made_listed_renamed_and_deleted(incus: Incus) -> Outcome {
    let web = incus.create(name("backup")).image(IMAGE).await?;
    assert!(web.backups().all().await?.is_empty());
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let small = web.create_backup("small").instance_only().compression("gzip").expires_at(tomorrow).await?;
    assert_eq!((small.name.as_str(), small.instance_only, small.optimized_storage), ("small", true, false));
    let left = small.expires_at.map(|time| time - chrono::Utc::now());
    assert!(left.is_some_and(|left| (86_300..=86_400).contains(&left.num_seconds())), "{left:?}");
    let whole = web.create_backup("whole").await?;
    assert!(!whole.instance_only);
    let all = web.backups().all().await?;
    assert_eq!(all.iter().map(|found| found.name()).collect::<Vec<_>>(), ["small", "whole"]);
    let renamed = small.rename("tiny").await?;
    assert_eq!((renamed.name(), renamed.instance_only), ("tiny", true));
    assert!(small.get().await.is_err_and(|e| e.is_not_found()));
    renamed.delete().await?;
    whole.delete().await?;
    assert!(web.backups().all().await?.is_empty());
    assert!(whole.delete().await.is_err_and(|e| e.is_not_found()));
    assert!(whole.rename("x").await.is_err_and(|e| e.is_not_found()));
    remove(&handle(&incus, &web)).await
}

pub async fn a_taken_backup_name_harms_no_backup(incus: Incus) -> Outcome {
    let web = incus.create(name("taken")).image(IMAGE).await?;
    let one = web.create_backup("one").compression("none").await?;
    let two = web.create_backup("two").compression("none").await?;
    let e = web.create_backup("one").await.expect_err("the name is taken");
    assert_eq!(e.kind(), Kind::AlreadyExists, "{e:?}");
    let e = one.rename("two").await.expect_err("the name is taken");
    assert_eq!((e.kind(), e.operation()), (Kind::AlreadyExists, "instance_backup_rename"), "{e:?}");
    let e = web.create_backup("odd").compression("no-such-way").await.expect_err("unknown compression");
    assert_eq!((e.kind(), e.status()), (Kind::InvalidInput, Some(400)), "{e:?}");
    one.get().await?;
    two.get().await?;
    for bad in ["", "..", "a/b"] {
        let calls = [
            web.create_backup(bad).await.err(),
            web.backup(bad).get().await.err(),
            web.backup(bad).delete().await.err(),
            web.backup("one").rename(bad).await.err(),
        ];
        for e in calls {
            let e = e.ok_or_else(|| format!("took {bad:?}"))?;
            assert_eq!((e.kind(), e.attempts()), (Kind::InvalidInput, 0), "{bad:?}: {e:?}");
        }
    }
    remove(&handle(&incus, &web)).await
}
