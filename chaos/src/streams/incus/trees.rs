//! Trees of files, in both directions.

use super::super::findings::Findings;
use super::super::folder::Folder;
use super::super::scenario::{Outcome, Stage, Starting};
use super::super::{IDLE, text};
use super::files::read;
use super::{client, running, story};
use crate::judge::Wrong;
use crate::world::address;

/// The files of the tree, and their sizes.
const FILES: [(&str, usize); 4] = [("a", 900), ("b", 1), ("sub/c", 1_500), ("sub/deep/d", 600)];

pub(super) fn pull() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        for (name, size) in FILES {
            fake.add_file("web", &format!("/tree/{name}"), text(size));
        }
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, folder) = (client(to)?, Folder::new().unwrap());
            let act = incus.instance("web").pull_tree("/tree").idle_timeout(IDLE).to(folder.at("tree"));
            let _lives = &fake;
            Ok(story(&incus, act, move |outcome, findings| pulled(&outcome, &folder, findings)))
        })
    })
}

/// Each file is whole, or isn't there.
fn pulled<T>(outcome: &Outcome<'_, T>, folder: &Folder, findings: &mut Findings) {
    let names = folder.names();
    let drafts: Vec<_> = names.iter().filter(|name| name.contains(".windlass-")).collect();
    findings.check(Wrong::LeftBehind, drafts.is_empty(), || format!("there are {drafts:?}"));
    for (name, size) in FILES {
        match read(&folder.at("tree").join(name)) {
            Some(content) => {
                let same = content == text(size) || findings.is_garbled;
                findings.check(Wrong::LeftBehind, same, || format!("{name} isn't whole"));
            }
            None => findings.check(Wrong::Lied, !matches!(outcome, Outcome::Done(_)), || {
                format!("success, but {name} is missing")
            }),
        }
    }
}

pub(super) fn push() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake, folder) = (client(to)?, fake.clone(), Folder::new().unwrap());
            std::fs::create_dir_all(folder.at("sub/deep")).unwrap();
            for (name, size) in FILES {
                std::fs::write(folder.at(name), text(size)).unwrap();
            }
            let act = incus.instance("web").push_tree(folder.path()).idle_timeout(IDLE).to("/tree");
            Ok(story(&incus, act, move |outcome, findings| {
                let _lives = folder;
                if let Outcome::Done(_) = outcome {
                    for (name, size) in FILES {
                        let there = fake.file("web", &format!("/tree/{name}")).unwrap_or_default();
                        findings.same(name, &there, &text(size));
                    }
                }
            }))
        })
    })
}
