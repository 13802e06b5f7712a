//! Instances that wait for another fake server to fetch them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::common::secret;
use super::envelope::Answer;
use super::world::{Draft, Instance, Key, World, path};
use crate::testing::server::tasks::lock;

/// The offers of all fakes of this process, by operation.
static OFFERS: Mutex<BTreeMap<String, Offer>> = Mutex::new(BTreeMap::new());

#[derive(Debug)]
struct Offer {
    secrets: Value,
    instance: Instance,
    /// Tells the offering server that it was fetched. Closed when the offer ends.
    taken: oneshot::Sender<()>,
}

/// `POST /1.0/instances/{name}` with `migration` and without a target.
pub(super) fn offer(world: &Arc<World>, key: &Key, asked: &Value) -> Answer {
    let whole = asked["instance_only"] != true;
    let instance = world.with(key, |instance| instance.copy(whole))?;
    let secrets = json!({"control": secret(), "fs": secret()});
    let draft = Draft {
        description: "Migrating instance",
        project: key.0.clone(),
        resources: json!({"instances": [path(key)]}),
        socket: Some(secrets.clone()),
    };
    Ok(world.launch(draft, |world, operation| {
        world.change(&operation, |document| document["may_cancel"] = true.into());
        let (taken, fetched) = oneshot::channel();
        lock(&OFFERS).insert(operation.id.clone(), Offer { secrets, instance, taken });
        async move {
            let _ = fetched.await;
            Ok(())
        }
    }))
}

/// Takes an offer, by the operation's URL and its secrets. This works once.
pub(super) fn take(url: &str, secrets: &Value) -> Option<Instance> {
    let id = url.rsplit('/').next().unwrap_or_default();
    let mut offers = lock(&OFFERS);
    let offer = offers.get(id).filter(|offer| offer.secrets == *secrets && !offer.taken.is_closed())?;
    let instance = offer.instance.copy(true);
    let _ = offers.remove(id)?.taken.send(());
    Some(instance)
}
