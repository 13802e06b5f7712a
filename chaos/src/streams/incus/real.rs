//! Scenarios on a real daemon. The clock is real, so waits are short.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use windlass::{Error, Incus};

use super::super::findings::Findings;
use super::super::folder::Folder;
use super::super::scenario::{Outcome, Prepare, Scenario, Stage, Starting, Story};
use super::super::text;
use super::commands::{CODE, STDERR, STDOUT, done_or_killed, finished_or_killed};
use super::files::{arrived, landed};
use super::{LIMIT, story};
use crate::api::Api;
use crate::judge::Wrong;
use crate::subject::Real;
use crate::world::{Failure, IncusLab as Lab, http, retry};

const ALL: [(&str, Prepare); 10] = [
    ("launch", launch),
    ("start", start),
    ("stop", stop),
    ("restart", restart),
    ("create_snapshot", snapshot),
    ("exec", exec),
    ("exec with input", input),
    ("push", push),
    ("pull", pull),
    ("delete", delete),
];

const WAIT: Duration = Duration::from_secs(15);
const IDLE: Duration = Duration::from_secs(3);
const SIZE: usize = 40_000;
const RAN: &str = "/root/ran";
const SNAPSHOT: &str = "weekly";

/// All of them.
pub(in crate::streams) fn scenarios(real: &Real) -> Vec<Scenario> {
    Scenario::on(Api::Incus, ALL, LIMIT, real)
}

/// A busy machine takes its time to answer.
fn client(to: SocketAddr) -> windlass::Result<Incus> {
    let retry = retry().attempt_timeout(Duration::from_secs(5)).total(Duration::from_secs(20));
    Incus::http(format!("http://{to}")).retry(retry).http(http()).client()
}

/// What the lab says when the daemon is done with all that it was asked.
fn now<T: Debug>(lab: &Lab, look: impl FnOnce(&Lab) -> Result<T, Failure>) -> T {
    lab.rest().and_then(|()| look(lab)).expect("an answer of the daemon")
}

fn stage(
    real: &Real,
    prepare: impl FnOnce(&Lab) -> Result<(), Failure>,
    tell: impl Fn(&Incus, Rc<Lab>) -> Story + 'static,
) -> Starting {
    let lab = Lab::open(real).and_then(|lab| prepare(&lab).map(|()| Rc::new(lab)));
    let real = real.clone();
    Box::pin(async move {
        let lab = lab?;
        Stage::new(&real, move |to| Ok(tell(&client(to)?, lab.clone())))
    })
}

/// Compares a call that changes the instance with how often it did.
fn changes<T: 'static>(
    incus: &Incus,
    lab: Rc<Lab>,
    act: impl Future<Output = Result<T, Error>> + 'static,
    effects: impl FnOnce(&Lab) -> Result<usize, Failure> + 'static,
) -> Story {
    story(incus, act, move |outcome, findings| outcome.agrees_with(now(&lab, effects), findings))
}

fn launch(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.remove(&lab.new),
        |incus, lab| {
            let launch = incus.launch(&lab.new).image("busybox").reconcile_window(WAIT);
            let act = async move { Ok(launch.send().await?.timeout(WAIT).await?) };
            story(incus, act, move |outcome, findings| {
                let made = now(&lab, |lab| lab.exists(&lab.new));
                outcome.agrees_with(usize::from(made), findings);
                if let Outcome::Done(_) = outcome {
                    let runs = now(&lab, |lab| lab.is_running(&lab.new));
                    findings.check(Wrong::Lied, runs, || "it doesn't run".to_owned());
                }
            })
        },
    )
}

fn start(real: &Real) -> Starting {
    boots(real, false, |incus, name| incus.instance(name).start())
}

fn restart(real: &Real) -> Starting {
    boots(real, true, |incus, name| incus.instance(name).restart().force())
}

