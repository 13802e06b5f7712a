//! Instances of Koyeb in common terms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::{Cloud, Instance, Native, State};
use crate::error::Error;
use crate::koyeb::{self, InstanceStatus, Koyeb};
use crate::stream::list::List;

/// The names of services, by id; empty for a service that wasn't found.
type Names = BTreeMap<String, String>;

/// Names come from the services: one request more for each page with instances of services not seen before.
pub(super) fn list(cloud: &Cloud, koyeb: &Koyeb) -> List<Instance> {
    let (cloud, koyeb, names) = (cloud.clone(), koyeb.clone(), Arc::new(Mutex::new(Names::new())));
    let list = koyeb.instances().stream();
    list.map_pages(move |page| {
        let (cloud, koyeb, names) = (cloud.clone(), koyeb.clone(), names.clone());
        async move {
            let mut names = names.lock().await;
            learn(&koyeb, &page, &mut names).await?;
            Ok(page.into_iter().map(|native| instance(&cloud, &names, native)).collect())
        }
    })
}

/// With the name of its service: one request more than the document alone, unless the name is known.
pub(super) async fn get(
    cloud: &Cloud,
    koyeb: &Koyeb,
    id: &str,
    known: Option<&str>,
) -> Result<Instance, Error> {
    let page = [koyeb.instance(id).get().await?];
    let mut names = Names::new();
    if known.is_none() {
        learn(koyeb, &page, &mut names).await?;
    }
    let [native] = page;
    let found = instance(cloud, &names, native);
    Ok(match known {
        Some(name) => Instance { name: name.to_owned(), ..found },
        None => found,
    })
}

/// Asks for the names that are still missing.
async fn learn(koyeb: &Koyeb, page: &[koyeb::Instance], names: &mut Names) -> Result<(), Error> {
    let services = page.iter().filter_map(|native| native.service_id.as_ref());
    let missing: BTreeSet<&String> = services.filter(|id| !names.contains_key(*id)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let query = missing.iter().fold(koyeb.services(), |query, id| query.id(id.as_str()));
    let found = query.await?;
    names.extend(missing.into_iter().map(|id| (id.clone(), String::new())));
    names.extend(found.iter().map(|service| (service.id.clone(), service.name.clone())));
    Ok(())
}

/// Service and number, such as `shop/0`; the id if the service isn't known.
fn name(names: &Names, native: &koyeb::Instance) -> String {
    let service = native.service_id.as_ref().and_then(|id| names.get(id)).filter(|name| !name.is_empty());
    match (service, native.replica_index) {
        (Some(service), Some(number)) => format!("{service}/{number}"),
        (Some(service), None) => service.clone(),
        (None, _) => native.id.clone(),
    }
}

fn instance(cloud: &Cloud, names: &Names, native: koyeb::Instance) -> Instance {
    Instance {
        id: native.id.clone(),
        name: name(names, &native),
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
