//! Transfers: whole or not at all, through broken connections, within limits.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::TryStreamExt;
use windlass::incus::{Incus, InstanceRef};
use windlass::testing::FakeIncus;
use windlass::{Content, ErrorKind, Retry, Sent, Transferred};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

pub const FILES: &str = "/1.0/instances/web/files";
const SFTP: &str = "GET /1.0/instances/web/sftp";

/// A server with an instance that has a file of three megabytes at `/data`.
pub async fn served() -> Result<(FakeIncus, InstanceRef, Vec<u8>), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    fake.add_instance("web");
    let content: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).take(3_000_000).collect();
    fake.add_file("web", "/data", content.clone());
    let quick = Retry::default().backoff(Duration::from_millis(1), Duration::from_millis(1));
    let incus = Incus::unix(fake.socket()).retry(quick).client()?;
    Ok((fake, incus.instance("web"), content))
}

/// A directory of its own, gone afterwards.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("windlass-test-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn ranges(fake: &FakeIncus) -> Vec<Option<String>> {
    let log = fake.log();
    let pulls = log.iter().filter(|request| request.method == "GET" && request.path == FILES);
    pulls.map(|request| request.header("range").map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_pull_that_breaks_goes_on_where_it_broke() -> Outcome {
    let (fake, web, content) = served().await?;
    let directory = Directory::new()?;
    fake.on(&format!("GET {FILES}")).truncate(1_000_000);
    fake.on(&format!("GET {FILES}")).truncate(500_000);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tell = seen.clone();
    let done = web
        .pull("/data")
        .on_progress(move |progress: Transferred| tell.lock().unwrap().push(progress))
        .to(directory.0.join("data"))
        .await?;
    assert_eq!((done.bytes, done.total, done.percent()), (3_000_000, Some(3_000_000), Some(100)));
    assert!(std::fs::read(directory.0.join("data"))? == content);
    assert_eq!(directory.names(), ["data"]);
    let expected = [None, Some("bytes=1000000-".to_owned()), Some("bytes=1500000-".to_owned())];
    assert_eq!(ranges(&fake), expected);
    let seen = seen.lock().unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].bytes < pair[1].bytes));
    assert_eq!(seen.last(), Some(&done));
    Ok(())
}

#[tokio::test]
async fn content_that_changed_is_not_pieced_together() -> Outcome {
    for replaced in [3_000_000, 2_999_999, 10] {
        let (fake, web, _) = served().await?;
        let directory = Directory::new()?;
        fake.on(&format!("GET {FILES}")).truncate(1_000_000);
        let pull = web.pull("/data").on_progress({
            let fake = fake.clone();
            let mut done = false;
            move |_| {
                if !std::mem::replace(&mut done, true) {
                    fake.add_file("web", "/data", vec![1; replaced]);
                    fake.touch_file("web", "/data", Duration::from_secs(60));
                }
            }
        });
        let e = pull.to(directory.0.join("data")).await.expect_err("half of each is nothing");
        assert_eq!(e.kind(), ErrorKind::PreconditionFailed, "{e:?}");
        assert_eq!(directory.names(), [""; 0]);
    }
    Ok(())
}

#[tokio::test]
async fn a_file_changed_just_now_is_not_resumed() -> Outcome {
    let (fake, web, _) = served().await?;
    fake.touch_file("web", "/data", Duration::ZERO);
    fake.on(&format!("GET {FILES}")).truncate(1_000_000);
    let e = web.pull("/data").bytes().await.expect_err("it could change unseen");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::Interrupted, Sent::Yes));
    assert_eq!((e.api(), e.operation()), ("incus", "instance_file_get"));
    assert_eq!(ranges(&fake), [None]);
    Ok(())
}

#[tokio::test]
async fn a_pull_that_keeps_breaking_ends() -> Outcome {
    let (fake, web, _) = served().await?;
    let directory = Directory::new()?;
    std::fs::write(directory.0.join("data"), "old")?;
    fake.on(&format!("GET {FILES}")).always().truncate(1_000);
    let e = web.pull("/data").to(directory.0.join("data")).await.expect_err("it never gets far");
    assert_eq!(e.kind(), ErrorKind::Interrupted);
    assert_eq!(ranges(&fake).len(), 4);
    // What was there is untouched, and nothing else is left.
    assert_eq!(std::fs::read(directory.0.join("data"))?, b"old");
    assert_eq!(directory.names(), ["data"]);
    Ok(())
}

