//! `cargo xtask chaos`: every operation against every fault, on the fakes.

use std::process::{Command, Stdio};

use crate::{Outcome, chaos_real, workspace};

/// Cells that notice faults of single calls, of a transfer, and of a stream.
const CALLS: &[&str] = &["--api", "lambda-cloud"];
const PULL: &[&str] = &["--streams", "--api", "incus", "--operation", "pull"];
const WATCH: &[&str] = &["--streams", "--api", "incus", "--operation", "watch"];

/// Faults of windlass itself that a build with `--cfg windlass_planted` can have, the total that must tell, and the cells
/// that are played.
const PLANTED: [(&str, &str, &[&str]); 8] = [
    ("retry-post", "doubled", CALLS),
    ("no-limit", "hung", CALLS),
    ("never-sent", "lied", CALLS),
    ("no-body", "lost status", CALLS),
    ("kept-permit", "leaked", CALLS),
    ("shown-token", "printed", CALLS),
    ("kept-draft", "left behind", PULL),
    ("silent-cut", "silent gap", WATCH),
];

/// Runs the matrix, or with `--planted` shows that it notices what is planted.
pub(crate) fn run(args: &[&str]) -> Outcome {
    match args {
        ["--planted"] => planted(),
        ["--real", api, rest @ ..] => chaos_real::run(api, rest),
        args => workspace::run(program(&["run", "--quiet"]).arg("--").args(args)),
    }
}

pub(crate) fn program(verb: &[&str]) -> Command {
    let mut command = workspace::cargo();
    command.args(verb).args(["--package", "windlass-chaos"]);
    command
}

/// Builds windlass with the planted faults, and plays a few operations with each of them.
fn planted() -> Outcome {
    let wrapper = workspace::root().join("chaos/planted.sh");
    let mut missed = Vec::new();
    for (fault, word, cells) in PLANTED {
        let mut command = program(&["run", "--quiet"]);
        command.env("RUSTC_WORKSPACE_WRAPPER", &wrapper).env("WINDLASS_PLANTED", fault);
        command.args(["--", "--short"]).args(cells).stdout(Stdio::piped());
        let output = command.output().map_err(|e| format!("{}: {e}", workspace::shown(&command)))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let count = total(&text, word);
        println!("{fault}: exit code {:?}, {word} {count:?}", output.status.code());
        if output.status.success() || count.is_none_or(|count| count == 0) {
            missed.push(fault);
        }
    }
    match missed.is_empty() {
        true => Ok(()),
        false => Err(format!("the matrix doesn't notice {}", missed.join(", "))),
    }
}

/// The figure behind a word in the totals.
fn total(text: &str, word: &str) -> Option<usize> {
    text.lines().rev().find_map(|line| line.strip_prefix(word)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_totals() {
        let text = "hung: incus events: 3\n\ncells  8\nhung         12\nlost status      0\n";
        assert_eq!(
            (total(text, "hung"), total(text, "lost status"), total(text, "lied")),
            (Some(12), Some(0), None)
        );
    }
}
