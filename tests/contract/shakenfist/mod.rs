//! What every Shaken Fist server must do, real or fake, of every release: one suite, run unchanged on all of them.
//! What a release lacks is skipped by its capability, by name.

mod lost;
mod meddler;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use windlass::shakenfist::{
    Disk, EventType, Instance, InstanceState, Network, Nic, ObjectState, PowerState, ShakenFist, Video,
    VideoModel, types,
};
use windlass::{Error, ErrorKind, WaitEnd};

pub use lost::*;
use meddler::{Meddler, Spoilt};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Declares a `#[tokio::test]` for each item of the contract; `$server` connects to the server under test.
macro_rules! shakenfist_contract {
    ($(#[$attribute:meta])* $server:path) => {
        shakenfist_tests! { [$(#[$attribute])*] $server;
            a_wrong_key_is_not_authenticated
            an_unknown_namespace_is_not_authenticated
            create_and_delete
            create_reports_its_events
            what_was_asked_for_is_what_is_made
            a_failed_image_fetch_says_why
            create_errors_by_status
            a_refused_create_leaves_a_record_that_is_named
            a_refused_create_can_be_cleaned_up
            not_found_is_not_found
            a_name_of_two_is_invalid
            names_that_lead_elsewhere_are_refused
            metadata_is_json
            events_newest_first
            power_off_and_on
            pause_and_unpause
            what_doesnt_fit_the_power_state_is_a_conflict
            power_before_created_waits
            a_reboot_is_seen
            exec_waits_for_the_agent
            agent_operations_are_listed_and_deleted
            push_and_pull
            the_same_bytes_are_not_sent_twice
            console_and_vdi_helper
            a_screenshot_is_a_blob
            uploads_become_artifacts
            blobs_in_ranges
            networks_and_addresses
            a_taken_address_is_a_conflict
            hot_plug
            hot_plug_of_a_taken_address_is_refused_before_it_is_sent
            a_wait_out_of_time_gives_a_ticket
            a_ticket_resumes_in_a_fresh_client
            delete_is_seen_through
            delete_all_is_seen_through
            raw_calls_work
            a_create_with_a_bad_answer_makes_one_instance
            a_refused_create_with_a_bad_answer_names_its_record
            a_delete_with_a_bad_answer_is_seen_through
            a_power_change_with_a_bad_answer_is_seen
            an_order_with_a_bad_answer_is_given_once
            a_push_leaves_nothing_behind
            a_blob_is_pushed_by_its_uuid
            metadata_takes_any_key
            delete_minds_the_namespace
            snapshots_of_disks
            a_network_may_do_without_dhcp
        }
    };
}

macro_rules! shakenfist_tests {
    ($attributes:tt $server:path; $($name:ident)*) => {
        $(shakenfist_test! { $attributes $server; $name })*
    };
}

macro_rules! shakenfist_test {
    ([$(#[$attribute:meta])*] $server:path; $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $(#[$attribute])*
        async fn $name() -> crate::shakenfist::Outcome {
            let served = $server().await?;
            crate::shakenfist::$name(served).await
        }
    };
}

/// A server under test: how to reach it, and what must stay alive meanwhile.
pub struct Served<G> {
    pub sf: ShakenFist,
    pub url: String,
    #[allow(dead_code)] // only kept alive
    pub guard: G,
}

const LONG: Duration = Duration::from_secs(90);

/// A name of its own for every instance of every run.
fn name(what: &str) -> String {
    format!("{what}-{:08x}", rand::random::<u32>())
}

fn disk() -> Disk {
    Disk::blank(1)
}

async fn made(sf: &ShakenFist, what: &str) -> Result<Instance, Error> {
    sf.launch(name(what)).disk(disk()).timeout(LONG).await
}

/// With its agent ready, too.
async fn ready(sf: &ShakenFist, what: &str) -> Result<Instance, Error> {
    Ok(made(sf, what).await?.until_agent_ready().timeout(LONG).await?)
}

async fn gone(instance: &Instance) -> Result<(), Error> {
    Ok(instance.delete().send().await?.timeout(LONG).await?)
}

/// Whether the release can do it; says so if not.
async fn can(sf: &ShakenFist, word: &str) -> Result<bool, Error> {
    let can = sf.capabilities().await?.has(word);
    if !can {
        eprintln!("skipped: the server has no capability {word:?}");
    }
    Ok(can)
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    match result {
        Err(e) if e.kind() == kind => e,
        other => panic!("expected {kind:?}, got {other:?}"),
    }
}

pub async fn a_wrong_key_is_not_authenticated<G>(served: Served<G>) -> Outcome {
    let sf = ShakenFist::at(&served.url).namespace("demo").key("wrong").client()?;
    let e = assert_kind(sf.instances().await, ErrorKind::Unauthenticated);
    assert_eq!(e.status(), Some(401));
    assert!(e.message().contains("key") && !e.to_string().contains("wrong"), "{e}");
    assert_kind(ShakenFist::at(&served.url).namespace("demo").key("wrong").await, ErrorKind::Unauthenticated);
    Ok(())
}

pub async fn an_unknown_namespace_is_not_authenticated<G>(served: Served<G>) -> Outcome {
    let sf = ShakenFist::at(&served.url).namespace("nobody").key("demokey").client()?;
    let e = assert_kind(sf.instances().await, ErrorKind::Unauthenticated);
    assert!(e.message().contains("nobody"), "{e}");
    Ok(())
}

pub async fn create_and_delete<G>(served: Served<G>) -> Outcome {
    let sf = served.sf;
    let own = name("web");
    let web = sf.launch(&own).cpus(1).memory_mib(1024).disk(disk()).timeout(LONG).await?;
    assert_eq!((web.state.clone(), web.name.as_str()), (InstanceState::Created, own.as_str()));
    assert_eq!(web.namespace, sf.namespace());
    assert_eq!(sf.instance(&own).get().await?.uuid, web.uuid);
    let all = sf.instances().await?;
    assert!(all.iter().any(|it| it.uuid == web.uuid));
    gone(&web).await?;
    assert_kind(sf.instance(&own).get().await, ErrorKind::NotFound);
    // By its UUID it is still remembered, and only in the list of all.
    assert_eq!(web.get().await?.state, InstanceState::Deleted);
    assert!(sf.instances().await?.iter().all(|it| it.uuid != web.uuid));
    assert!(sf.instances().with_deleted().await?.iter().any(|it| it.uuid == web.uuid));
    assert_kind(web.delete().await, ErrorKind::NotFound);
    Ok(())
}

pub async fn create_reports_its_events<G>(served: Served<G>) -> Outcome {
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

pub async fn create_errors_by_status<G>(served: Served<G>) -> Outcome {
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

pub async fn a_refused_create_leaves_a_record_that_is_named<G>(served: Served<G>) -> Outcome {
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

pub async fn a_refused_create_can_be_cleaned_up<G>(served: Served<G>) -> Outcome {
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

pub async fn not_found_is_not_found<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let nobody = "6f1c5a0e-1111-4222-8333-444455556666";
    assert_kind(sf.instance("nosuch").get().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).get().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).delete().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).metadata().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).events().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).power_on().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).exec("true").output().await, ErrorKind::NotFound);
    assert_kind(sf.network("nosuch").get().await, ErrorKind::NotFound);
    assert_kind(sf.blob(nobody).get().await, ErrorKind::NotFound);
    assert_kind(sf.artifact(nobody).get().await, ErrorKind::NotFound);
    assert_kind(sf.interface(nobody).get().await, ErrorKind::NotFound);
    assert_kind(sf.agent_operation(nobody).get().await, ErrorKind::NotFound);
    assert!(sf.find_blob(&"0".repeat(128)).await?.is_none());
    Ok(())
}

pub async fn a_name_of_two_is_invalid<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let own = name("twin");
    let first = sf.launch(&own).disk(disk()).timeout(LONG).await?;
    let second = sf.launch(&own).disk(disk()).timeout(LONG).await?;
    assert_ne!(first.uuid, second.uuid);
    let e = assert_kind(sf.instance(&own).get().await, ErrorKind::InvalidInput);
    assert!(e.message().contains("multiple"), "{e}");
    gone(&first).await?;
    assert_eq!(sf.instance(&own).get().await?.uuid, second.uuid);
    gone(&second).await?;
    Ok(())
}

pub async fn names_that_lead_elsewhere_are_refused<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    for bad in ["", ".", "..", "a/b", "a\\b"] {
        let e = assert_kind(sf.instance(bad).get().await, ErrorKind::InvalidInput);
        assert_eq!((e.status(), e.fields()), (None, &["instance".to_owned()][..]));
        assert_kind(sf.instance(bad).delete().await, ErrorKind::InvalidInput);
        assert_kind(sf.network(bad).get().await, ErrorKind::InvalidInput);
        assert_kind(sf.blob(bad).get().await, ErrorKind::InvalidInput);
        assert_kind(sf.artifact(bad).get().await, ErrorKind::InvalidInput);
        assert_kind(sf.instance("a").remove_metadata(bad).await, ErrorKind::InvalidInput);
    }
    Ok(())
}

