//! Commands and the console.

use std::future::IntoFuture;
use std::time::Duration;

use windlass::{Chunk, Output};

use super::super::findings::Findings;
use super::super::scenario::{Outcome, Stage, Starting};
use super::super::text;
use super::{client, running, story};
use crate::judge::Wrong;
use crate::world::address;

const EXEC: &str = "POST /1.0/instances/{name}/exec";

/// What the command prints to its two streams, and its status.
pub(super) const STDOUT: usize = 3_000;
pub(super) const STDERR: usize = 300;
pub(super) const CODE: i32 = 3;

pub(super) fn output() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        let work = fake.command("work").prints(text(STDOUT)).prints_error(text(STDERR)).exits(CODE as u8);
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, work) = (client(to)?, work.clone());
            let act = incus.instance("web").exec(["work"]).output();
            let _lives = &fake;
            Ok(story(&incus, act, move |outcome, findings| {
                finished_or_killed(&outcome, work.calls(), findings);
            }))
        })
    })
}

pub(super) fn recorded() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        let work = fake.command("work").prints(text(STDOUT)).prints_error(text(STDERR)).exits(CODE as u8);
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, work) = (client(to)?, work.clone());
            let act = incus.instance("web").exec(["work"]).record_output().into_future();
            let _lives = &fake;
            Ok(story(&incus, act, move |outcome, findings| finished(&outcome, work.calls(), findings)))
        })
    })
}

/// A command that is done has its status and all of its output. It ran so many times.
pub(in crate::streams) fn finished(outcome: &Outcome<'_, Output>, runs: usize, findings: &mut Findings) {
    outcome.agrees_with(runs, findings);
    let Outcome::Done(output) = outcome else { return };
    findings.same("standard output", &output.stdout, &text(STDOUT));
    findings.same("standard error", &output.stderr, &text(STDERR));
    let code = output.status.code();
    findings.check(Wrong::Lied, code == CODE || findings.is_garbled, || format!("the status is {code}"));
}

pub(super) fn discarded() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        let work = fake.command("work").exits(CODE as u8);
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, work) = (client(to)?, work.clone());
            let act = incus.instance("web").exec(["work"]).discard_output().into_future();
            let _lives = &fake;
            Ok(story(&incus, act, move |outcome, findings| {
                outcome.agrees_with(work.calls(), findings);
                if let Outcome::Done(status) = outcome {
                    let same = status.code() == CODE || findings.is_garbled;
                    findings.check(Wrong::Lied, same, || format!("{status:?}"));
                }
            }))
        })
    })
}

pub(super) fn input() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, fake) = (client(to)?, fake.clone());
            let act = incus.instance("web").exec(["cat"]).stdin(text(STDOUT)).output();
            Ok(story(&incus, act, move |outcome, findings| {
                outcome.agrees_with(fake.requests(EXEC), findings);
                if let Outcome::Done(output) = &outcome {
                    // A server takes a lost connection for the end of the input, and what it tells then is what it
                    // tells of a command that wants no more: the documentation of `Exec::stdin` says so.
                    let begins = text(STDOUT).starts_with(&output.stdout) || findings.is_garbled;
                    findings.check(Wrong::Lied, begins, || format!("something else was typed: {output:?}"));
                    findings.check(Wrong::Lied, done_or_killed(output), || format!("{output:?}"));
                }
            }))
        })
    })
}

/// How a command looks that a server has killed, as it does once it has lost the controls: the documentation of
/// `Exec::output` has it.
const KILLED: i32 = 128 + 9;

pub(super) fn done_or_killed(output: &Output) -> bool {
    output.status.is_success() || output.status.code() == KILLED
}

/// A command that has controls is finished, or killed, perhaps before it did anything: then its output is a beginning.
pub(super) fn finished_or_killed(outcome: &Outcome<'_, Output>, runs: usize, findings: &mut Findings) {
    match outcome {
        Outcome::Done(output) if is_killed(output.status.code(), runs, findings) => {
            findings.begins("standard output", &output.stdout, &text(STDOUT));
            findings.begins("standard error", &output.stderr, &text(STDERR));
        }
        _ => finished(outcome, runs, findings),
    }
}

/// Whether the harm had it killed, after it ran once at most.
fn is_killed(code: i32, runs: usize, findings: &Findings) -> bool {
    findings.is_harmed && code == KILLED && runs <= 1
}

pub(super) fn terminal() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        let work = fake.command("work").prints(text(STDOUT)).exits(CODE as u8);
        Stage::new(address(&fake.url())?, move |to| {
            let (incus, work) = (client(to)?, work.clone());
            let run = incus.instance("web").exec(["work"]).terminal(80, 24).spawn();
            let act = async move {
                let (mut run, mut screen) = (run.await?, Vec::new());
                while let Some(chunk) = run.try_next().await? {
                    if let Chunk::Stdout(bytes) = chunk {
                        screen.extend_from_slice(&bytes);
                    }
                }
                Ok((screen, run.wait().await?))
            };
            let _lives = &fake;
            Ok(story(&incus, act, move |outcome, findings| {
                if let Outcome::Done((screen, status)) = &outcome {
                    if is_killed(status.code(), work.calls(), findings) {
                        return findings.begins("the screen", screen, &text(STDOUT));
                    }
                    findings.same("the screen", screen, &text(STDOUT));
                    let same = status.code() == CODE || findings.is_garbled;
                    findings.check(Wrong::Lied, same, || format!("{status:?}"));
                }
                outcome.agrees_with(work.calls(), findings);
            }))
        })
    })
}

/// Types, and reads for a while. What is lost before the server has attached is no fault.
pub(super) fn console() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let incus = client(to)?;
            let attach = incus.instance("web").attach_console().size(80, 24);
            let act = async move {
                let mut console = attach.await?;
                console.write_all("echo hello\n").await?;
                let some = tokio::time::timeout(Duration::from_secs(90), console.try_next());
                some.await.unwrap_or(Ok(None))
            };
            let _lives = &fake;
            Ok(story(&incus, act, |_, _| {}))
        })
    })
}
