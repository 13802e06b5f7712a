//! `POST /1.0/instances/{name}` with `migration`: to another pool, project, member or server.

use std::sync::Arc;

use serde_json::{Value, json};

use super::building::check_name;
use super::envelope::{Answer, Failure, failure};
use super::generation::Generation;
use super::offers;
use super::world::{Instance, Key, World, check_member, draft};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// The storage pools that every fake server has.
pub(super) const POOLS: [&str; 2] = ["default", "second"];

/// What 6.0 says of a pool that it doesn't have.
const NO_POOL_6_0: &str = "Instance move to destination failed: Failed creating instance record: Failed initializing \
    instance: Failed loading storage pool: Storage pool not found";

/// Where an instance moves to.
#[derive(Debug)]
struct Way {
    to: Key,
    pool: Option<String>,
    member: Option<String>,
}

impl Way {
    fn new(request: &Request, key: &Key, asked: &Value) -> Way {
        let text = |field: &str| asked[field].as_str().filter(|given| !given.is_empty()).map(str::to_owned);
        let project = text("project").unwrap_or_else(|| key.0.clone());
        let to = (project, text("name").unwrap_or_else(|| key.1.clone()));
        Way { to, pool: text("pool"), member: request.param("target").filter(|member| !member.is_empty()) }
    }

    fn leads_away(&self, key: &Key) -> bool {
        self.pool.is_some() || self.member.is_some() || self.to.0 != key.0
    }

    fn check(&self, world: &World, key: &Key) -> Result<(), Failure> {
        check_name(&self.to.1)?;
        check_member(world, self.member.as_deref())?;
        let (up, place) =
            world.with(key, |instance| (instance.is_up(), instance.document["location"].clone()))?;
        if self.member.as_ref().is_some_and(|member| place == member[..]) {
            return Err(failure(400, "Requested target server is the same as current server"));
        }
        if up {
            return Err(failure(400, self.must_be_stopped(world.generation)));
        }
        match self.to != *key && world.exists(&self.to) {
            true => Err(failure(409, format!("Name \"{}\" already in use", self.to.1))),
            false => Ok(()),
        }
    }

    fn must_be_stopped(&self, generation: Generation) -> &'static str {
        match (generation, &self.pool) {
            (Generation::V6_0, _) => "Instance must be stopped to be moved statelessly",
            (Generation::V7_0, Some(_)) => "Live storage pool changes aren't supported for containers",
            (Generation::V7_0, None) => "Instance must be stopped for a stateless move across projects",
        }
    }

    fn check_pool(&self, generation: Generation, instance: &Instance) -> Result<(), Failure> {
        let Some(pool) = &self.pool else { return Ok(()) };
        if instance.document["expanded_devices"]["root"]["pool"] == pool[..] {
            return Err(failure(500, "Requested storage pool is the same as current pool"));
        }
        if POOLS.contains(&&pool[..]) {
            return Ok(());
        }
        Err(failure(
            500,
            match generation {
                Generation::V6_0 => NO_POOL_6_0.to_owned(),
                Generation::V7_0 => format!("Can't find a storage pool '{pool}' for the instance to use"),
            },
        ))
    }

    fn apply(&self, document: &mut Value) {
        document["project"] = self.to.0.clone().into();
        document["name"] = self.to.1.clone().into();
        if let Some(member) = &self.member {
            document["location"] = member.clone().into();
        }
        if let Some(pool) = &self.pool {
            document["devices"]["root"] = json!({"path": "/", "pool": pool, "type": "disk"});
        }
    }
}

pub(super) fn migrate(world: &Arc<World>, request: &Request, key: &Key, asked: &Value) -> Answer {
    let way = Way::new(request, key, asked);
    if !way.leads_away(key) {
        return offers::offer(world, key, asked);
    }
    way.check(world, key)?;
    let key = key.clone();
    Ok(world.launch(draft("Migrating instance", &key), |world, _| async move {
        world.with(&key, |instance| way.check_pool(world.generation, instance))??;
        world.take_time(None).await;
        let mut instances = lock(&world.instances);
        if let Some(mut instance) = instances.remove(&key) {
            way.apply(&mut instance.document);
            world.apply_profiles(&way.to.0, &mut instance);
            instances.insert(way.to.clone(), instance);
        }
        Ok(())
    }))
}
