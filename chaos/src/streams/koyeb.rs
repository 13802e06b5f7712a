//! Koyeb.

use std::net::SocketAddr;
use std::time::Duration;

use windlass::koyeb::Tailed;
use windlass::testing::FakeKoyeb;
use windlass::{Error, Koyeb};

use super::findings::Findings;
use super::incus::finished;
use super::scenario::{Outcome, Scenario, Stage, Start, Starting, Story};
use super::sequence::{self, Item};
use super::{LIMIT, WAIT, text};
use crate::api::Api;
use crate::judge::Wrong;
use crate::world::{Failure, address, http, retry};

/// The scenarios.
pub(super) static ALL: &[Scenario] = &[
    of("exec", exec),
    of("exec with input", input),
    of("logs.tail", tail),
    of("logs, several pages", search),
    of("until_healthy", until_healthy),
    of("pause", pause),
    of("redeploy", redeploy),
    of("scale", scale),
    of("create_snapshot", create_snapshot),
    of("delete a snapshot", delete_snapshot),
];

const fn of(name: &'static str, start: fn() -> Starting) -> Scenario {
    Scenario { api: Api::Koyeb, name, limit: LIMIT, start: Start::Fake(start) }
}

/// A fake with a service, its id, and that of an instance.
async fn served() -> Result<(FakeKoyeb, String, String), Failure> {
    let fake = FakeKoyeb::start().await?;
    let service = fake.add_service("shop", 1);
    let instance = fake.instances(&service).first().cloned().ok_or("no instance")?;
    Ok((fake, service, instance))
}

fn client(fake: &FakeKoyeb, to: SocketAddr) -> windlass::Result<Koyeb> {
    Koyeb::token(fake.token()).url(format!("http://{to}")).retry(retry()).http(http()).client()
}

fn story<T: 'static>(
    koyeb: &Koyeb,
    act: impl Future<Output = Result<T, Error>> + 'static,
    check: impl FnOnce(Outcome<'_, T>, &mut Findings) + 'static,
) -> Story {
    let koyeb = koyeb.clone();
    let simple = move || {
        let koyeb = koyeb.clone();
        async move { koyeb.raw().list_services().send().await.map(drop) }
    };
    Story::new(simple, act, check)
}

fn exec() -> Starting {
    Box::pin(async {
        let (fake, _, instance) = served().await?;
        let work = fake.command("work").prints(text(3_000)).prints_error(text(300)).exits(3);
        Stage::new(address(&fake.url())?, move |to| {
            let (koyeb, work) = (client(&fake, to)?, work.clone());
            let act = koyeb.instance(&instance).exec(["work"]).output();
            Ok(story(&koyeb, act, move |outcome, findings| finished(&outcome, work.calls(), findings)))
        })
    })
}

fn input() -> Starting {
    Box::pin(async {
        let (fake, _, instance) = served().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let koyeb = client(&fake, to)?;
            let act = koyeb.instance(&instance).exec(["cat"]).stdin(text(3_000)).output();
            Ok(story(&koyeb, act, |outcome, findings| {
                if let Outcome::Done(output) = outcome {
                    findings.same("what was typed", &output.stdout, &text(3_000));
                    findings.check(Wrong::Lied, output.status.is_success(), || format!("{output:?}"));
                }
            }))
        })
    })
}

/// So many lines are read.
const LINES: usize = 25;

fn tail() -> Starting {
    Box::pin(async {
        let (fake, service, instance) = served().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (koyeb, fake) = (client(&fake, to)?, fake.clone());
            let (service, instance) = (koyeb.service(&service), instance.clone());
            let act = async move {
                let mut number = 0;
                let writing = async {
                    loop {
                        fake.add_log(&instance, "stdout", &format!("line {number}"));
                        number += 1;
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                };
                tokio::select! {
                    lines = follow(service) => lines,
                    () = writing => unreachable!(),
                }
            };
            Ok(story(&koyeb, act, |outcome, findings| {
                if let Outcome::Done(items) = outcome {
                    sequence::check(&items, 0, findings);
                }
            }))
        })
    })
}

async fn follow(service: windlass::koyeb::ServiceRef) -> Result<Vec<Item>, Error> {
    let (mut tail, mut items) = (service.logs().tail().await?, Vec::new());
    while let Some(tailed) = tail.try_next().await? {
        let line = match tailed {
            Tailed::Line(line) => line.message,
            _ => String::new(),
        };
        let number = line.strip_prefix("line ").and_then(|number| number.parse().ok());
        let item = number.map_or(Item::Gap, Item::Number);
        items.push(item);
        if matches!(item, Item::Number(LINES..)) {
            break;
        }
    }
    Ok(items)
}

/// More lines than are on a page.
const FOUND: usize = 130;

fn search() -> Starting {
    Box::pin(async {
        let (fake, service, instance) = served().await?;
        for number in 0..FOUND {
            fake.add_log(&instance, "stdout", &format!("line {number}"));
        }
        Stage::new(address(&fake.url())?, move |to| {
            let koyeb = client(&fake, to)?;
            let hour = std::time::SystemTime::now() - Duration::from_secs(3_600);
            let logs = koyeb.service(&service).logs().start(hour).limit(50);
            let act = async move { logs.await };
            Ok(story(&koyeb, act, |outcome, findings| {
                if let Outcome::Done(lines) = outcome {
                    let mut got: Vec<_> = lines.iter().map(|line| &line.message).collect();
                    got.sort_unstable();
                    got.dedup();
                    let whole = got.len() == FOUND && lines.len() == FOUND || findings.is_garbled;
                    findings.check(Wrong::SilentGap, whole, || format!("{} lines of {FOUND}", lines.len()));
                }
            }))
        })
    })
}

