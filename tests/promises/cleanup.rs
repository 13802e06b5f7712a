//! What is launched through a cleanup is deleted in the end, and what isn't is named.

use std::time::Duration;

use windlass::cloud::{Cleanup, Cloud, InstanceRef};
use windlass::shakenfist::Disk;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist};
use windlass::{ErrorKind, Incus, LambdaCloud, Retry, Sent, ShakenFist};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const CREATE: &str = "POST /1.0/instances";
const LAUNCH: &str = "POST /api/v1/instance-operations/launch";

struct Fakes {
    incus: FakeIncus,
    lambda: FakeLambdaCloud,
    sf: FakeShakenFist,
}

impl Fakes {
    /// With a foreign instance on each.
    async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let fakes = Self {
            incus: FakeIncus::start().await?,
            lambda: FakeLambdaCloud::start().await?,
            sf: FakeShakenFist::start().await?,
        };
        fakes.sf.pace(Duration::from_millis(5));
        fakes.incus.add_instance("db");
        fakes.lambda.add_instance();
        fakes.sf.client()?.launch("db").disk(Disk::blank(1)).await?;
        Ok(fakes)
    }

    fn clients(&self) -> Result<(Incus, LambdaCloud, ShakenFist), windlass::Error> {
        Ok((self.incus.client()?, self.lambda.client()?, self.sf.client()?))
    }

    fn counts(&self) -> [usize; 3] {
        [self.incus.instances().len(), self.lambda.instances().len(), self.sf.instances().len()]
    }
}

async fn launch_all(cleanup: &Cleanup, fakes: &Fakes) -> Result<(), windlass::Error> {
    let (incus, lambda, sf) = fakes.clients()?;
    cleanup.launch(incus.launch("web").image("busybox")).await?;
    cleanup.launch(a10(&lambda)).await?;
    cleanup.launch(sf.launch("web").disk(Disk::blank(1))).send().await?.await?;
    Ok(())
}

fn a10(lambda: &LambdaCloud) -> windlass::lambda_cloud::Launch {
    lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop")
}

