//! The common view over four platforms: one that is down or silent hides no other, and a report tells what is known.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt;
use windlass::Price;
use windlass::cloud::{self, Cloud, Fleet, Instance, Native, Outcome, State, Totals};
use windlass::shakenfist::Disk;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist};
use windlass::{ErrorKind, Retry, Sent, Ticket, WaitEnd};

type Outcomes = Result<(), Box<dyn std::error::Error>>;

struct Fakes {
    incus: FakeIncus,
    lambda: FakeLambdaCloud,
    koyeb: FakeKoyeb,
    sf: FakeShakenFist,
}

impl Fakes {
    async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self {
            incus: FakeIncus::start().await?,
            lambda: FakeLambdaCloud::start().await?,
            koyeb: FakeKoyeb::start().await?,
            sf: FakeShakenFist::start().await?,
        })
    }

    /// With something on each: `db` and a running `web`, a GPU, two instances of a service, a virtual machine.
    async fn filled() -> Result<Self, Box<dyn std::error::Error>> {
        let fakes = Self::start().await?;
        fakes.incus.add_instance("db");
        fakes.incus.client()?.launch("web").image("busybox").config("user.role", "shop").await?;
        fakes.lambda.add_instance();
        let shop = fakes.koyeb.add_service("shop", 2);
        fakes.koyeb.set_status(&fakes.koyeb.instances(&shop)[1], "UNHEALTHY");
        fakes.sf.client()?.launch("vm").disk(Disk::blank(8)).metadata("role", "shop").await?;
        Ok(fakes)
    }

    fn fleet(&self) -> windlass::Result<Fleet> {
        Ok(Fleet::new([
            self.incus.client()?.into(),
            self.lambda.client()?.into(),
            self.koyeb.client()?.into(),
            self.sf.client()?.into(),
        ]))
    }
}

/// `incus/web running`, in order.
fn lines<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Vec<String> {
    let line = |one: &Instance| format!("{}/{} {}", one.cloud(), one.name, one.state);
    let mut lines: Vec<_> = instances.into_iter().map(line).collect();
    lines.sort();
    lines
}

async fn of_incus(fake: &FakeIncus, name: &str) -> windlass::Result<Instance> {
    Cloud::from(fake.client()?).instance(name).get().await
}

#[tokio::test]
async fn four_platforms_in_one_list() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let listing = fakes.fleet()?.instances().await;
    assert!(listing.is_complete(), "{:?}", listing.errors);
    let expected = [
        "incus/db stopped",
        "incus/web running",
        "koyeb/shop/0 running",
        "koyeb/shop/1 unhealthy",
        "lambda-cloud/foreign running",
        "shakenfist/vm running",
    ];
    assert_eq!(lines(&listing.instances), expected);
    for instance in &listing.instances {
        let again = instance.get().await?;
        assert_eq!((&again.id, &again.name, &again.state), (&instance.id, &instance.name, &instance.state));
        assert_eq!(again.region, instance.region);
    }
    // One stream gives the same, whatever comes first.
    let streamed: Vec<Instance> = fakes.fleet()?.instances().at_once(1).stream().try_collect().await?;
    assert_eq!(lines(&streamed), expected);
    Ok(())
}

#[tokio::test]
async fn labels_filter_the_list_of_one_cloud() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let incus = fakes.incus.client()?;
    incus.launch("shop1").image("busybox").config("user.role", "sh.p").await?;
    incus.launch("other").image("busybox").config("user.role", "shop").await?;
    let cloud = Cloud::from(incus);
    // The value is no pattern, although the server's own filters are regular expressions.
    let found = cloud.instances().label("role", "sh.p").await?;
    assert_eq!(found.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["shop1"]);
    assert_eq!(cloud.instances().label("role", "shop").await?.len(), 2);
    assert!(cloud.instances().label("role", "none").await?.is_empty());
    let mut running = cloud.instances().state(State::Running).has_label("role").stream();
    let mut names = Vec::new();
    while let Some(instance) = running.try_next().await? {
        names.push(instance.name);
    }
    assert_eq!(names, ["other", "shop1", "web"]);
    Ok(())
}

#[tokio::test]
async fn an_instance_can_be_stored() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let [gpu] = &Cloud::from(fakes.lambda.client()?).instances().await?[..] else { panic!("one instance") };
    let stored = serde_json::to_value(gpu)?;
    let of = |key: &str| stored[key].clone();
    assert_eq!((of("cloud"), of("state"), of("price")), ("lambda-cloud".into(), "running".into(), 75.into()));
    assert_eq!((of("id"), of("region")), (gpu.id.clone().into(), "us-west-1".into()));
    assert!(stored.get("native").is_none(), "{stored}");
    Ok(())
}

