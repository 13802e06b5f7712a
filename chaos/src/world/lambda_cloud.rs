//! A fake Lambda Cloud with an instance, a ruleset and a file system.

use serde_json::json;
use windlass::testing::FakeLambdaCloud;
use windlass::{LambdaCloud, Pacing};

use super::{Caller, Count, Failure, World, address, http, retry};
use crate::call::{Calling, Sample, document};

include!("../../generated/lambda-cloud.rs");

pub(super) async fn start(id: &str) -> Result<World, Failure> {
    let fake = FakeLambdaCloud::start().await?;
    let mut own = vec![("instance", fake.add_instance())];
    fill(&fake, id, &mut own).await?;
    let (origin, key) = (address(&fake.url())?, fake.key().to_owned());
    Ok(World {
        origin: origin.into(),
        sample: Sample { values, bodies, own },
        count: Count::Requests(Box::new(move |route| fake.requests(route))),
        connect: Box::new(move |url| {
            let connect = LambdaCloud::key(key.as_str()).url(url).retry(retry()).http(http());
            let lambda = connect.pacing(Pacing::none()).client()?;
            let caller: Caller =
                Box::new(move |id, sample| call(lambda.raw(), id, sample).expect("an operation"));
            Ok(caller)
        }),
    })
}

/// What the operation is about.
async fn fill(fake: &FakeLambdaCloud, id: &str, own: &mut Vec<(&str, String)>) -> Result<(), Failure> {
    let lambda = fake.client()?;
    let raw = lambda.raw();
    match id {
        "firewall_ruleset_delete" | "firewall_ruleset_get" | "firewall_ruleset_update" => {
            let body = json!({"name": "web", "region": "us-west-1", "rules": []});
            let made = raw
                .firewall_ruleset_create()
                .body(serde_json::from_value::<types::FirewallRulesetCreate>(body)?);
            own.push(("ruleset", made.send().await?.id));
        }
        "file_system_delete" => {
            let body = json!({"name": "data", "region": "us-west-1"});
            let made =
                raw.file_system_create().body(serde_json::from_value::<types::FileSystemCreate>(body)?);
            own.push(("file system", made.send().await?.id));
        }
        "ssh_key_delete" => {
            let keys = raw.ssh_keys_list().send().await?;
            own.push(("key", keys.first().map(|key| key.id.clone()).unwrap_or_default()));
        }
        _ => {}
    }
    Ok(())
}

fn values(id: &str, wire: &str) -> Option<&'static str> {
    Some(match (wire, id) {
        ("id", _) if id.starts_with("firewall") => "<ruleset>",
        ("id", _) if id.starts_with("file") => "<file system>",
        ("id", _) if id.starts_with("ssh") => "<key>",
        ("id", _) => "<instance>",
        _ => return None,
    })
}

fn bodies(id: &str) -> Option<&'static str> {
    Some(match id {
        "instance_launch" => {
            r#"{"instance_type_name": "gpu_1x_a10", "region_name": "us-west-1", "ssh_key_names": ["laptop"]}"#
        }
        "instances_restart" | "instances_terminate" => r#"{"instance_ids": ["<instance>"]}"#,
        "instance_update" => r#"{"name": "other"}"#,
        "firewall_ruleset_create" => r#"{"name": "new", "region": "us-west-1", "rules": []}"#,
        "file_system_create" => r#"{"name": "new", "region": "us-west-1"}"#,
        _ => return None,
    })
}
