//! `cargo xtask chaos`: every operation against every fault, on the fakes.

use std::process::{Command, Stdio};

use crate::{Outcome, workspace};

/// Faults of windlass itself that a build with `--cfg windlass_planted` can have, and the total that must tell.
const PLANTED: [(&str, &str); 6] = [
    ("retry-post", "doubled"),
    ("no-limit", "hung"),
    ("never-sent", "lied"),
    ("no-body", "lost status"),
    ("kept-permit", "leaked"),
    ("shown-token", "printed"),
];

/// Runs the matrix, or with `--planted` shows that it notices what is planted.
pub(crate) fn run(args: &[&str]) -> Outcome {
    match args {
        ["--planted"] => planted(),
        args => workspace::run(program(&["run", "--quiet"]).arg("--").args(args)),
    }
}

fn program(verb: &[&str]) -> Command {
    let mut command = workspace::cargo();
    command.args(verb).args(["--package", "windlass-chaos"]);
    command
}

/// Builds windlass with the planted faults, and plays a few operations with each of them.
fn planted() -> Outcome {
    let wrapper = workspace::root().join("chaos/planted.sh");
    let mut missed = Vec::new();
    for (fault, word) in PLANTED {
        let mut command = program(&["run", "--quiet"]);
        command.env("RUSTC_WORKSPACE_WRAPPER", &wrapper).env("WINDLASS_PLANTED", fault);
        command.args(["--", "--short", "--api", "lambda-cloud"]).stdout(Stdio::piped());
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
