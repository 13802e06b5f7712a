//! Copies and moves: never doubled, never half done in silence; counted on the server's side.

use std::time::Duration;

use serde_json::json;
use windlass::incus::{Instance, Status, types};
use windlass::testing::{FakeIncus, Generation};
use windlass::{ErrorKind, Incus, Sent, WaitEnd};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const CREATE: &str = "POST /1.0/instances";
const CHANGE: &str = "POST /1.0/instances/{name}";
const DELETE: &str = "DELETE /1.0/instances/{name}";
const CANCEL: &str = "DELETE /1.0/operations/{id}";
const MARKER: &str = "user.windlass.launch";
const SOON: Duration = Duration::from_millis(300);

async fn fake() -> Result<(FakeIncus, Incus), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = Incus::unix(fake.socket()).client()?;
    Ok((fake, incus))
}

/// Two servers, and a stopped instance with a snapshot on the first.
async fn two() -> Result<(FakeIncus, Instance, FakeIncus, Incus), Box<dyn std::error::Error>> {
    let ((here, incus), (there, other)) = (fake().await?, fake().await?);
    let web = incus.create("web").image("busybox").config("user.a", "1").await?;
    web.write_file("/root/note", "hello").await?;
    web.create_snapshot("s").await?;
    Ok((here, web, there, other))
}

#[tokio::test]
async fn a_copy_whose_answer_is_lost_is_found_by_its_own_marker() -> Outcome {
    let (fake, incus) = fake().await?;
    let web = incus.create("web").image("busybox").await?;
    for way in 0..2 {
        match way {
            0 => fake.on(CREATE).drop_after(),
            _ => fake.on(CREATE).truncate(30),
        };
        let before = fake.requests(CREATE);
        let twin = web.copy(format!("twin-{way}")).await?;
        assert_eq!(fake.requests(CREATE) - before, 1);
        assert_ne!(twin.config[MARKER], web.config[MARKER]);
    }
    assert_eq!(fake.instances(), ["twin-0", "twin-1", "web"]);
    Ok(())
}

#[tokio::test]
async fn a_copy_says_all_that_its_original_has() -> Outcome {
    let (fake, incus) = fake().await?;
    let web = incus.create("web").image("busybox").config("user.a", "1").description("one").await?;
    web.create_snapshot("s").await?;
    web.patch().config("user.a", "2").config("user.b", "2").device("data", [("type", "none")]).await?;
    let body = |fake: &FakeIncus| fake.log().iter().rev().find(|r| r.method == "POST").and_then(|r| r.json());
    web.copy("twin").config("user.b", "3").await?;
    let sent = body(&fake).ok_or("no request")?;
    assert_eq!((&sent["config"]["user.a"], &sent["config"]["user.b"]), (&"2".into(), &"3".into()));
    assert_eq!((&sent["architecture"], &sent["description"]), (&"x86_64".into(), &"one".into()));
    assert_eq!((&sent["type"], &sent["profiles"][0]), (&"container".into(), &"default".into()));
    assert_eq!(sent["devices"]["data"]["type"], "none");
    assert!(sent["config"].get("volatile.uuid").is_none());
    web.snapshot("s").copy("old").await?;
    let sent = body(&fake).ok_or("no request")?;
    assert_eq!((&sent["config"]["user.a"], sent["config"].get("user.b")), (&"1".into(), None));
    assert!(sent["devices"].get("data").is_none());
    Ok(())
}

#[tokio::test]
async fn a_copy_that_never_took_effect_is_an_unknown_outcome() -> Outcome {
    let (fake, incus) = fake().await?;
    let web = incus.create("web").image("busybox").await?;
    let before = fake.requests(CREATE);
    fake.on(CREATE).drop_before();
    let e = web.copy("twin").reconcile_window(SOON).await.expect_err("nothing was made");
    assert!(e.is_outcome_unknown() && e.marker().is_some(), "{e:?}");
    // Nor is an instance that has the name, but another marker, taken for the copy.
    fake.add_instance("theirs");
    fake.on(CREATE).drop_before();
    let e = web.copy("theirs").reconcile_window(SOON).await.expect_err("it is somebody else's");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    assert_eq!(fake.requests(CREATE) - before, 2);
    Ok(())
}

