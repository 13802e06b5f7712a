//! A launch with the caller's own key makes one instance, however often it is called.

use std::time::Duration;

use windlass::incus::{Instance, Launch};
use windlass::testing::{FakeIncus, Generation};
use windlass::{ErrorKind, Incus, Sent};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const CREATE: &str = "POST /1.0/instances";
const LIST: &str = "GET /1.0/instances";
const GENERATIONS: [Generation; 2] = [Generation::V6_0, Generation::V7_0];

async fn fake(generation: Generation) -> Result<(FakeIncus, Incus), Box<dyn std::error::Error>> {
    let fake = FakeIncus::builder().generation(generation).start().await?;
    let incus = fake.client()?;
    Ok((fake, incus))
}

fn job(incus: &Incus) -> Launch {
    incus.launch("web").key("job-17").image("busybox")
}

/// The request takes effect, and the process ends before the answer.
async fn crash(fake: &FakeIncus, launch: Launch) -> Outcome {
    fake.on(CREATE).hang_after();
    let crashing = tokio::spawn(launch.send());
    while fake.instances().is_empty() {
        tokio::task::yield_now().await;
    }
    crashing.abort();
    assert!(crashing.await.is_err());
    Ok(())
}

#[tokio::test]
async fn the_same_call_after_a_crash_finds_its_instance() -> Outcome {
    for generation in GENERATIONS {
        let (fake, incus) = fake(generation).await?;
        assert!(incus.launched("job-17").await?.is_none());
        let held = fake.hold_operations();
        crash(&fake, job(&incus)).await?;
        // It is still being made.
        let again = job(&fake.client()?).send().await?;
        drop(held);
        let web = again.await?;
        assert_eq!((web.name(), web.status.as_str()), ("web", "Running"));
        // It is made.
        let later = fake.client()?;
        assert_eq!(job(&later).await?.name(), "web");
        assert_eq!(later.launched("job-17").await?.map(|found| found.name.clone()).as_deref(), Some("web"));
        assert_eq!((fake.requests(CREATE), fake.instances()), (1, vec!["web".to_owned()]));
    }
    Ok(())
}

/// Neither sees the other before it sends: the name lets only one through, and the other joins it.
#[tokio::test]
async fn two_at_once_get_one_instance() -> Outcome {
    for generation in GENERATIONS {
        let (fake, incus) = fake(generation).await?;
        fake.on(LIST)
            .times(2)
            .reply(200, r#"{"type":"sync","status":"Success","status_code":200,"metadata":[]}"#);
        let held = fake.hold_operations();
        let first = job(&incus).send().await?;
        let other = fake.client()?;
        let second = job(&other).send().await?;
        let third = other.resume::<Instance>(&second.ticket())?;
        let waiting = tokio::spawn(async move { tokio::join!(second.into_future(), third.into_future()) });
        drop(held);
        let (second, third) = waiting.await?;
        for web in [first.await?, second?, third?] {
            assert_eq!((web.name(), web.status.as_str()), ("web", "Running"), "{generation:?}");
        }
        assert_eq!((fake.requests(CREATE), fake.instances()), (2, vec!["web".to_owned()]));
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_reconciled_with_a_key_too() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    fake.on(CREATE).drop_after();
    assert_eq!(job(&incus).await?.name(), "web");
    assert_eq!(fake.requests(CREATE), 1);
    fake.on(CREATE).drop_before();
    let launch = incus.launch("other").key("job-18").image("busybox").reconcile_window(Duration::ZERO);
    let e = launch.await.expect_err("nothing tells");
    assert_eq!((e.kind(), e.marker()), (ErrorKind::OutcomeUnknown, Some("job-18")));
    Ok(())
}

#[tokio::test]
async fn a_name_that_another_launch_took_is_not_joined() -> Outcome {
    for generation in GENERATIONS {
        let (fake, incus) = fake(generation).await?;
        incus.launch("web").key("job-16").image("busybox").await?;
        let e = job(&incus).await.expect_err("the name is taken");
        assert!(e.is_already_exists(), "{e:?}");
        // The key counts, not the name.
        assert_eq!(incus.launch("web-2").key("job-16").image("busybox").await?.name(), "web");
        assert_eq!(fake.instances(), ["web"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_key_is_free_again_once_its_instance_is_deleted() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    let web = job(&incus).await?;
    web.stop().force().await?;
    // It may have done its work: it is neither started nor made again.
    let e = job(&incus).await.expect_err("it doesn't run");
    assert_eq!((e.kind(), e.object().is_some()), (ErrorKind::Conflict, true), "{e:?}");
    assert!(e.suggestion().is_some_and(|text| text.contains("start \"web\"")), "{e:?}");
    assert_eq!(incus.create("web").key("job-17").image("busybox").await?.status.as_str(), "Stopped");
    assert_eq!(fake.requests(CREATE), 1);
    web.delete().await?;
    assert!(incus.launched("job-17").await?.is_none());
    job(&incus).await?;
    assert_eq!((fake.requests(CREATE), fake.instances().len()), (2, 1));
    Ok(())
}

#[tokio::test]
async fn a_text_that_is_no_key_is_refused_before_anything_is_sent() -> Outcome {
    let (fake, incus) = fake(Generation::V7_0).await?;
    for bad in ["", "a\nb", &"x".repeat(129)] {
        let e = incus.launch("web").key(bad).image("busybox").await.expect_err("it is no key");
        assert_eq!((e.kind(), e.sent()), (ErrorKind::InvalidInput, Sent::No));
        assert_eq!(e.fields(), ["key"]);
    }
    assert!(fake.log().is_empty());
    let launch = incus.launch("web").key("größe: 1/2 \"a\"").image("busybox");
    assert_eq!(launch.marker(), "größe: 1/2 \"a\"");
    launch.await?;
    incus.launch("other").key("größe: 1/2 \"a\"").image("busybox").await?;
    assert_eq!(fake.instances(), ["web"]);
    Ok(())
}