pub async fn metadata_is_json<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "meta").await?;
    web.set_metadata("text", "b ü 🦀").await?;
    web.set_metadata("tags", ["a"]).await?;
    web.set_metadata("obj", json!({"a": [1, null, {"b": true}]})).await?;
    web.set_metadata("text", "again").await?;
    let mut all = web.metadata().await?;
    all.remove("windlass-launch");
    assert_eq!(
        Value::Object(all),
        json!({"text": "again", "tags": ["a"], "obj": {"a": [1, null, {"b": true}]}})
    );
    web.remove_metadata("text").await?;
    web.remove_metadata("never-there").await?;
    assert!(!web.metadata().await?.contains_key("text"));
    // By the server itself: the typed call refuses it before.
    let raw = served.sf.raw().instance_metadata_set().instance_ref(web.uuid.as_str()).key("x");
    let e = raw.body(types::MetadataValue::new(Value::Null)).send().await.expect_err("null is no value");
    assert_eq!(e.status(), Some(400), "{e}");
    gone(&web).await?;
    Ok(())
}

pub async fn events_newest_first<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "events").await?;
    let mut events = Vec::new();
    // On 0.7 they show up late.
    for _ in 0..400 {
        events = web.events().await?;
        if events.len() > 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(events.len() > 3, "{events:?}");
    assert!(events.windows(2).all(|pair| pair[0].time >= pair[1].time));
    assert!(events.iter().all(|event| !event.message.is_empty() && !event.node.is_empty()));
    assert_eq!(web.events().limit(2).await?.len(), 2);
    let audits = web.events().kind(EventType::Audit).await?;
    assert!(!audits.is_empty() && audits.iter().all(|event| event.kind == EventType::Audit));
    gone(&web).await?;
    Ok(())
}

