//! Scenarios on a real Shaken Fist. The clock is real.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use windlass::shakenfist::Disk;
use windlass::{Error, ShakenFist};

use super::folder::Folder;
use super::incus::landed;
use super::scenario::{Outcome, Prepare, Scenario, Stage, Starting, Story};
use super::shakenfist::story;
use super::{LIMIT, text};
use crate::api::Api;
use crate::judge::Wrong;
use crate::subject::Real;
use crate::world::{Failure, ShakenFistLab as Lab, http, retry};

/// In an order that gives each of four workers about as much to do.
const ALL: [(&str, Prepare); 6] = [
    ("launch", launch),
    ("delete", delete),
    ("pull", pull),
    ("push", push),
    ("power_off", power_off),
    ("exec", exec),
];

const WAIT: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(3);
const SIZE: usize = 40_000;

/// All of them.
pub(super) fn scenarios(real: &Real) -> Vec<Scenario> {
    Scenario::on(Api::ShakenFist, ALL, LIMIT, real)
}

/// A busy machine takes its time to answer.
fn client(to: SocketAddr) -> windlass::Result<ShakenFist> {
    let retry = retry().attempt_timeout(Duration::from_secs(5)).total(Duration::from_secs(20));
    let connect = ShakenFist::at(format!("http://{to}")).namespace("demo").key("demokey");
    connect.retry(retry).http(http()).client()
}

fn stage(
    real: &Real,
    prepare: impl FnOnce(&mut Lab) -> Result<(), Failure>,
    tell: impl Fn(&ShakenFist, Rc<Lab>) -> Story + 'static,
) -> Starting {
    let lab = Lab::open(real).and_then(|mut lab| prepare(&mut lab).map(|()| Rc::new(lab)));
    let real = real.clone();
    Box::pin(async move {
        let lab = lab?;
        Stage::new(&real, move |to| Ok(tell(&client(to)?, lab.clone())))
    })
}

const ANSWER: &str = "an answer of the server";

/// Whether it may have been asked: the server does what it was asked in its own time.
fn asked<T>(outcome: &Outcome<'_, T>) -> bool {
    matches!(outcome, Outcome::Done(_))
}

fn launch(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.remove_instances(),
        |sf, lab| {
            let launch = sf.launch(&lab.new).disk(Disk::blank(1)).reconcile_window(WAIT).timeout(WAIT);
            story(sf, async move { launch.await }, move |outcome, findings| {
                outcome.agrees_with(lab.instances(asked(&outcome)).expect(ANSWER), findings);
            })
        },
    )
}

fn power_off(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.power(true),
        |sf, lab| {
            let off = sf.instance(&lab.instance).power_off().timeout(WAIT);
            story(sf, async move { off.await }, move |outcome, findings| {
                outcome.agrees_with(usize::from(!lab.is_on().expect(ANSWER)), findings);
            })
        },
    )
}

fn exec(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.agent_ready(),
        |sf, lab| {
            let before = lab.runs();
            let script = "echo ran >>ran; echo out; echo err >&2; exit 3";
            let act = sf.instance(&lab.instance).exec(script).timeout(WAIT).output();
            story(sf, act, move |outcome, findings| {
                outcome.agrees_with(lab.runs_after(before, asked(&outcome)).expect(ANSWER), findings);
                if let Outcome::Done(output) = outcome {
                    let told = (output.stdout_text(), output.stderr_text(), output.status.code());
                    let same = told == ("out\n".to_owned(), "err\n".to_owned(), 3);
                    findings.check(Wrong::Lied, same, || format!("{output:?}"));
                }
            })
        },
    )
}

fn push(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.agent_ready().and_then(|()| lab.unlink("new")),
        |sf, lab| {
            let act = sf.instance(&lab.instance).push(text(SIZE)).timeout(WAIT).to("/new");
            story(sf, act, move |outcome, findings| {
                let there = lab.read("new");
                if let Outcome::Done(()) = outcome {
                    findings.same("the file", &there.clone().unwrap_or_default(), &text(SIZE));
                }
            })
        },
    )
}

fn pull(real: &Real) -> Starting {
    stage(
        real,
        |lab| lab.agent_ready().and_then(|()| lab.write("data", &text(SIZE))),
        |sf, lab| {
            let folder = Folder::new().expect("a directory");
            let pull = sf.instance(&lab.instance).pull("/data").timeout(WAIT).idle_timeout(IDLE);
            story(sf, pull.to(folder.at("data")), move |outcome, findings| {
                landed(&outcome, &folder, "data", &text(SIZE), findings);
            })
        },
    )
}

fn delete(real: &Real) -> Starting {
    stage(
        real,
        |lab| {
            lab.instance = lab.make_instance(&lab.new)?;
            Ok(())
        },
        |sf, lab| {
            let delete = sf.instance(&lab.instance).delete();
            let act = async move { Ok::<_, Error>(delete.send().await?.timeout(WAIT).await?) };
            story(sf, act, move |outcome, findings| {
                let gone = lab.is_instance_gone(asked(&outcome)).expect(ANSWER);
                outcome.agrees_with(usize::from(gone), findings);
            })
        },
    )
}
