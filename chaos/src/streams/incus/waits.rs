//! Work of the server that is waited for.

use std::time::Duration;

use windlass::ErrorKind;
use windlass::incus::Status;
use windlass::testing::FakeIncus;

use super::super::WAIT;
use super::super::findings::Findings;
use super::super::scenario::{Outcome, Stage, Starting};
use super::{client, running, set_status, status, story};
use crate::answer::WORDS;
use crate::judge::Wrong;
use crate::world::address;

/// How long the server works.
const WORK: Duration = Duration::from_secs(3);

/// The call said that it runs.
fn check_running(fake: &FakeIncus, name: &str, findings: &mut Findings) {
    let now = status(fake, name);
    findings.check(Wrong::Lied, now.as_deref() == Some("Running"), || format!("it is {now:?}"));
}

pub(super) fn launch() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        fake.operation_delay(WORK);
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            let launch = incus.launch("new").image("busybox").reconcile_window(WAIT);
            let act = async move { Ok(launch.send().await?.timeout(WAIT).await?) };
            Ok(story(&incus, act, move |outcome, findings| {
                let made = fake.instances().iter().filter(|name| *name == "new").count();
                outcome.agrees_with(made, findings);
                if let Outcome::Done(_) = outcome {
                    check_running(&fake, "new", findings);
                }
            }))
        })
    })
}

pub(super) fn stop() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        fake.operation_delay(WORK);
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            let stop = incus.instance("web").stop().force();
            let act = async move { Ok(stop.send().await?.timeout(WAIT).await?) };
            Ok(story(&incus, act, move |outcome, findings| {
                let stopped = status(&fake, "web").as_deref() == Some("Stopped");
                outcome.agrees_with(usize::from(stopped), findings);
            }))
        })
    })
}

/// The server does nothing, and says why.
pub(super) fn failing() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        set_status(&fake, "Stopped", 102);
        fake.operation_delay(WORK);
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            fake.fail_operation("PUT /1.0/instances/{name}/state", WORDS);
            let start = incus.instance("web").start();
            let act = async move {
                let waited: Result<(), windlass::Error> =
                    async { Ok(start.send().await?.timeout(WAIT).await?) }.await;
                match waited {
                    Err(e) if e.kind() == ErrorKind::OperationFailed => Ok(Some(e)),
                    other => other.map(|()| None),
                }
            };
            let _lives = &fake;
            Ok(story(&incus, act, |outcome, findings| {
                if let Outcome::Done(told) = outcome {
                    let wrong = if told.is_some() { Wrong::LostStatus } else { Wrong::Lied };
                    let told = told.is_some_and(|e: windlass::Error| e.message().contains(WORDS));
                    findings.check(wrong, told || findings.is_garbled, || "it failed with words".to_owned());
                }
            }))
        })
    })
}

pub(super) fn delete() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        set_status(&fake, "Stopped", 102);
        fake.operation_delay(WORK);
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            let delete = incus.instance("web").delete();
            let act = async move { Ok(delete.send().await?.timeout(WAIT).await?) };
            Ok(story(&incus, act, move |outcome, findings| {
                outcome.agrees_with(usize::from(fake.instance("web").is_none()), findings);
            }))
        })
    })
}

pub(super) fn snapshot() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        fake.operation_delay(WORK);
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            let create = incus.instance("web").create_snapshot("daily");
            let act = async move { Ok(create.send().await?.timeout(WAIT).await?) };
            Ok(story(&incus, act, move |outcome, findings| {
                outcome.agrees_with(fake.requests("POST /1.0/instances/{name}/snapshots"), findings);
            }))
        })
    })
}

pub(super) fn until_running() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            set_status(&fake, "Stopped", 102);
            let (until, other) = (incus.instance("web").until_running().timeout(WAIT), fake.clone());
            let act = async move {
                let later = async {
                    tokio::time::sleep(WORK).await;
                    set_status(&other, "Running", 103);
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    waited = async { Ok(until.await?) } => waited,
                    () = later => unreachable!(),
                }
            };
            Ok(story(&incus, act, move |outcome, findings| {
                if let Outcome::Done(_) = outcome {
                    check_running(&fake, "web", findings);
                }
            }))
        })
    })
}

/// An operation that another client began.
pub(super) fn operation() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        fake.operation_delay(WORK);
        let begun = fake.client()?.instance("web").stop().force().send().await?;
        let id = begun.ticket().id().to_owned();
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            let wait = incus.operation(&id).wait().timeout(WAIT);
            let act = async move { Ok(wait.await?) };
            Ok(story(&incus, act, move |outcome, findings| {
                if let Outcome::Done(operation) = outcome {
                    let stopped = status(&fake, "web").as_deref() == Some("Stopped");
                    let done = operation.status == Status::Success;
                    findings.check(Wrong::Lied, stopped && done, || format!("{operation:?}"));
                }
            }))
        })
    })
}
