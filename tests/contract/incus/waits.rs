//! Waits: for operations, by tickets, for what an instance comes to be.

use std::net::IpAddr;
use std::time::Duration;

use windlass::incus::{AddressKind, Incus, Instance, Status, types};
use windlass::{Error, ErrorKind, WaitEnd};

use super::{IMAGE, Lab, Outcome, handle, launched, name, remove};
use crate::wire::Tap;

const SOON: Duration = Duration::from_secs(60);

/// A stop that lasts as long as the guest is held.
async fn graceful_stop(web: &Instance) -> Result<windlass::Operation<()>, Error> {
    web.stop().grace(SOON).send().await
}

pub async fn a_wait_out_of_time_gives_a_ticket(incus: Incus, lab: &impl Lab) -> Outcome {
    let web = launched(&incus, "late").await?;
    let held = lab.hold(&web).await?;
    let e = graceful_stop(&web).await?.timeout(Duration::from_millis(1)).await.expect_err("it takes longer");
    assert_eq!((e.end(), e.kind()), (WaitEnd::OutOfTime, ErrorKind::Timeout));
    assert!(e.last_progress().is_some_and(|last| last.status == "Running"), "{e:?}");
    let text = e.ticket().to_string();
    let error = Error::from(e);
    assert_eq!(error.ticket(), Some(text.as_str()));
    drop(held);
    incus.resume::<()>(&text.parse()?)?.await?;
    assert_eq!(web.get().await?.status, Status::Stopped);
    remove(&handle(&incus, &web)).await
}

pub async fn a_ticket_resumes_in_a_fresh_client(incus: Incus) -> Outcome {
    let operation = incus.launch(name("ticket")).image(IMAGE).send().await?;
    let text = operation.ticket().to_string();
    drop(operation);
    let fresh = incus.project("default");
    assert!(fresh.resume::<()>(&text.parse()?).is_err_and(|e| e.kind() == ErrorKind::InvalidInput));
    let web = fresh.resume::<Instance>(&text.parse()?)?.await?;
    assert_eq!(web.status, Status::Running);
    remove(&handle(&incus, &web)).await
}

pub async fn a_ticket_of_a_forgotten_operation_says_so(incus: Incus) -> Outcome {
    let here = incus.instance("nobody").until_running().ticket().to_string();
    let here = here.split_once('?').map(|(_, here)| here).ok_or("it says no place")?;
    let lost =
        format!("windlass:incus/restart/c0ffee00-0000-4000-8000-000000000000?{here}&name=nobody").parse()?;
    let e = incus.resume::<()>(&lost)?.await.expect_err("it doesn't exist");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Gone, ErrorKind::OperationGone));
    assert_eq!(e.ticket(), &lost);
    Ok(())
}

pub async fn a_launch_can_be_awaited_after_its_operation_is_forgotten(
    incus: Incus,
    lab: &impl Lab,
) -> Outcome {
    let operation = incus.launch(name("slept")).image(IMAGE).send().await?;
    let ticket = operation.ticket();
    let web = operation.await?;
    lab.forget_operations().await;
    let again = incus.resume::<Instance>(&ticket)?.await?;
    assert_eq!((again.name(), &again.status), (web.name(), &Status::Running));
    remove(&handle(&incus, &web)).await?;
    let e = incus.resume::<Instance>(&ticket)?.await.expect_err("it is deleted");
    assert_eq!(e.end(), WaitEnd::Gone);
    Ok(())
}

pub async fn cancelling_what_cannot_be_cancelled_is_a_conflict(incus: Incus, lab: &impl Lab) -> Outcome {
    let web = launched(&incus, "cancel").await?;
    let held = lab.hold(&web).await?;
    let operation = graceful_stop(&web).await?;
    let ticket = operation.ticket();
    let e = operation.cancel().await.expect_err("a stop can't be cancelled");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    drop(held);
    incus.resume::<()>(&ticket)?.await?;
    remove(&handle(&incus, &web)).await
}

pub async fn many_waits_share_one_connection(incus: Incus) -> Outcome {
    let launches = (0..12).map(|_| {
        let incus = incus.clone();
        tokio::spawn(async move { incus.launch(name("many")).image(IMAGE).await })
    });
    let mut all = Vec::new();
    for launch in launches.collect::<Vec<_>>() {
        all.push(launch.await??);
    }
    for web in all {
        assert_eq!(web.status, Status::Running);
        remove(&handle(&incus, &web)).await?;
    }
    Ok(())
}

