//! A fake Shaken Fist with a network and an instance on it.

use windlass::ShakenFist;
use windlass::shakenfist::{Disk, Nic};
use windlass::testing::FakeShakenFist;

use super::{Caller, Count, Failure, World, address, http, retry};
use crate::call::{Calling, Sample, bytes, document};

include!("../../generated/shakenfist.rs");

pub(super) async fn start(id: &str) -> Result<World, Failure> {
    let fake = FakeShakenFist::start().await?;
    let mut sample = Sample { values, bodies, own: vec![("blob", fake.add_blob("hello\n"))] };
    fill(&fake, id, &mut sample).await?;
    let origin = address(&fake.url())?;
    Ok(World {
        origin: origin.into(),
        sample,
        count: Count::Requests(Box::new(move |route| fake.requests(route))),
        connect: Box::new(connect),
    })
}

/// A client of the server at this address.
pub(super) fn connect(url: &str) -> windlass::Result<Caller> {
    let connect = ShakenFist::at(url).namespace("demo").key("demokey");
    let sf = connect.retry(retry()).http(http()).client()?;
    Ok(Box::new(move |id, sample| call(sf.raw(), id, sample).expect("an operation")))
}

/// What the operation is about.
async fn fill(fake: &FakeShakenFist, id: &str, sample: &mut Sample) -> Result<(), Failure> {
    let sf = fake.client()?;
    let raw = sf.raw();
    if id.starts_with("network") || id.starts_with("interface") || id.starts_with("instance_interface") {
        let body = r#"{"name": "back", "netblock": "10.0.0.0/24"}"#;
        let network =
            raw.network_create().body(serde_json::from_str::<types::NetworkCreate>(body)?).send().await?;
        sample.own.push(("network", network.uuid));
    }
    if id.starts_with("instance") || id.starts_with("agent") || id.starts_with("interface") {
        let web = sf.launch("web").disk(Disk::blank(1));
        let web = if id.starts_with("interface") { web.nic(Nic::on("back")) } else { web };
        sample.own.push(("instance", web.await?.id().to_owned()));
    }
    if id.starts_with("interface") {
        let interfaces = raw.instance_interfaces().instance_ref(sample.own[2].1.clone()).send().await?;
        sample.own.push(("interface", interfaces.first().map(|one| one.uuid.clone()).unwrap_or_default()));
    }
    if id.starts_with("agent_operation") {
        let body = serde_json::from_str::<types::AgentExecute>(r#"{"command_line": "true"}"#)?;
        let begun = raw.agent_execute().instance_ref(sample.own[1].1.clone()).body(body).send().await?;
        sample.own.push(("operation", begun.uuid));
    }
    if id.starts_with("upload_") || id == "artifact_upload" {
        sample.own.push(("upload", raw.upload_create().send().await?.uuid));
    }
    if id == "upload_truncate" {
        call(raw, "upload_append", sample).expect("an operation").await?;
    }
    if id == "instance_unpause" {
        call(raw, "instance_pause", sample).expect("an operation").await?;
    }
    if id == "artifact_get" || id == "artifact_delete" {
        sf.upload(b"image".to_vec()).as_image("golden").await?;
    }
    Ok(())
}

fn values(_id: &str, wire: &str) -> Option<&'static str> {
    Some(match wire {
        "instance_ref" => "<instance>",
        "network_ref" => "<network>",
        "interface_uuid" => "<interface>",
        "operation_uuid" => "<operation>",
        "upload_uuid" => "<upload>",
        "blob_uuid" => "<blob>",
        "artifact_ref" => "golden",
        "offset" => "0",
        "key" => "role",
        _ => return None,
    })
}

fn bodies(id: &str) -> Option<&'static str> {
    Some(match id {
        "auth" => r#"{"namespace": "demo", "key": "demokey"}"#,
        "instance_create" => {
            r#"{"name": "new", "cpus": 1, "memory": 1024, "disk": [{"size": 8, "type": "disk"}], "network": []}"#
        }
        "agent_execute" => r#"{"command_line": "true"}"#,
        "agent_get" => r#"{"path": "/etc/hostname"}"#,
        "agent_put" => r#"{"path": "/tmp/x", "blob_uuid": "<blob>", "mode": 420}"#,
        "artifact_upload" => r#"{"upload_uuid": "<upload>"}"#,
        "instance_interface_add" => r#"{"network": {"network_uuid": "<network>"}}"#,
        "instance_metadata_add" => r#"{"key": "role", "value": "db"}"#,
        "instance_metadata_set" => r#"{"value": "db"}"#,
        "instances_delete" => r#"{"confirm": true}"#,
        "network_create" => r#"{"name": "new", "netblock": "10.1.0.0/24"}"#,
        _ => return None,
    })
}
