//! Push and pull.

use super::*;

/// Incompressible, and different at every place.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_of_256_mib_that_breaks_five_times_arrives_whole() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let content = bytes::Bytes::from(noise(256 << 20));
    let chunk = "POST /upload/{one}";
    // Before it arrives, after it arrived, in the first chunk and later ones.
    fake.on(chunk).drop_before();
    fake.on(chunk).skip(20).drop_after();
    fake.on(chunk).skip(5).reply(502, "<html>bad gateway</html>");
    fake.on(chunk).skip(40).truncate(1);
    fake.on("POST /upload/{one}/truncate/{to}").drop_after();
    let seen = Arc::new(Mutex::new(Transferred::default()));
    let told = seen.clone();
    web.push(content.clone()).on_progress(move |p| *told.lock().unwrap() = p).mode(0o600).to("/big").await?;
    let (arrived, mode) = fake.file(&web.uuid, "/big").ok_or("no file")?;
    assert!(arrived == content);
    assert_eq!(mode, 0o600);
    assert_eq!(*seen.lock().unwrap(), {
        let mut all = Transferred::default();
        (all.bytes, all.total) = (256 << 20, Some(256 << 20));
        all
    });
    // Four broken chunks and a broken truncation, none of which began again from the start.
    let chunks = fake.requests(chunk);
    assert!((128 + 4..200).contains(&chunks), "{chunks}");
    assert!(fake.requests("POST /upload/{one}/truncate/{to}") >= 4);
    assert_eq!(fake.artifacts(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_push_of_what_the_cluster_has_sends_nothing() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let content = noise(100_000);
    web.push(content.clone()).keep_as("kept").to("/a").await?;
    assert_eq!(fake.requests("POST /upload"), 1);
    web.push(content.clone()).to("/b").await?;
    assert_eq!(fake.requests("POST /upload"), 1);
    assert!(fake.file(&web.uuid, "/b").is_some_and(|(bytes, mode)| bytes == content && mode == 0o644));
    assert_eq!(fake.artifacts(), ["kept"]);
    Ok(())
}

#[tokio::test]
async fn small_files_are_written_and_read_as_a_whole() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    web.write_file("/etc/motd", "hello\n").await?;
    assert_eq!(fake.file(&web.uuid, "/etc/motd"), Some((b"hello\n".to_vec(), 0o644)));
    assert_eq!(web.read_file("/etc/motd").await?, "hello\n");
    assert_kind(web.read_file("/nowhere").await, ErrorKind::OperationFailed);
    assert_kind(web.write_file("motd", "hello\n").await, ErrorKind::InvalidInput);
    Ok(())
}

#[tokio::test]
async fn a_push_that_never_gets_through_ends() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.on("POST /upload/{one}").always().drop_before();
    let e = web.push(noise(1_000)).timeout(Duration::from_secs(30)).to("/a").await.expect_err("broken");
    assert!(matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::Timeout), "{e}");
    assert!(fake.requests("POST /upload/{one}") <= 6);
    assert!(fake.file(&web.uuid, "/a").is_none());
    Ok(())
}

#[tokio::test]
async fn an_upload_whose_last_answer_is_lost_is_found() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("POST /artifacts/upload/{name}").drop_after();
    let artifact = sf.upload(noise(1_000)).as_image("golden").await?;
    assert_eq!(fake.artifacts(), ["golden"]);
    assert_eq!(fake.requests("POST /artifacts/upload/{name}"), 1);
    assert!(artifact.blob_uuid.is_some());
    Ok(())
}

#[tokio::test]
async fn a_pull_that_breaks_goes_on_and_is_compared() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let content = noise(5 << 20);
    fake.add_file(&web.uuid, "/big", content.clone());
    let data = "GET /blobs/{one}/data";
    for _ in 0..3 {
        fake.on(data).truncate(1_200_000);
    }
    let file = std::env::temp_dir().join(format!("windlass-sf-pull-{}", std::process::id()));
    web.pull("/big").to(&file).await?;
    assert!(std::fs::read(&file)? == content);
    std::fs::remove_file(&file)?;
    let queries: Vec<String> =
        fake.log().into_iter().filter(|it| it.path.ends_with("/data")).map(|it| it.query).collect();
    assert_eq!(queries, ["", "offset=1200000", "offset=2400000", "offset=3600000"]);
    let e = assert_kind(web.pull("/nowhere").bytes().await, ErrorKind::OperationFailed);
    assert!(e.message().contains("/nowhere"), "{e}");
    Ok(())
}

#[tokio::test]
async fn a_damaged_blob_is_no_success() -> Outcome {
    let (fake, sf) = served().await?;
    let blob = sf.blob(fake.add_blob(noise(10_000))).get().await?;
    assert_eq!(blob.data().bytes().await?.len(), 10_000);
    fake.damage_blob(&blob.uuid);
    let file = std::env::temp_dir().join(format!("windlass-sf-damaged-{}", std::process::id()));
    let e = assert_kind(blob.data().to(&file).await, ErrorKind::BadReply);
    assert!(e.message().contains("SHA-512"), "{e}");
    assert!(!file.exists());
    Ok(())
}

