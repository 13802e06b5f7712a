//! Snapshots.

use std::time::{Duration, SystemTime};

use windlass::incus::{Incus, Snapshot, Status};
use windlass::{ErrorKind, WaitEnd};

use super::{IMAGE, Lab, Outcome, handle, launched, name, remove};

pub async fn snapshots_are_taken_listed_renamed_and_deleted(incus: Incus) -> Outcome {
    let web = incus.create(name("snap")).image(IMAGE).config("user.a", "1").await?;
    assert!(web.snapshots().await?.is_empty());
    let first = web.create_snapshot("first").await?;
    assert_eq!((first.name.as_str(), first.stateful), ("first", false));
    assert_eq!(first.config["user.a"], "1");
    web.patch().config("user.a", "2").await?;
    let second = web.create_snapshot("second").await?;
    assert_eq!((second.config["user.a"].as_str(), second.instance().name()), ("2", web.name()));
    let names = async || -> Result<Vec<_>, windlass::Error> {
        Ok(web.snapshots().await?.into_iter().map(|found| found.name.clone()).collect())
    };
    assert_eq!(names().await?, ["first", "second"]);
    let full = web.get_full().await?;
    assert_eq!(
        full.snapshots.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(),
        ["first", "second"]
    );
    let renamed = first.rename("oldest").await?;
    assert_eq!((renamed.name(), renamed.created_at), ("oldest", first.created_at));
    assert!(first.get().await.is_err_and(|e| e.is_not_found()));
    web.snapshot("oldest").delete().await?;
    assert_eq!(names().await?, ["second"]);
    remove(&handle(&incus, &web)).await
}

pub async fn a_snapshot_expires_when_it_is_told_to(incus: Incus) -> Outcome {
    let web = incus.create(name("expiry")).image(IMAGE).await?;
    let later = |days: u64| SystemTime::now() + Duration::from_secs(days * 86_400);
    let near = |time: Option<chrono::DateTime<chrono::Utc>>, wanted: SystemTime| {
        let wanted = chrono::DateTime::<chrono::Utc>::from(wanted);
        time.is_some_and(|time| (time - wanted).num_seconds().abs() <= 1)
    };
    let (one, two) = (later(1), later(2));
    let snapshot = web.create_snapshot("s").expires_at(one).await?;
    assert!(near(snapshot.expires_at, one), "{:?}", snapshot.expires_at);
    snapshot.expire_at(two).await?;
    assert!(near(snapshot.get().await?.expires_at, two));
    snapshot.never_expire().await?;
    let never = snapshot.get().await?.expires_at;
    assert!(never.is_none_or(|time| time.timestamp() == -62_135_596_800), "{never:?}");
    remove(&handle(&incus, &web)).await
}

pub async fn a_restored_instance_is_as_it_was(incus: Incus) -> Outcome {
    let web = launched(&incus, "restore").await?;
    web.write_file("/root/state", "before").await?;
    let before = web.create_snapshot("before").await?;
    web.write_file("/root/state", "after").await?;
    web.write_file("/root/new", "new").await?;
    web.patch().config("user.when", "after").await?;
    before.restore().await?;
    let back = web.get().await?;
    assert_eq!((&back.status, back.config.get("user.when")), (&Status::Running, None));
    assert_eq!(web.read_file("/root/state").await?, "before");
    assert!(web.read_file("/root/new").await.is_err_and(|e| e.is_not_found()));
    // A stopped one stays stopped.
    web.stop().force().await?;
    web.snapshot("before").restore().await?;
    assert_eq!(web.get().await?.status, Status::Stopped);
    remove(&handle(&incus, &web)).await
}

pub async fn snapshots_that_cannot_be(incus: Incus) -> Outcome {
    let web = launched(&incus, "nosnap").await?;
    web.create_snapshot("one").await?;
    web.create_snapshot("two").await?;
    let e = web.create_snapshot("one").await.expect_err("the name is taken");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    let e = web.snapshot("one").rename("two").await.expect_err("the name is taken");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    let e = web.create_snapshot("state").stateful().await.expect_err("migration.stateful isn't set");
    assert!(e.kind() == ErrorKind::OperationFailed && e.message().contains("migration.stateful"), "{e:?}");
    let e = web.snapshot("one").restore().stateful().await.expect_err("it has no state");
    assert!(e.kind() == ErrorKind::OperationFailed && e.message().contains("stateless"), "{e:?}");
    let nobody = web.snapshot("nobody");
    assert!(nobody.get().await.is_err_and(|e| e.is_not_found()));
    assert!(nobody.delete().await.is_err_and(|e| e.is_not_found()));
    assert!(nobody.rename("x").await.is_err_and(|e| e.is_not_found()));
    assert!(nobody.never_expire().await.is_err_and(|e| e.is_not_found()));
    let e = nobody.restore().await.expect_err("there is no such snapshot");
    assert!(e.message().contains("does not exist"), "{e:?}");
    let ghost = incus.instance(name("ghost"));
    assert!(ghost.create_snapshot("s").await.is_err_and(|e| e.is_not_found()));
    for bad in ["", ".", "..", "a/b", "a\\b"] {
        let calls = [
            web.create_snapshot(bad).await.err(),
            web.snapshot(bad).get().await.err(),
            web.snapshot(bad).delete().await.err(),
            web.snapshot(bad).restore().await.err(),
            web.snapshot("one").rename(bad).await.err(),
            web.snapshot(bad).copy("fine").await.err(),
            incus.instance(bad).snapshot("one").copy("fine").await.err(),
        ];
        for (number, e) in calls.into_iter().enumerate() {
            let e = e.ok_or_else(|| format!("call {number} took {bad:?}"))?;
            assert_eq!(
                (e.kind(), e.attempts()),
                (ErrorKind::InvalidInput, 0),
                "call {number}, {bad:?}: {e:?}"
            );
        }
    }
    remove(&handle(&incus, &web)).await
}

pub async fn a_snapshot_can_be_awaited_after_its_operation_is_forgotten(
    incus: Incus,
    lab: &impl Lab,
) -> Outcome {
    let web = incus.create(name("late")).image(IMAGE).await?;
    let operation = web.create_snapshot("s").send().await?;
    let ticket = operation.ticket();
    operation.await?;
    // Both in whole seconds on some servers: the next one must begin in another second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let failed = web.create_snapshot("s").send().await?.await.expect_err("the name is taken");
    let rename = web.snapshot("s").rename("t").send().await?;
    let renaming = rename.ticket();
    rename.await?;
    lab.forget_operations().await;
    let found = incus.resume::<Snapshot>(&renaming.to_string().parse()?)?.await?;
    assert_eq!((found.name(), found.instance().name()), ("t", web.name()));
    found.rename("s").await?;
    let found = incus.resume::<Snapshot>(&ticket.to_string().parse()?)?.await?;
    assert_eq!(found.name(), "s");
    // That a snapshot of the name is there doesn't make the failed one a success.
    let e = incus.resume::<Snapshot>(failed.ticket())?.await.expect_err("it failed");
    assert_eq!(e.end(), WaitEnd::Gone);
    let deletion = web.snapshot("s").delete().send().await?;
    let ticket = deletion.ticket();
    deletion.await?;
    assert!(incus.resume::<Snapshot>(&ticket).is_err_and(|e| e.kind() == ErrorKind::InvalidInput));
    incus.resume::<()>(&ticket)?.await?;
    remove(&handle(&incus, &web)).await
}
