//! What answers say, tidied up: the API requires no field and writes `""` for an id that isn't set.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::types;
use crate::secret::SecretMap;

/// One field, as it came and as it is shown.
trait Tidy<W> {
    fn tidy(came: W) -> Self;
}

impl Tidy<Option<String>> for String {
    fn tidy(came: Option<String>) -> Self {
        came.unwrap_or_default()
    }
}

/// Ids of other things: `""` means that there is none.
impl Tidy<Option<String>> for Option<String> {
    fn tidy(came: Option<String>) -> Self {
        came.filter(|id| !id.is_empty())
    }
}

macro_rules! as_they_came {
    ($($type:ty),*) => {$(
        impl Tidy<$type> for $type {
            fn tidy(came: $type) -> Self {
                came
            }
        }
    )*};
}
as_they_came!(Vec<String>, Map<String, Value>, Option<DateTime<Utc>>, Option<i64>, Option<bool>, Option<SecretMap>);

/// A word that is missing is an unknown one.
macro_rules! words {
    ($($type:ident),*) => {$(
        impl Tidy<Option<types::$type>> for types::$type {
            fn tidy(came: Option<types::$type>) -> Self {
                came.unwrap_or(types::$type::Unknown(String::new()))
            }
        }
    )*};
}
words!(
    InstanceStatus,
    ServiceStatus,
    ServiceType,
    DeploymentStatus,
    DeploymentRole,
    InstanceSnapshotStatus,
    InstanceSnapshotType
);

