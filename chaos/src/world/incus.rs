//! A fake Incus with an instance and an image.

use std::time::Duration;

use windlass::Incus;
use windlass::testing::FakeIncus;

use super::{Caller, Failure, World, address, http, retry};
use crate::call::{Calling, Sample, bytes, connection, document};

include!("../../generated/incus.rs");

pub(super) async fn start(id: &str) -> Result<World, Failure> {
    let fake = FakeIncus::start().await?;
    fake.add_instance("web");
    fake.add_file("web", "/etc/motd", "hello\n");
    if ["exec", "console", "sftp"].iter().any(|word| id.contains(word)) {
        fake.edit_instance("web", |web| {
            (web["status"], web["status_code"]) = ("Running".into(), 103.into());
        });
    }
    let mut sample = Sample { values, bodies, own: Vec::new() };
    fill(&fake, id, &mut sample).await?;
    let origin = address(&fake.url())?;
    Ok(World {
        origin,
        sample,
        requests: Box::new(move |route| fake.requests(route)),
        connect: Box::new(|url| {
            let connect = match url.strip_prefix("https://") {
                Some(host) => Incus::https(host).fingerprint("0".repeat(64)),
                None => Incus::http(url),
            };
            let incus = connect.retry(retry()).http(http()).client()?;
            let caller: Caller =
                Box::new(move |id, sample| call(incus.raw(), id, sample).expect("an operation"));
            Ok(caller)
        }),
    })
}

/// What the operation is about.
async fn fill(fake: &FakeIncus, id: &str, sample: &mut Sample) -> Result<(), Failure> {
    let incus = fake.client()?;
    let raw = incus.raw();
    if id.starts_with("image_") {
        let images = raw.images_list().send().await?;
        sample.own.push(("image", images.first().map(|image| image.fingerprint.clone()).unwrap_or_default()));
    }
    if id.starts_with("operation_") {
        // It goes on for as long as the fake lives.
        fake.operation_delay(Duration::from_secs(3_600));
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
        "alias" => "busybox",
        "id" => "<operation>",
        "path" if id.starts_with("instance_template") => "hosts.tpl",
        "path" => "/etc/motd",
        "file" if id.starts_with("instance_log") => "lxc.log",
        "upgrade" => "sftp",
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
        "instance_rename" => r#"{"name": "other"}"#,
        _ => return None,
    })
}
