//! The suite of a user: fourteen tests of a small service, which are also a measure of how such tests read.
//!
//! The service gives each branch a container of its own, in which it runs the tests of the branch, and rents a machine
//! with a GPU for those that ask for one.

use windlass::testing::{CommandResult, FakeIncus, FakeLambdaCloud};
use windlass::{ErrorKind, Incus};

use service::Verdict;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const CREATE: &str = "POST /1.0/instances";
const DELETE: &str = "DELETE /1.0/instances/{name}";
const LIST: &str = "GET /1.0/instances";
const LAUNCH: &str = "POST /api/v1/instance-operations/launch";

/// The code under test, which knows nothing of tests.
mod service {
    use windlass::incus::Instance;
    use windlass::lambda_cloud::Choice;
    use windlass::{Incus, LambdaCloud};

    #[derive(Debug, PartialEq, Eq)]
    pub enum Verdict {
        Passed,
        Failed { code: i32, log: String },
    }

    /// Runs the tests of a branch in a container of its own, which is gone afterwards.
    pub async fn check(incus: &Incus, branch: &str) -> windlass::Result<Verdict> {
        let container = open(incus, branch).await?;
        let ran = container.exec(["make", "test"]).output().await;
        close(incus, branch).await?;
        let output = ran?;
        Ok(match output.status.is_success() {
            true => Verdict::Passed,
            false => Verdict::Failed { code: output.status.code(), log: output.stdout_text() },
        })
    }

    /// The container of a branch: a new one, or the one that an earlier call has made.
    pub async fn open(incus: &Incus, branch: &str) -> windlass::Result<Instance> {
        incus.launch(format!("preview-{branch}")).image("busybox").key(branch).await
    }

    /// Deletes it, if there is one.
    pub async fn close(incus: &Incus, branch: &str) -> windlass::Result<()> {
        match incus.instance(format!("preview-{branch}")).delete().force().await {
            Err(e) if e.is_not_found() => Ok(()),
            done => done.map(drop),
        }
    }

    /// The branches that have one.
    pub async fn branches(incus: &Incus) -> windlass::Result<Vec<String>> {
        let all = incus.instances().await?;
        Ok(all.iter().filter_map(|i| i.name.strip_prefix("preview-")).map(str::to_owned).collect())
    }

    /// A machine with a GPU, in whichever region has one; an unhealthy one is given back.
    pub async fn gpu(lambda: &LambdaCloud) -> windlass::Result<String> {
        let choices = ["us-west-1", "us-east-1"].map(|region| Choice::of("gpu_1x_a10").in_region(region));
        let launch = lambda.launch_when_available(choices).launch(|launch| launch.ssh_key("laptop"));
        match launch.await {
            Ok(gpu) => Ok(gpu.region.name.clone()),
            Err(e) => {
                for gpu in lambda.instances().await? {
                    gpu.terminate().await?;
                }
                Err(e)
            }
        }
    }
}

async fn incus() -> Result<(FakeIncus, Incus), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = fake.client()?;
    Ok((fake, incus))
}