async fn power(instance: &Instance) -> Result<Option<PowerState>, Error> {
    Ok(instance.get().await?.power_state.clone())
}

pub async fn power_off_and_on<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "power").await?;
    assert_eq!(power(&web).await?, Some(PowerState::On));
    web.power_off().await?;
    assert_eq!(power(&web).await?, Some(PowerState::Off));
    web.power_off().await?;
    web.power_on().await?;
    assert_eq!(power(&web).await?, Some(PowerState::On));
    web.power_on().await?;
    gone(&web).await?;
    let e = assert_kind(web.power_on().await, ErrorKind::Conflict);
    assert_eq!(e.status(), Some(406), "{e}");
    Ok(())
}

pub async fn pause_and_unpause<G>(served: Served<G>) -> Outcome {
    let web = ready(&served.sf, "pause").await?;
    web.pause().await?;
    let now = web.get().await?;
    assert_eq!(now.power_state, Some(PowerState::Paused));
    web.unpause().await?;
    assert_eq!(power(&web).await?, Some(PowerState::On));
    web.until_agent_ready().timeout(LONG).await?;
    gone(&web).await?;
    Ok(())
}

pub async fn what_doesnt_fit_the_power_state_is_a_conflict<G>(served: Served<G>) -> Outcome {
    if !can(&served.sf, "list-addresses").await? {
        eprintln!("skipped: 0.7 answers 200 to everything");
        return Ok(());
    }
    let web = made(&served.sf, "odd").await?;
    web.pause().await?;
    // 400 from the release candidate, which fails over its own error.
    let e = assert_kind(web.pause().await, ErrorKind::Conflict);
    assert!(matches!(e.status(), Some(400 | 409)), "{e}");
    gone(&web).await?;
    Ok(())
}

pub async fn power_before_created_waits<G>(served: Served<G>) -> Outcome {
    let operation = served.sf.launch(name("early")).disk(disk()).send().await?;
    let web = served.sf.instance(operation.ticket().id());
    web.power_off().timeout(LONG).await?;
    assert_eq!(web.get().await?.power_state, Some(PowerState::Off));
    web.delete().await?;
    Ok(())
}

