//! Shaken Fist.

use std::future::IntoFuture;
use std::net::SocketAddr;

use windlass::shakenfist::{Disk, Instance};
use windlass::testing::FakeShakenFist;
use windlass::{Error, ShakenFist};

use super::findings::Findings;
use super::folder::Folder;
use super::incus::{finished, landed};
use super::scenario::{Outcome, Scenario, Stage, Start, Starting, Story};
use super::{IDLE, LIMIT, WAIT, text};
use crate::api::Api;
use crate::judge::Wrong;
use crate::world::{Failure, address, http, retry};

/// The scenarios.
pub(super) static ALL: &[Scenario] = &[
    of("exec", exec),
    of("agent_operation.until_ended", until_ended),
    of("until_agent_ready", until_agent_ready),
    of("events", events),
    of("push", push),
    of("pull", pull),
    of("upload", upload),
    of("blob.data", blob),
    of("launch", launch),
    of("create_snapshot", snapshot),
    of("power_off", power_off),
    of("delete", delete),
];

const fn of(name: &'static str, start: fn() -> Starting) -> Scenario {
    Scenario { api: Api::ShakenFist, name, limit: LIMIT, start: Start::Fake(start) }
}

const SIZE: usize = 4_000;

/// A fake with an instance whose agent is ready.
async fn ready() -> Result<(FakeShakenFist, Instance), Failure> {
    let fake = FakeShakenFist::start().await?;
    let web = fake.client()?.launch("web").disk(Disk::blank(1)).await?.until_agent_ready().await?;
    Ok((fake, web))
}

fn client(to: SocketAddr) -> windlass::Result<ShakenFist> {
    let connect = ShakenFist::at(format!("http://{to}")).namespace("demo").key("demokey");
    connect.retry(retry()).http(http()).client()
}

pub(super) fn story<T: 'static>(
    sf: &ShakenFist,
    act: impl Future<Output = Result<T, Error>> + 'static,
    check: impl FnOnce(Outcome<'_, T>, &mut Findings) + 'static,
) -> Story {
    let sf = sf.clone();
    let simple = move || {
        let sf = sf.clone();
        async move { sf.raw().networks_list().send().await.map(drop) }
    };
    Story::new(simple, act, check)
}

fn exec() -> Starting {
    Box::pin(async {
        let (fake, web) = ready().await?;
        let work = fake.command("work").prints(text(3_000)).prints_error(text(300)).exits(3);
        Stage::new(address(&fake.url())?, move |to| {
            let (sf, work) = (client(to)?, work.clone());
            let act = sf.instance(&web.uuid).exec("work").timeout(WAIT).output();
            let _lives = &fake;
            Ok(story(&sf, act, move |outcome, findings| finished(&outcome, work.calls(), findings)))
        })
    })
}

/// An order that another client gave.
fn until_ended() -> Starting {
    Box::pin(async {
        let (fake, web) = ready().await?;
        drop(web.exec("sleep 3").send().await?);
        let uuid = fake.agent_operations().last().cloned().ok_or("no operation")?;
        Stage::new(address(&fake.url())?, move |to| {
            let sf = client(to)?;
            let until = sf.agent_operation(&uuid).until_ended().timeout(WAIT);
            let act = async move { Ok(until.await?) };
            let (fake, uuid) = (fake.clone(), uuid.clone());
            Ok(story(&sf, act, move |outcome, findings| {
                if let Outcome::Done(_) = outcome {
                    let mut ended = false;
                    fake.edit_agent_operation(&uuid, |now| ended = now["state"] == "complete");
                    findings.check(Wrong::Lied, ended, || "it goes on".to_owned());
                }
            }))
        })
    })
}

fn until_agent_ready() -> Starting {
    Box::pin(async {
        let fake = FakeShakenFist::start().await?;
        let web = fake.client()?.launch("web").disk(Disk::blank(1)).await?;
        Stage::new(address(&fake.url())?, move |to| {
            let sf = client(to)?;
            let until = sf.instance(&web.uuid).until_agent_ready().timeout(WAIT);
            let act = async move { Ok(until.await?) };
            let _lives = &fake;
            Ok(story(&sf, act, |outcome, findings| {
                if let Outcome::Done(web) = outcome {
                    findings.check(Wrong::Lied, web.is_agent_ready(), || format!("{web:?}"));
                }
            }))
        })
    })
}

fn events() -> Starting {
    Box::pin(async {
        let (fake, web) = ready().await?;
        let count = web.events().await?.len();
        Stage::new(address(&fake.url())?, move |to| {
            let sf = client(to)?;
            let act = sf.instance(&web.uuid).events().into_future();
            let _lives = &fake;
            Ok(story(&sf, act, move |outcome, findings| {
                if let Outcome::Done(events) = outcome {
                    findings.check(Wrong::SilentGap, events.len() == count || findings.is_garbled, || {
                        format!("{} of {count}", events.len())
                    });
                }
            }))
        })
    })
}