#[tokio::test]
async fn a_branch_whose_tests_pass() -> Outcome {
    let (fake, incus) = incus().await?;
    let make = fake.command("make test");
    assert_eq!(service::check(&incus, "main").await?, Verdict::Passed);
    assert_eq!(make.calls(), 1);
    assert!(fake.instances().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_branch_whose_tests_fail() -> Outcome {
    let (fake, incus) = incus().await?;
    fake.command("make test").prints("1 failed\n").exits(2);
    let failed = Verdict::Failed { code: 2, log: "1 failed\n".to_owned() };
    assert_eq!(service::check(&incus, "main").await?, failed);
    assert!(fake.instances().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_program_that_answers_by_its_arguments() -> Outcome {
    let (fake, incus) = incus().await?;
    let make = fake.program("make", |arguments| match arguments {
        [target] if target == "test" => CommandResult::new().prints("ok\n"),
        _ => CommandResult::new().prints_error("no such target\n").exits(2),
    });
    assert_eq!(service::check(&incus, "main").await?, Verdict::Passed);
    assert_eq!(make.calls(), [["test"]]);
    Ok(())
}

#[tokio::test]
async fn an_image_without_make() -> Outcome {
    let (fake, incus) = incus().await?;
    let e = service::check(&incus, "main").await.expect_err("there is no make");
    assert!(e.is_not_found(), "{e}");
    assert!(fake.instances().is_empty());
    Ok(())
}

#[tokio::test]
async fn the_answer_to_the_launch_is_lost() -> Outcome {
    let (fake, incus) = incus().await?;
    fake.command("make test");
    fake.on(CREATE).expect(1).drop_after();
    assert_eq!(service::check(&incus, "main").await?, Verdict::Passed);
    Ok(())
}

#[tokio::test]
async fn the_gateway_gives_up_on_a_launch_that_worked() -> Outcome {
    let (fake, incus) = incus().await?;
    fake.on(CREATE).reply_after(502, "<html>Bad Gateway</html>");
    assert_eq!(service::open(&incus, "main").await?.name, "preview-main");
    assert_eq!(fake.requests(CREATE), 1);
    Ok(())
}

#[tokio::test]
async fn the_service_was_started_again_in_the_middle() -> Outcome {
    let (fake, incus) = incus().await?;
    let before = service::open(&incus, "main").await?;
    let after = service::open(&fake.client()?, "main").await?;
    assert_eq!((after.name.as_str(), after.created_at), (before.name.as_str(), before.created_at));
    assert_eq!(fake.instances(), ["preview-main"]);
    Ok(())
}

#[tokio::test]
async fn the_name_belongs_to_another() -> Outcome {
    let (fake, incus) = incus().await?;
    fake.add_instance("preview-main");
    let e = service::open(&incus, "main").await.expect_err("it isn't ours");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists);
    Ok(())
}

#[tokio::test]
async fn the_disk_is_full() -> Outcome {
    let (fake, incus) = incus().await?;
    fake.fail_operation(CREATE, "No space left on device");
    let e = service::check(&incus, "main").await.expect_err("the work fails");
    assert_eq!(e.kind(), ErrorKind::OperationFailed);
    assert!(e.to_string().contains("No space left on device"), "{e}");
    Ok(())
}

#[tokio::test]
async fn a_busy_server_is_asked_again() -> Outcome {
    let (fake, incus) = incus().await?;
    service::open(&incus, "main").await?;
    fake.on(LIST).expect(2).header("Retry-After", "0").reply(503, "try again");
    assert_eq!(service::branches(&incus).await?, ["main"]);
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_not_asked_again() -> Outcome {
    let (fake, incus) = incus().await?;
    fake.on(LIST).expect(1).reply(403, r#"{"type":"error","error":"not authorized","error_code":403}"#);
    let e = service::branches(&incus).await.expect_err("it is refused");
    assert_eq!((e.kind(), e.status()), (ErrorKind::PermissionDenied, Some(403)));
    assert_eq!(e.attempts(), 1);
    Ok(())
}

#[tokio::test]
async fn closing_what_is_gone_is_fine() -> Outcome {
    let (fake, incus) = incus().await?;
    fake.on(DELETE).expect(1).pass();
    service::close(&incus, "main").await?;
    Ok(())
}

#[tokio::test]
async fn the_first_region_is_sold_out() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    fake.no_capacity();
    fake.capacity("gpu_1x_a10").in_region("us-east-1").is(1);
    fake.on(LAUNCH).expect(1).pass();
    assert_eq!(service::gpu(&fake.client()?).await?, "us-east-1");
    Ok(())
}

#[tokio::test]
async fn an_unhealthy_machine_is_not_paid_for() -> Outcome {
    let fake = FakeLambdaCloud::start().await?;
    fake.capacity("gpu_1x_a10").in_region("us-west-1").is(1);
    fake.next_boot_ends("unhealthy");
    let e = service::gpu(&fake.client()?).await.expect_err("it is unhealthy");
    assert_eq!(e.kind(), ErrorKind::OperationFailed);
    assert_eq!((fake.launches(), fake.instances().len()), (1, 0));
    Ok(())
}
