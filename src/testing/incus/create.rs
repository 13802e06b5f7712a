//! `POST /1.0/instances`.

use std::sync::Arc;

use serde_json::Value;

use super::building::{check_name, launch_at};
use super::common::{body, project};
use super::envelope::{Answer, Failure, failure};
use super::generation::Generation;
use super::world::{World, draft};
use super::{copies, profiles};
use crate::testing::server::request::Request;

pub(super) fn create(world: &Arc<World>, request: &Request) -> Answer {
    let asked = body(request)?;
    let key = (project(request), name(&asked)?);
    check_source(&asked)?;
    if let Some(odd) = profiles::unknown(world, &key.0, &asked) {
        return Err(failure(500, format!("Requested profile {odd:?} doesn't exist")));
    }
    let place = world.place(request)?;
    let refreshes = asked["source"]["refresh"] == true;
    if world.generation == Generation::V7_0 && !refreshes && world.exists(&key) {
        return Err(failure(500, format!("Instance \"{}\" already exists", key.1)));
    }
    match asked["source"]["type"].as_str() {
        Some("copy") => return copies::copy(world, &key, asked, &place),
        Some("migration") => return copies::fetch(world, &key, asked, &place),
        _ => world.check_properties(&asked, &key.0)?,
    }
    Ok(launch_at(world, &place, draft("Creating instance", &key), |world, operation| {
        let begun = world.source_image(&asked, &key.0).and_then(|image| {
            world.record(&key, &asked, image.as_ref(), &place)?;
            Ok(image.is_some())
        });
        async move {
            let from_image = begun?;
            world.build(&operation, &key, from_image).await?;
            world.start_if(asked["start"] == true, &key)
        }
    }))
}

fn name(asked: &Value) -> Result<String, Failure> {
    let given = asked["name"].as_str().unwrap_or_default();
    if given.is_empty() {
        return Ok(pet_name());
    }
    check_name(given)?;
    Ok(given.to_owned())
}

fn pet_name() -> String {
    const MOODS: [&str; 8] = ["able", "brave", "calm", "eager", "fair", "keen", "loyal", "quick"];
    const ANIMALS: [&str; 8] = ["ant", "bee", "crane", "dove", "elk", "finch", "goose", "hare"];
    let pick = |words: [&'static str; 8]| words[usize::from(rand::random::<u8>()) % words.len()];
    format!("{}-{}", pick(MOODS), pick(ANIMALS))
}

fn check_source(asked: &Value) -> Result<(), Failure> {
    let kind = asked["type"].as_str().unwrap_or_default();
    if !matches!(kind, "" | "container" | "virtual-machine") {
        return Err(failure(400, "Invalid instance type"));
    }
    match asked["source"]["type"].as_str().unwrap_or_default() {
        "image" | "none" | "copy" | "migration" => Ok(()),
        other => Err(failure(400, format!("Unknown source type {other}"))),
    }
}
