//! A real Shaken Fist with an instance and a network, for each worker.

mod lab;

use std::rc::Rc;

use super::Failure;
use crate::call::Sample;
use crate::origin::Origin;
use crate::subject::{Real, Subject};
use crate::world::{Count, World, shakenfist::connect};
pub use lab::Lab;

/// The operation that writes a number, another one each time.
const ROUND: &str = "instance_metadata_set";

pub(super) const ROWS: &[(&str, &str)] = &[
    ("networks_list", ""),
    ("network_get", ""),
    ("instances_list", ""),
    ("instance_get", ""),
    ("instance_events", ""),
    ("instance_create", ""),
    ("instance_metadata_set", ""),
    ("instance_power_off", ""),
    ("instance_power_on", ""),
    ("instance_reboot_hard", ""),
    ("agent_execute", ""),
    ("network_create", ""),
    ("network_delete", ""),
    ("instance_delete", ""),
];

pub(super) fn prepare(subject: &Subject, real: &Real) -> Result<World, Failure> {
    let mut lab = Lab::open(real)?;
    make(&mut lab, subject.endpoint.id)?;
    let lab = Rc::new(lab);
    let round = if subject.endpoint.id == ROUND { lab.round()? + 1 } else { 0 };
    let own = vec![
        ("instance", lab.instance.clone()),
        ("network", lab.network.clone()),
        ("new", lab.new.clone()),
        ("round", round.to_string()),
    ];
    Ok(World {
        origin: Origin::from(real),
        sample: Sample { values, bodies, own },
        count: count(lab, subject, round)?,
        connect: Box::new(connect),
    })
}

/// What must be there, and what must not. The operation is about `lab.instance` or `lab.network`.
fn make(lab: &mut Lab, id: &str) -> Result<(), Failure> {
    match id {
        "instance_create" => lab.remove_instances()?,
        "network_create" => lab.remove_networks()?,
        "instance_delete" => lab.instance = lab.make_instance(&lab.new)?,
        "network_delete" => lab.network = lab.make_network(&lab.new)?,
        "instance_power_on" => lab.power(false)?,
        "instance_power_off" | "instance_reboot_hard" => lab.power(true)?,
        "agent_execute" => lab.agent_ready()?,
        _ => {}
    }
    Ok(())
}

/// How it shows on the server what the operation did, when it was asked so many times.
fn count(lab: Rc<Lab>, subject: &Subject, round: usize) -> Result<Count, Failure> {
    let (id, runs, boots) = (subject.endpoint.id, lab.runs(), lab.boots());
    let counted = move |lab: &Lab, asked: usize| -> Result<usize, Failure> {
        Ok(match id {
            "instance_create" => lab.instances(asked > 0)?,
            "network_create" => lab.networks(asked > 0)?,
            "instance_delete" => usize::from(lab.is_instance_gone(asked > 0)?),
            "network_delete" => usize::from(lab.is_network_gone(asked > 0)?),
            "instance_power_off" => usize::from(!lab.is_on()?),
            "instance_power_on" => usize::from(lab.is_on()?),
            "instance_reboot_hard" => lab.boots() - boots,
            "agent_execute" => lab.runs_of(runs, asked)?,
            _ => usize::from(lab.round()? == round),
        })
    };
    Ok(match subject.endpoint.method {
        "GET" => Count::Delivered,
        _ => Count::Effects(Box::new(move |asked| counted(&lab, asked).expect("an answer of the server"))),
    })
}

fn values(_id: &str, wire: &str) -> Option<&'static str> {
    Some(match wire {
        "instance_ref" => "<instance>",
        "network_ref" => "<network>",
        "key" => "round",
        _ => return None,
    })
}

fn bodies(id: &str) -> Option<&'static str> {
    Some(match id {
        "instance_create" => {
            r#"{"name": "<new>", "cpus": 1, "memory": 1024, "disk": [{"size": 1, "type": "disk"}], "network": []}"#
        }
        "network_create" => r#"{"name": "<new>", "netblock": "10.1.0.0/24"}"#,
        "instance_metadata_set" => r#"{"value": "<round>"}"#,
        "agent_execute" => r#"{"command_line": "echo ran >>ran"}"#,
        _ => return None,
    })
}
