//! What stands in the way of a file, and what is left of one that doesn't come.

use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;
use std::process::Command;
use std::task::Poll;
use std::time::Duration;

use windlass::testing::FakeIncus;
use windlass::{Content, ErrorKind, Sent};

use super::transfer::{Directory, FILES, Outcome, served};
use crate::clock::{later, until};

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test]
async fn a_pull_dropped_at_any_time_leaves_nothing() -> Outcome {
    let (_fake, web, content) = served().await?;
    let directory = Directory::new()?;
    for turns in 0..200 {
        let mut pull = Box::pin(web.pull("/data").to(directory.0.join("data")));
        // As far as it gets in so many turns.
        for _ in 0..turns {
            let ready = std::future::poll_fn(|context| Poll::Ready(pull.as_mut().poll(context).is_ready()));
            if ready.await {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // A thread undoes in a moment what it was doing when the wait ended.
    while directory.names().iter().any(|name| name.ends_with(".part")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(directory.names().iter().all(|name| name == "data"));
    web.pull("/data").to(directory.0.join("data")).await?;
    assert!(std::fs::read(directory.0.join("data"))? == content);
    Ok(())
}

#[tokio::test]
async fn only_regular_files_are_replaced() -> Outcome {
    let (fake, web, _) = served().await?;
    let directory = Directory::new()?;
    let _socket = std::os::unix::net::UnixListener::bind(directory.0.join("socket"))?;
    pipe(&directory.0.join("pipe"));
    std::fs::create_dir(directory.0.join("directory"))?;
    symlink("/dev/null", directory.0.join("device"))?;
    symlink("directory", directory.0.join("link"))?;
    symlink("loop", directory.0.join("loop"))?;
    let null = std::fs::metadata("/dev/null")?.rdev();
    for name in ["socket", "pipe", "directory", "device", "link", "/dev/null", "/proc/self/fd/0", "loop", ""]
    {
        let e = web.pull("/data").to(directory.0.join(name)).await.expect_err(name);
        assert!(
            matches!((e.kind(), name), (ErrorKind::InvalidInput, _) | (ErrorKind::Io, "loop")),
            "{name}: {e:?}"
        );
        assert_eq!(e.sent(), Sent::No);
    }
    assert_eq!(fake.requests(&format!("GET {FILES}")), 0);
    assert!(std::fs::metadata("/dev/null")?.file_type().is_char_device());
    assert_eq!(std::fs::metadata("/dev/null")?.rdev(), null);
    assert!(std::fs::symlink_metadata(directory.0.join("pipe"))?.file_type().is_fifo());
    assert_eq!(directory.names(), ["device", "directory", "link", "loop", "pipe", "socket"]);
    Ok(())
}

#[tokio::test]
async fn what_comes_in_the_way_meanwhile_is_not_replaced() -> Outcome {
    let (_fake, web, _) = served().await?;
    let directory = Directory::new()?;
    let path = directory.0.join("data");
    let pull = web.pull("/data").on_progress({
        let path = path.clone();
        move |_| {
            if !path.exists() {
                pipe(&path);
            }
        }
    });
    let e = pull.to(&path).await.expect_err("there is a pipe now");
    assert_eq!(e.kind(), ErrorKind::InvalidInput, "{e:?}");
    assert!(std::fs::symlink_metadata(&path)?.file_type().is_fifo());
    assert_eq!(directory.names(), ["data"]);
    Ok(())
}

#[tokio::test]
async fn a_link_that_the_caller_names_leads_to_the_file() -> Outcome {
    let (_fake, web, content) = served().await?;
    let directory = Directory::new()?;
    std::fs::create_dir(directory.0.join("real"))?;
    std::fs::write(directory.0.join("real/old"), "old")?;
    symlink("real/old", directory.0.join("first"))?;
    symlink(directory.0.join("first"), directory.0.join("second"))?;
    symlink("real/new", directory.0.join("dangling"))?;
    web.pull("/data").to(directory.0.join("second")).await?;
    web.pull("/data").to(directory.0.join("dangling")).await?;
    for name in ["old", "new"] {
        assert!(std::fs::read(directory.0.join("real").join(name))? == content);
    }
    for name in ["first", "second", "dangling"] {
        assert!(std::fs::symlink_metadata(directory.0.join(name))?.is_symlink(), "{name}");
    }
    assert_eq!(std::fs::read_dir(directory.0.join("real"))?.count(), 2);
    Ok(())
}

#[tokio::test]
async fn a_tree_replaces_no_devices_or_pipes() -> Outcome {
    let (_fake, web, content) = served().await?;
    let directory = Directory::new()?;
    web.make_dir("/top").await?;
    for large in [false, true] {
        web.write_file("/top/file", if large { content.clone() } else { b"small".to_vec() }).await?;
        let path = directory.0.join("file");
        pipe(&path);
        let e = web.pull_tree("/top").to(&directory.0).await.expect_err("there is a pipe");
        assert_eq!(e.kind(), ErrorKind::InvalidInput, "{e:?}");
        assert!(std::fs::symlink_metadata(&path)?.file_type().is_fifo());
        std::fs::remove_file(&path)?;
        // A link is replaced, not followed, and a link is what a link replaces.
        std::fs::write(directory.0.join("victim"), "old")?;
        symlink("victim", &path)?;
        web.pull_tree("/top").to(&directory.0).await?;
        assert!(std::fs::symlink_metadata(&path)?.is_file());
        assert_eq!(std::fs::read(directory.0.join("victim"))?, b"old");
        std::fs::remove_file(&path)?;
    }
    web.delete_file("/top/file").await?;
    web.symlink("elsewhere").at("/top/file").await?;
    pipe(&directory.0.join("file"));
    let e = web.pull_tree("/top").to(&directory.0).await.expect_err("there is a pipe");
    assert_eq!(e.kind(), ErrorKind::InvalidInput, "{e:?}");
    std::fs::remove_file(directory.0.join("file"))?;
    std::fs::write(directory.0.join("file"), "old")?;
    web.pull_tree("/top").to(&directory.0).await?;
    assert_eq!(std::fs::read_link(directory.0.join("file"))?, Path::new("elsewhere"));
    Ok(())
}

#[tokio::test]
async fn what_a_tree_would_not_change_is_not_touched() -> Outcome {
    let (_fake, web, _) = served().await?;
    let directory = Directory::new()?;
    web.make_dir("/top").await?;
    web.write_file("/top/same", "same").await?;
    web.write_file("/top/other", "one").await?;
    web.push(b"x".to_vec()).mode(0o600).to("/top/mode").await?;
    web.pull_tree("/top").to(&directory.0).await?;
    let inodes =
        || ["same", "other", "mode"].map(|name| std::fs::metadata(directory.0.join(name)).unwrap().ino());
    let before = inodes();
    web.write_file("/top/other", "two").await?;
    web.push(b"x".to_vec()).mode(0o640).to("/top/mode").await?;
    web.pull_tree("/top").to(&directory.0).await?;
    let after = inodes();
    assert!(before[0] == after[0] && before[1] != after[1] && before[2] != after[2], "{before:?} {after:?}");
    assert_eq!(std::fs::read(directory.0.join("other"))?, b"two");
    assert_eq!(std::fs::metadata(directory.0.join("mode"))?.mode() & 0o777, 0o640);
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_said_to_be_empty_is_read() -> Outcome {
    let (fake, web, _) = served().await?;
    let directory = Directory::new()?;
    web.push(Content::file("/proc/version")).to("/version").await?;
    assert_eq!(fake.file("web", "/version"), Some(std::fs::read("/proc/version")?));
    std::fs::write(directory.0.join("empty"), "")?;
    web.push(directory.0.join("empty")).to("/empty").await?;
    assert_eq!(fake.file("web", "/empty").as_deref(), Some(&[][..]));
    // A pipe would be waited for.
    pipe(&directory.0.join("pipe"));
    let e = web.push(directory.0.join("pipe")).to("/pipe").await.expect_err("it is no file");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::Io, Sent::No), "{e:?}");
    Ok(())
}

#[tokio::test]
async fn the_server_names_no_files_but_the_images_own() -> Outcome {
    let fake = FakeIncus::start().await?;
    let directory = Directory::new()?;
    let incus = fake.client()?;
    let image = incus.import_image(b"\x1f\x8bimage".to_vec()).send().await?.await?;
    std::fs::write(directory.0.join(".bashrc"), "mine")?;
    let route = "GET /1.0/images/{fingerprint}/export";
    for name in [".bashrc", "../.bashrc", "image.tar", &format!(".{}", image.fingerprint)] {
        fake.on(route).header("Content-Disposition", format!("inline;filename={name}")).delay(Duration::ZERO);
        let e = image.export_files(&directory.0).await.expect_err(name);
        assert_eq!(e.kind(), ErrorKind::BadReply, "{name}: {e:?}");
    }
    assert_eq!(directory.names(), [".bashrc"]);
    assert_eq!(std::fs::read(directory.0.join(".bashrc"))?, b"mine");
    let ours = format!("{}.tar.zst", image.fingerprint);
    fake.on(route).header("Content-Disposition", format!("inline;filename={ours}")).delay(Duration::ZERO);
    assert_eq!(image.export_files(&directory.0).await?.metadata, directory.0.join(ours));
    Ok(())
}

#[tokio::test]
async fn trees_and_listings_have_a_limit() -> Outcome {
    let (fake, web, _) = served().await?;
    let directory = Directory::new()?;
    for number in 0..20 {
        fake.add_file("web", &format!("/top/{}/{number}", number % 2), "x");
    }
    let copy = directory.0.join("copy");
    let e = web.pull_tree("/top").max_entries(21).to(&copy).await.expect_err("there are 22");
    assert_eq!((e.kind(), copy.exists()), (ErrorKind::LimitExceeded, false), "{e:?}");
    assert!(e.message().contains("21 entries"), "{e}");
    assert_eq!(web.pull_tree("/top").max_entries(22).to(&copy).await?.files, 20);
    let e = web.read_dir("/top/0").max_entries(9).await.expect_err("there are 10");
    assert_eq!(e.kind(), ErrorKind::LimitExceeded, "{e:?}");
    assert_eq!(web.read_dir("/top/0").max_entries(10).await?.len(), 10);
    Ok(())
}

#[tokio::test]
async fn a_late_answer_is_not_called_a_slow_upload() -> Outcome {
    let (fake, web, _) = served().await?;
    let limit = Duration::from_secs(20);
    fake.on(&format!("POST {FILES}")).times(2).hang_after();
    let reader = Content::reader(std::io::Cursor::new(vec![1; 1_000]));
    for (path, content) in [("/known", Content::from(vec![1; 1_000])), ("/unknown", reader)] {
        let push = web.push(content).idle_timeout(limit);
        let pushing = tokio::spawn(async move { push.to(path).await });
        until(|| fake.file("web", path).is_some()).await;
        later(limit).await;
        let e = pushing.await?.expect_err("there is no answer");
        assert_eq!((e.kind(), e.sent()), (ErrorKind::Timeout, Sent::Unknown));
        assert!(e.message().contains("all 1000 bytes were sent"), "{e}");
    }
    Ok(())
}

#[tokio::test]
async fn what_can_not_be_deleted_is_not_tried_without_end() -> Outcome {
    let fake = FakeIncus::builder().generation(windlass::testing::Generation::V6_0).start().await?;
    fake.add_instance("web");
    fake.add_file("web", "/top/fine", "fine");
    // As a server tells a name that isn't UTF-8: nothing can be deleted by it.
    fake.list_also("web", "gh\u{fffd}st");
    let full = r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":500,
        "error":"sftp: \"remove /top: directory not empty\" (SSH_FX_FAILURE)","metadata":null}"#;
    // All that is asked of the directory itself; what lies between is answered truly.
    let route = format!("DELETE {FILES}");
    fake.on(&route).times(2).reply(500, full);
    fake.on(&route).skip(2).reply(500, full);
    fake.on(&route).skip(1).reply(500, full);
    let e = fake.client()?.instance("web").delete_file("/top").recursive().await.expect_err("one stays");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    assert_eq!((fake.requests(&route), fake.file("web", "/top/fine")), (7, None));
    Ok(())
}
