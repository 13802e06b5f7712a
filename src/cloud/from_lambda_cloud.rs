//! Instances of Lambda Cloud in common terms.

use super::instance::labels;
use super::{Cloud, Instance, Native, State};
use crate::error::Error;
use crate::lambda_cloud::{self, InstanceStatus, LambdaCloud};
use crate::stream::list::List;

pub(super) fn list(cloud: &Cloud, lambda: &LambdaCloud) -> List<Instance> {
    let cloud = cloud.clone();
    lambda.instances().stream().map_items(move |native| instance(&cloud, native))
}

pub(super) async fn get(cloud: &Cloud, lambda: &LambdaCloud, id: &str) -> Result<Instance, Error> {
    Ok(instance(cloud, lambda.instance(id).get().await?))
}

pub(super) fn instance(cloud: &Cloud, native: lambda_cloud::Instance) -> Instance {
    let addresses = [&native.ip, &native.private_ip];
    Instance {
        id: native.id.clone(),
        name: native.name.clone().unwrap_or_else(|| native.id.clone()),
        state: state(&native.status),
        addresses: addresses.into_iter().flatten().filter_map(|ip| ip.parse().ok()).collect(),
        region: Some(native.region.name.clone()),
        created: None,
        labels: labels(
            native.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())),
            lambda_cloud::MARKER,
        ),
        price: Some(native.instance_type.price()),
        native: Native::LambdaCloud(Box::new(native)),
        cloud: cloud.clone(),
    }
}

fn state(status: &InstanceStatus) -> State {
    match status {
        InstanceStatus::Booting => State::Starting,
        InstanceStatus::Active => State::Running,
        InstanceStatus::Unhealthy => State::Unhealthy,
        InstanceStatus::Terminating => State::Stopping,
        InstanceStatus::Terminated | InstanceStatus::Preempted => State::Gone,
        other => State::Other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        for (word, common) in [
            ("booting", State::Starting),
            ("active", State::Running),
            ("unhealthy", State::Unhealthy),
            ("terminating", State::Stopping),
            ("terminated", State::Gone),
            ("preempted", State::Gone),
            ("hibernating", State::Other("hibernating".to_owned())),
        ] {
            assert_eq!(state(&InstanceStatus::from(word)), common, "{word}");
        }
    }
}