fn on<'a>(instances: impl IntoIterator<Item = &'a InstanceRef>) -> Vec<&'static str> {
    let mut names: Vec<_> = instances.into_iter().map(|instance| instance.cloud().name()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn everything_is_deleted_also_on_an_error() -> Outcome {
    let fakes = Fakes::start().await?;
    let cleanup = Cleanup::new("ci-17");
    let (result, report) = cleanup
        .run(async {
            launch_all(&cleanup, &fakes).await?;
            assert_eq!(fakes.counts(), [2, 2, 2]);
            let (incus, ..) = fakes.clients()?;
            // The name is taken.
            cleanup.launch(incus.launch("web").image("busybox")).await.map(drop)
        })
        .await;
    assert!(result.is_err_and(|e| e.is_already_exists()));
    assert!(report.is_success(), "{report:?}");
    assert_eq!(on(&report.deleted), ["incus", "lambda-cloud", "shakenfist"]);
    assert_eq!((report.to_string().as_str(), fakes.counts()), ("3 deleted", [1, 1, 1]));
    // Nothing is left to do.
    let again = cleanup.finish().await;
    assert!(again.is_success() && again.deleted.is_empty(), "{again:?}");
    Ok(())
}

/// As on Ctrl-C: the work ends in the middle of a launch, and its answer is lost as well.
#[tokio::test]
async fn a_launch_that_was_dropped_halfway_is_deleted_too() -> Outcome {
    let fakes = Fakes::start().await?;
    let (incus, lambda, sf) = fakes.clients()?;
    let cleanup = Cleanup::new("ci-17");
    for route in [CREATE, LAUNCH] {
        let (fake_on, requests): (_, Box<dyn Fn() -> usize>) = match route {
            CREATE => (fakes.incus.on(route), Box::new(|| fakes.incus.requests(route))),
            _ => (fakes.lambda.on(route), Box::new(|| fakes.lambda.requests(route))),
        };
        fake_on.after(Duration::from_millis(100)).drop_after();
        let sent = async {
            while requests() == 0 {
                tokio::task::yield_now().await;
            }
        };
        let ((), report) = cleanup
            .run(async {
                let launch = async {
                    match route {
                        CREATE => drop(cleanup.launch(incus.launch("web").image("busybox")).await),
                        _ => drop(cleanup.launch(a10(&lambda)).await),
                    }
                };
                tokio::select! {
                    () = sent => {}
                    () = launch => panic!("it isn't over yet"),
                }
            })
            .await;
        assert_eq!(report.deleted.len(), 1, "{route}: {report:?}");
        assert!(report.is_success(), "{report:?}");
    }
    assert_eq!(fakes.counts(), [1, 1, 1]);
    drop(sf);
    Ok(())
}

/// A server that still fetches the image shows no instance with the label yet.
#[tokio::test]
async fn nothing_is_deleted_before_the_launch_has_ended() -> Outcome {
    const GIVE_UP: Duration = Duration::from_secs(60);
    let fake = FakeIncus::start().await?;
    let cleanup = Cleanup::new("ci-17");
    let held = fake.hold_operations();
    drop(cleanup.launch(fake.client()?.launch("web").image("busybox")).send().await?);
    let finishing = tokio::spawn({
        let cleanup = cleanup.clone();
        async move { cleanup.finish().await }
    });
    let cancelled = async {
        while fake.requests("DELETE /1.0/operations/{id}") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GIVE_UP, cancelled).await.map_err(|_| "the launch isn't cancelled")?;
    assert_eq!((fake.requests("DELETE /1.0/instances/{name}"), finishing.is_finished()), (0, false));
    drop(held);
    let report = finishing.await?;
    assert!(report.is_success() && fake.instances().is_empty(), "{report:?}");
    Ok(())
}

/// The server has accepted it, and its operation is dropped: it isn't labelled yet, or isn't listed.
#[tokio::test]
async fn what_no_list_shows_yet_is_deleted_too() -> Outcome {
    let fakes = Fakes::start().await?;
    let (incus, lambda, sf) = fakes.clients()?;
    let cleanup = Cleanup::new("ci-17");
    fakes.lambda.visibility_delay(Duration::from_secs(3600));
    fakes.incus.operation_delay(Duration::from_millis(200));
    let held = fakes.sf.hold_instances();
    drop(cleanup.launch(a10(&lambda)).send().await?);
    drop(cleanup.launch(incus.launch("web").image("busybox")).send().await?);
    drop(cleanup.launch(sf.launch("web").disk(Disk::blank(1))).send().await?);
    drop(held);
    let report = cleanup.finish().await;
    assert_eq!((on(&report.deleted), fakes.counts()), (vec!["incus", "shakenfist"], [1, 2, 1]), "{report:?}");
    // The service doesn't know its id yet, which proves nothing.
    assert_eq!(report.left[0].1.kind(), ErrorKind::OutcomeUnknown);
    fakes.lambda.advance(Duration::from_secs(3600));
    let report = cleanup.finish().await;
    assert!(report.is_success(), "{report:?}");
    assert_eq!((on(&report.deleted), fakes.counts()), (vec!["lambda-cloud"], [1, 1, 1]), "{report:?}");
    Ok(())
}

#[tokio::test]
async fn another_process_reaps_by_the_owner() -> Outcome {
    let fakes = Fakes::start().await?;
    let cleanup = Cleanup::new("ci-17");
    launch_all(&cleanup, &fakes).await?;
    // The process dies: dropping deletes nothing.
    drop(cleanup);
    assert_eq!(fakes.counts(), [2, 2, 2]);
    let (incus, lambda, sf) = fakes.clients()?;
    let clouds = || [Cloud::from(incus.clone()), lambda.clone().into(), sf.clone().into()];
    let other = Cleanup::new("ci-18").reap(clouds()).await;
    assert!(other.is_success() && other.deleted.is_empty(), "{other:?}");
    let report = Cleanup::new("ci-17").reap(clouds()).await;
    assert_eq!((on(&report.deleted).len(), fakes.counts()), (3, [1, 1, 1]), "{report:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_left_is_named_with_the_reason() -> Outcome {
    let fakes = Fakes::start().await?;
    let cleanup = Cleanup::new("ci-17");
    launch_all(&cleanup, &fakes).await?;
    fakes.sf.on("DELETE /instances/{one}").reply(403, r#"{"error": "not you", "status": 403}"#);
    let no = r#"{"error":{"code":"global/account-inactive","message":"no"}}"#;
    fakes.lambda.on("GET /api/v1/instances").reply(403, no);
    fakes.lambda.on("POST /api/v1/instance-operations/terminate").reply(403, no);
    let report = cleanup.finish().await;
    assert!(!report.is_success());
    assert_eq!(on(&report.deleted), ["incus"], "{report:?}");
    assert_eq!(on(report.left.iter().map(|(instance, _)| instance)), ["lambda-cloud", "shakenfist"]);
    assert!(report.left.iter().all(|(_, e)| e.kind() == ErrorKind::PermissionDenied), "{report:?}");
    assert_eq!(report.unlisted[0].cloud.name(), "lambda-cloud");
    assert!(report.to_string().starts_with("1 deleted, 2 left: "), "{report}");
    // The next try finds them.
    let report = cleanup.finish().await;
    assert!(report.is_success() && report.deleted.len() == 2, "{report:?}");
    assert_eq!(fakes.counts(), [1, 1, 1]);
    Ok(())
}

#[tokio::test]
async fn an_instance_of_another_owner_stays() -> Outcome {
    let fakes = Fakes::start().await?;
    let (incus, lambda, sf) = fakes.clients()?;
    let theirs = Cleanup::new("theirs");
    theirs.launch(a10(&lambda).key("job-17")).await?;
    theirs.launch(sf.launch("web").disk(Disk::blank(1)).key("job-17")).await?;
    theirs.launch(incus.launch("web").image("busybox").key("job-17")).await?;
    let ours = Cleanup::new("ours");
    ours.launch(a10(&lambda).key("job-17")).await?;
    ours.launch(sf.launch("web").disk(Disk::blank(1)).key("job-17")).await?;
    ours.launch(incus.launch("web").image("busybox").key("job-17")).await?;
    let report = ours.finish().await;
    assert!(report.is_success() && report.deleted.is_empty(), "{report:?}");
    assert_eq!(fakes.counts(), [2, 2, 2]);
    assert_eq!(theirs.finish().await.deleted.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_burst_is_cleaned_up_as_a_whole() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    let lambda = fake.client()?;
    let cleanup = Cleanup::new("burst");
    let burst = lambda.launch("gpu_1x_a10").ssh_key("laptop").count(3);
    let report = cleanup.launch(burst).await?;
    assert_eq!((report.running.len(), fake.instances().len()), (3, 3));
    assert_eq!(cleanup.finish().await.deleted.len(), 3);
    assert!(fake.instances().is_empty());
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_cleaned_up_is_said() -> Outcome {
    let koyeb = FakeKoyeb::start().await?;
    let report = Cleanup::new("ci-17").reap([koyeb.client()?.into()]).await;
    assert_eq!(report.unlisted[0].error.kind(), ErrorKind::InvalidInput);
    assert!(koyeb.log().is_empty() && !report.is_success());
    let fake = FakeIncus::start().await?;
    let incus = fake.client()?.with(Retry::never());
    for bad in ["", "a\nb"] {
        let e = Cleanup::new(bad).launch(incus.launch("web").image("busybox")).await.expect_err("no owner");
        assert_eq!(
            (e.kind(), e.sent(), e.fields()),
            (ErrorKind::InvalidInput, Sent::No, ["owner".to_owned()].as_slice())
        );
    }
    assert!(fake.log().is_empty());
    Ok(())
}