#[tokio::test]
async fn a_dropped_pull_leaves_nothing() -> Outcome {
    let (fake, web, _) = served().await?;
    let directory = Directory::new()?;
    fake.on(&format!("GET {FILES}")).hang();
    let pull = tokio::spawn(web.pull("/data").to(directory.0.join("data")));
    while fake.requests(&format!("GET {FILES}")) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!directory.names().is_empty() && !directory.0.join("data").exists());
    pull.abort();
    assert!(pull.await.is_err_and(|e| e.is_cancelled()));
    assert_eq!(directory.names(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn silence_ends_a_pull_and_a_push() -> Outcome {
    let (fake, web, _) = served().await?;
    let limit = Duration::from_millis(200);
    fake.on(&format!("* {FILES}")).times(2).hang();
    let e = web.pull("/data").idle_timeout(limit).bytes().await.expect_err("no answer at all");
    assert_eq!((e.kind(), e.is_repeatable()), (ErrorKind::Timeout, true), "{e:?}");
    let push = web.push(vec![0; 100]).idle_timeout(limit).to("/new").await;
    let e = push.expect_err("no answer at all");
    assert_eq!((e.kind(), e.sent(), e.is_repeatable()), (ErrorKind::Timeout, Sent::Unknown, false), "{e:?}");
    assert_eq!(fake.requests(&format!("POST {FILES}")), 1);
    fake.on(&format!("GET {FILES}")).stall(100_000);
    let e = web.pull("/data").idle_timeout(limit).bytes().await.expect_err("it stops in the middle");
    assert_eq!(e.kind(), ErrorKind::Timeout, "{e:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_the_servers_silence() -> Outcome {
    let (fake, web, _) = served().await?;
    let (reader, mut writer) = tokio::io::duplex(64);
    let slow = tokio::spawn(async move {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            tokio::io::AsyncWriteExt::write_all(&mut writer, b"line\n").await.unwrap();
        }
    });
    web.push(Content::reader(reader)).idle_timeout(Duration::from_millis(200)).to("/new").await?;
    slow.await?;
    assert_eq!(fake.file("web", "/new").as_deref(), Some(b"line\nline\nline\n".as_slice()));
    Ok(())
}

#[tokio::test]
async fn a_push_is_sent_once_unless_it_never_left() -> Outcome {
    let (fake, web, _) = served().await?;
    fake.on(&format!("POST {FILES}")).drop_before();
    let e = web.push(vec![7; 100_000]).to("/new").await.expect_err("the connection broke");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::Interrupted, Sent::Unknown));
    assert_eq!(fake.requests(&format!("POST {FILES}")), 1);
    fake.stop().await;
    let later = {
        let fake = fake.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            fake.restart().await
        })
    };
    let patient = Retry::default().attempts(50).backoff(Duration::from_millis(20), Duration::from_millis(20));
    let web = Incus::unix(fake.socket()).retry(patient).client()?.instance("web");
    web.push(vec![7; 100_000]).to("/new").await?;
    later.await??;
    assert_eq!(fake.requests(&format!("POST {FILES}")), 2);
    assert_eq!(fake.file("web", "/new").map(|content| content.len()), Some(100_000));
    Ok(())
}

#[tokio::test]
async fn a_reader_that_fails_or_ends_early_is_told_from_the_network() -> Outcome {
    let (fake, web, _) = served().await?;
    let short = Content::sized_reader(std::io::Cursor::new(vec![1; 10]), 20);
    let e = web.push(short).to("/new").await.expect_err("ten bytes are missing");
    assert_eq!(e.kind(), ErrorKind::Io, "{e:?}");
    assert!(e.to_string().contains("10 bytes before its announced length"), "{e}");
    assert_eq!(fake.file("web", "/new"), None);
    let e = web.push(Content::file("/no/such/file")).to("/new").await.expect_err("there is no such file");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::Io, Sent::No));
    let long = Content::sized_reader(std::io::Cursor::new(vec![1; 20]), 10);
    web.push(long).to("/new").await?;
    assert_eq!(fake.file("web", "/new").map(|content| content.len()), Some(10));
    Ok(())
}

#[tokio::test]
async fn what_is_pushed_has_a_length_and_progress() -> Outcome {
    let (fake, web, content) = served().await?;
    let directory = Directory::new()?;
    let path = directory.0.join("data");
    std::fs::write(&path, &content)?;
    let last = Arc::new(Mutex::new(Transferred::default()));
    let tell = last.clone();
    web.push(&path).on_progress(move |progress| *tell.lock().unwrap() = progress).to("/copy").await?;
    assert_eq!(last.lock().unwrap().to_string(), "2.9 MiB of 2.9 MiB (100 %)");
    assert!(fake.file("web", "/copy").is_some_and(|copy| copy == content));
    web.push(Content::reader(std::io::Cursor::new(content.clone()))).to("/chunked").await?;
    assert!(fake.file("web", "/chunked").is_some_and(|copy| copy == content));
    web.push(content[..100_000].to_vec()).to("/small").await?;
    let log = fake.log();
    let lengths: Vec<_> = log
        .iter()
        .filter(|request| request.method == "POST")
        .map(|request| (request.header("content-length"), request.header("content-type")))
        .collect();
    let kind = Some("application/octet-stream");
    assert_eq!(lengths, [(None, kind), (Some("100000"), kind)]);
    Ok(())
}