pub async fn a_reboot_is_seen<G>(served: Served<G>) -> Outcome {
    let web = ready(&served.sf, "reboot").await?;
    let before = web.agent_system_boot_time.ok_or("no boot time")?;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    web.reboot_hard().send().await?.timeout(LONG).await?;
    let after = web.get().await?;
    assert!(after.agent_system_boot_time.is_some_and(|now| (now - before).abs() >= 1.0));
    assert!(after.is_agent_ready());
    gone(&web).await?;
    Ok(())
}

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

pub async fn console_and_vdi_helper<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "console").await?;
    web.console_log().await?;
    assert!(web.console_log().last(5).await?.len() <= 5);
    web.clear_console_log().await?;
    assert_eq!(web.console_log().all().await?, "");
    let helper = web.vdi_console_helper().await?;
    assert!(helper.starts_with("[virt-viewer]") && helper.contains("port="), "{helper}");
    gone(&web).await?;
    Ok(())
}

pub async fn a_screenshot_is_a_blob<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "screen").await?;
    if can(&served.sf, "instance-screenshot").await? {
        let image = web.take_screenshot().await?.bytes().await?;
        assert!(image.starts_with(b"P6\n"), "{image:?}");
    } else {
        let e = assert_kind(web.take_screenshot().await, ErrorKind::Unsupported);
        assert_eq!(e.sent(), windlass::Sent::No);
    }
    gone(&web).await?;
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

async fn network(sf: &ShakenFist, what: &str) -> Result<Network, Error> {
    sf.create_network(name(what)).netblock("10.0.0.0/24").timeout(LONG).await
}

pub async fn networks_and_addresses<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let net = network(sf, "net").await?;
    assert_eq!(net.state, ObjectState::Created);
    assert!(net.vxlan().is_some());
    assert!(sf.networks().await?.iter().any(|it| it.uuid == net.uuid));
    let web = sf
        .launch(name("wired"))
        .disk(disk())
        .nic(Nic::on(&net.uuid).address("10.0.0.9"))
        .timeout(LONG)
        .await?;
    let own = web.interfaces().await?;
    assert_eq!(own.iter().map(|it| it.ipv4.as_deref()).collect::<Vec<_>>(), [Some("10.0.0.9")]);
    assert_eq!(sf.interface(&own[0].uuid).get().await?.macaddr, own[0].macaddr);
    if can(sf, "list-addresses").await? {
        assert!(net.addresses().await?.iter().any(|it| it.address == "10.0.0.9"));
    } else {
        assert_kind(net.addresses().await, ErrorKind::Unsupported);
    }
    gone(&web).await?;
    for bad in ["", "10.0.0.0", "10.0.0.0/30"] {
        let e = assert_kind(sf.create_network("x").netblock(bad).await, ErrorKind::InvalidInput);
        assert_eq!((e.status(), e.fields()), (None, &["netblock".to_owned()][..]));
    }
    net.delete().send().await?.timeout(LONG).await?;
    Ok(())
}

pub async fn a_taken_address_is_a_conflict<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let net = network(sf, "taken").await?;
    let nic = || Nic::on(&net.uuid).address("10.0.0.9");
    let first = sf.launch(name("first")).disk(disk()).nic(nic()).timeout(LONG).await?;
    let second = sf.launch(name("second")).disk(disk()).nic(nic()).remove_refused().await;
    let e = assert_kind(second, ErrorKind::Conflict);
    assert_eq!((e.status(), e.attempts()), (Some(409), 1), "{e}");
    gone(&first).await?;
    Ok(())
}

pub async fn hot_plug<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let web = made(sf, "plug").await?;
    if can(sf, "hot-plug-interface").await? {
        let net = network(sf, "plug").await?;
        let nic = web.hot_plug(Nic::on(&net.uuid).address("10.0.0.5").mac("02:00:00:ea:3a:28")).await?;
        assert_eq!(nic.ipv4.as_deref(), Some("10.0.0.5"));
        assert_eq!(web.interfaces().await?.len(), 1);
    } else {
        let e = assert_kind(web.hot_plug(Nic::on("any")).await, ErrorKind::Unsupported);
        assert_eq!(e.sent(), windlass::Sent::No);
    }
    gone(&web).await?;
    Ok(())
}

