//! A fake Incus with an instance and an image.

use std::time::Duration;

use windlass::Incus;
use windlass::incus::Identity;
use windlass::testing::FakeIncus;

use super::{Caller, Count, Failure, World, address, http, retry};
use crate::call::{Calling, Sample, bytes, connection, document};

include!("../../generated/incus.rs");

pub(super) async fn start(id: &str) -> Result<World, Failure> {
    let fake = match id.starts_with("cluster_") {
        true => FakeIncus::builder().cluster(["one", "two"]).start().await?,
        false => FakeIncus::start().await?,
    };
    fake.add_instance("web");
    fake.add_file("web", "/etc/motd", "hello\n");
    if ["exec", "console", "sftp", "operation_websocket"].iter().any(|word| id.contains(word)) {
        fake.edit_instance("web", |web| {
            (web["status"], web["status_code"]) = ("Running".into(), 103.into());
        });
    }
    let mut sample = Sample { values, bodies, own: Vec::new() };
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
    let connect = match url.strip_prefix("https://") {
        Some(host) => Incus::https(host).fingerprint("0".repeat(64)),
        None => Incus::http(url),
    };
    let incus = connect.retry(retry()).http(http()).client()?;
    Ok(Box::new(move |id, sample| call(incus.raw(), id, sample).expect("an operation")))
}

/// What the operation is about.
async fn fill(fake: &FakeIncus, id: &str, sample: &mut Sample) -> Result<(), Failure> {
    let incus = fake.client()?;
    let raw = incus.raw();
    if id.starts_with("image_") {
        let images = raw.images_list().send().await?;
        sample.own.push(("image", images.first().map(|image| image.fingerprint.clone()).unwrap_or_default()));
    }
    if id == "certificate_get" || id == "certificate_delete" {
        fake.trust(&Identity::generate("me")?.certificate_pem());
        sample.own.push(("certificate", fake.trusted().first().cloned().unwrap_or_default()));
    }
    if id.starts_with("instance_exec_output_") {
        let run = r#"{"command": ["true"], "record-output": true, "wait-for-websocket": false}"#;
        raw.instance_exec()
            .name("web")
            .body(serde_json::from_str::<types::InstanceExec>(run)?)
            .send()
            .await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let outputs = raw.instance_exec_outputs_list().name("web").send().await?;
        let first = outputs.first().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
        sample.own.push(("output", first.to_owned()));
    }
    if id == "operation_websocket" {
        let run = r#"{"command": ["true"], "wait-for-websocket": true}"#;
        let body = serde_json::from_str::<types::InstanceExec>(run)?;
        let begun = raw.instance_exec().name("web").body(body).send().await?;
        let fds = begun.metadata.as_ref().and_then(|metadata| metadata.get("fds"));
        let secret = fds.and_then(|fds| fds["control"].as_str());
        sample.own.push(("secret", secret.unwrap_or_default().to_owned()));
        sample.own.push(("operation", begun.id));
    } else if id.starts_with("operation_") {
        // It goes on for as long as the fake lives, unless its end is waited for.
        let seconds = if id == "operation_wait" { 1 } else { 3_600 };
        fake.operation_delay(Duration::from_secs(seconds));
        let body = serde_json::from_str::<types::InstanceStateChange>(r#"{"action": "start"}"#)?;
        sample.own.push(("operation", raw.instance_state_put().name("web").body(body).send().await?.id));
    }
    for first in before(id) {
        call(raw, first, sample).expect("an operation").await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// The operations that come before this one.
fn before(id: &str) -> &'static [&'static str] {
    match id {
        "instance_snapshot_create" | "instance_backup_create" | "instance_template_put" => &[],
        _ if id.starts_with("instance_snapshot_") => &["instance_snapshot_create"],
        _ if id.starts_with("instance_backup_") => &["instance_backup_create"],
        _ if id.starts_with("instance_template_") => &["instance_template_put"],
        _ => &[],
    }
}

fn values(id: &str, wire: &str) -> Option<&'static str> {
    Some(match wire {
        "name" => "web",
        "fingerprint" if id.starts_with("image") => "<image>",
        "fingerprint" => "<certificate>",
        "member" => "one",
        "file" if id.starts_with("instance_exec_output_") => "<output>",
        "alias" => "busybox",
        "id" => "<operation>",
        "path" if id.starts_with("instance_template") => "hosts.tpl",
        "path" => "/etc/motd",
        "file" if id.starts_with("instance_log") => "lxc.log",
        "Upgrade" => "sftp",
        "secret" if id == "operation_websocket" => "<secret>",
        "secret" => "hunter2-secret",
        _ => return None,
    })
}

fn bodies(id: &str) -> Option<&'static str> {
    Some(match id {
        "instance_create" => r#"{"name": "new", "source": {"type": "image", "alias": "busybox"}}"#,
        "instance_rebuild" => r#"{"source": {"type": "image", "alias": "busybox"}}"#,
        "instance_exec" => r#"{"command": ["true"], "wait-for-websocket": false}"#,
        "certificate_create" => r#"{"type": "client", "name": "me", "token": true}"#,
        "image_alias_create" => r#"{"name": "other", "target": "<image>"}"#,
        "instance_rename" | "instance_snapshot_rename" => r#"{"name": "other"}"#,
        "instance_migrate" => r#"{"name": "other", "migration": true, "pool": "default"}"#,
        _ => return None,
    })
}
