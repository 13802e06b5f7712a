//! Backups.

use std::time::{Duration, SystemTime};

use windlass::incus::{Incus, Instance, Status};
use windlass::{Content, ErrorKind};

use super::{IMAGE, Outcome, handle, name, remove};

pub async fn backups_are_made_listed_renamed_and_deleted(incus: Incus) -> Outcome {
    let web = incus.create(name("backup")).image(IMAGE).await?;
    assert!(web.backups().await?.is_empty());
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let small = web.create_backup("small").instance_only().compression("gzip").expires_at(tomorrow).await?;
    assert_eq!((small.name.as_str(), small.instance_only, small.optimized_storage), ("small", true, false));
    let left = small.expires_at.map(|time| time - chrono::Utc::now());
    assert!(left.is_some_and(|left| (86_300..=86_400).contains(&left.num_seconds())), "{left:?}");
    let whole = web.create_backup("whole").await?;
    assert!(!whole.instance_only);
    let all = web.backups().await?;
    assert_eq!(all.iter().map(|found| found.name()).collect::<Vec<_>>(), ["small", "whole"]);
    let renamed = small.rename("tiny").await?;
    assert_eq!((renamed.name(), renamed.instance_only), ("tiny", true));
    assert!(small.get().await.is_err_and(|e| e.is_not_found()));
    renamed.delete().await?;
    whole.delete().await?;
    assert!(web.backups().await?.is_empty());
    assert!(whole.delete().await.is_err_and(|e| e.is_not_found()));
    assert!(whole.rename("x").await.is_err_and(|e| e.is_not_found()));
    remove(&handle(&incus, &web)).await
}

pub async fn a_taken_backup_name_harms_no_backup(incus: Incus) -> Outcome {
    let web = incus.create(name("taken")).image(IMAGE).await?;
    let one = web.create_backup("one").compression("none").await?;
    let two = web.create_backup("two").compression("none").await?;
    let e = web.create_backup("one").await.expect_err("the name is taken");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    let e = one.rename("two").await.expect_err("the name is taken");
    assert_eq!((e.kind(), e.operation()), (ErrorKind::AlreadyExists, "instance_backup_rename"), "{e:?}");
    let e = web.create_backup("odd").compression("no-such-way").await.expect_err("unknown compression");
    assert_eq!((e.kind(), e.status()), (ErrorKind::InvalidInput, Some(400)), "{e:?}");
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
            assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0), "{bad:?}: {e:?}");
        }
    }
    remove(&handle(&incus, &web)).await
}

pub async fn a_backup_becomes_an_instance(incus: Incus) -> Outcome {
    let web = incus.create(name("exported")).image(IMAGE).config("user.a", "1").await?;
    let content: Vec<u8> = (0..1_000_000_u32).flat_map(|number| number.to_le_bytes()).collect();
    web.write_file("/root/content", content.clone()).await?;
    web.create_snapshot("s").await?;
    let backup = web.create_backup("b").compression("none").await?;
    let directory = std::env::temp_dir().join(name("windlass-backup"));
    std::fs::create_dir(&directory)?;
    let path = directory.join("web.tar");
    backup.export().to(&path).await?;
    assert!(path.metadata()?.len() > 4_000_000, "{:?}", path.metadata());
    let (sent, tell) = std::sync::mpsc::channel();
    let again = incus
        .import_backup(path.as_path())
        .name(name("imported"))
        .pool("second")
        .on_progress(move |progress| {
            let _ = sent.send(progress.bytes);
        })
        .await?;
    assert_eq!(tell.iter().last(), Some(path.metadata()?.len()));
    assert_eq!((again.config["user.a"].as_str(), &again.status), ("1", &Status::Stopped));
    assert!(again.read_file("/root/content").await? == content);
    assert_eq!(again.snapshots().await?.len(), 1);
    // Under its own name, when that is free; and by a ticket.
    remove(&handle(&incus, &web)).await?;
    let operation = incus.import_backup(path.as_path()).send().await?;
    let ticket = operation.ticket().to_string();
    let back = incus.resume::<Instance>(&ticket.parse()?)?.await?;
    assert_eq!(back.name(), web.name());
    let e = incus.import_backup(path.as_path()).name(again.name()).await.expect_err("the name is taken");
    assert_eq!((e.kind(), e.operation()), (ErrorKind::AlreadyExists, "instance_import"), "{e:?}");
    let e = incus.import_backup(path.as_path()).await.expect_err("the name in the backup is taken");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    std::fs::remove_dir_all(&directory)?;
    remove(&handle(&incus, &back)).await?;
    remove(&handle(&incus, &again)).await
}

pub async fn what_is_no_backup_becomes_no_instance(incus: Incus) -> Outcome {
    let web = incus.create(name("whole")).image(IMAGE).await?;
    let file = web.create_backup("b").compression("gzip").await?.export().bytes().await?;
    let fresh = name("cut");
    let cut = file.slice(..file.len() - 20);
    let e = incus.import_backup(cut).name(&fresh).await.expect_err("its end is missing");
    assert!(e.kind() == ErrorKind::OperationFailed && e.message().contains("unexpected end"), "{e:?}");
    let e = incus
        .import_backup("no backup at all".as_bytes().to_vec())
        .name(&fresh)
        .await
        .expect_err("it is none");
    assert_eq!((e.kind(), e.status()), (ErrorKind::Server, Some(500)), "{e:?}");
    let e =
        incus.import_backup(file.clone()).name(&fresh).pool("none").await.expect_err("there is no such pool");
    assert!(e.message().contains("pool not found"), "{e:?}");
    let e = incus
        .import_backup(Content::file("/no/such/file"))
        .name(&fresh)
        .await
        .expect_err("there is no such file");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::Io, 0), "{e:?}");
    let e = incus.import_backup(file).name("..").await.expect_err("no name");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0), "{e:?}");
    assert!(incus.instance(&fresh).get().await.is_err_and(|e| e.is_not_found()));
    assert!(web.backup("none").export().bytes().await.is_err_and(|e| e.is_not_found()));
    remove(&handle(&incus, &web)).await
}