/// Counted on the wire: so many waits at once, and no more than four connections on which anything is waited for.
pub async fn two_hundred_waits_use_four_connections(incus: Incus) -> Outcome {
    const MANY: usize = 200;
    let tap = Tap::before(incus.origin()).await?;
    let incus = Incus::unix(tap.socket()).client()?;
    let base = name("herd");
    let each = |incus: &Incus, number: usize| {
        let (incus, name) = (incus.clone(), format!("{base}-{number}"));
        async move {
            let made = incus.create(name).empty().profiles(["default"]).await?;
            made.delete().await?;
            Ok::<_, Error>(made)
        }
    };
    let all: Vec<_> = (0..MANY).map(|number| tokio::spawn(each(&incus, number))).collect();
    for one in all {
        assert_eq!(one.await??.status, Status::Stopped);
    }
    let left = incus.instances().filter(format!("name eq ^{base}-.*")).names().await?;
    assert!(left.is_empty(), "{left:?}");
    assert!(tap.waiting_peak() <= 4, "{} connections were waited on", tap.waiting_peak());
    Ok(())
}

pub async fn until_it_runs_and_is_ready(incus: Incus) -> Outcome {
    let web = incus.create(name("ready")).image(IMAGE).await?;
    let running = tokio::spawn(web.until_running().timeout(SOON).into_future());
    let ready = tokio::spawn(web.until_ready().timeout(SOON).into_future());
    let e = web.until_running().timeout(Duration::from_millis(1)).await.expect_err("it is stopped");
    assert_eq!((e.end(), e.kind()), (WaitEnd::OutOfTime, ErrorKind::Timeout));
    assert_eq!(e.last_progress().map(|last| last.status.as_str()), Some("Stopped"));
    web.start().await?;
    assert_eq!(running.await??.status, Status::Running);
    let resumed = incus.resume::<Instance>(e.ticket())?.await?;
    assert_eq!(resumed.name(), web.name());
    // What the server itself notes down when the guest says that it is ready.
    web.patch().config("volatile.last_state.ready", "true").await?;
    assert_eq!(ready.await??.status, Status::Ready);
    assert_eq!(web.until_running().timeout(SOON).await?.status, Status::Ready);
    remove(&handle(&incus, &web)).await
}

pub async fn until_it_has_an_address(incus: Incus) -> Outcome {
    let card = [("type", "nic"), ("nictype", "p2p"), ("name", "eth0")];
    let web = incus.launch(name("address")).image(IMAGE).device("eth0", card).await?;
    let wait = |kind| tokio::spawn(web.until_address(kind).timeout(SOON).into_future());
    let (v4, v6) = (wait(AddressKind::Ipv4), wait(AddressKind::Ipv6));
    let e = web.until_address(AddressKind::Any).timeout(Duration::from_millis(1)).await;
    let ticket = e.expect_err("it has none").ticket().clone();
    let script =
        "ip link set eth0 up; ip addr add 192.0.2.7/24 dev eth0; ip addr add 2001:db8::7/64 dev eth0";
    web.exec(["sh", "-c", script]).output().await?.success()?;
    let (v4, v6) = (v4.await??, v6.await??);
    assert_eq!((v4.to_string(), v6.to_string()), ("192.0.2.7".to_owned(), "2001:db8::7".to_owned()));
    let any = incus.resume::<IpAddr>(&ticket)?.await?;
    assert!(any == v4 || any == v6, "{any}");
    remove(&handle(&incus, &web)).await
}

pub async fn until_whatever_its_state_shows(incus: Incus) -> Outcome {
    let web = incus.create(name("until")).image(IMAGE).await?;
    let pid =
        tokio::spawn(web.until(|state| (state.pid > 0).then_some(state.pid)).timeout(SOON).into_future());
    web.start().await?;
    assert!(pid.await?? > 0);
    let never = web.until(|_| None::<()>).timeout(Duration::from_millis(1));
    let e = never.await.expect_err("it never is");
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    remove(&handle(&incus, &web)).await
}