fn status(fake: &FakeKoyeb, id: &str) -> String {
    let document = fake.document(id).unwrap_or_default();
    document["status"].as_str().unwrap_or_default().to_owned()
}

fn until_healthy() -> Starting {
    Box::pin(async {
        let (fake, service, _) = served().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (koyeb, fake) = (client(&fake, to)?, fake.clone());
            fake.set_status(&service, "STARTING");
            let (until, other) = (koyeb.service(&service).until_healthy().timeout(WAIT), fake.clone());
            let (id, same) = (service.clone(), service.clone());
            let act = async move {
                let later = async {
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    other.set_status(&id, "HEALTHY");
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    waited = async { Ok(until.await?) } => waited,
                    () = later => unreachable!(),
                }
            };
            Ok(story(&koyeb, act, move |outcome, findings| {
                if let Outcome::Done(_) = outcome {
                    let now = status(&fake, &same);
                    findings.check(Wrong::Lied, now == "HEALTHY", || format!("it is {now}"));
                }
            }))
        })
    })
}

fn pause() -> Starting {
    Box::pin(async {
        let (fake, service, _) = served().await?;
        fake.step(Duration::from_secs(1));
        Stage::new(address(&fake.url())?, move |to| {
            let (koyeb, fake, service) = (client(&fake, to)?, fake.clone(), service.clone());
            let pause = koyeb.service(&service).pause();
            let act = async move { Ok(pause.send().await?.timeout(WAIT).await?) };
            Ok(story(&koyeb, act, move |outcome, findings| {
                outcome.agrees_with(fake.requests("POST /v1/services/{id}/pause"), findings);
                if let Outcome::Done(()) = outcome {
                    let now = status(&fake, &service);
                    findings.check(Wrong::Lied, now == "PAUSED", || format!("it is {now}"));
                }
            }))
        })
    })
}

fn redeploy() -> Starting {
    Box::pin(async {
        let (fake, service, _) = served().await?;
        fake.step(Duration::from_secs(1));
        Stage::new(address(&fake.url())?, move |to| {
            let (koyeb, fake) = (client(&fake, to)?, fake.clone());
            let redeploy = koyeb.service(&service).redeploy();
            let act = async move { Ok(redeploy.send().await?.timeout(WAIT).await?) };
            Ok(story(&koyeb, act, move |outcome, findings| {
                outcome.agrees_with(fake.requests("POST /v1/services/{id}/redeploy"), findings);
            }))
        })
    })
}

fn scale() -> Starting {
    Box::pin(async {
        let (fake, service, _) = served().await?;
        fake.step(Duration::from_secs(1));
        Stage::new(address(&fake.url())?, move |to| {
            let (koyeb, fake, service) = (client(&fake, to)?, fake.clone(), service.clone());
            let scale = koyeb.service(&service).scale(3);
            let act = async move { Ok(scale.send().await?.timeout(WAIT).await?) };
            Ok(story(&koyeb, act, move |outcome, findings| {
                if let Outcome::Done(()) = outcome {
                    let healthy =
                        fake.instances(&service).iter().filter(|id| status(&fake, id) == "HEALTHY").count();
                    findings.check(Wrong::Lied, healthy == 3, || format!("{healthy} are healthy"));
                }
            }))
        })
    })
}

fn create_snapshot() -> Starting {
    Box::pin(async {
        let (fake, _, instance) = served().await?;
        fake.step(Duration::from_secs(1));
        Stage::new(address(&fake.url())?, move |to| {
            let (koyeb, fake) = (client(&fake, to)?, fake.clone());
            let create = koyeb.instance(&instance).create_snapshot().name("before");
            let act = async move { Ok(create.send().await?.timeout(WAIT).await?) };
            Ok(story(&koyeb, act, move |outcome, findings| {
                outcome.agrees_with(fake.requests("POST /v1/instance_snapshots"), findings);
                if let Outcome::Done(snapshot) = outcome {
                    let now = status(&fake, snapshot.id());
                    let available = now == "INSTANCE_SNAPSHOT_STATUS_AVAILABLE";
                    findings.check(Wrong::Lied, available, || format!("it is {now}"));
                }
            }))
        })
    })
}

fn delete_snapshot() -> Starting {
    Box::pin(async {
        let (fake, _, instance) = served().await?;
        let koyeb = Koyeb::token(fake.token()).url(fake.url()).client()?;
        let id = koyeb.instance(&instance).create_snapshot().name("before").await?.id().to_owned();
        fake.step(Duration::from_secs(1));
        Stage::new(address(&fake.url())?, move |to| {
            let (koyeb, fake, id) = (client(&fake, to)?, fake.clone(), id.clone());
            let delete = koyeb.snapshot(&id).delete();
            let act = async move { Ok(delete.send().await?.timeout(WAIT).await?) };
            Ok(story(&koyeb, act, move |outcome, findings| {
                if let Outcome::Done(()) = outcome {
                    findings.check(Wrong::Lied, fake.document(&id).is_none(), || "it is there".to_owned());
                }
            }))
        })
    })
}