macro_rules! info {
    ($(#[$doc:meta])* $name:ident from $wire:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $from:ident,)* }) => {
        $(#[$doc])*
        ///
        /// A picture of the moment at which it was read. A text that the service leaves open is empty, an id `None`.
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// What this version doesn't know.
            pub extra: Map<String, Value>,
        }

        impl From<types::$wire> for $name {
            fn from(came: types::$wire) -> Self {
                Self { $($field: Tidy::tidy(came.$from),)* extra: came.extra }
            }
        }
    };
}

info! {
    /// What is known of an instance.
    InstanceInfo from Instance {
        /// Its id.
        id: String = id,
        /// What it is doing.
        status: types::InstanceStatus = status,
        /// What the service says about its state.
        messages: Vec<String> = messages,
        /// Where it is, as `fra`.
        region: String = region,
        /// Where exactly, as `fra1`.
        datacenter: String = datacenter,
        /// Its size, as `nano`.
        instance_type: String = type_,
        /// Its number among its like, from 0.
        replica_index: Option<i64> = replica_index,
        /// Its service.
        service_id: Option<String> = service_id,
        /// Its app.
        app_id: Option<String> = app_id,
        /// Whose it is.
        organization_id: Option<String> = organization_id,
        /// The part of a deployment that it belongs to.
        regional_deployment_id: Option<String> = regional_deployment_id,
        /// Its place on a machine.
        allocation_id: Option<String> = allocation_id,
        /// Its deployment. The vendor advises against using it.
        xyz_deployment_id: Option<String> = xyz_deployment_id,
        /// The machine below it; not in lists.
        hypervisor: Option<String> = hypervisor,
        /// When it was made.
        created_at: Option<DateTime<Utc>> = created_at,
        /// When it last changed.
        updated_at: Option<DateTime<Utc>> = updated_at,
        /// When it began to run; not in lists.
        started_at: Option<DateTime<Utc>> = started_at,
        /// When it was first healthy; not in lists.
        succeeded_at: Option<DateTime<Utc>> = succeeded_at,
        /// When it ended; not in lists.
        terminated_at: Option<DateTime<Utc>> = terminated_at,
    }
}

info! {
    /// What is known of a service.
    ServiceInfo from Service {
        /// Its id.
        id: String = id,
        /// Its name, unique in its app.
        name: String = name,
        /// What it is.
        service_type: types::ServiceType = type_,
        /// What it is doing.
        status: types::ServiceStatus = status,
        /// What there is to say about its state.
        messages: Vec<String> = messages,
        /// Its version, in digits.
        version: String = version,
        /// Its app.
        app_id: Option<String> = app_id,
        /// Its project.
        project_id: Option<String> = project_id,
        /// Whose it is.
        organization_id: Option<String> = organization_id,
        /// The deployment that serves.
        active_deployment_id: Option<String> = active_deployment_id,
        /// The newest deployment.
        latest_deployment_id: Option<String> = latest_deployment_id,
        /// The newest deployment that was built; not in lists.
        last_provisioned_deployment_id: Option<String> = last_provisioned_deployment_id,
        /// As whom its instances act.
        service_account_id: Option<String> = service_account_id,
        /// What is wanted and what is.
        state: Map<String, Value> = state,
        /// When it is deleted by itself.
        life_cycle: Map<String, Value> = life_cycle,
        /// When it was made.
        created_at: Option<DateTime<Utc>> = created_at,
        /// When it last changed.
        updated_at: Option<DateTime<Utc>> = updated_at,
        /// When it began to run; not in lists.
        started_at: Option<DateTime<Utc>> = started_at,
        /// When it was first healthy; not in lists.
        succeeded_at: Option<DateTime<Utc>> = succeeded_at,
        /// When it was last paused; not in lists.
        paused_at: Option<DateTime<Utc>> = paused_at,
        /// When it was last resumed; not in lists.
        resumed_at: Option<DateTime<Utc>> = resumed_at,
        /// When it ended; not in lists.
        terminated_at: Option<DateTime<Utc>> = terminated_at,
    }
}

info! {
    /// What is known of a deployment.
    DeploymentInfo from Deployment {
        /// Its id.
        id: String = id,
        /// What it is doing.
        status: types::DeploymentStatus = status,
        /// What it is to its service.
        role: types::DeploymentRole = role,
        /// What there is to say about its state.
        messages: Vec<String> = messages,
        /// Its version, in digits.
        version: String = version,
        /// The group that it is for.
        deployment_group: String = deployment_group,
        /// Its service.
        service_id: Option<String> = service_id,
        /// Its app.
        app_id: Option<String> = app_id,
        /// Its project.
        project_id: Option<String> = project_id,
        /// Whose it is.
        organization_id: Option<String> = organization_id,
        /// The deployment before it.
        parent_id: Option<String> = parent_id,
        /// The deployment after it.
        child_id: Option<String> = child_id,
        /// The snapshot that it starts from.
        instance_snapshot_id: Option<String> = instance_snapshot_id,
        /// Who made it.
        created_by: Option<String> = created_by,
        /// Whether it uses the image of an earlier build; not in lists.
        skip_build: Option<bool> = skip_build,
        /// What it runs and how; may hold secrets.
        definition: Option<SecretMap> = definition,
        /// Why it was made.
        metadata: Map<String, Value> = metadata,
        /// How its build went.
        provisioning_info: Map<String, Value> = provisioning_info,
        /// Its database, if it is one; may hold secrets.
        database_info: Option<SecretMap> = database_info,
        /// When it was made.
        created_at: Option<DateTime<Utc>> = created_at,
        /// When it last changed.
        updated_at: Option<DateTime<Utc>> = updated_at,
        /// When it got machines.
        allocated_at: Option<DateTime<Utc>> = allocated_at,
        /// When it began to run.
        started_at: Option<DateTime<Utc>> = started_at,
        /// When it was first healthy.
        succeeded_at: Option<DateTime<Utc>> = succeeded_at,
        /// When it ended.
        terminated_at: Option<DateTime<Utc>> = terminated_at,
    }
}

info! {
    /// What is known of a snapshot of an instance.
    SnapshotInfo from InstanceSnapshot {
        /// Its id.
        id: String = id,
        /// Its name.
        name: String = name,
        /// What it is doing.
        status: types::InstanceSnapshotStatus = status,
        /// What it holds.
        snapshot_type: types::InstanceSnapshotType = type_,
        /// What there is to say about its state.
        messages: Vec<String> = messages,
        /// Its version, in digits.
        version: String = version,
        /// The instance.
        instance_id: Option<String> = instance_id,
        /// The service of the instance.
        service_id: Option<String> = service_id,
        /// The deployment of the instance.
        deployment_id: Option<String> = deployment_id,
        /// The regional deployment of the instance.
        regional_deployment_id: Option<String> = regional_deployment_id,
        /// Its project.
        project_id: Option<String> = project_id,
        /// Whose it is.
        organization_id: Option<String> = organization_id,
        /// When it was asked for.
        created_at: Option<DateTime<Utc>> = created_at,
        /// When it last changed.
        updated_at: Option<DateTime<Utc>> = updated_at,
        /// Since when it can be used.
        available_at: Option<DateTime<Utc>> = available_at,
        /// When it was deleted.
        deleted_at: Option<DateTime<Utc>> = deleted_at,
    }
}

/// Something that happened to an instance or a snapshot.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct EventInfo {
    /// Its id.
    pub id: String,
    /// What happened; new types come.
    pub event_type: String,
    /// In words.
    pub message: String,
    /// When it happened.
    pub when: Option<DateTime<Utc>>,
    /// The instance or snapshot.
    pub subject_id: Option<String>,
    /// Whose it is.
    pub organization_id: Option<String>,
    /// More about it.
    pub metadata: Map<String, Value>,
    /// What this version doesn't know.
    pub extra: Map<String, Value>,
}

