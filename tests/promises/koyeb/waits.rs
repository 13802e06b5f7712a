//! Koyeb: waits end, on every state that ends them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use windlass::koyeb::{Deployment, DeploymentStatus, Instance, Koyeb, Service, ServiceStatus, Snapshot};
use windlass::testing::FakeKoyeb;
use windlass::{ErrorKind, WaitEnd};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn fake() -> Result<(FakeKoyeb, Koyeb), Box<dyn std::error::Error>> {
    let fake = FakeKoyeb::start().await?;
    let koyeb = fake.client()?;
    Ok((fake, koyeb))
}

#[tokio::test]
async fn an_instance_until_healthy_asleep_stopped() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let id = fake.add_instance("ALLOCATING");
    let instance = koyeb.instance(&id);
    let later = |status: &'static str| {
        let (fake, id) = (fake.clone(), id.clone());
        tokio::spawn(async move {
            for step in ["TELEPORTING", "UNHEALTHY", status] {
                tokio::time::sleep(Duration::from_millis(50)).await;
                fake.set_status(&id, step);
            }
        })
    };
    later("HEALTHY");
    assert_eq!(instance.until_healthy().await?.status.as_str(), "HEALTHY");
    later("SLEEPING");
    assert_eq!(instance.until_asleep().await?.status.as_str(), "SLEEPING");
    later("STOPPED");
    assert_eq!(instance.until_stopped().await?.status.as_str(), "STOPPED");
    Ok(())
}

#[tokio::test]
async fn a_state_without_a_way_back_ends_the_wait() -> Outcome {
    let (fake, koyeb) = fake().await?;
    for status in ["STOPPED", "ERROR"] {
        let id = fake.add_instance(status);
        fake.edit(&id, |one| one["messages"] = serde_json::json!(["out of memory"]));
        let e = koyeb.instance(&id).until_healthy().await.expect_err("it never will be");
        assert_eq!(
            (e.end(), e.kind(), e.error().code()),
            (WaitEnd::Failed, ErrorKind::OperationFailed, Some(status))
        );
        assert!(e.to_string().contains("out of memory"), "{e}");
    }
    let id = fake.add_instance("TELEPORTING");
    let e =
        koyeb.instance(&id).until_healthy().timeout(Duration::from_millis(600)).await.expect_err("unknown");
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    assert_eq!(e.last_progress().map(|progress| progress.status.as_str()), Some("TELEPORTING"));
    let e = koyeb.instance("nowhere").until_healthy().await.expect_err("there is none");
    assert_eq!(e.end(), WaitEnd::Gone);
    Ok(())
}

#[tokio::test]
async fn redeploy_reports_its_steps_and_ends_healthy() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 2);
    fake.step(Duration::from_secs(3_600));
    let operation = koyeb.service(&shop).redeploy().use_cache().sha("abc").send().await?;
    let (id, server) = (operation.ticket().id().to_owned(), fake.clone());
    let mut next = ["PROVISIONING", "TELEPORTING", "HEALTHY"].into_iter();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let told = steps.clone();
    let tell = move |progress: &windlass::Progress| {
        told.lock().unwrap().push(progress.status.clone());
        if let Some(status) = next.next() {
            server.set_status(&id, status);
        }
    };
    let deployment = operation.on_progress(tell).await?;
    assert_eq!(deployment.status, DeploymentStatus::Healthy);
    assert_eq!(*steps.lock().unwrap(), ["PENDING", "PROVISIONING", "TELEPORTING", "HEALTHY"]);
    let request = fake.log().into_iter().find(|request| request.method == "POST").ok_or("none")?;
    assert_eq!(request.json(), Some(serde_json::json!({"sha": "abc", "use_cache": true})));
    let service = koyeb.service(&shop).get().await?;
    assert_eq!(service.latest_deployment_id.as_deref(), Some(deployment.id()));
    assert_eq!(service.last_provisioned_deployment_id, None, "an empty id is none");
    Ok(())
}

