//! One large file, out and in.

use crate::measure::{Side, command, compare, here};
use crate::{Bench, MIB, text};
use windlass::Content;

const SIZE: usize = 256 * MIB;
const URL: &str = "http://incus/1.0/instances/bench/files?path=/root/f";

pub(crate) fn run(bench: &Bench) {
    let (from, to) = (bench.scratch.join("from"), bench.scratch.join("to"));
    let content: Vec<u8> = (0..SIZE).map(|n| (n * 2_654_435_761 >> 7) as u8).collect();
    std::fs::write(&from, &content).unwrap();
    let (from_text, to_text) = (text(&from), text(&to));
    let push = async || bench.web.push(Content::file(&from)).to("/root/f").await;
    let arguments = ["-X", "POST", "-H", "Content-Type: application/octet-stream", "-T", from_text, URL];
    let mut sides: Vec<Side<'_>> = vec![
        ("windlass", Box::new(|| here(|| bench.runtime.block_on(push()).unwrap()))),
        (
            "incus file push",
            Box::new(|| command(|| bench.incus(&["file", "push", "-q", from_text, "bench/root/f"]))),
        ),
        ("curl", Box::new(|| command(|| drop(bench.curl(&arguments))))),
    ];
    sides.extend(bench.go(format!("push {from_text}")));
    compare(&format!("push {} MiB", SIZE / MIB), 7, sides);
    let pull = async || bench.web.pull("/root/f").to(&to).await.map(drop);
    let mut sides: Vec<Side<'_>> = vec![
        ("windlass", Box::new(|| here(|| bench.runtime.block_on(pull()).unwrap()))),
        (
            "incus file pull",
            Box::new(|| command(|| bench.incus(&["file", "pull", "-q", "bench/root/f", to_text]))),
        ),
        ("curl", Box::new(|| command(|| drop(bench.curl(&["-o", to_text, URL]))))),
    ];
    sides.extend(bench.go(format!("pull {to_text}")));
    compare(&format!("pull {} MiB", SIZE / MIB), 7, sides);
    assert!(std::fs::read(&to).unwrap() == content, "the file came back changed");
}