#[tokio::test]
async fn what_is_large_is_pushed_over_sftp() -> Outcome {
    let (fake, web, content) = served().await?;
    fake.add_file("web", "/old", vec![9; content.len() + 1_000]);
    for path in ["/new", "/old"] {
        web.push(content.clone()).mode(0o600).uid(7).to(path).await?;
        assert!(fake.file("web", path).is_some_and(|copy| copy == content), "{path}");
        let found = web.stat(path).await?;
        assert_eq!((found.mode, found.uid, found.gid), (0o600, 7, 0), "{path}");
    }
    let e = web.push(content.clone()).to("/no/such").await.expect_err("there is no such directory");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::NotFound, Sent::Yes), "{e:?}");
    let e = web.push(content).mode(0o4755).to("/bad").await.expect_err("it would be dropped");
    assert_eq!(e.kind(), ErrorKind::InvalidInput);
    assert_eq!((fake.requests(SFTP), fake.requests(&format!("POST {FILES}"))), (3, 0));
    Ok(())
}

#[tokio::test]
async fn without_a_right_to_sftp_what_is_large_is_one_request() -> Outcome {
    let (fake, web, content) = served().await?;
    fake.on(SFTP).always().reply(403, r#"{"type":"error","error":"not authorized","error_code":403}"#);
    web.push(content.clone()).to("/new").await?;
    assert!(fake.file("web", "/new").is_some_and(|copy| copy == content));
    assert_eq!((fake.requests(SFTP), fake.requests(&format!("POST {FILES}"))), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_large_push_finds_no_server_as_often_as_any_call() -> Outcome {
    let (fake, _, content) = served().await?;
    fake.stop().await;
    let twice = Retry::default().attempts(2).backoff(Duration::from_millis(1), Duration::from_millis(1));
    let web = Incus::unix(fake.socket()).retry(twice).client()?.instance("web");
    for content in [content, vec![7; 100]] {
        let e = web.push(content).to("/new").await.expect_err("nothing listens");
        assert_eq!((e.kind(), e.sent(), e.attempts()), (ErrorKind::Connect, Sent::No, 2), "{e:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_pull_goes_to_memory_a_writer_or_a_stream() -> Outcome {
    let (fake, web, content) = served().await?;
    assert!(web.pull("/data").bytes().await? == content);
    let mut written = Vec::new();
    assert_eq!(web.pull("/data").to_writer(&mut written).await?.bytes, 3_000_000);
    assert!(written == content);
    let stream = web.pull("/data").stream().await?;
    assert_eq!(stream.total(), Some(3_000_000));
    let pieces: Vec<_> = stream.try_collect().await?;
    assert!(pieces.concat() == content);
    let e = web.pull("/data").max_size(2_999_999).bytes().await.expect_err("one byte too many");
    assert_eq!((e.kind(), e.fields()), (ErrorKind::LimitExceeded, ["max_size".to_owned()].as_slice()));
    fake.add_file("web", "/empty", "");
    assert!(web.pull("/empty").bytes().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_hostile_server_writes_nothing_outside() -> Outcome {
    for name in ["../evil", "..", "a/b", "/etc/evil", ""] {
        let (fake, web, _) = served().await?;
        let directory = Directory::new()?;
        fake.add_file("web", "/top/fine", "fine");
        fake.list_also("web", name);
        let pull = web.pull_tree("/top").to(directory.0.join("deep/copy")).await;
        match name {
            // What every directory names is left out.
            ".." => assert_eq!(pull?.files, 1),
            _ => assert_eq!(pull.expect_err(name).kind(), ErrorKind::BadReply, "{name:?}"),
        }
        let e = web.delete_file("/top").recursive().await;
        // This server deletes by itself; an older one would be asked for names.
        e?;
        assert!(!directory.0.join("deep/evil").exists() && !directory.0.join("evil").exists());
    }
    Ok(())
}

#[tokio::test]
async fn an_old_server_is_not_believed_when_deleting() -> Outcome {
    let fake = FakeIncus::builder().generation(windlass::testing::Generation::V6_0).start().await?;
    fake.add_instance("web");
    fake.add_file("web", "/top/fine", "fine");
    fake.add_file("web", "/precious", "gold");
    fake.list_also("web", "../precious");
    let web = fake.client()?.instance("web");
    let e = web.delete_file("/top").recursive().await.expect_err("that is no name");
    assert_eq!(e.kind(), ErrorKind::BadReply, "{e:?}");
    assert!(fake.file("web", "/precious").is_some());
    Ok(())
}

#[tokio::test]
async fn a_tree_is_not_written_through_links() -> Outcome {
    let (fake, web, _) = served().await?;
    let directory = Directory::new()?;
    let (copy, outside) = (directory.0.join("copy"), directory.0.join("outside"));
    std::fs::create_dir(&copy)?;
    std::fs::create_dir(&outside)?;
    std::os::unix::fs::symlink(&outside, copy.join("sub"))?;
    fake.add_file("web", "/top/sub/file", "x");
    let e = web.pull_tree("/top").to(&copy).await.expect_err("it leads elsewhere");
    assert_eq!(e.kind(), ErrorKind::Io, "{e:?}");
    assert_eq!(std::fs::read_dir(&outside)?.count(), 0);
    // A link in the place of a file is replaced, not followed.
    std::fs::remove_file(copy.join("sub"))?;
    std::fs::write(outside.join("victim"), "old")?;
    std::fs::create_dir(copy.join("sub"))?;
    std::os::unix::fs::symlink(outside.join("victim"), copy.join("sub/file"))?;
    web.pull_tree("/top").to(&copy).await?;
    assert_eq!(std::fs::read(outside.join("victim"))?, b"old");
    assert_eq!(std::fs::read(copy.join("sub/file"))?, b"x");
    Ok(())
}

#[tokio::test]
async fn an_image_is_resumed_and_a_form_that_breaks_is_not_whole() -> Outcome {
    let fake = FakeIncus::start().await?;
    let directory = Directory::new()?;
    let incus = fake.client()?;
    let tarball = [b"\x1f\x8b".as_slice(), &vec![3; 2_000_000]].concat();
    let image = incus.import_image(tarball.clone()).send().await?.await?;
    let route = "GET /1.0/images/{fingerprint}/export";
    fake.on(route).truncate(1_500_000);
    image.export().to(directory.0.join("image")).await?;
    assert!(std::fs::read(directory.0.join("image"))? == tarball);
    assert_eq!(fake.requests(route), 2);
    let split = incus.import_image(tarball.clone()).rootfs(tarball).send().await?.await?;
    fake.on(route).truncate(1_500_000);
    let files = Directory::new()?;
    let e = split.export_files(&files.0).await.expect_err("it breaks off");
    assert_eq!(e.kind(), ErrorKind::Interrupted, "{e:?}");
    assert_eq!((files.names(), fake.requests(route)), (Vec::new(), 3));
    Ok(())
}

#[tokio::test]
async fn transfers_can_be_spawned() -> Outcome {
    fn spawnable<T: Send + 'static>(_: T) {}
    let (_, web, _) = served().await?;
    spawnable(web.push(Content::file("a")).mode(0o644).to("/a"));
    spawnable(web.pull("/a").to("a"));
    spawnable(web.pull("/a").stream());
    spawnable(web.push_tree("a").to("/a"));
    spawnable(web.pull_tree("/a").to("a"));
    spawnable(IntoFuture::into_future(web.delete_file("/a").recursive()));
    let fake = FakeIncus::start().await?;
    let incus = fake.client()?;
    spawnable(incus.import_image(Content::file("a")).rootfs(Content::file("b")).send());
    let image = incus.image_alias("busybox").image().await?;
    spawnable(IntoFuture::into_future(image.export_files("a")));
    Ok(())
}

#[tokio::test]
async fn a_read_at_the_end_of_the_servers_helper_is_repeated_once() -> Outcome {
    let (fake, web, content) = served().await?;
    // As a real server said.
    let ended = r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":500,
        "error":"read unix @->/proc/self/fd/35/forkfile.sock: read: connection reset by peer","metadata":null}"#;
    let route = format!("GET {FILES}");
    fake.on(&route).reply(500, ended);
    assert_eq!(web.read_file("/data").await?, content);
    assert_eq!(fake.requests(&route), 2);
    fake.on(&route).times(2).reply(500, ended);
    assert_eq!(web.read_file("/data").await.expect_err("it ends for good").kind(), ErrorKind::Server);
    assert_eq!(fake.requests(&route), 4);
    Ok(())
}