#[tokio::test]
async fn a_deployment_that_fails_is_a_failure_at_once() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 1);
    fake.fail_deployment("the build broke");
    let e = koyeb.service(&shop).redeploy().await.expect_err("it fails");
    assert_eq!((e.kind(), e.code()), (ErrorKind::OperationFailed, Some("ERROR")));
    assert!(e.to_string().contains("the build broke"), "{e}");
    assert!(e.ticket().is_some());
    Ok(())
}

#[tokio::test]
async fn pause_and_resume() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 2);
    let service = koyeb.service(&shop);
    service.pause().await?;
    assert_eq!(service.get().await?.status, ServiceStatus::Paused);
    assert_eq!(service.pause().await.expect_err("it is paused").kind(), ErrorKind::Conflict);
    service.resume().skip_build().await?;
    assert_eq!(service.get().await?.status, ServiceStatus::Healthy);
    assert!(fake.log().iter().any(|request| request.query == "skip_build=true"));
    service.pause().await?;
    fake.fail_deployment("no such image");
    let e = service.resume().await.expect_err("its deployment fails");
    assert_eq!(e.kind(), ErrorKind::OperationFailed);
    assert!(e.to_string().contains("no such image"), "{e}");
    Ok(())
}

#[tokio::test]
async fn scaling_up_and_down() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 1);
    let service = koyeb.service(&shop);
    service.scale(3).await?;
    let healthy = || fake.instances(&shop).iter().filter(|id| status(&fake, id) == "HEALTHY").count();
    assert_eq!(healthy(), 3);
    assert_eq!(service.get_scaling().await?[0].instances, 3);
    service.scale(1).region("fra").and(2).region("was").await?;
    assert_eq!(healthy(), 3);
    assert_eq!(service.get_scaling().await?[1].scopes, ["region:was"]);
    service.scale(0).region("fra").region("was").await?;
    assert_eq!(healthy(), 0);
    service.reset_scaling().await?;
    assert!(service.get_scaling().await?.is_empty());
    let e = service.scale(1).and(2).await.expect_err("which is meant?");
    assert_eq!(e.fields(), ["scale"]);
    Ok(())
}

#[tokio::test]
async fn a_scaling_counts_those_that_sleep_and_says_so() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 2);
    let sleeper = fake.instances(&shop).remove(0);
    fake.set_status(&sleeper, "SLEEPING");
    let said = Arc::new(Mutex::new(String::new()));
    let last = said.clone();
    let tell = move |progress: &windlass::Progress| {
        if let Ok(mut last) = last.lock() {
            *last = progress.to_string();
        }
    };
    koyeb.service(&shop).scale(3).send().await?.on_progress(tell).await?;
    assert_eq!(status(&fake, &sleeper), "SLEEPING", "waiting wakes nobody");
    let said = said.lock().map(|said| said.clone()).unwrap_or_default();
    assert!(said.contains("fra 3, 1 of them asleep"), "{said}");
    Ok(())
}

fn status(fake: &FakeKoyeb, id: &str) -> String {
    let document = fake.document(id).unwrap_or_default();
    document["status"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_deployment_is_cancelled() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 1);
    fake.step(Duration::from_secs(3_600));
    let redeploy = koyeb.service(&shop).redeploy().send().await?;
    fake.step(Duration::from_millis(20));
    let deployment = koyeb.deployment(redeploy.ticket().id());
    deployment.cancel().await?;
    assert_eq!(deployment.get().await?.status, DeploymentStatus::Canceled);
    let e = redeploy.await.expect_err("it was cancelled");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::Cancelled));
    assert_eq!(deployment.cancel().await.expect_err("too late").kind(), ErrorKind::Conflict);
    fake.step(Duration::from_secs(3_600));
    koyeb.service(&shop).redeploy().send().await?.cancel().await?;
    assert_eq!(fake.requests("POST /v1/deployments/{id}/cancel"), 3);
    Ok(())
}