#[tokio::test]
async fn clouds_and_handles_are_equal_if_they_lead_to_the_same_place() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let incus = fakes.incus.client()?;
    let (here, there) = (Cloud::from(incus.clone()), Cloud::from(incus.project("blue")));
    assert_eq!(here, Cloud::from(fakes.incus.client()?));
    assert_ne!(here, there);
    assert_eq!(here.instance("web"), here.instance("web"));
    assert_ne!(here.instance("web"), there.instance("web"));
    assert_ne!(here.instance("web"), here.instance("db"));
    Ok(())
}

#[tokio::test]
async fn a_wait_on_koyeb_asks_for_the_name_once() -> Outcomes {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.add_service("shop", 1);
    let id = fake.instances(&shop)[0].clone();
    fake.set_status(&id, "STARTING");
    let cloud = Cloud::from(fake.client()?);
    let waiting = tokio::spawn(cloud.instance(&id).until(State::Running).into_future());
    while fake.requests("GET /v1/instances/{id}") < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fake.set_status(&id, "HEALTHY");
    assert_eq!(waiting.await??.name, "shop/0");
    assert_eq!(fake.requests("GET /v1/services"), 1);
    Ok(())
}

#[tokio::test]
#[allow(clippy::mutable_key_type)] // what a client shares with others plays no part in its place
async fn handles_are_equal_if_they_name_the_same_thing() -> Outcomes {
    use std::collections::HashSet;

    let (here, there) = (FakeIncus::start().await?, FakeIncus::start().await?);
    let (incus, other) = (here.client()?, there.client()?);
    assert_eq!(incus.instance("web"), here.client()?.instance("web"));
    for different in [incus.instance("db"), other.instance("web"), incus.project("blue").instance("web")] {
        assert_ne!(incus.instance("web"), different);
    }
    // A part belongs to its instance.
    let (web, db) = (incus.instance("web"), incus.instance("db"));
    assert_eq!(web.snapshot("a"), web.snapshot("a"));
    assert_ne!(web.snapshot("a"), db.snapshot("a"));
    assert_ne!(web.snapshot("a"), web.snapshot("b"));
    let all = HashSet::from([web.clone(), incus.instance("web"), db]);
    assert_eq!(all.len(), 2);
    Ok(())
}

#[tokio::test]
async fn addresses_regions_and_labels() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let listing = fakes.fleet()?.instances().await;
    let gpu = listing.instances.iter().find(|one| one.cloud().name() == "lambda-cloud").unwrap();
    assert_eq!((gpu.region.as_deref(), gpu.price.map(Price::cents_per_hour)), (Some("us-west-1"), Some(75)));
    assert_eq!(gpu.addresses.len(), 2);
    let Native::LambdaCloud(native) = &gpu.native else { panic!("{gpu:?}") };
    assert_eq!(gpu.addresses[0], native.ip.as_ref().unwrap().parse::<std::net::IpAddr>()?);

    // What was written, without the marks of a launch.
    let role = BTreeMap::from([("role".to_owned(), "shop".to_owned())]);
    let lambda = fakes.lambda.client()?;
    let launch = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").tag("role", "shop");
    let tagged = launch.await?.id().to_owned();
    assert_eq!(Cloud::from(lambda).instance(&tagged).get().await?.labels, role);
    assert_eq!(Cloud::from(fakes.sf.client()?).instance(&fakes.sf.instances()[0]).get().await?.labels, role);
    let web = of_incus(&fakes.incus, "web").await?;
    assert_eq!(web.labels, role);

    // Those by which others reach it, only from `get`.
    let state = r#"{"type":"sync","metadata":{"status":"Running","network":{
        "lo":{"type":"loopback","addresses":[{"family":"inet","address":"127.0.0.1","scope":"local"}]},
        "eth0":{"type":"broadcast","host_name":"veth1","addresses":[
            {"family":"inet6","address":"fe80::1","scope":"link"},
            {"family":"inet","address":"192.0.2.7","scope":"global"}]}}}}"#;
    fakes.incus.on("GET /1.0/instances/{name}/state").reply(200, state);
    let web = of_incus(&fakes.incus, "web").await?;
    assert_eq!(web.addresses, ["192.0.2.7".parse::<std::net::IpAddr>()?]);
    Ok(())
}