#[tokio::test]
async fn a_copy_of_an_instance_is_not_taken_for_what_made_it() -> Outcome {
    let (fake, incus) = fake().await?;
    let id = "c0ffee00-0000-4000-8000-000000000000";
    let operation = |status: &str, code: u32| {
        format!(
            r#"{{"id":"{id}","class":"task","status":"{status}","status_code":{code},"err":"no space left",
            "resources":{{"instances":["/1.0/instances/twin","/1.0/instances/web"]}}}}"#
        )
    };
    let copying = format!(r#"{{"type":"sync","metadata":{{"running":[{}]}}}}"#, operation("Running", 103));
    let failed = format!(r#"{{"type":"sync","metadata":{}}}"#, operation("Failure", 400));
    fake.on("GET /1.0/operations").always().reply(200, copying);
    let found = format!("GET /1.0/operations/{id}");
    fake.on(&found).always().reply(200, failed.clone());
    fake.on(&format!("{found}/wait")).always().reply(200, failed);
    fake.operation_delay(Duration::ZERO);
    fake.on(CREATE).drop_after();
    // Another client's copy of it fails; the create itself has ended well.
    let web = incus.create("web").image("busybox").await?;
    assert_eq!((web.name(), fake.requests(CREATE)), ("web", 1));
    Ok(())
}

#[tokio::test]
async fn a_move_to_an_unknown_pool_fails_in_the_words_of_the_server() -> Outcome {
    for (generation, words) in [
        (Generation::V6_0, "Failed loading storage pool: Storage pool not found"),
        (Generation::V7_0, "Can't find a storage pool 'nosuch' for the instance to use"),
    ] {
        let fake = FakeIncus::builder().generation(generation).start().await?;
        let incus = Incus::unix(fake.socket()).client()?;
        let web = incus.create("web").image("busybox").await?;
        let e = web.relocate().pool("nosuch").await.expect_err("there is no such pool");
        assert!(e.kind() == ErrorKind::OperationFailed && e.message().ends_with(words), "{e:?}");
        assert_eq!(fake.instances(), ["web"]);
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_found_by_a_marker_is_sent_once() -> Outcome {
    let (fake, incus) = fake().await?;
    let web = incus.create("web").image("busybox").await?;
    let twin = web.copy("twin").await?;
    let before = fake.requests(CREATE);
    for route in
        [CREATE, CHANGE, "POST /1.0/instances/{name}/snapshots", "POST /1.0/instances/{name}/backups"]
    {
        fake.on(route).drop_before();
    }
    let lost = [
        twin.refresh_from(&web).await.err(),
        web.relocate().pool("second").await.err(),
        web.create_snapshot("s").await.err(),
        web.create_backup("b").await.err(),
    ];
    for e in lost {
        let e = e.ok_or("its answer was lost")?;
        assert_eq!((e.kind(), e.sent(), e.attempts()), (ErrorKind::Interrupted, Sent::Unknown, 1), "{e:?}");
        assert!(!e.is_repeatable());
    }
    assert_eq!((fake.requests(CREATE) - before, fake.requests(CHANGE)), (1, 1));
    assert_eq!(fake.requests("POST /1.0/instances/{name}/snapshots"), 1);
    assert_eq!(fake.requests("POST /1.0/instances/{name}/backups"), 1);
    Ok(())
}

#[tokio::test]
async fn nothing_that_would_do_harm_is_asked_for() -> Outcome {
    let (fake, incus) = fake().await?;
    let web = incus.create("web").image("busybox").await?;
    let one = web.create_backup("one").await?;
    web.create_backup("two").await?;
    assert!(one.rename("two").await.is_err_and(|e| e.is_already_exists()));
    assert_eq!(fake.requests("POST /1.0/instances/{name}/backups/{backup}"), 0);
    let before = fake.requests(CREATE);
    // The server would make one.
    assert!(incus.instance("nobody").refresh_from(&web).await.is_err_and(|e| e.is_not_found()));
    assert_eq!(fake.requests(CREATE), before);
    // A copy is refreshed where it is, and this server has no members.
    web.copy("twin").await?;
    incus.on("n2").instance("twin").refresh_from(&web).await?;
    Ok(())
}

/// A new instance's backup, as bytes.
async fn backup(incus: &Incus) -> Result<bytes::Bytes, windlass::Error> {
    let web = incus.create("web").image("busybox").await?;
    web.create_backup("b").await?.export().bytes().await
}

#[tokio::test]
async fn an_import_whose_answer_is_lost_is_found_by_its_marker() -> Outcome {
    let (fake, incus) = fake().await?;
    let file = backup(&incus).await?;
    let before = fake.requests(CREATE);
    fake.on(CREATE).drop_after();
    let again = incus.import_backup(file.clone()).name("again").await?;
    assert_eq!((again.name(), fake.requests(CREATE) - before), ("again", 1));
    // Nothing came of it.
    fake.on(CREATE).drop_before();
    let e = incus.import_backup(file.clone()).name("third").reconcile_window(SOON).await.expect_err("lost");
    assert!(e.is_outcome_unknown() && e.marker().is_some(), "{e:?}");
    // Without a name there is nothing to look for.
    incus.instance("web").delete().await?;
    fake.on(CREATE).drop_after();
    let e = incus.import_backup(file).await.expect_err("lost");
    assert!(e.is_outcome_unknown(), "{e:?}");
    assert_eq!(fake.requests(CREATE) - before, 3);
    Ok(())
}

#[tokio::test]
async fn an_old_server_writes_no_marker_and_the_import_says_that_it_cannot_tell() -> Outcome {
    let fake = FakeIncus::builder().generation(Generation::V6_0).start().await?;
    let incus = fake.client()?;
    let file = backup(&incus).await?;
    let before = fake.requests(CREATE);
    fake.on(CREATE).drop_after();
    let e = incus.import_backup(file).name("again").reconcile_window(SOON).await.expect_err("lost");
    assert!(e.is_outcome_unknown(), "{e:?}");
    assert_eq!((fake.requests(CREATE) - before, fake.instances().len()), (1, 2));
    Ok(())
}

#[tokio::test]
async fn a_taken_name_is_known_before_the_backup_is_sent() -> Outcome {
    let (fake, incus) = fake().await?;
    let file = backup(&incus).await?;
    let before = fake.requests(CREATE);
    let e = incus.import_backup(file).name("web").await.expect_err("the name is taken");
    assert_eq!((e.kind(), fake.requests(CREATE)), (ErrorKind::AlreadyExists, before));
    Ok(())
}

#[tokio::test]
async fn an_export_that_breaks_off_goes_on_where_it_was() -> Outcome {
    let (fake, incus) = fake().await?;
    let web = incus.create("web").image("busybox").await?;
    web.write_file("/root/content", vec![7; 1_000_000]).await?;
    let backup = web.create_backup("b").await?;
    let whole = backup.export().bytes().await?;
    // A time in whole seconds names a version only when that second is over.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let route = "GET /1.0/instances/{name}/backups/{backup}/export";
    let before = fake.requests(route);
    fake.on(route).truncate(600_000);
    assert!(backup.export().bytes().await? == whole);
    assert_eq!(fake.requests(route) - before, 2);
    let range = fake.log().last().and_then(|request| request.header("range").map(str::to_owned));
    assert_eq!(range.as_deref(), Some("bytes=600000-"));
    Ok(())
}

#[tokio::test]
async fn an_instance_is_copied_to_another_server() -> Outcome {
    let (here, web, there, other) = two().await?;
    let twin = web.copy_to(&other).source_address(here.url()).name("twin").await?;
    assert_eq!((twin.name(), &twin.status), ("twin", &Status::Stopped));
    assert_eq!((twin.config["user.a"].as_str(), twin.read_file("/root/note").await?), ("1", "hello".into()));
    assert_eq!(twin.snapshots().await?.len(), 1);
    assert_ne!(twin.config[MARKER], web.config[MARKER]);
    assert_ne!(twin.config.get("volatile.uuid"), web.config.get("volatile.uuid"));
    assert_eq!((here.requests(DELETE), here.requests(CANCEL)), (0, 0));
    assert_eq!((here.instances(), there.instances()), (vec!["web".to_owned()], vec!["twin".to_owned()]));
    let bare = web.copy_to(&other).source_address(here.url()).instance_only().pool("second").await?;
    assert!(bare.snapshots().await?.is_empty());
    assert_eq!(bare.devices["root"]["pool"], "second");
    Ok(())
}

#[tokio::test]
async fn an_instance_moves_to_another_server() -> Outcome {
    let (here, web, there, other) = two().await?;
    let there_now = web.move_to(&other).source_address(here.url()).await?;
    assert_eq!(there_now.read_file("/root/note").await?, "hello");
    assert!(web.get().await.is_err_and(|e| e.is_not_found()));
    assert_eq!(
        (here.instances().len(), there.instances(), here.requests(DELETE)),
        (0, vec!["web".to_owned()], 1)
    );
    Ok(())
}

#[tokio::test]
async fn a_move_whose_answer_is_lost_goes_on() -> Outcome {
    let (here, web, there, other) = two().await?;
    there.on(CREATE).drop_after();
    let moved = web.move_to(&other).source_address(here.url()).await?;
    assert_eq!(moved.read_file("/root/note").await?, "hello");
    assert_eq!((there.requests(CREATE), here.requests(CHANGE), here.requests(DELETE)), (1, 1, 1));
    assert_eq!((here.instances().len(), there.instances().len()), (0, 1));
    Ok(())
}

#[tokio::test]
async fn a_move_that_fails_leaves_the_original() -> Outcome {
    let (here, web, there, other) = two().await?;
    let door = here.url();
    let moving = || web.move_to(&other).source_address(door.clone()).reconcile_window(SOON);
    // Refused at once: the offer is taken back.
    there.add_instance("web");
    assert!(moving().await.is_err_and(|e| e.is_already_exists()));
    assert_eq!((here.requests(CANCEL), here.requests(DELETE)), (1, 0));
    other.instance("web").delete().await?;
    // It may or may not come into being.
    there.on(CREATE).drop_before();
    assert!(moving().await.is_err_and(|e| e.is_outcome_unknown()));
    assert_eq!((here.requests(CANCEL), here.requests(DELETE)), (1, 0));
    // The work itself fails, as the instance isn't offered any more.
    let hold = there.hold_operations();
    let operation = moving().send().await?;
    let source = here.client()?;
    for offer in source.operations().await?.iter().filter(|operation| operation.status_code < 200) {
        source.raw().operation_cancel().id(offer.id.as_str()).send().await?;
    }
    drop(hold);
    let e = operation.await.expect_err("nothing could be fetched");
    assert!(e.end() == WaitEnd::Failed && e.to_string().contains("transferring"), "{e}");
    assert_eq!(here.requests(DELETE), 0);
    assert_eq!(web.get().await?.status, Status::Stopped);
    assert_eq!(web.read_file("/root/note").await?, "hello");
    Ok(())
}

#[tokio::test]
async fn without_proof_the_original_stays() -> Outcome {
    let (here, web, there, other) = two().await?;
    let hold = there.hold_operations();
    let operation = web.move_to(&other).source_address(here.url()).send().await?;
    // Both servers forget their part; the instance is there, but nothing was fetched.
    there.restart().await?;
    here.restart().await?;
    drop(hold);
    assert!(other.instance("web").read_file("/root/note").await.is_err());
    let e = operation.await.expect_err("whether all has arrived can't be told");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Gone, ErrorKind::OperationGone), "{e:?}");
    assert_eq!((here.requests(DELETE), here.instances()), (0, vec!["web".to_owned()]));
    Ok(())
}

#[tokio::test]
async fn a_move_that_cannot_be_is_not_begun() -> Outcome {
    let (here, web, there, other) = two().await?;
    // As a server does that names no address of its own.
    let about = json!({"auth": "trusted", "environment": {"addresses": [], "certificate": ""}});
    let envelope = json!({"type": "sync", "status": "Success", "status_code": 200, "operation": "", "error_code": 0,
        "error": "", "metadata": about});
    here.on("GET /1.0").reply(200, envelope.to_string());
    let e = web.move_to(&other).await.expect_err("no way in");
    assert_eq!(e.kind(), ErrorKind::Configuration, "{e:?}");
    web.start().await?;
    let e = web.move_to(&other).source_address(here.url()).await.expect_err("it runs");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    let e = web.copy_to(&other).name("..").await.expect_err("no name");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0));
    assert_eq!((here.requests(CHANGE), there.requests(CREATE)), (0, 0));
    Ok(())
}

