//! Commands and files, by the agent.

use windlass::{ErrorKind, WaitEnd};

use super::support::{LONG, Outcome, Served, assert_kind, disk, gone, name, ready};

pub async fn exec_waits_for_the_agent<G>(served: Served<G>) -> Outcome {
    // Not ready when it is asked: so it waits instead of running into the server's own slip.
    let operation = served.sf.launch(name("exec")).disk(disk()).send().await?;
    let web = served.sf.instance(operation.ticket().id());
    let done = web.exec("echo fake").timeout(LONG).output().await?.success()?;
    assert_eq!((done.stdout_text().as_str(), done.stderr_text().as_str()), ("fake\n", ""));
    let e = assert_kind(web.exec("  ").output().await, ErrorKind::InvalidInput);
    assert_eq!(e.fields(), ["command_line"]);
    web.delete().await?;
    let without = served.sf.launch(name("mute")).disk(disk()).side_channels([""; 0]).timeout(LONG).await?;
    assert_kind(without.exec("true").output().await, ErrorKind::Unsupported);
    gone(&without).await?;
    Ok(())
}

pub async fn agent_operations_are_listed_and_deleted<G>(served: Served<G>) -> Outcome {
    let web = ready(&served.sf, "ops").await?;
    let operation = web.exec("echo fake").send().await?;
    let uuid = operation.ticket().id().to_owned();
    operation.timeout(LONG).await?;
    let all = web.agent_operations().with_done().await?;
    assert_eq!(all.iter().map(|it| it.uuid.as_str()).collect::<Vec<_>>(), [uuid.as_str()]);
    assert!(web.agent_operations().await?.is_empty());
    let one = served.sf.agent_operation(&uuid).get().await?;
    assert_eq!(one.state.as_str(), "complete");
    assert_eq!(one.until_ended().await?.uuid, uuid);
    one.delete().await?;
    assert_eq!(one.get().await?.state.as_str(), "deleted");
    let e = one.until_ended().await.expect_err("it is deleted");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::Cancelled));
    gone(&web).await?;
    Ok(())
}

pub async fn push_and_pull<G>(served: Served<G>) -> Outcome {
    let web = ready(&served.sf, "files").await?;
    web.push(b"hello\n".to_vec()).mode(0o640).to("/tmp/x").await?;
    assert_eq!(web.pull("/tmp/x").bytes().await?, "hello\n");
    assert_kind(web.pull("relative").bytes().await, ErrorKind::InvalidInput);
    assert_kind(web.push(vec![]).to("relative").await, ErrorKind::InvalidInput);
    gone(&web).await?;
    Ok(())
}

pub async fn a_blob_is_pushed_by_its_uuid<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let web = ready(sf, "blob").await?;
    let artifact = sf.upload(b"hello\n".to_vec()).always_send().as_other(name("blob")).await?;
    let blob = artifact.blob_uuid.clone().ok_or("no blob")?;
    web.push_blob(&blob).mode(0o100_640).timeout(LONG).to("/tmp/x").await?;
    assert_eq!(web.pull("/tmp/x").bytes().await?, "hello\n");
    let nobody = "6f1c5a0e-1111-4222-8333-444455556666";
    assert_kind(web.push_blob(nobody).to("/tmp/x").await, ErrorKind::NotFound);
    artifact.delete().await?;
    gone(&web).await?;
    Ok(())
}
