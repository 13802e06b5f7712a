//! Many waits at the same time cost the server little, and none of them misses its end.

use std::future::IntoFuture;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use windlass::incus::{Instance, Status};
use windlass::testing::{FakeIncus, Hold};
use windlass::{Error, ErrorKind, Incus, WaitEnd, WaitError};

use crate::clock::{later, until};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const EVENTS: &str = "GET /1.0/events";
const LIST: &str = "GET /1.0/operations";
const LOOK: &str = "GET /1.0/operations/{id}";
/// Between two lists.
const ROUND: Duration = Duration::from_secs(20);

/// Launches that are under way, held, and waited for. None of them waits by a long poll, which a clock that jumps
/// breaks.
struct Crowd {
    fake: FakeIncus,
    incus: Incus,
    hold: Hold,
    waits: Vec<JoinHandle<Result<Instance, WaitError>>>,
}

impl Crowd {
    async fn of(size: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let fake = FakeIncus::start().await?;
        let incus = Incus::unix(fake.socket()).client()?;
        let hold = fake.hold_operations();
        let mut waits = Vec::new();
        for number in 0..size {
            let launch = incus.launch(format!("web{number}")).image("busybox").send().await?;
            waits.push(tokio::spawn(launch.on_progress(|_| {}).into_future()));
        }
        // Each asks once, when it begins to listen.
        until(|| fake.requests(LOOK) >= size).await;
        let crowd = Self { fake, incus, hold, waits };
        crowd.all_answered().await?;
        Ok(crowd)
    }

    /// Lets what was asked so far be answered: what is asked later is answered later.
    async fn all_answered(&self) -> Result<(), Error> {
        for _ in 0..3 {
            self.incus.get_server().await?;
        }
        Ok(())
    }

    /// How often waits have asked since they began to listen.
    fn asked(&self) -> usize {
        self.fake.requests(LOOK) - self.waits.len()
    }

    /// Lets the time pass until the next list, or until waits ask by themselves.
    async fn next_list(&self) -> Result<(), Error> {
        let (lists, asked) = (self.fake.requests(LIST), self.asked());
        // In steps: a jump of a whole round can begin the list and end the patience of waits that are older than it.
        for _ in 0..40 {
            if self.fake.requests(LIST) > lists || self.asked() > asked {
                return self.all_answered().await;
            }
            later(ROUND / 20).await;
            self.all_answered().await?;
        }
        panic!("no list in two rounds");
    }

    /// Lets the time pass until each wait has asked, which it does after half a minute without news.
    async fn each_asks(&self) -> Result<(), Error> {
        // In steps in which the events' connection, too, can show that it is alive.
        for _ in 0..40 {
            if self.asked() >= self.waits.len() {
                return Ok(());
            }
            later(ROUND / 4).await;
            self.all_answered().await?;
        }
        panic!("{} have asked", self.asked());
    }
}

#[tokio::test]
async fn hundreds_of_waits_cost_one_list_each_round() -> Outcome {
    let started = Instant::now();
    let crowd = Crowd::of(300).await?;
    for _ in 0..6 {
        crowd.next_list().await?;
        assert_eq!(crowd.asked(), 0, "after {} lists", crowd.fake.requests(LIST));
    }
    let rounds = started.elapsed().as_secs() / ROUND.as_secs();
    let lists = crowd.fake.requests(LIST) as u64;
    assert!((6..=rounds).contains(&lists), "{lists} lists in {rounds} rounds");
    assert_eq!(crowd.fake.requests(EVENTS), 1);
    drop(crowd.hold);
    for wait in crowd.waits {
        assert_eq!(wait.await??.status, Status::Running);
    }
    Ok(())
}

#[tokio::test]
async fn few_waits_ask_by_themselves() -> Outcome {
    let crowd = Crowd::of(5).await?;
    crowd.each_asks().await?;
    assert_eq!(crowd.fake.requests(LIST), 0);
    drop(crowd.hold);
    for wait in crowd.waits {
        assert_eq!(wait.await??.status, Status::Running);
    }
    Ok(())
}

#[tokio::test]
async fn an_end_that_no_event_told_is_told_by_the_list() -> Outcome {
    let crowd = Crowd::of(30).await?;
    crowd.next_list().await?;
    crowd.fake.hang_events();
    drop(crowd.hold);
    let runs = |name: &String| crowd.fake.instance(name).is_some_and(|web| web["status"] == "Running");
    until(|| crowd.fake.instances().iter().all(runs)).await;
    // By the next list the server has forgotten the operations.
    later(ROUND).await;
    for wait in crowd.waits {
        assert_eq!(wait.await??.status, Status::Running);
    }
    assert_eq!((crowd.fake.requests(LIST), crowd.fake.requests(EVENTS)), (2, 1));
    Ok(())
}

#[tokio::test]
async fn a_failure_that_no_event_told_is_a_failure() -> Outcome {
    let crowd = Crowd::of(30).await?;
    let failed = r#"{"type":"sync","metadata":{"failure":["/1.0/operations/1"],"running":null}}"#;
    crowd.fake.on(LIST).reply(200, failed);
    let failed =
        r#"{"type":"sync","metadata":{"id":"1","status":"Failure","status_code":400,"err":"no space"}}"#;
    crowd.fake.on(LOOK).always().reply(200, failed);
    later(ROUND).await;
    for wait in crowd.waits {
        let e = wait.await?.expect_err("it failed");
        assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::OperationFailed), "{e:?}");
        assert_eq!(e.error().message(), "no space");
    }
    assert_eq!(crowd.fake.requests(LIST), 1);
    Ok(())
}

#[tokio::test]
async fn where_no_list_can_be_had_each_wait_asks() -> Outcome {
    let crowd = Crowd::of(30).await?;
    let refused = r#"{"type":"error","error":"no","error_code":403}"#;
    crowd.fake.on(LIST).always().reply(403, refused);
    crowd.next_list().await?;
    crowd.each_asks().await?;
    drop(crowd.hold);
    for wait in crowd.waits {
        assert_eq!(wait.await??.status, Status::Running);
    }
    Ok(())
}
