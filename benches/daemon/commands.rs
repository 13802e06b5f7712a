//! Commands: one without output, and one with much.

use crate::measure::{Side, command, compare, here};
use crate::{Bench, MIB};
use windlass::{Chunk, Result};

pub(crate) fn run(bench: &Bench) {
    let mut sides: Vec<Side<'_>> = vec![
        (
            "windlass",
            Box::new(|| here(|| assert_eq!(bench.runtime.block_on(exec(bench, &["true"])).unwrap(), 0))),
        ),
        ("incus exec", Box::new(|| command(|| bench.incus(&["exec", "bench", "--", "true"])))),
        ("curl, twice, without output", Box::new(|| command(|| curl(bench)))),
    ];
    sides.extend(bench.go("exec true".to_owned()));
    compare("exec true", 20, sides);
    let zeros = ["head", "-c", "67108864", "/dev/zero"];
    let mut sides: Vec<Side<'_>> = vec![
        (
            "windlass",
            Box::new(|| here(|| assert_eq!(bench.runtime.block_on(exec(bench, &zeros)).unwrap(), 64 * MIB))),
        ),
        (
            "incus exec",
            Box::new(|| command(|| bench.incus(&[&["exec", "bench", "--"], &zeros[..]].concat()))),
        ),
    ];
    sides.extend(bench.go(format!("exec {}", zeros.join(" "))));
    compare("exec with 64 MiB of output", 9, sides);
}

/// The size of a command's output.
async fn exec(bench: &Bench, command: &[&str]) -> Result<usize> {
    let mut run = bench.web.exec(command.iter().copied()).spawn().await?;
    let mut written = 0;
    while let Some(chunk) = run.try_next().await? {
        match chunk {
            Chunk::Stdout(bytes) | Chunk::Stderr(bytes) => written += bytes.len(),
            Chunk::Exited(status) => assert!(status.is_success()),
        }
    }
    Ok(written)
}

fn curl(bench: &Bench) {
    let begun = bench.curl(&["-d", r#"{"command":["true"]}"#, "http://incus/1.0/instances/bench/exec"]);
    bench.clients.curl_wait(&begun);
}