/// What starts the instance.
fn boots(
    real: &Real,
    on: bool,
    change: impl Fn(&Incus, &str) -> windlass::incus::ChangeState + 'static,
) -> Starting {
    stage(
        real,
        move |lab| lab.power(&lab.web, on),
        move |incus, lab| {
            let before = now(&lab, Lab::boots);
            let change = change(incus, &lab.web);
            let act = async move { Ok(change.send().await?.timeout(WAIT).await?) };
            changes(incus, lab, act, move |lab| lab.boots_after(&before))
        },
    )
}

fn stop(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.power(&lab.web, true),
        |incus, lab| {
            let stop = incus.instance(&lab.web).stop().force();
            let act = async move { Ok(stop.send().await?.timeout(WAIT).await?) };
            changes(incus, lab, act, |lab| Ok(usize::from(!lab.is_running(&lab.web)?)))
        },
    )
}

fn snapshot(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.unsnap(SNAPSHOT),
        |incus, lab| {
            let create = incus.instance(&lab.web).create_snapshot(SNAPSHOT);
            let act = async move { Ok(create.send().await?.timeout(WAIT).await?) };
            changes(incus, lab, act, |lab| Ok(usize::from(lab.has_snapshot(SNAPSHOT)?)))
        },
    )
}

fn delete(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.make(&lab.new).and_then(|()| lab.power(&lab.new, false)),
        |incus, lab| {
            let delete = incus.instance(&lab.new).delete();
            let act = async move { Ok(delete.send().await?.timeout(WAIT).await?) };
            changes(incus, lab, act, |lab| Ok(usize::from(!lab.exists(&lab.new)?)))
        },
    )
}

/// Text as a file has it.
fn content(length: usize) -> String {
    String::from_utf8(text(length)).expect("letters")
}

fn exec(real: &Real) -> Starting {
    stage(
        real,
        |lab| {
            lab.power(&lab.web, true)?;
            lab.write("/root/stdout", &content(STDOUT))?;
            lab.write("/root/stderr", &content(STDERR))
        },
        |incus, lab| {
            let before = now(&lab, |lab| lab.lines(RAN));
            let script = format!("echo ran >>{RAN}; cat /root/stdout; cat /root/stderr >&2; exit {CODE}");
            let act = incus.instance(&lab.web).exec(["sh", "-c", &script]).output();
            story(incus, act, move |outcome, findings| {
                finished_or_killed(&outcome, now(&lab, |lab| lab.lines(RAN)) - before, findings);
            })
        },
    )
}

fn input(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.power(&lab.web, true),
        |incus, lab| {
            let before = now(&lab, |lab| lab.lines(RAN));
            let script = format!("echo ran >>{RAN}; cat");
            let act = incus.instance(&lab.web).exec(["sh", "-c", &script]).stdin(text(SIZE)).output();
            story(incus, act, move |outcome, findings| {
                outcome.agrees_with(now(&lab, |lab| lab.lines(RAN)) - before, findings);
                typed(&outcome, findings);
            })
        },
    )
}

/// A lost connection is the end of the input: the documentation of `Exec::stdin` says so.
fn typed(outcome: &Outcome<'_, windlass::Output>, findings: &mut Findings) {
    if let Outcome::Done(output) = outcome {
        let begins = text(SIZE).starts_with(&output.stdout) && done_or_killed(output);
        findings.check(Wrong::Lied, begins, || format!("something else was typed: {:?}", output.status));
    }
}

fn push(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.power(&lab.web, true).and_then(|()| lab.unlink("/root/new")),
        |incus, lab| {
            let act = incus.instance(&lab.web).push(text(SIZE)).idle_timeout(IDLE).to("/root/new");
            story(incus, act, move |outcome, findings| {
                arrived(&outcome, now(&lab, |lab| lab.read("/root/new")), findings, SIZE);
            })
        },
    )
}

fn pull(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.power(&lab.web, true).and_then(|()| lab.write("/root/data", &content(SIZE))),
        |incus, lab| {
            let folder = Folder::new().expect("a directory");
            let pull = incus.instance(&lab.web).pull("/root/data").idle_timeout(IDLE);
            story(incus, pull.to(folder.at("data")), move |outcome, findings| {
                landed(&outcome, &folder, "data", &text(SIZE), findings);
            })
        },
    )
}
