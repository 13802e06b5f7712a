//! A real Incus with an instance that runs, for each worker.

mod lab;

use std::rc::Rc;

use super::Failure;
use crate::call::Sample;
use crate::origin::Origin;
use crate::subject::{Real, Subject};
use crate::world::{Count, World, incus::connect};
use lab::Boots;
pub use lab::Lab;

/// The file in which a command leaves a line.
pub const RAN: &str = "/root/ran";
/// The file that is pushed, and the one that is removed.
const PUSHED: &str = "/root/pushed";
const SNAPSHOT: &str = "daily";

pub(super) const ROWS: &[(&str, &str)] = &[
    ("server_get", ""),
    ("instances_list", ""),
    ("instance_get", ""),
    ("instance_state_get", ""),
    ("instance_file_get", ""),
    ("instance_logs_list", ""),
    ("images_list", ""),
    ("operations_list", ""),
    ("instance_create", ""),
    ("instance_patch", ""),
    ("instance_rename", ""),
    ("instance_state_put", "start"),
    ("instance_state_put", "stop"),
    ("instance_state_put", "restart"),
    ("instance_exec", ""),
    ("instance_file_put", ""),
    ("instance_file_delete", ""),
    ("instance_snapshot_create", ""),
    ("instance_snapshot_delete", ""),
    ("instance_delete", ""),
];

pub(super) fn prepare(subject: &Subject, real: &Real) -> Result<World, Failure> {
    let lab = Rc::new(Lab::open(real)?);
    let round = lab.round()? + 1;
    make(&lab, subject)?;
    let own = vec![
        ("web", lab.web.clone()),
        ("new", lab.new.clone()),
        ("other", lab.other.clone()),
        ("verb", subject.verb.to_owned()),
        ("round", round.to_string()),
    ];
    Ok(World {
        origin: Origin::from(real),
        sample: Sample { values, bodies, own },
        count: count(lab, subject, round)?,
        connect: Box::new(connect),
    })
}

/// What must be there, and what must not.
fn make(lab: &Lab, subject: &Subject) -> Result<(), Failure> {
    lab.power(&lab.web, subject.verb != "start")?;
    match subject.endpoint.id {
        "instance_create" => lab.remove(&lab.new),
        "instance_delete" | "instance_rename" => {
            lab.remove(&lab.other)?;
            lab.make(&lab.new)?;
            lab.power(&lab.new, false)
        }
        "instance_file_get" | "instance_file_delete" => lab.write(PUSHED, "content\n"),
        "instance_file_put" => lab.unlink(PUSHED),
        "instance_snapshot_create" => lab.unsnap(SNAPSHOT),
        "instance_snapshot_delete" => lab.snap(SNAPSHOT),
        _ => Ok(()),
    }
}

/// How it shows on the server what the operation did.
fn count(lab: Rc<Lab>, subject: &Subject, round: usize) -> Result<Count, Failure> {
    let id = subject.endpoint.id;
    let runs = if id == "instance_exec" { lab.lines(RAN)? } else { 0 };
    let is_start = subject.verb.ends_with("start");
    let boots = if is_start { lab.boots()? } else { Boots::default() };
    let counted = move |lab: &Lab| -> Result<usize, Failure> {
        lab.rest()?;
        Ok(match id {
            "instance_create" => usize::from(lab.exists(&lab.new)?),
            "instance_delete" => usize::from(!lab.exists(&lab.new)?),
            "instance_rename" => usize::from(lab.exists(&lab.other)?),
            "instance_state_put" if is_start => lab.boots_after(&boots)?,
            "instance_state_put" => usize::from(!lab.is_running(&lab.web)?),
            "instance_exec" => lab.lines(RAN)? - runs,
            "instance_file_put" => usize::from(lab.read(PUSHED)?.is_some()),
            "instance_file_delete" => usize::from(lab.read(PUSHED)?.is_none()),
            "instance_snapshot_create" => usize::from(lab.has_snapshot(SNAPSHOT)?),
            "instance_snapshot_delete" => usize::from(!lab.has_snapshot(SNAPSHOT)?),
            _ => usize::from(lab.round()? == round),
        })
    };
    Ok(match subject.endpoint.method {
        "GET" => Count::Delivered,
        _ => Count::Effects(Box::new(move |_| counted(&lab).expect("an answer of the server"))),
    })
}

fn values(id: &str, wire: &str) -> Option<&'static str> {
    Some(match wire {
        "name" if id == "instance_delete" || id == "instance_rename" => "<new>",
        "name" => "<web>",
        "path" => PUSHED,
        "snapshot" => SNAPSHOT,
        _ => return None,
    })
}

fn bodies(id: &str) -> Option<&'static str> {
    Some(match id {
        "instance_create" => r#"{"name": "<new>", "source": {"type": "image", "alias": "busybox"}}"#,
        "instance_rename" => r#"{"name": "<other>"}"#,
        "instance_patch" => r#"{"config": {"user.round": "<round>"}}"#,
        "instance_state_put" => r#"{"action": "<verb>", "force": true}"#,
        "instance_exec" => {
            r#"{"command": ["sh", "-c", "echo ran >>/root/ran"], "wait-for-websocket": false}"#
        }
        "instance_snapshot_create" => r#"{"name": "daily"}"#,
        _ => return None,
    })
}
