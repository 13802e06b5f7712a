//! Trees of small files, out and in: where nothing is, and over files of the same names with other content.

use std::cell::Cell;
use std::path::Path;

use crate::measure::{Side, command, compare, here};
use crate::{Bench, text};

const DIRECTORIES: usize = 50;
const FILES: usize = 5_000;
/// The command takes half a minute for each.
const ROUNDS: usize = 3;

pub(crate) fn run(bench: &Bench) {
    for version in ["a", "b"] {
        make(&bench.scratch.join(version).join("tree"), version);
    }
    bench.shell("mkdir -p /root/a /root/b /root/ours /root/theirs");
    out(bench, true);
    out(bench, false);
    for version in ["a", "b"] {
        let (from, to) = (bench.scratch.join(version).join("tree"), format!("/root/{version}/tree"));
        bench.runtime.block_on(bench.web.push_tree(from).to(&to)).unwrap();
    }
    inward(bench, true);
    inward(bench, false);
    for side in ["ours", "theirs"] {
        check(&bench.scratch.join(side).join("tree"));
    }
}

fn title(direction: &str, new: bool) -> String {
    format!("tree of {FILES} files {direction}{}", if new { "" } else { ", over existing ones" })
}

/// Files of one to eight KiB.
fn make(top: &Path, version: &str) {
    for number in 0..FILES {
        let directory = top.join(format!("d{}", number % DIRECTORIES));
        std::fs::create_dir_all(&directory).unwrap();
        let content = format!("{version} {number}\n").repeat(100 + number % 7 * 100);
        std::fs::write(directory.join(format!("f{number}")), content).unwrap();
    }
}

fn check(top: &Path) {
    let files = |directory| std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(files(top.to_owned()).flat_map(files).count(), FILES, "{}", top.display());
}

/// Takes the two versions in turns, so that every file changes.
fn versions() -> impl Fn() -> &'static str {
    let next = Cell::new("a");
    move || next.replace(if next.get() == "a" { "b" } else { "a" })
}

fn out(bench: &Bench, new: bool) {
    let prepare = |side: &str| {
        if new {
            bench.shell(&format!("rm -rf /root/{side}/tree"));
        }
    };
    let (ours, theirs) = (versions(), versions());
    let sides: Vec<Side<'_>> = vec![
        (
            "windlass",
            Box::new(|| {
                prepare("ours");
                let from = bench.scratch.join(ours()).join("tree");
                let push = bench.web.push_tree(from);
                here(|| drop(bench.runtime.block_on(push.to("/root/ours/tree")).unwrap()))
            }),
        ),
        (
            "incus file push -r",
            Box::new(|| {
                prepare("theirs");
                let from = bench.scratch.join(theirs()).join("tree");
                command(|| bench.incus(&["file", "push", "-q", "-r", text(&from), "bench/root/theirs"]))
            }),
        ),
    ];
    compare(&title("out", new), ROUNDS, sides);
}

fn inward(bench: &Bench, new: bool) {
    let prepare = |side: &str| {
        let directory = bench.scratch.join(side);
        if new && directory.exists() {
            std::fs::remove_dir_all(&directory).unwrap();
        }
        std::fs::create_dir_all(&directory).unwrap();
        directory
    };
    let (ours, theirs) = (versions(), versions());
    let mut sides: Vec<Side<'_>> = vec![(
        "windlass",
        Box::new(|| {
            let to = prepare("ours").join("tree");
            let pull = bench.web.pull_tree(format!("/root/{}/tree", ours()));
            here(|| drop(bench.runtime.block_on(pull.to(to)).unwrap()))
        }),
    )];
    // The command refuses to pull over a directory that is there.
    if new {
        sides.push((
            "incus file pull -r",
            Box::new(|| {
                let to = prepare("theirs");
                let from = format!("bench/root/{}/tree", theirs());
                command(|| bench.incus(&["file", "pull", "-q", "-r", &from, text(&to)]))
            }),
        ));
    }
    compare(&title("in", new), ROUNDS, sides);
}