#[tokio::test]
async fn one_that_hangs_and_one_that_is_down_hide_nobody() -> Outcomes {
    let fakes = Fakes::filled().await?;
    fakes.koyeb.on("GET /v1/instances").always().hang();
    fakes.sf.stop().await;
    let at_once = Retry::default().attempts(2).backoff(Duration::from_millis(1), Duration::from_millis(2));
    let fleet = Fleet::new([
        fakes.koyeb.client()?.into(),
        fakes.sf.client()?.with(at_once).into(),
        fakes.lambda.client()?.into(),
        fakes.incus.client()?.into(),
    ]);
    let started = std::time::Instant::now();
    let listing = fleet.instances().timeout(Duration::from_secs(5)).await;
    let took = started.elapsed();

    let whole = ["incus/db stopped", "incus/web running", "lambda-cloud/foreign running"];
    assert_eq!(lines(&listing.instances), whole);
    let mut errors: Vec<_> = listing.errors.iter().map(|e| (e.cloud.name(), e.error.kind())).collect();
    errors.sort_by_key(|(cloud, _)| *cloud);
    assert_eq!(errors, [("koyeb", ErrorKind::Timeout), ("shakenfist", ErrorKind::Connect)]);
    assert!(listing.errors.iter().all(|e| e.error.api() == e.cloud.name()));
    // The silent one would take half a minute and more by itself; the machine may be busy.
    assert!(took < Duration::from_secs(25), "{took:?}");
    Ok(())
}

#[tokio::test]
async fn what_came_before_a_list_broke_off_is_kept() -> Outcomes {
    let koyeb = FakeKoyeb::start().await?;
    koyeb.add_service("shop", 250);
    koyeb.on("GET /v1/instances").skip(1).always().reply(500, "no");
    let listing = Fleet::new([koyeb.client()?.into()]).instances().await;
    assert!(!listing.instances.is_empty() && listing.instances.len() < 250);
    assert_eq!(listing.errors.len(), 1);
    assert_eq!(listing.errors[0].error.status(), Some(500));
    assert!(!listing.is_complete());
    Ok(())
}

#[tokio::test]
async fn filters() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let fleet = fakes.fleet()?;
    let list = || fleet.instances();
    for (wanted, expected) in [
        (list().state(State::Stopped), &["incus/db stopped"][..]),
        (
            list().state(State::Stopped).state(State::Unhealthy),
            &["incus/db stopped", "koyeb/shop/1 unhealthy"],
        ),
        (list().name("we"), &["incus/web running"]),
        (list().name("we").name("reig"), &["incus/web running", "lambda-cloud/foreign running"]),
        (list().region("fra"), &["koyeb/shop/0 running", "koyeb/shop/1 unhealthy"]),
        (list().region("fra").state(State::Running), &["koyeb/shop/0 running"]),
        (list().label("role", "shop"), &["incus/web running", "shakenfist/vm running"]),
        (list().label("role", "other"), &[]),
        (list().has_label("role").name("vm"), &["shakenfist/vm running"]),
    ] {
        let listing = wanted.await;
        assert!(listing.is_complete(), "{:?}", listing.errors);
        assert_eq!(lines(&listing.instances), expected);
    }
    Ok(())
}

#[tokio::test]
async fn totals() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let ended = fakes.lambda.add_instance();
    fakes.lambda.edit_instance(&ended, |document| document["status"] = "terminated".into());
    fakes.lambda.add_instance();
    let totals = fakes.fleet()?.instances().await.totals();
    assert_eq!(totals.count(), 8);
    assert_eq!(totals.by_state[&State::Running], 5);
    assert_eq!(totals.by_state[&State::Gone], 1);
    assert_eq!(
        totals.by_cloud,
        BTreeMap::from([("incus", 2), ("koyeb", 2), ("lambda-cloud", 3), ("shakenfist", 1)])
    );
    // What is gone costs nothing.
    assert_eq!((totals.price.cents_per_hour(), totals.without_price), (2 * 75, 5));
    assert_eq!(Totals::of([]), Totals::default());
    Ok(())
}