fn push() -> Starting {
    Box::pin(async {
        let (fake, web) = ready().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (sf, fake, uuid) = (client(to)?, fake.clone(), web.uuid.clone());
            let act = sf.instance(&uuid).push(text(SIZE)).timeout(WAIT).to("/new");
            Ok(story(&sf, act, move |outcome, findings| {
                let there = fake.file(&uuid, "/new").map(|(content, _)| content);
                if let Outcome::Done(()) = outcome {
                    findings.same("the file", &there.clone().unwrap_or_default(), &text(SIZE));
                }
                // The agent gets it as a whole.
                if let Some(content) = there {
                    let whole = content == text(SIZE) || findings.is_garbled;
                    findings.check(Wrong::LeftBehind, whole, || format!("{} bytes", content.len()));
                }
            }))
        })
    })
}

fn pull() -> Starting {
    Box::pin(async {
        let (fake, web) = ready().await?;
        fake.add_file(&web.uuid, "/data", text(SIZE));
        Stage::new(address(&fake.url())?, move |to| {
            let (sf, folder) = (client(to)?, Folder::new().unwrap());
            let pull = sf.instance(&web.uuid).pull("/data").timeout(WAIT).idle_timeout(IDLE);
            let act = pull.to(folder.at("data"));
            let _lives = &fake;
            Ok(story(&sf, act, move |outcome, findings| {
                checked(findings, |findings| landed(&outcome, &folder, "data", &text(SIZE), findings));
            }))
        })
    })
}

/// Content with a checksum is compared even if bytes were replaced on the way.
fn checked(findings: &mut Findings, check: impl FnOnce(&mut Findings)) {
    let garbled = std::mem::take(&mut findings.is_garbled);
    check(findings);
    findings.is_garbled = garbled;
}

fn upload() -> Starting {
    Box::pin(async {
        let (fake, _) = ready().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (sf, fake) = (client(to)?, fake.clone());
            let act = sf.upload(text(SIZE)).timeout(WAIT).as_image("golden");
            Ok(story(&sf, act, move |outcome, findings| {
                let made = fake.artifacts().iter().filter(|name| *name == "golden").count();
                outcome.agrees_with(made, findings);
            }))
        })
    })
}

fn blob() -> Starting {
    Box::pin(async {
        let (fake, _) = ready().await?;
        let uuid = fake.add_blob(text(SIZE));
        Stage::new(address(&fake.url())?, move |to| {
            let (sf, folder) = (client(to)?, Folder::new().unwrap());
            let act = sf.blob(&uuid).data().pull().idle_timeout(IDLE).to(folder.at("blob"));
            let _lives = &fake;
            Ok(story(&sf, act, move |outcome, findings| {
                landed(&outcome, &folder, "blob", &text(SIZE), findings);
            }))
        })
    })
}

fn launch() -> Starting {
    Box::pin(async {
        let fake = FakeShakenFist::start().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (sf, fake) = (client(to)?, fake.clone());
            let launch = sf.launch("new").disk(Disk::blank(1)).reconcile_window(WAIT).timeout(WAIT);
            let act = launch.into_future();
            Ok(story(&sf, act, move |outcome, findings| {
                outcome.agrees_with(fake.instances().len(), findings);
            }))
        })
    })
}

fn snapshot() -> Starting {
    Box::pin(async {
        let (fake, web) = ready().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (sf, fake) = (client(to)?, fake.clone());
            let act = sf.instance(&web.uuid).create_snapshot().timeout(WAIT).into_future();
            Ok(story(&sf, act, move |outcome, findings| {
                outcome.agrees_with(fake.requests("POST /instances/{one}/snapshot"), findings);
            }))
        })
    })
}

fn power_off() -> Starting {
    Box::pin(async {
        let (fake, web) = ready().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (sf, fake, uuid) = (client(to)?, fake.clone(), web.uuid.clone());
            let act = sf.instance(&uuid).power_off().timeout(WAIT).into_future();
            Ok(story(&sf, act, move |outcome, findings| {
                let off = fake.instance(&uuid).is_some_and(|web| web["power_state"] == "off");
                outcome.agrees_with(usize::from(off), findings);
            }))
        })
    })
}

fn delete() -> Starting {
    Box::pin(async {
        let (fake, web) = ready().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (sf, fake, uuid) = (client(to)?, fake.clone(), web.uuid.clone());
            let delete = sf.instance(&uuid).delete();
            let act = async move { Ok(delete.send().await?.timeout(WAIT).await?) };
            Ok(story(&sf, act, move |outcome, findings| {
                outcome.agrees_with(usize::from(!fake.instances().contains(&uuid)), findings);
            }))
        })
    })
}