/// A wait for the agent has begun.
const LOOK: &str = "GET /agentoperations/{one}";

/// Nothing is left behind, now or a little later.
async fn cleared(fake: &FakeShakenFist) {
    while !fake.artifacts().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_push_that_runs_out_of_time_leaves_nothing_behind() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    // The agent never gets to it.
    let _held = fake.hold_agents();
    let push = web.push(b"hello".to_vec()).timeout(LIMIT);
    let e = assert_kind(over_once(|| fake.requests(LOOK) > 0, push.to("/a")).await?, ErrorKind::Timeout);
    assert_eq!(e.suggestion(), None, "{e}");
    assert_eq!((fake.artifacts(), fake.requests("POST /artifacts/upload/{name}")), (vec![], 1));
    Ok(())
}

#[tokio::test]
async fn an_artifact_whose_answer_comes_too_late_is_removed() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let upload = fake.on("POST /artifacts/upload/{name}").hang_after();
    let push = web.push(b"hello".to_vec()).timeout(LIMIT);
    assert_kind(over_once(|| !fake.artifacts().is_empty(), push.to("/a")).await?, ErrorKind::Timeout);
    assert_eq!((upload.hits(), fake.artifacts()), (1, vec![]));
    Ok(())
}

#[tokio::test]
async fn a_dropped_push_leaves_nothing_behind() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let _held = fake.hold_agents();
    let pushing = tokio::spawn(async move { web.push(b"hello".to_vec()).to("/a").await });
    while fake.agent_operations().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(fake.artifacts().len(), 1);
    pushing.abort();
    cleared(&fake).await;
    // Also before the server has said which one it made.
    let web = sf.instance("web");
    let upload = fake.on("POST /artifacts/upload/{name}").hang_after();
    drop(_held);
    let pushing = tokio::spawn(async move { web.push(b"hello again".to_vec()).to("/a").await });
    while upload.hits() == 0 || fake.artifacts().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pushing.abort();
    cleared(&fake).await;
    Ok(())
}

#[tokio::test]
async fn what_a_push_cant_remove_is_named() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.on("DELETE /artifacts/{one}").always().reply(403, r#"{"error": "not yours", "status": 403}"#);
    let _held = fake.hold_agents();
    let push = web.push(b"hello".to_vec()).timeout(LIMIT);
    let e = assert_kind(over_once(|| fake.requests(LOOK) > 0, push.to("/a")).await?, ErrorKind::Timeout);
    let left = fake.artifacts().pop().ok_or("nothing is left")?;
    assert!(e.message().contains(&left) && e.message().contains("not yours"), "{e}");
    assert!(e.suggestion().is_some_and(|it| it.contains(&left)));
    Ok(())
}

#[tokio::test]
async fn a_push_whose_upload_breaks_asks_for_no_artifact() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.on("POST /upload").always().reply(400, r#"{"error": "no", "status": 400}"#);
    assert_kind(web.push(b"hello".to_vec()).to("/a").await, ErrorKind::InvalidInput);
    assert_eq!(fake.requests("GET /artifacts/{one}"), 0);
    Ok(())
}

#[tokio::test]
async fn a_blob_that_is_there_is_copied_without_an_upload() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let blob = fake.add_blob(noise(1_000));
    web.push_blob(&blob).mode(0o100_640).to("/a").await?;
    assert_eq!(fake.file(&web.uuid, "/a"), Some((noise(1_000), 0o640)));
    web.push(b"x".to_vec()).mode(0o100_755).to("/b").await?;
    assert_eq!(fake.file(&web.uuid, "/b"), Some((b"x".to_vec(), 0o755)));
    let modes = fake.log().into_iter().filter(|it| it.path.ends_with("/agent/put"));
    let modes: Vec<Value> = modes.filter_map(|it| Some(it.json()?["mode"].clone())).collect();
    assert_eq!(modes, [json!(0o640), json!(0o755)]);
    let e = web.push_blob("6f1c5a0e-1111-4222-8333-444455556666").to("/c").await;
    assert_kind(e, ErrorKind::NotFound);
    assert_kind(web.push_blob(&blob).to("c").await, ErrorKind::InvalidInput);
    assert_eq!((fake.requests("POST /upload"), fake.requests("POST /instances/{one}/agent/put")), (1, 2));
    Ok(())
}

#[tokio::test]
async fn an_upload_that_cannot_be_compared_must_not_be_repeated() -> Outcome {
    let (fake, sf) = served().await?;
    fake.on("GET /blobs/{one}").always().reply(400, r#"{"error": "no", "status": 400}"#);
    let e = sf.upload(noise(1_000)).as_image("golden").await.expect_err("it can't be looked at");
    assert_eq!((e.status(), e.sent(), e.is_repeatable()), (Some(400), Sent::Yes, false), "{e:?}");
    assert_eq!(fake.artifacts(), ["golden"]);
    Ok(())
}