#[tokio::test]
async fn each_never_stops_at_a_failure() -> Outcomes {
    let incus = FakeIncus::start().await?;
    for name in ["a", "b", "c", "d"] {
        incus.add_instance(name);
    }
    incus
        .on("DELETE /1.0/instances/b")
        .reply(403, r#"{"type":"error","error":"not yours","error_code":403}"#);
    let client = incus.client()?;
    let listing = Fleet::new([client.clone().into()]).instances().await;
    let report = cloud::each(listing.instances, 1, |one| client.instance(&one.id).delete()).await;
    let refused: Vec<_> = report.failed().map(|(one, e)| (one.name.as_str(), e.kind())).collect();
    assert_eq!(refused, [("b", ErrorKind::PermissionDenied)]);
    assert_eq!(report.to_string(), "3 done, 1 failed, 0 unknown");
    assert!(!report.is_success());
    assert!(
        report.results.iter().all(|(one, outcome)| one.name == "b" || matches!(outcome, Outcome::Done(())))
    );
    assert_eq!(incus.instances(), ["b"]);
    Ok(())
}

#[tokio::test]
async fn work_that_goes_on_is_unknown_and_not_failed() -> Outcomes {
    let incus = FakeIncus::start().await?;
    incus.add_instance("a");
    incus.add_instance("b");
    let held = incus.hold_operations();
    let client = incus.client()?;
    let listing = Fleet::new([client.clone().into()]).instances().await;
    let report = cloud::each(listing.instances, 2, |one| {
        let named = client.instance(&one.id);
        async move { Ok::<_, windlass::Error>(named.delete().send().await?.timeout(Duration::ZERO).await?) }
    })
    .await;
    assert_eq!(report.to_string(), "0 done, 0 failed, 2 unknown");
    assert!(report.unknown().all(|(_, e)| e.kind() == ErrorKind::Timeout && e.ticket().is_some()));
    drop(held);
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_not_failed() -> Outcomes {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.add_service("shop", 1);
    fake.on("POST /v1/services/{id}/redeploy").always().drop_after();
    let koyeb = fake.client()?;
    let listing = Fleet::new([koyeb.clone().into()]).instances().await;
    let report = cloud::each(listing.instances, 1, |_| koyeb.service(&shop).redeploy()).await;
    assert_eq!(report.to_string(), "0 done, 0 failed, 1 unknown");
    assert_eq!(report.unknown().next().map(|(_, e)| e.sent()), Some(Sent::Unknown));
    Ok(())
}

#[tokio::test]
async fn until_it_is_there() -> Outcomes {
    let fake = FakeIncus::start().await?;
    fake.add_instance("web");
    let web = of_incus(&fake, "web").await?;
    assert_eq!(web.state, State::Stopped);
    let started = fake.client()?.instance("web").start().send().await?;
    let web = web.until(State::Running).await?;
    assert_eq!(web.state, State::Running);
    started.await?;
    Ok(())
}

#[tokio::test]
async fn until_ends_as_soon_as_it_can_no_longer_be() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let listing = fakes.fleet()?.instances().await;
    fakes.incus.edit_instance("web", |document| document["status"] = "Error".into());
    for id in fakes.koyeb.instances("") {
        fakes.koyeb.set_status(&id, "STOPPED");
    }
    for id in fakes.lambda.instances() {
        fakes.lambda.edit_instance(&id, |document| document["status"] = "terminated".into());
    }
    for uuid in fakes.sf.instances() {
        fakes.sf.edit_instance(&uuid, |document| document["state"] = "error".into());
    }
    for instance in listing.instances.iter().filter(|one| one.name != "db") {
        let e = instance.until(State::Paused).timeout(Duration::from_secs(30)).await.unwrap_err();
        assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed), "{e}");
        assert_eq!(e.error().api(), instance.cloud().name());
    }
    Ok(())
}

#[tokio::test]
async fn until_it_is_gone() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let listing = fakes.fleet()?.instances().await;
    // Also one that has failed before.
    let [vm] = &fakes.sf.instances()[..] else { panic!("one") };
    fakes.sf.edit_instance(vm, |document| document["state"] = "error".into());
    let gpu = listing.instances.iter().find(|one| matches!(one.native, Native::LambdaCloud(_))).unwrap();
    fakes.lambda.vanish(&gpu.id);
    let gone = gpu.until(State::Gone).await?;
    assert_eq!((gone.state, gone.id.as_str()), (State::Gone, gpu.id.as_str()));

    let vm = listing.instances.iter().find(|one| matches!(one.native, Native::ShakenFist(_))).unwrap();
    assert_eq!(vm.get().await?.state, State::Failed);
    let Native::ShakenFist(native) = &vm.native else { panic!("{vm:?}") };
    let deletion = native.delete().send().await?;
    assert_eq!(vm.until(State::Gone).await?.state, State::Gone);
    deletion.await?;

    // For another state, that is an error.
    let e = gpu.until(State::Running).await.unwrap_err();
    assert_eq!((e.end(), e.kind()), (WaitEnd::Gone, ErrorKind::NotFound), "{e}");
    Ok(())
}

