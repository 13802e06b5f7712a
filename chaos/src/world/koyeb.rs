//! A fake Koyeb with a service and its instances.

use windlass::Koyeb;
use windlass::testing::FakeKoyeb;

use super::{Caller, Count, Failure, World, address, http, retry};
use crate::call::{Calling, Sample, connection, document};

include!("../../generated/koyeb.rs");

const ORGANIZATION: &str = "11111111-2222-3333-4444-555555555555";

pub(super) async fn start(id: &str) -> Result<World, Failure> {
    let fake = FakeKoyeb::start().await?;
    let service = fake.add_service("shop", 2);
    let instance = fake.instances(&service).first().cloned().unwrap_or_default();
    let text = |id: &str, key: &str| {
        fake.document(id).and_then(|document| Some(document[key].as_str()?.to_owned())).unwrap_or_default()
    };
    let deployment = text(&service, "active_deployment_id");
    if id == "switch_organization" {
        fake.add_organization(ORGANIZATION);
    }
    match id {
        "resume_service" => _ = fake.set_status(&service, "PAUSED"),
        "cancel_deployment" => _ = fake.set_status(&deployment, "STARTING"),
        _ => {}
    }
    let mut own = vec![("service", service), ("instance", instance), ("deployment", deployment)];
    if id.contains("instance_snapshot") {
        let koyeb = fake.client()?;
        let body = serde_json::from_value::<types::CreateInstanceSnapshotRequest>(
            serde_json::json!({"instance_id": own[1].1, "name": "one"}),
        )?;
        own.push(("snapshot", koyeb.raw().create_instance_snapshot().body(body).send().await?.id));
    }
    let (origin, token) = (address(&fake.url())?, fake.token().to_owned());
    Ok(World {
        origin: origin.into(),
        sample: Sample { values, bodies, own },
        count: Count::Requests(Box::new(move |route| fake.requests(route))),
        connect: Box::new(move |url| {
            let koyeb = Koyeb::token(token.as_str()).url(url).retry(retry()).http(http()).client()?;
            let caller: Caller =
                Box::new(move |id, sample| call(koyeb.raw(), id, sample).expect("an operation"));
            Ok(caller)
        }),
    })
}

fn values(id: &str, wire: &str) -> Option<&'static str> {
    Some(match (wire, id) {
        ("id", "switch_organization") => ORGANIZATION,
        ("id", _) if id.contains("snapshot") => "<snapshot>",
        ("id", _) if id.contains("deployment") => "<deployment>",
        ("id", _) if id.contains("service") => "<service>",
        ("id", _) => "<instance>",
        _ => return None,
    })
}

fn bodies(id: &str) -> Option<&'static str> {
    Some(match id {
        "create_instance_snapshot" => r#"{"instance_id": "<instance>", "name": "two"}"#,
        "update_service_scaling" => r#"{"scalings": [{"instances": 2}]}"#,
        _ => return None,
    })
}