pub async fn a_wait_for_what_is_not_there_ends_at_once(incus: Incus) -> Outcome {
    let nobody = incus.instance(name("nobody"));
    let e = nobody.until_running().await.expect_err("there is no such instance");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Gone, ErrorKind::NotFound), "{e:?}");
    let e = nobody.until_address(AddressKind::Any).await.expect_err("there is no such instance");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Gone, ErrorKind::NotFound), "{e:?}");
    // One that goes away meanwhile.
    let web = incus.create(name("leaves")).image(IMAGE).await?;
    let waiting = tokio::spawn(web.until_running().timeout(SOON).into_future());
    tokio::time::sleep(Duration::from_millis(300)).await;
    web.delete().await?;
    let e = waiting.await?.expect_err("it is gone");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Gone, ErrorKind::NotFound), "{e:?}");
    Ok(())
}

pub async fn operations_are_listed_and_awaited_by_id(incus: Incus, lab: &impl Lab) -> Outcome {
    let web = launched(&incus, "listed").await?;
    let held = lab.hold(&web).await?;
    let stop = graceful_stop(&web).await?;
    let id = stop.ticket().id().to_owned();
    let running = incus.operations().status(Status::Running).await?;
    let found = running.iter().find(|operation| operation.id == id).ok_or("the stop isn't listed")?;
    assert!(found.status == Status::Running && !found.location.is_empty(), "{found:?}");
    let ended = incus.operations().status(Status::Success).all_projects().await?;
    assert!(ended.iter().all(|operation| operation.status == Status::Success && operation.id != id));
    let handle = incus.operation(&id);
    assert_eq!(handle.get().await?.description, found.description);
    assert!(handle.cancel().await.is_err_and(|e| e.kind() == ErrorKind::Conflict));
    drop(held);
    let ended: types::Operation = handle.wait().timeout(SOON).await?;
    assert_eq!((ended.status, ended.id), (Status::Success, id));
    stop.await?;
    assert!(incus.operation("no-such-operation").get().await.is_err_and(|e| e.is_not_found()));
    assert!(incus.operation("..").get().await.is_err_and(|e| e.kind() == ErrorKind::InvalidInput));
    remove(&super::handle(&incus, &web)).await
}

/// A start that failed is no success because the instance ran all along.
pub async fn a_forgotten_start_is_proved_by_a_start_alone(incus: Incus, lab: &impl Lab) -> Outcome {
    let web = launched(&incus, "again").await?;
    let start = web.start().send().await?;
    let failed = start.ticket();
    assert_eq!(start.await.expect_err("it runs").kind(), ErrorKind::Conflict);
    let restart = web.restart().force().send().await?;
    let restarted = restart.ticket();
    restart.await?;
    web.stop().force().await?;
    let start = web.start().send().await?;
    let started = start.ticket();
    start.await?;
    lab.forget_operations().await;
    for ticket in [&started, &restarted] {
        incus.resume::<()>(ticket)?.await?;
    }
    let web = handle(&incus, &web);
    // Before all these: it was never started since.
    let here = started.to_string();
    let (_, facts) = here.split_once("since=").ok_or("it says no time")?;
    let later =
        here.replace(facts.split('&').next().unwrap_or_default(), "2999-01-01T00%3A00%3A00%2B00%3A00");
    let e = incus.resume::<()>(&later.parse()?)?.await.expect_err("it runs since long before");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Gone, ErrorKind::OperationGone));
    web.stop().force().await?;
    for ticket in [&failed, &started, &restarted] {
        let e = incus.resume::<()>(ticket)?.await.expect_err("it is stopped");
        assert_eq!(e.end(), WaitEnd::Gone);
        assert!(e.to_string().contains("Stopped"), "{e}");
    }
    remove(&web).await
}

pub async fn a_failed_start_ends_no_better_when_it_is_forgotten(incus: Incus, lab: &impl Lab) -> Outcome {
    let web = launched(&incus, "twice").await?;
    let start = web.start().send().await?;
    let ticket = start.ticket().to_string().parse()?;
    assert_eq!(start.await.expect_err("it runs").kind(), ErrorKind::Conflict);
    lab.forget_operations().await;
    let e = incus.resume::<()>(&ticket)?.await.expect_err("it failed");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Gone, ErrorKind::OperationGone), "{e}");
    remove(&handle(&incus, &web)).await
}