#[tokio::test]
async fn snapshots_come_and_go() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let id = fake.add_instance("HEALTHY");
    let snapshot = koyeb.instance(&id).create_snapshot().name("before").await?;
    assert_eq!(snapshot.instance_id.as_deref(), Some(id.as_str()));
    assert_eq!(snapshot.status.as_str(), "INSTANCE_SNAPSHOT_STATUS_AVAILABLE");
    assert_eq!(koyeb.snapshots().name("before").await?.len(), 1);
    assert_eq!(snapshot.events().await?.len(), 1);
    snapshot.delete().await?;
    assert!(snapshot.get().await.expect_err("it is gone").is_not_found());
    Ok(())
}

#[tokio::test]
async fn a_ticket_goes_on_waiting_elsewhere() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 1);
    let service = koyeb.service(&shop);
    let elsewhere = fake.client()?;
    let save = |ticket: windlass::Ticket| ticket.to_string().parse::<windlass::Ticket>();
    let redeploy = save(service.redeploy().send().await?.ticket())?;
    assert_eq!(elsewhere.resume::<Deployment>(&redeploy)?.await?.status, DeploymentStatus::Healthy);
    fake.step(Duration::from_secs(3_600));
    let redeploy = service.redeploy().send().await?;
    fake.step(Duration::from_millis(20));
    let cancel = save(koyeb.deployment(redeploy.ticket().id()).cancel().send().await?.ticket())?;
    elsewhere.resume::<()>(&cancel)?.await?;
    let scale = save(service.scale(2).region("fra").send().await?.ticket())?;
    elsewhere.resume::<()>(&scale)?.await?;
    let pause = save(service.pause().send().await?.ticket())?;
    elsewhere.resume::<()>(&pause)?.await?;
    let paused = save(service.until_paused().ticket())?;
    assert_eq!(elsewhere.resume::<Service>(&paused)?.await?.status, ServiceStatus::Paused);
    let resume = save(service.resume().send().await?.ticket())?;
    elsewhere.resume::<()>(&resume)?.await?;
    assert_eq!(service.until_healthy().await?.status, ServiceStatus::Healthy);
    let id = fake.add_instance("HEALTHY");
    let wait = save(koyeb.instance(&id).until_healthy().ticket())?;
    assert_eq!(elsewhere.resume::<Instance>(&wait)?.await?.id(), id);
    let snapshot = save(koyeb.instance(&id).create_snapshot().send().await?.ticket())?;
    let snapshot = elsewhere.resume::<Snapshot>(&snapshot)?.await?;
    let delete = save(snapshot.delete().send().await?.ticket())?;
    elsewhere.resume::<()>(&delete)?.await?;
    for wrong in [&pause, &"windlass:incus/start/1?at=https://a&in=project:default&name=a".parse()?] {
        let e = elsewhere.resume::<Instance>(wrong).expect_err("another result");
        assert_eq!(e.fields(), ["ticket"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_wait_endures_faults_limits_and_a_restart() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let id = fake.add_instance("STARTING");
    let get = "GET /v1/instances/{id}";
    fake.on(get).drop_before();
    fake.on(get).reply(500, "<html>");
    fake.on(get).reply(200, "<html>");
    fake.on(get).header("x-ratelimit-reset", "1").reply(429, "slow down");
    let wait = tokio::spawn({
        let instance = koyeb.instance(&id);
        async move { instance.until_healthy().await.map(|instance| instance.id.clone()) }
    });
    while fake.requests(get) < 5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fake.stop().await;
    fake.set_status(&id, "HEALTHY");
    tokio::time::sleep(Duration::from_millis(300)).await;
    fake.restart().await?;
    assert_eq!(wait.await??, id);
    Ok(())
}

/// Looks are single attempts; what they find isn't bound to that.
#[tokio::test]
async fn what_a_wait_gives_repeats_its_requests() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let healthy = koyeb.instance(fake.add_instance("HEALTHY")).until_healthy().await?;
    fake.on("GET /v1/instances/{id}").drop_before();
    healthy.get().await?;
    Ok(())
}
