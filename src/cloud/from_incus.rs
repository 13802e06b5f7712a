//! Instances of Incus in common terms.

use super::filter::Filter;
use super::instance::labels;
use super::{Cloud, Instance, Native, State};
use crate::error::Error;
use crate::incus::{self, Incus, Status};
use crate::stream::list::List;

/// With its addresses: one request more than the document alone.
pub(super) async fn get(cloud: &Cloud, incus: &Incus, id: &str) -> Result<Instance, Error> {
    let handle = incus.instance(id);
    let (native, state) = futures_util::future::try_join(handle.get(), handle.get_state()).await?;
    Ok(Instance { addresses: state.addresses(), ..instance(cloud, native) })
}

/// The list, filtered by label on the server.
pub(super) fn list(cloud: &Cloud, incus: &Incus, filter: &Filter) -> List<Instance> {
    let mut query = incus.instances();
    for (key, value) in filter.exact_labels() {
        query = query.label(key, value);
    }
    let cloud = cloud.clone();
    query.stream().map_items(move |native| instance(&cloud, native))
}

pub(super) fn instance(cloud: &Cloud, native: incus::Instance) -> Instance {
    let label =
        |(key, value): (&String, &String)| Some((key.strip_prefix("user.")?.to_owned(), value.clone()));
    Instance {
        id: native.name.clone(),
        name: native.name.clone(),
        state: state(&native.status),
        addresses: Vec::new(),
        // What a server that stands alone says.
        region: Some(native.location.clone()).filter(|location| !matches!(location.as_str(), "" | "none")),
        created: native.created_at,
        labels: labels(native.config.iter().filter_map(label), incus::MARKER_LABEL),
        price: None,
        native: Native::Incus(Box::new(native)),
        cloud: cloud.clone(),
    }
}

fn state(status: &Status) -> State {
    match status {
        Status::Running | Status::Ready | Status::Thawed | Status::Started => State::Running,
        Status::Stopped => State::Stopped,
        Status::Frozen => State::Paused,
        Status::Error => State::Failed,
        Status::Starting | Status::Pending => State::Starting,
        Status::Stopping | Status::Aborting => State::Stopping,
        other => State::Other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        for (word, common) in [
            ("Running", State::Running),
            ("Ready", State::Running),
            ("Stopped", State::Stopped),
            ("Frozen", State::Paused),
            ("Error", State::Failed),
            ("Starting", State::Starting),
            ("Stopping", State::Stopping),
            ("Freezing", State::Other("Freezing".to_owned())),
            ("Hibernating", State::Other("Hibernating".to_owned())),
        ] {
            assert_eq!(state(&Status::from(word)), common, "{word}");
        }
    }
}
