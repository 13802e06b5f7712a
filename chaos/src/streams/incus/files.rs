//! Files, images, backups and logs.

use std::future::IntoFuture;
use std::path::Path;
use std::time::Duration;

use windlass::{Content, ErrorKind, Sent};

use super::super::findings::Findings;
use super::super::folder::Folder;
use super::super::scenario::{Outcome, Stage, Starting};
use super::super::{IDLE, WAIT, text};
use super::{client, running, story};
use crate::judge::Wrong;
use crate::world::address;

const SIZE: usize = 4_000;

/// What begins like a compressed tarball.
fn tarball() -> Vec<u8> {
    [&b"\x1f\x8b"[..], &text(SIZE)].concat()
}

/// A pull to a file leaves the whole file or nothing.
pub(in crate::streams) fn landed<T>(
    outcome: &Outcome<'_, T>,
    folder: &Folder,
    name: &str,
    content: &[u8],
    findings: &mut Findings,
) {
    let names = folder.names();
    let expected: &[&str] = if matches!(outcome, Outcome::Done(_)) { &[name] } else { &[] };
    // A file that is dropped at the very end may be there, but whole.
    let dropped = matches!(outcome, Outcome::Open) && names == [name];
    findings.check(Wrong::LeftBehind, names == expected || dropped, || format!("there are {names:?}"));
    if let Some(written) = read(&folder.at(name)) {
        findings.same("the file", &written, content);
    }
}

pub(in crate::streams) fn read(path: &Path) -> Option<Vec<u8>> {
    std::fs::read(path).ok()
}

pub(super) fn pull() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        fake.add_file("web", "/data", text(SIZE));
        // Old enough to be resumed.
        fake.touch_file("web", "/data", Duration::from_secs(60));
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, folder) = (client(to)?, Folder::new().unwrap());
            let act = incus.instance("web").pull("/data").idle_timeout(IDLE).to(folder.at("data"));
            let _lives = &fake;
            Ok(story(&incus, act, move |outcome, findings| {
                landed(&outcome, &folder, "data", &text(SIZE), findings);
            }))
        })
    })
}

pub(super) fn backup() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        let web = fake.client()?.instance("web");
        web.create_backup("daily").await?;
        let content = web.backup("daily").export().bytes().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, folder, content) = (client(to)?, Folder::new().unwrap(), content.clone());
            let export = incus.instance("web").backup("daily").export();
            let act = export.idle_timeout(IDLE).to(folder.at("daily"));
            let _lives = &fake;
            Ok(story(&incus, act, move |outcome, findings| {
                landed(&outcome, &folder, "daily", &content, findings);
            }))
        })
    })
}

pub(super) fn log() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        let content = fake.client()?.instance("web").log("lxc.log").read().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, content) = (client(to)?, content.clone());
            let act = incus.instance("web").log("lxc.log").pull().idle_timeout(IDLE).bytes();
            let _lives = &fake;
            Ok(story(&incus, act, move |outcome, findings| {
                if let Outcome::Done(bytes) = outcome {
                    findings.same("the log", &bytes, &content);
                }
            }))
        })
    })
}

/// A push that is done has written every byte; one that wasn't sent, none.
pub(super) fn arrived(
    outcome: &Outcome<'_, ()>,
    there: Option<Vec<u8>>,
    findings: &mut Findings,
    size: usize,
) {
    match outcome {
        Outcome::Done(()) => findings.same("the file", &there.unwrap_or_default(), &text(size)),
        Outcome::Failed(e) => {
            let denies = e.sent() == Sent::No && there.is_some();
            findings.check(Wrong::Lied, !denies, || format!("it is there: {e:?}"));
        }
        Outcome::Open => {}
    }
}

pub(super) fn push() -> Starting {
    push_of(SIZE)
}

/// As everything large is pushed.
pub(super) fn push_over_sftp() -> Starting {
    push_of(300_000)
}

fn push_of(size: usize) -> Starting {
    Box::pin(async move {
        let fake = running().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            let act = incus.instance("web").push(text(size)).idle_timeout(IDLE).to("/new");
            Ok(story(&incus, act, move |outcome, findings| {
                arrived(&outcome, fake.file("web", "/new"), findings, size)
            }))
        })
    })
}

pub(super) fn push_file() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake, folder) = (client(to)?, fake.clone(), Folder::new().unwrap());
            std::fs::write(folder.at("new"), text(SIZE)).unwrap();
            let push = incus.instance("web").push(Content::file(folder.at("new")));
            let act = push.idle_timeout(IDLE).to("/new");
            Ok(story(&incus, act, move |outcome, findings| {
                arrived(&outcome, fake.file("web", "/new"), findings, SIZE);
                drop(folder);
            }))
        })
    })
}

pub(super) fn export() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        let image = fake.client()?.import_image(tarball()).await?;
        let fingerprint = image.fingerprint().to_owned();
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, folder) = (client(to)?, Folder::new().unwrap());
            let export = incus.image(&fingerprint).export_files(folder.path());
            let act = export.idle_timeout(IDLE).into_future();
            let name = format!("{fingerprint}.tar.gz");
            let _lives = &fake;
            Ok(story(&incus, act, move |outcome, findings| {
                landed(&outcome, &folder, &name, &tarball(), findings);
            }))
        })
    })
}

pub(super) fn import() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            let import = incus.import_image(tarball()).idle_timeout(IDLE);
            let act = async move { Ok(import.send().await?.timeout(WAIT).await?) };
            Ok(story(&incus, act, move |outcome, findings| {
                // The upload is accepted before it is checked: a second one is refused by the fingerprint.
                let failed = matches!(&outcome, Outcome::Failed(e) if e.kind() == ErrorKind::AlreadyExists);
                findings.check(Wrong::Lied, !failed, || format!("it met itself: {outcome:?}"));
                outcome.agrees_with(fake.requests("POST /1.0/images"), findings);
            }))
        })
    })
}