#[tokio::test]
async fn new_instances_go_to_the_member_of_the_handle() -> Outcome {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let fake = FakeIncus::builder().generation(generation).cluster(["n1", "n2", "n3"]).start().await?;
        let incus = fake.client()?;
        let n2 = incus.on("n2");
        // 6.0 gives the operation a URL with a query.
        let web = n2.launch("web").image("busybox").await?;
        assert_eq!(web.location, "n2");
        let twin = n2.instance("web").copy("twin").await?;
        assert_eq!(twin.location, "n2");
        // Any member would take a refresh, and fail unless the copy is there.
        incus.instance("twin").refresh_from(&web).await?;
        assert_eq!(web.copy("third").target("n3").await?.location, "n3");
        assert_eq!(incus.create("home").empty().await?.location, "n1");
        web.stop().force().await?;
        let moved = incus.instance("web").relocate().member("n3").await?;
        assert_eq!(moved.location, "n3");
        let e = moved.relocate().member("n9").await.expect_err("no such member");
        assert_eq!((e.kind(), e.status()), (ErrorKind::NotFound, Some(404)), "{e:?}");
        let targets = fake
            .log()
            .iter()
            .filter(|request| request.method == "POST")
            .map(|r| r.param("target"))
            .collect::<Vec<_>>();
        let targets: Vec<_> = targets.iter().map(Option::as_deref).collect();
        assert_eq!(targets, [Some("n2"), Some("n2"), Some("n2"), Some("n3"), None, Some("n3"), Some("n9")]);
        let members = incus.cluster_members().await?;
        assert_eq!(
            members.iter().map(|member| member.server_name.as_str()).collect::<Vec<_>>(),
            ["n1", "n2", "n3"]
        );
        assert!(incus.cluster_member("n2").get().await?.url.starts_with("https://"));
        assert!(incus.cluster_member("n9").get().await.is_err_and(|e| e.is_not_found()));
    }
    Ok(())
}

