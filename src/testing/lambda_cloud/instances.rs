//! `/api/v1/instances`, `/api/v1/instance-types`, and operations on existing instances.

use serde_json::{Map, Value, json};

use super::catalog;
use super::envelope::{Answer, Failure, failure, invalid, missing};
use super::state::{State, Step};

pub(super) fn list(state: &State) -> Value {
    state.machines.keys().filter_map(|id| state.seen(id)).map(|machine| machine.document.clone()).collect()
}

pub(super) fn get(state: &State, id: &str) -> Answer {
    state.seen(id).map(|machine| machine.document.clone()).ok_or_else(|| missing("instance"))
}

pub(super) fn rename(state: &mut State, id: &str, asked: &Value) -> Answer {
    state.seen(id).ok_or_else(|| missing("instance"))?;
    let name = asked["name"].as_str();
    if name.is_some_and(|name| name.chars().count() > 64) {
        return Err(invalid("name is too long."));
    }
    if let (Some(machine), Some(name)) = (state.machines.get_mut(id), name) {
        machine.document["name"] = name.into();
    }
    get(state, id)
}

/// With the regions that have some, or are said to.
pub(super) fn types(state: &State) -> Value {
    let names: Vec<&str> = catalog::type_names().chain(state.odd_types.iter().map(String::as_str)).collect();
    let offer = |name: &str| {
        let regions: Vec<Value> = state.regions_listed(name).map(catalog::region).collect();
        let kind = state.kind(name);
        (name.to_owned(), json!({"instance_type": kind, "regions_with_capacity_available": regions}))
    };
    Value::Object(names.into_iter().map(offer).collect::<Map<_, _>>())
}

impl State {
    fn regions_listed<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        let places = self.capacity.keys().chain(self.listed.keys()).filter(move |place| place.0 == kind);
        let regions: std::collections::BTreeSet<_> = places.map(|place| place.1.as_str()).collect();
        regions.into_iter().filter(move |region| {
            let place = (kind.to_owned(), (*region).to_owned());
            let real = self.capacity.get(&place).is_some_and(|left| *left > 0);
            self.listed.get(&place).copied().unwrap_or(real)
        })
    }

    /// The ids that a request names; all of them must exist.
    fn named(&self, asked: &Value) -> Result<Vec<String>, Failure> {
        let ids = asked["instance_ids"].as_array().ok_or_else(|| invalid("instance_ids is required."))?;
        let ids: Vec<String> = ids.iter().filter_map(|id| Some(id.as_str()?.to_owned())).collect();
        match ids.iter().find(|id| self.seen(id).is_none()) {
            Some(_) => Err(missing("instance")),
            None => Ok(ids),
        }
    }
}

pub(super) fn restart(state: &mut State, asked: &Value) -> Answer {
    let ids = state.named(asked)?;
    let busy = |id: &String| {
        state.seen(id).is_some_and(|machine| !matches!(machine.status(), "active" | "unhealthy"))
    };
    if ids.iter().any(busy) {
        return Err(failure(409, "global/conflict", "The instance can't be restarted at the moment."));
    }
    let (now, boot) = (state.now, state.times.boot);
    let restarted = ids.iter().filter_map(|id| {
        let fate = state.fate();
        let machine = state.machines.get_mut(id)?;
        machine.set_status("booting");
        machine.due.push((now + boot, Step::Status(fate, std::time::Duration::ZERO)));
        Some(machine.document.clone())
    });
    Ok(json!({"restarted_instances": restarted.collect::<Vec<_>>()}))
}

pub(super) fn terminate(state: &mut State, asked: &Value) -> Answer {
    let ids = state.named(asked)?;
    let leaving =
        |id: &String| state.seen(id).is_some_and(|machine| machine.status().starts_with("terminat"));
    if ids.iter().any(leaving) {
        // Not what the document says, but what was seen.
        return Err(failure(400, "global/unknown", "Unknown error."));
    }
    let (now, times) = (state.now, state.times.clone());
    let terminated = ids.iter().filter_map(|id| {
        let machine = state.machines.get_mut(id)?;
        machine.set_status("terminating");
        let over = now + times.shutdown;
        machine.due = vec![
            (over, Step::Status("terminated".to_owned(), std::time::Duration::ZERO)),
            (over + times.linger, Step::Vanish),
        ];
        Some(machine.document.clone())
    });
    Ok(json!({"terminated_instances": terminated.collect::<Vec<_>>()}))
}
