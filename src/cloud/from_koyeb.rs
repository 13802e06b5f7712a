//! Instances of Koyeb in common terms.

use super::{Cloud, Instance, Native, State};
use crate::error::Error;
use crate::koyeb::{self, InstanceStatus, Koyeb};
use crate::stream::list::List;

pub(super) fn list(cloud: &Cloud, koyeb: &Koyeb) -> List<Instance> {
    let cloud = cloud.clone();
    koyeb.instances().stream().map_items(move |native| instance(&cloud, native))
}

pub(super) async fn get(cloud: &Cloud, koyeb: &Koyeb, id: &str) -> Result<Instance, Error> {
    Ok(instance(cloud, koyeb.instance(id).get().await?))
}

pub(super) fn instance(cloud: &Cloud, native: koyeb::Instance) -> Instance {
    Instance {
        id: native.id.clone(),
        name: native.id.clone(),
        state: state(&native.status),
        addresses: Vec::new(),
        region: Some(native.region.clone()).filter(|region| !region.is_empty()),
        created: native.created_at,
        labels: [].into(),
        price: None,
        native: Native::Koyeb(Box::new(native)),
        cloud: cloud.clone(),
    }
}

fn state(status: &InstanceStatus) -> State {
    match status {
        InstanceStatus::Allocating | InstanceStatus::Starting => State::Starting,
        InstanceStatus::Healthy => State::Running,
        InstanceStatus::Unhealthy => State::Unhealthy,
        InstanceStatus::Sleeping => State::Paused,
        InstanceStatus::Stopping => State::Stopping,
        InstanceStatus::Stopped => State::Stopped,
        InstanceStatus::Error => State::Failed,
        other => State::Other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        for (word, common) in [
            ("ALLOCATING", State::Starting),
            ("STARTING", State::Starting),
            ("HEALTHY", State::Running),
            ("UNHEALTHY", State::Unhealthy),
            ("SLEEPING", State::Paused),
            ("STOPPING", State::Stopping),
            ("STOPPED", State::Stopped),
            ("ERROR", State::Failed),
            ("HIBERNATING", State::Other("HIBERNATING".to_owned())),
        ] {
            assert_eq!(state(&InstanceStatus::from(word)), common, "{word}");
        }
    }
}