macro_rules! event {
    ($wire:ident, $subject:ident) => {
        impl From<types::$wire> for EventInfo {
            fn from(came: types::$wire) -> Self {
                Self {
                    id: Tidy::tidy(came.id),
                    event_type: Tidy::tidy(came.type_),
                    message: Tidy::tidy(came.message),
                    when: came.when,
                    subject_id: Tidy::tidy(came.$subject),
                    organization_id: Tidy::tidy(came.organization_id),
                    metadata: came.metadata,
                    extra: came.extra,
                }
            }
        }
    };
}
event!(InstanceEvent, instance_id);
event!(InstanceSnapshotEvent, instance_snapshot_id);

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(json: &str) -> InstanceInfo {
        serde_json::from_str::<types::Instance>(json).map(Into::into).unwrap_or_else(|e| unreachable!("{e}"))
    }

    #[test]
    fn no_field_is_required() {
        let nothing = instance("{}");
        assert_eq!((nothing.id.as_str(), nothing.status.as_str(), &nothing.service_id), ("", "", &None));
        let nulls = r#"{"id":null,"status":null,"messages":null,"service_id":null,"replica_index":null,"started_at":null}"#;
        assert_eq!(instance(nulls), nothing);
    }

    #[test]
    fn an_id_that_is_empty_is_absent() {
        let odd = instance(r#"{"id":"1","service_id":"","app_id":"a","region":""}"#);
        assert_eq!((odd.service_id, odd.app_id.as_deref(), odd.region.as_str()), (None, Some("a"), ""));
    }

    #[test]
    fn what_is_new_is_kept() {
        let new = instance(r#"{"id":"1","status":"HIBERNATING","warp":9}"#);
        assert_eq!(new.status, types::InstanceStatus::Unknown("HIBERNATING".into()));
        assert_eq!(new.extra.get("warp").and_then(Value::as_i64), Some(9));
    }

    #[test]
    fn a_definition_does_not_print() {
        let json = r#"{"id":"1","definition":{"env":[{"key":"PASS","value":"hunter2"}]}}"#;
        let deployment: Option<types::Deployment> = serde_json::from_str(json).ok();
        let shown = deployment.map(|came| format!("{:?}", DeploymentInfo::from(came))).unwrap_or_default();
        assert!(shown.contains("env") && !shown.contains("hunter2"), "{shown}");
    }
}