pub async fn hot_plug_of_a_taken_address_is_refused_before_it_is_sent<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    if !can(sf, "hot-plug-interface").await? {
        return Ok(());
    }
    let net = network(sf, "plug").await?;
    let web = made(sf, "plug").await?;
    web.hot_plug(Nic::on(&net.uuid).address("10.0.0.5")).await?;
    let e = assert_kind(web.hot_plug(Nic::on(&net.uuid).address("10.0.0.5")).await, ErrorKind::Conflict);
    assert_eq!((e.status(), e.sent(), e.fields()), (None, windlass::Sent::No, &["address".to_owned()][..]));
    assert_eq!(web.get().await?.state, InstanceState::Created);
    gone(&web).await?;
    Ok(())
}

pub async fn a_wait_out_of_time_gives_a_ticket<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let net = network(sf, "slow").await?;
    // Nothing can make it created within no time.
    let operation = sf.launch(name("slow")).disk(disk()).nic(Nic::on(&net.uuid)).send().await?;
    let e = operation.timeout(Duration::ZERO).await.expect_err("no time");
    assert_eq!((e.end(), e.kind()), (WaitEnd::OutOfTime, ErrorKind::Timeout));
    let ticket = e.ticket().to_string().parse()?;
    let web = sf.resume::<Instance>(&ticket)?.timeout(LONG).await?;
    assert_eq!(web.uuid, ticket.id());
    gone(&web).await?;
    Ok(())
}

pub async fn a_ticket_resumes_in_a_fresh_client<G>(served: Served<G>) -> Outcome {
    let operation = served.sf.launch(name("later")).disk(disk()).send().await?;
    let ticket = operation.ticket().to_string();
    drop(operation);
    let other = ShakenFist::at(&served.url).namespace("demo").key("demokey").await?;
    assert_kind(other.resume::<()>(&ticket.parse()?), ErrorKind::InvalidInput);
    let web = other.resume::<Instance>(&ticket.parse()?)?.timeout(LONG).await?;
    assert_eq!(web.state, InstanceState::Created);
    let ticket = web.delete().send().await?.ticket();
    other.resume::<()>(&ticket)?.timeout(LONG).await?;
    other.resume::<()>(&ticket)?.timeout(LONG).await?;
    Ok(())
}

pub async fn delete_is_seen_through<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "gone").await?;
    let named = served.sf.instance(&web.name);
    named.delete().send().await?.timeout(LONG).await?;
    assert_eq!(web.get().await?.state, InstanceState::Deleted);
    Ok(())
}

pub async fn delete_all_is_seen_through<G>(served: Served<G>) -> Outcome {
    // Of a namespace that no other test uses.
    let other = ShakenFist::at(&served.url).namespace("other").key("otherkey").await?;
    let (a, b) = (made(&other, "a").await?, made(&other, "b").await?);
    assert_kind(served.sf.instance(&a.uuid).get().await, ErrorKind::NotFound);
    let e = served.sf.instances().namespace("other").delete_all().await;
    assert_kind(e, ErrorKind::PermissionDenied);
    // Those that were there, and not what was deleted before.
    let old = made(&other, "old").await?;
    gone(&old).await?;
    let all = other.instances().delete_all().send().await?.timeout(LONG).await?;
    assert!(all.contains(&a.uuid) && all.contains(&b.uuid) && !all.contains(&old.uuid), "{all:?}");
    // Behind a gateway, and with lists that miss all.
    let meddler = Meddler::before(&served.url, "other", "otherkey").await?;
    let c = made(&other, "c").await?;
    meddler.blind();
    meddler.spoil("DELETE /instances ", Spoilt::Instead(504, "<html>"));
    let all = meddler.sf.instances().delete_all().send().await?.timeout(LONG).await?;
    assert_eq!(all, std::slice::from_ref(&c.uuid));
    assert_eq!(c.get().await?.state, InstanceState::Deleted);
    // The list may lag a little behind.
    let left = other.instances().await?;
    assert!(left.iter().all(|it| it.state == InstanceState::Deleted), "{left:?}");
    Ok(())
}

pub async fn raw_calls_work<G>(served: Served<G>) -> Outcome {
    served.sf.raw().instances_list().send().await?;
    let missing = served.sf.raw().instance_get().instance_ref("nosuch").send().await;
    assert_eq!(missing.map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    Ok(())
}
