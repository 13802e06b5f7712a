//! `POST /api/v1/instance-operations/launch`: every documented refusal, then an instance.

use serde_json::{Value, json};

use super::catalog;
use super::companions;
use super::envelope::{Answer, Failure, failure, invalid, missing};
use super::state::{Place, State};

pub(super) fn launch(state: &mut State, asked: &Value) -> Answer {
    let place = check(state, asked)?;
    check_file_systems(state, asked, &place.1)?;
    check_room(state, &place)?;
    if let Some(left) = state.capacity.get_mut(&place).filter(|left| **left != u32::MAX) {
        *left -= 1;
    }
    let id = state.launch(asked);
    Ok(json!({"instance_ids": [id]}))
}

fn check(state: &State, asked: &Value) -> Result<Place, Failure> {
    let text = |key: &str| asked[key].as_str().map(str::to_owned);
    let region = text("region_name").ok_or_else(|| invalid("region_name is required."))?;
    let kind = text("instance_type_name").ok_or_else(|| invalid("instance_type_name is required."))?;
    if asked["quantity"].as_u64().is_some_and(|quantity| quantity > 1) {
        return Err(invalid("Requested too many instances."));
    }
    if catalog::instance_type(&kind).is_none() && !state.odd_types.contains(&kind) {
        return Err(missing("instance type"));
    }
    let keys = asked["ssh_key_names"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [key] = keys else { return Err(invalid("Exactly one SSH key must be specified.")) };
    if !state.ssh_keys.values().any(|known| known["name"] == *key) {
        // With this status, and not with 404, as has been seen.
        return Err(failure(400, "global/object-does-not-exist", "The specified SSH key was not found."));
    }
    if !companions::has_image(&asked["image"], &region) {
        return Err(missing("image"));
    }
    check_texts(asked)?;
    Ok((kind, region))
}

fn check_texts(asked: &Value) -> Result<(), Failure> {
    let long = |value: &Value, most: usize| value.as_str().is_some_and(|text| text.chars().count() > most);
    if long(&asked["name"], 64) || long(&asked["hostname"], 63) || long(&asked["user_data"], 1024 * 1024) {
        return Err(invalid("A field is too long."));
    }
    let tags = asked["tags"].as_array().into_iter().flatten();
    let bad = |key: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | ':');
        key.len() > 55
            || key.len() < 2
            || !key.chars().all(fits)
            || !key.starts_with(|c: char| c.is_ascii_lowercase())
    };
    match tags
        .into_iter()
        .find(|tag| bad(tag["key"].as_str().unwrap_or_default()) || long(&tag["value"], 128))
    {
        Some(odd) => Err(invalid(format!("Invalid tag: {odd}"))),
        None => Ok(()),
    }
}

fn check_file_systems(state: &State, asked: &Value, region: &str) -> Result<(), Failure> {
    let all = |key: &str| asked[key].as_array().cloned().unwrap_or_default();
    let by_name = all("file_system_names").into_iter().map(|name| ("name", name));
    let by_id = all("file_system_mounts").into_iter().map(|mount| ("id", mount["file_system_id"].clone()));
    for (key, wanted) in by_name.chain(by_id) {
        let found = state.file_systems.values().find(|known| known[key] == wanted);
        let found = found.ok_or_else(|| missing("filesystem"))?;
        if found["region"]["name"] != region {
            let code = "instance-operations/launch/file-system-in-wrong-region";
            return Err(failure(400, code, "The filesystem is in another region."));
        }
    }
    let rulesets = all("firewall_rulesets");
    match rulesets.iter().find(|given| !state.rulesets.contains_key(given["id"].as_str().unwrap_or_default()))
    {
        Some(_) => Err(missing("firewall ruleset")),
        None => Ok(()),
    }
}

fn check_room(state: &State, place: &Place) -> Result<(), Failure> {
    if state.billed() >= state.quota {
        let refused = failure(400, "global/quota-exceeded", "Quota exceeded.");
        return Err(refused.suggest("Contact Support to increase your quota."));
    }
    if state.capacity.get(place).is_none_or(|left| *left == 0) {
        let code = "instance-operations/launch/insufficient-capacity";
        let refused = failure(400, code, "Not enough capacity to fulfill launch request.");
        return Err(refused.suggest("Choose an instance type with more availability, or try again later."));
    }
    Ok(())
}