#[tokio::test]
async fn another_process_goes_on_waiting() -> Outcomes {
    let fake = FakeIncus::start().await?;
    fake.add_instance("web");
    let web = of_incus(&fake, "web").await?;
    let wait = web.until(State::Running).timeout(Duration::ZERO);
    let e = wait.await.unwrap_err();
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    let saved = e.ticket().to_string();

    fake.client()?.instance("web").start().await?;
    let ticket: Ticket = saved.parse()?;
    let other = Cloud::from(fake.client()?);
    assert_eq!(other.resume(&ticket)?.await?.state, State::Running);

    let koyeb = FakeKoyeb::start().await?;
    let elsewhere = FakeIncus::start().await?;
    let launch = fake.client()?.launch("db").image("busybox").send().await?.ticket();
    for (cloud, ticket) in [
        (Cloud::from(koyeb.client()?), ticket.clone()),
        (Cloud::from(elsewhere.client()?), ticket),
        (other, launch),
    ] {
        assert_eq!(cloud.resume(&ticket).map_err(|e| e.kind()).err(), Some(ErrorKind::InvalidInput));
    }
    Ok(())
}

#[tokio::test]
async fn a_ticket_of_another_project_is_refused() -> Outcomes {
    let fake = FakeIncus::start().await?;
    let blue = fake.client()?.project("blue");
    // The same name in the default project is another instance.
    fake.add_instance("web");
    let web = Cloud::from(fake.client()?).instance("web").get().await?;
    let ticket = web.until(State::Stopped).ticket();
    let e = Cloud::from(blue).resume(&ticket).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::InvalidInput);
    assert_eq!(Cloud::from(fake.client()?).resume(&ticket)?.await?.state, State::Stopped);
    Ok(())
}

#[tokio::test]
async fn a_wait_for_the_end_succeeds_also_where_another_process_comes_after_it() -> Outcomes {
    let (fake, lambda) = (FakeIncus::start().await?, FakeLambdaCloud::start().await?);
    fake.add_instance("web");
    let web = of_incus(&fake, "web").await?;
    let ticket: Ticket = web.until(State::Gone).ticket().to_string().parse()?;
    fake.client()?.instance("web").delete().await?;
    let gone = Cloud::from(fake.client()?).resume(&ticket)?.await?;
    assert_eq!((gone.id.as_str(), &gone.state, gone.cloud().name()), ("web", &State::Gone, "incus"));
    assert!(matches!(gone.native, windlass::cloud::Native::Gone));

    let id = lambda.add_instance();
    lambda.edit_instance(&id, |document| document["name"] = "gpu".into());
    let cloud = Cloud::from(lambda.client()?);
    let ticket: Ticket = cloud.instance(&id).get().await?.until(State::Gone).ticket().to_string().parse()?;
    lambda.vanish(&id);
    let gone = cloud.resume(&ticket)?.await?;
    assert_eq!((gone.id, gone.name), (id, "gpu".to_owned()));
    Ok(())
}

/// Whatever is asked of a list, it ends, and each cloud that can't be listed is one error.
#[tokio::test]
async fn any_setting_of_a_list() -> Outcomes {
    let fakes = Fakes::filled().await?;
    let fleet = fakes.fleet()?;
    for time in crate::hostile::DURATIONS {
        for at_once in [0, 1, usize::MAX] {
            let listing = fleet.instances().timeout(time).at_once(at_once).await;
            assert!(
                listing.errors.len() <= 4 && listing.is_complete() == listing.errors.is_empty(),
                "{time:?}"
            );
            // Next to no time may still do for a cloud that is this near.
            let patient = time > Duration::from_secs(1);
            assert!(!patient || listing.errors.is_empty(), "{time:?}");
            assert!(listing.errors.len() < 4 || listing.instances.is_empty(), "{time:?}");
            assert_eq!(listing.instances.len() == 6, listing.is_complete(), "{time:?}");
        }
    }
    for name in crate::hostile::names() {
        let list = fleet.instances().name(name.as_str()).region(name.as_str());
        let listing = list.label(name.as_str(), name.as_str()).has_label(name.as_str()).await;
        assert!(listing.is_complete() && listing.instances.is_empty(), "{name}");
        crate::hostile::ends(&name, fleet.clouds()[0].instance(&name).get()).await;
    }
    Ok(())
}