#[tokio::test]
async fn an_operation_is_known_by_its_id_and_not_by_its_url() -> Outcome {
    let fake = FakeIncus::builder().generation(Generation::V6_0).cluster(["n1", "n2"]).start().await?;
    let incus = fake.client()?;
    let body = types::InstanceCreate::new("raw", types::InstanceSource::new(types::SourceType::None));
    let (_, head) = incus.raw().instance_create().target("n2").body(body).send().with_head().await?;
    let url = head.headers()["location"].to_str()?;
    assert!(url.ends_with("?project=default"), "{url}");
    let operation = incus.on("n2").launch("web").image("busybox").send().await?;
    let ticket = operation.ticket();
    operation.on_progress(|_| {}).await?;
    assert_eq!(ticket.id().len(), 36);
    incus.resume::<Instance>(&ticket)?.await?;
    assert!(fake.log().iter().all(|request| !request.path.contains('?') && !request.path.contains("%3F")));
    Ok(())
}

#[tokio::test]
async fn a_migration_prints_no_secret() -> Outcome {
    let (here, web, there, other) = two().await?;
    let hold = there.hold_operations();
    let migration = web.copy_to(&other).source_address(here.url());
    let printed = format!("{migration:?}");
    let operation = migration.send().await?;
    drop(hold);
    operation.await?;
    let sent =
        there.log().into_iter().find(|request| request.method == "POST").and_then(|request| request.json());
    let secrets = sent.ok_or("no request")?["source"]["secrets"].clone();
    let secret = secrets["control"].as_str().ok_or("no secret")?;
    assert_eq!(secret.len(), 64);
    assert!(!printed.contains(secret) && !printed.contains("user.a"), "{printed}");
    Ok(())
}
