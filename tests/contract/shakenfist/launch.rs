//! Launches, and why they fail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use windlass::shakenfist::{Disk, InstanceState, Nic, Video, VideoModel};
use windlass::{ErrorKind, WaitEnd};

use super::support::{LONG, Outcome, Served, assert_kind, disk, gone, name, until};

pub async fn launch_and_delete<G>(served: Served<G>) -> Outcome {
    let sf = served.sf;
    let own = name("web");
    let web = sf.launch(&own).cpus(1).memory_mib(1024).disk(disk()).timeout(LONG).await?;
    assert_eq!((web.state.clone(), web.name.as_str()), (InstanceState::Created, own.as_str()));
    assert_eq!(web.namespace, sf.namespace());
    assert_eq!(sf.instance(&own).get().await?.uuid, web.uuid);
    until(async || Ok(sf.instances().await?.iter().any(|it| it.uuid == web.uuid))).await?;
    gone(&web).await?;
    assert_kind(sf.instance(&own).get().await, ErrorKind::NotFound);
    // By its UUID it is still remembered, and only in the list of all.
    assert_eq!(web.get().await?.state, InstanceState::Deleted);
    // The other list may lag a little behind.
    let left = sf.instances().await?;
    assert!(left.iter().all(|it| it.uuid != web.uuid || it.state == InstanceState::Deleted), "{left:?}");
    assert!(sf.instances().with_deleted().await?.iter().any(|it| it.uuid == web.uuid));
    assert_kind(web.delete().await, ErrorKind::NotFound);
    Ok(())
}

pub async fn launch_reports_its_events<G>(served: Served<G>) -> Outcome {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let operation = served.sf.launch(name("told")).disk(disk()).send().await?;
    let tell = move |p: &windlass::Progress| told.lock().unwrap().push(p.clone());
    let web = operation.timeout(LONG).on_progress(tell).await?;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(seen.last().map(|p| p.status.as_str()), Some("created"));
    assert!(seen.iter().all(|p| !p.message.is_empty()));
    gone(&web).await?;
    Ok(())
}

pub async fn what_was_asked_for_is_what_is_made<G>(served: Served<G>) -> Outcome {
    let sf = served.sf;
    let asked = sf.launch(name("full")).cpus(2).memory_mib(2048).disk(disk().size_gb(2)).disk(Disk::blank(1));
    let asked = asked.video(Video::new(VideoModel::Qxl).memory_kib(65_536)).ssh_key("ssh-ed25519 AAAA me");
    let asked = asked.user_data("#cloud-config\n").metadata("tags", ["a", "b"]).metadata("n", 7).uefi();
    let web = asked.side_channels(["sf-agent"]).without_config_drive().timeout(LONG).await?;
    assert_eq!((web.cpus, web.memory, web.uefi), (Some(2), Some(2048), Some(true)));
    assert_eq!(web.disk_spec.iter().map(|disk| disk.size).collect::<Vec<_>>(), [Some(2), Some(1)]);
    assert_eq!(
        web.video.as_ref().map(|video| (video.model.clone(), video.memory)),
        Some((VideoModel::Qxl, 65_536))
    );
    assert_eq!(web.metadata.get("tags"), Some(&json!(["a", "b"])));
    assert_eq!(web.metadata.get("n"), Some(&json!(7)));
    assert_eq!(
        web.user_data.as_ref().map(|data| data.expose().to_owned()).as_deref(),
        Some("I2Nsb3VkLWNvbmZpZwo=")
    );
    assert!(!format!("{web:?}").contains("I2Nsb3Vk"));
    gone(&web).await?;
    Ok(())
}

pub async fn a_failed_image_fetch_says_why<G>(served: Served<G>) -> Outcome {
    let base = Disk::from_base("http://127.0.0.1:1/none.qcow2").size_gb(1);
    let operation = served.sf.launch(name("fetch")).disk(base).send().await?;
    let uuid = operation.ticket().id().to_owned();
    let e = operation.timeout(LONG).await.expect_err("there is no such image");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed), "{e:?}");
    assert!(e.to_string().contains("fetch"), "{e}");
    served.sf.instance(&uuid).delete().send().await?.timeout(LONG).await?;
    Ok(())
}

pub async fn launch_errors_by_status<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    // 400, by the server's own words: what we can know is refused before.
    let e = assert_kind(
        sf.launch(name("bad")).disk(Disk::blank(1).bus("ide".into())).await,
        ErrorKind::InvalidInput,
    );
    assert_eq!(e.status(), Some(400), "{e}");
    assert!(e.request_id().is_some());
    // 404
    let e = assert_kind(sf.launch(name("bad")).disk(disk()).placed_on("nowhere").await, ErrorKind::NotFound);
    assert_eq!(e.status(), Some(404), "{e}");
    assert_kind(sf.launch(name("bad")).disk(disk()).nic(Nic::on("nosuch")).await, ErrorKind::NotFound);
    assert_kind(sf.launch(name("bad")).disk(Disk::from_base("label:nosuch")).await, ErrorKind::NotFound);
    // Before anything is sent.
    for (create, field) in [
        (sf.launch("x.y").disk(disk()), "name"),
        (sf.launch("x"), "disk"),
        (sf.launch("x").disk(disk()).cpus(0), "cpus"),
        (sf.launch("x").disk(disk()).memory_mib(0), "memory"),
        (sf.launch("x").disk(disk()).nic(Nic::on("n").address("ten")), "address"),
        (sf.launch("x").disk(disk()).metadata("tags", "a"), "metadata"),
    ] {
        let e = assert_kind(create.await, ErrorKind::InvalidInput);
        assert_eq!((e.status(), e.fields()), (None, &[field.to_owned()][..]), "{e}");
    }
    Ok(())
}

pub async fn a_refused_launch_leaves_a_record_that_is_named<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let e =
        assert_kind(sf.launch(name("huge")).cpus(1000).disk(disk()).await, ErrorKind::InsufficientCapacity);
    assert_eq!(e.status(), Some(507), "{e}");
    let left = sf.launched(e.marker().ok_or("no marker")?).await?.ok_or("no record")?;
    assert!(e.message().contains(&left.uuid), "{e}");
    assert!(left.state.as_str().ends_with("error"), "{}", left.state);
    gone(&left).await?;
    Ok(())
}

pub async fn a_refused_launch_can_be_cleaned_up<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let own = name("huge");
    let e = sf.launch(&own).cpus(1000).disk(disk()).remove_refused().await;
    let e = assert_kind(e, ErrorKind::InsufficientCapacity);
    assert_eq!(e.marker(), None, "{e}");
    for _ in 0..2_000 {
        if sf.instances().await?.iter().all(|it| it.name != own) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the record is still there");
}
