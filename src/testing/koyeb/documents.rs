//! Documents as the service sends them: nothing left out, `""` and null where nothing is set.

use serde_json::{Value, json};

/// The organization that everything belongs to.
pub(super) const ORGANIZATION: &str = "5c1e7b52-0000-4000-8000-00000000000a";
/// The app that every service belongs to.
pub(super) const APP: &str = "0d8f3a11-0000-4000-8000-00000000000b";

pub(super) fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
}

pub(super) fn service(id: &str, name: &str) -> Value {
    json!({
        "id": id, "created_at": now(), "updated_at": now(), "started_at": now(), "succeeded_at": now(),
        "paused_at": null, "resumed_at": null, "terminated_at": null, "name": name, "type": "WEB",
        "organization_id": ORGANIZATION, "project_id": "", "app_id": APP, "status": "HEALTHY", "messages": [],
        "version": "1", "active_deployment_id": "", "latest_deployment_id": "",
        "last_provisioned_deployment_id": "", "state": null, "life_cycle": null, "service_account_id": ""
    })
}

pub(super) fn deployment(id: &str, service: &str, parent: &str, version: u64) -> Value {
    json!({
        "id": id, "created_at": now(), "updated_at": now(), "allocated_at": null, "started_at": null,
        "succeeded_at": null, "terminated_at": null, "organization_id": ORGANIZATION, "project_id": "",
        "app_id": APP, "service_id": service, "parent_id": parent, "child_id": "", "status": "PENDING",
        "role": "UPCOMING", "messages": [], "metadata": null,
        "definition": {"name": "shop", "env": [{"key": "PASSWORD", "value": "hunter2"}], "regions": ["fra"]},
        "provisioning_info": null, "database_info": null, "skip_build": false, "version": version.to_string(),
        "deployment_group": "prod", "instance_snapshot_id": "", "created_by": ""
    })
}

pub(super) fn instance(id: &str, service: &str, region: &str, replica: u64, status: &str) -> Value {
    let healthy = if status == "HEALTHY" { json!(now()) } else { Value::Null };
    json!({
        "id": id, "created_at": now(), "updated_at": now(), "organization_id": ORGANIZATION, "app_id": APP,
        "service_id": service, "regional_deployment_id": "", "allocation_id": format!("a-{id}"), "type": "nano",
        "replica_index": replica, "region": region, "datacenter": format!("{region}1"), "hypervisor": "",
        "status": status, "messages": [], "started_at": healthy, "succeeded_at": healthy, "terminated_at": null,
        "xyz_deployment_id": ""
    })
}

/// One of a crowd.
pub(super) fn extra(number: u64) -> Value {
    let mut document = instance(&format!("crowd-{number:08}"), "", "fra", number, "HEALTHY");
    list_item(&mut document);
    document
}

/// Lists of instances leave a few fields out.
pub(super) fn list_item(instance: &mut Value) {
    if let Some(fields) = instance.as_object_mut() {
        for field in ["hypervisor", "started_at", "succeeded_at", "terminated_at"] {
            fields.remove(field);
        }
    }
}

pub(super) fn event(id: &str, instance: &str, event_type: &str) -> Value {
    json!({
        "id": id, "when": now(), "organization_id": ORGANIZATION, "instance_id": instance, "type": event_type,
        "message": format!("the instance is {event_type}"), "metadata": null
    })
}

pub(super) fn snapshot_event(id: &str, snapshot: &str, event_type: &str) -> Value {
    json!({
        "id": id, "when": now(), "organization_id": ORGANIZATION, "instance_snapshot_id": snapshot,
        "type": event_type, "message": "", "metadata": null
    })
}

pub(super) fn snapshot(id: &str, instance: &Value, name: &str, kind: &str) -> Value {
    json!({
        "id": id, "name": name, "created_at": now(), "updated_at": now(), "available_at": null, "deleted_at": null,
        "organization_id": ORGANIZATION, "project_id": "", "service_id": instance["service_id"], "deployment_id": "",
        "regional_deployment_id": "", "instance_id": instance["id"],
        "status": "INSTANCE_SNAPSHOT_STATUS_CREATING", "type": kind, "version": "1", "messages": []
    })
}

pub(super) fn log_line(
    kind: &str,
    stream: &str,
    service: &str,
    instance: &str,
    message: &str,
    at: &str,
) -> Value {
    json!({
        "msg": message, "created_at": at,
        "labels": {
            "type": kind, "stream": stream, "organization_id": ORGANIZATION, "app_id": APP,
            "service_id": service, "instance_id": instance
        }
    })
}
