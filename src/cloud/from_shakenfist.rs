//! Instances of Shaken Fist in common terms.

use super::instance::labels;
use super::{Cloud, Instance, Native, State};
use crate::error::Error;
use crate::shakenfist::{self, InstanceState, PowerState, ShakenFist};
use crate::stream::list::List;

pub(super) fn list(cloud: &Cloud, sf: &ShakenFist) -> List<Instance> {
    let cloud = cloud.clone();
    sf.instances().stream().map_items(move |native| instance(&cloud, native))
}

pub(super) async fn get(cloud: &Cloud, sf: &ShakenFist, id: &str) -> Result<Instance, Error> {
    Ok(instance(cloud, sf.instance(id).get().await?))
}

pub(super) fn instance(cloud: &Cloud, native: shakenfist::Instance) -> Instance {
    let interfaces = native.interfaces.iter();
    let addresses = interfaces.flat_map(|interface| [&interface.floating, &interface.ipv4]).flatten();
    let text = |(key, value): (&String, &serde_json::Value)| Some((key.clone(), value.as_str()?.to_owned()));
    Instance {
        id: native.uuid.clone(),
        name: native.name.clone(),
        state: state(&native.state, native.power_state.as_ref()),
        addresses: addresses.filter_map(|address| address.parse().ok()).collect(),
        region: native.node.clone(),
        created: None,
        labels: labels(native.metadata.iter().filter_map(text), shakenfist::MARKER),
        price: None,
        native: Native::ShakenFist(Box::new(native)),
        cloud: cloud.clone(),
    }
}

fn state(state: &InstanceState, power: Option<&PowerState>) -> State {
    match state {
        InstanceState::Initial | InstanceState::Preflight | InstanceState::Creating => State::Starting,
        InstanceState::Created => powered(power),
        InstanceState::DeleteWait => State::Stopping,
        InstanceState::Deleted => State::Gone,
        InstanceState::Unknown(word) => State::Other(word.clone()),
        // `error`, and each state's own
        _ => State::Failed,
    }
}

fn powered(power: Option<&PowerState>) -> State {
    match power {
        None | Some(PowerState::On | PowerState::Initial) => State::Running,
        Some(PowerState::Off) => State::Stopped,
        Some(PowerState::Paused) => State::Paused,
        Some(PowerState::Crashed) => State::Failed,
        Some(PowerState::Unknown(word)) => State::Other(word.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        for (word, power, common) in [
            ("initial", None, State::Starting),
            ("preflight", None, State::Starting),
            ("creating", Some("initial"), State::Starting),
            ("created", None, State::Running),
            ("created", Some("on"), State::Running),
            ("created", Some("off"), State::Stopped),
            ("created", Some("paused"), State::Paused),
            ("created", Some("crashed"), State::Failed),
            ("created", Some("dreaming"), State::Other("dreaming".to_owned())),
            ("delete-wait", Some("on"), State::Stopping),
            ("deleted", Some("off"), State::Gone),
            ("error", Some("on"), State::Failed),
            ("creating-error", None, State::Failed),
            ("hibernating", Some("on"), State::Other("hibernating".to_owned())),
        ] {
            let power = power.map(PowerState::from);
            assert_eq!(state(&InstanceState::from(word), power.as_ref()), common, "{word} {power:?}");
        }
    }
}
