//! A cluster of three real members, and a server beside it: `cargo xtask live incus` starts them and runs this.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use windlass::incus::{ClusterMember, Incus, Instance, Status};
use windlass::{Error, ErrorKind, WaitEnd};

use crate::incus::booted;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const IMAGE: &str = "busybox";

/// A member of the cluster, through its own socket.
async fn member(name: &str) -> Result<Incus, Box<dyn std::error::Error>> {
    let cluster = std::env::var("WINDLASS_LIVE_INCUS_CLUSTER")
        .map_err(|_| "WINDLASS_LIVE_INCUS_CLUSTER is not set: run `cargo xtask live incus`")?;
    Ok(Incus::unix(format!("{cluster}/{name}/unix.socket")).await?)
}

/// The server that stands alone.
async fn other_server() -> Result<Incus, Box<dyn std::error::Error>> {
    let socket =
        std::env::var("WINDLASS_LIVE_INCUS_SOCKET").map_err(|_| "WINDLASS_LIVE_INCUS_SOCKET is not set")?;
    Ok(Incus::unix(socket).await?)
}

fn name(base: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{base}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn remove(instance: &Instance) -> Outcome {
    if instance.get().await?.status != Status::Stopped {
        instance.stop().force().await?;
    }
    Ok(instance.delete().await?)
}

/// The list once all are online: on a busy machine a heartbeat may come so late that one isn't, for a moment.
async fn members_online(incus: &Incus) -> Result<Vec<ClusterMember>, Error> {
    let ends = Instant::now() + Duration::from_secs(60);
    loop {
        let members = incus.cluster_members().await?;
        if members.iter().all(is_online) || Instant::now() > ends {
            return Ok(members);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn is_online(member: &ClusterMember) -> bool {
    member.status.as_ref().is_some_and(|status| status.as_str() == "Online")
}

#[tokio::test]
#[ignore = "needs a real cluster: cargo xtask live incus"]
async fn the_members_are_listed() -> Outcome {
    let n1 = member("n1").await?;
    let mut members = members_online(&n1).await?;
    members.sort_by(|one, other| one.server_name.cmp(&other.server_name));
    assert_eq!(
        members.iter().map(|member| member.server_name.as_str()).collect::<Vec<_>>(),
        ["n1", "n2", "n3"]
    );
    for member in members {
        assert!(is_online(&member), "{member:?}");
        assert!(member.url.starts_with("https://127.0.0.1:") && member.database, "{member:?}");
        assert_eq!(n1.cluster_member(&member.server_name).get().await?.url, member.url);
    }
    assert!(n1.cluster_member("n4").get().await.is_err_and(|e| e.is_not_found()));
    let e = n1.on("n4").launch(name("nowhere")).image(IMAGE).await.expect_err("no such member");
    assert_eq!((e.kind(), e.status()), (ErrorKind::NotFound, Some(404)), "{e:?}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real cluster: cargo xtask live incus"]
async fn a_launch_on_a_chosen_member_is_used_through_another() -> Outcome {
    let (n1, n2, n3) = (member("n1").await?, member("n2").await?, member("n3").await?);
    let web = n1.on("n2").launch(name("web")).image(IMAGE).await?;
    assert_eq!((web.location.as_str(), &web.status), ("n2", &Status::Running));
    for incus in [&n1, &n2, &n3] {
        let web = incus.instance(web.name());
        let done = web.exec(["sh", "-c", "cat; echo err >&2; exit 3"]).stdin("hello").output().await?;
        assert_eq!((done.stdout_text().as_str(), done.stderr_text().as_str()), ("hello", "err\n"));
        assert_eq!(done.status.code(), 3);
        web.write_file("/root/note", incus.origin().to_owned()).await?;
        assert_eq!(web.read_file("/root/note").await?, incus.origin());
        assert!(web.get_state().await?.pid > 0);
        let listed = incus.instances().filter(format!("name eq {}", web.name())).await?;
        assert_eq!(listed.iter().map(|found| found.location.as_str()).collect::<Vec<_>>(), ["n2"]);
    }
    let e = n3.instance(web.name()).exec(["no-such-command"]).output().await.expect_err("no such command");
    assert_eq!((e.kind(), e.message()), (ErrorKind::NotFound, "Command not found"));
    remove(&web).await
}

#[tokio::test]
#[ignore = "needs a real cluster: cargo xtask live incus"]
async fn work_of_one_member_is_waited_for_through_another() -> Outcome {
    let (n1, n2, n3) = (member("n1").await?, member("n2").await?, member("n3").await?);
    // A create with a target: 6.0 gives its operation a URL with a query.
    let operation = n1.on("n3").launch(name("wait")).image(IMAGE).send().await?;
    let ticket = operation.ticket();
    drop(operation);
    let web = n2.resume::<Instance>(&ticket)?.on_progress(|_| {}).await?;
    assert_eq!((web.location.as_str(), &web.status), ("n3", &Status::Running));
    booted(&web).await?;
    // Asked for through the first, done by the third, waited for through the second.
    let stop = n1.instance(web.name()).stop().grace(Duration::from_secs(30)).send().await?;
    let running = n2.operations().await?;
    let url = format!("/1.0/instances/{}", web.name());
    let found = running.iter().find(|operation| operation.resources.values().flatten().any(|on| *on == url));
    assert_eq!(found.map(|operation| operation.location.as_str()), Some("n3"));
    let late = n2
        .resume::<()>(&stop.ticket())?
        .timeout(Duration::from_millis(1))
        .await
        .expect_err("it takes longer");
    assert_eq!(late.end(), WaitEnd::OutOfTime);
    n2.resume::<()>(late.ticket())?.await?;
    assert_eq!(n3.instance(web.name()).get().await?.status, Status::Stopped);
    // A failure arrives as well.
    let e = n1.instance(web.name()).stop().await.expect_err("it is stopped");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    remove(&web).await
}

#[tokio::test]
#[ignore = "needs a real cluster: cargo xtask live incus"]
async fn many_launches_on_all_members_share_one_connection() -> Outcome {
    let n1 = member("n1").await?;
    let launches = (0..9).map(|number| {
        let target = n1.on(format!("n{}", number % 3 + 1));
        tokio::spawn(async move { target.launch(name("many")).image(IMAGE).await })
    });
    for (number, launch) in launches.collect::<Vec<_>>().into_iter().enumerate() {
        let web = launch.await??;
        assert_eq!((web.location.clone(), &web.status), (format!("n{}", number % 3 + 1), &Status::Running));
        n1.instance(&web.name).stop().force().await?;
        n1.instance(&web.name).delete().await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real cluster: cargo xtask live incus"]
async fn an_instance_moves_between_members() -> Outcome {
    let n1 = member("n1").await?;
    let web = n1.on("n2").create(name("mover")).image(IMAGE).await?;
    web.write_file("/root/note", "hello").await?;
    web.create_snapshot("s").await?;
    let operation = web.relocate().member("n3").send().await?;
    let ticket = operation.ticket();
    let moved = operation.await?;
    assert_eq!(moved.location, "n3");
    assert_eq!(moved.read_file("/root/note").await?, "hello");
    assert_eq!(moved.snapshots().await?.len(), 1);
    let e = moved.relocate().member("n3").await.expect_err("it is there already");
    assert_eq!(e.status(), Some(400), "{e:?}");
    assert!(moved.relocate().member("n4").await.is_err_and(|e| e.is_not_found()));
    // Forgotten: where the instance is tells how the move ended.
    tokio::time::sleep(Duration::from_millis(6_500)).await;
    assert_eq!(n1.resume::<Instance>(&ticket)?.await?.location, "n3");
    let other = moved.relocate().member("n1").name(name("renamed")).await?;
    assert_eq!(other.location, "n1");
    assert!(moved.get().await.is_err_and(|e| e.is_not_found()));
    let e = n1.resume::<Instance>(&ticket)?.await.expect_err("it is elsewhere now");
    assert_eq!(e.end(), WaitEnd::Gone);
    remove(&other).await
}

#[tokio::test]
#[ignore = "needs a real cluster: cargo xtask live incus"]
async fn a_copy_goes_to_another_member() -> Outcome {
    let (n1, n3) = (member("n1").await?, member("n3").await?);
    let web =
        n1.on("n1").create(name("original")).image(IMAGE).config("user.a", "1").description("one").await?;
    web.write_file("/root/note", "hello").await?;
    let snapshot = web.create_snapshot("s").await?;
    let twin = web.copy(name("twin")).target("n2").await?;
    assert_eq!((twin.location.as_str(), twin.read_file("/root/note").await?), ("n2", "hello".into()));
    assert_eq!((twin.config["user.a"].as_str(), twin.description.as_str()), ("1", "one"));
    assert_eq!(twin.snapshots().await?.len(), 1);
    let old = snapshot.copy(name("old")).target("n3").start().await?;
    assert_eq!((old.location.as_str(), &old.status), ("n3", &Status::Running));
    assert_eq!(n3.instance(old.name()).read_file("/root/note").await?, "hello");
    web.write_file("/root/note", "news").await?;
    twin.refresh_from(&web).await?;
    assert_eq!(twin.read_file("/root/note").await?, "news");
    for instance in [&web, &twin, &old] {
        remove(instance).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real cluster: cargo xtask live incus"]
async fn an_instance_moves_to_another_server_and_a_copy_stays() -> Outcome {
    let (n1, other) = (member("n1").await?, other_server().await?);
    for place in ["n1", "n2"] {
        let web = n1.on(place).create(name("emigrant")).image(IMAGE).config("user.a", "1").await?;
        web.write_file("/root/note", "hello").await?;
        web.create_snapshot("s").await?;
        let twin = web.copy_to(&other).name(name("copy")).await?;
        let moved = web.move_to(&other).await?;
        assert!(web.get().await.is_err_and(|e| e.is_not_found()));
        for arrived in [&twin, &moved] {
            assert_eq!(arrived.location, "none");
            assert_eq!((arrived.config["user.a"].as_str(), &arrived.status), ("1", &Status::Stopped));
            assert_eq!(arrived.snapshots().await?.len(), 1);
            assert_eq!(arrived.read_file("/root/note").await?, "hello");
        }
        assert_eq!(moved.config.get("volatile.uuid"), web.config.get("volatile.uuid"));
        assert_ne!(twin.config.get("volatile.uuid"), moved.config.get("volatile.uuid"));
        moved.start().await?;
        assert_eq!(moved.exec(["cat", "/root/note"]).output().await?.stdout_text(), "hello");
        remove(&moved).await?;
        remove(&twin).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real cluster: cargo xtask live incus"]
async fn a_move_to_a_server_that_has_the_name_leaves_the_original() -> Outcome {
    let (n1, other) = (member("n1").await?, other_server().await?);
    let web = n1.on("n1").create(name("taken")).image(IMAGE).await?;
    let theirs = other.create(web.name()).image(IMAGE).await?;
    let e = web.move_to(&other).await.expect_err("the name is taken there");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    // The offer is taken back: nothing waits any more.
    let url = format!("/1.0/instances/{}", web.name());
    let left = n1.operations().await?;
    let left = left.iter().filter(|operation| operation.status_code < 200);
    assert_eq!(
        left.filter(|operation| operation.resources.values().flatten().any(|on| *on == url)).count(),
        0
    );
    assert_eq!(web.get().await?.status, Status::Stopped);
    remove(&theirs).await?;
    remove(&web).await
}
