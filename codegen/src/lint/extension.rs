//! Extensions say what they may say, where they may stand. That no others are there is told by the grammar.

use std::collections::BTreeSet;

use serde_json::Value;

use super::promise::properties;
use super::sites::{Sites, Spot};
use crate::Finding;
use crate::document::{Document, Operation, entries, schema_name};
use crate::rule::{ENVELOPE, FRAMES, SCOPE};

pub(super) fn check(document: &Document, sites: &Sites<'_>) -> Vec<Finding> {
    let scopes = sites.parameters.iter().filter_map(|(place, node)| scope(place, node));
    let envelopes = sites.spots.iter().filter_map(|spot| envelope(document, spot));
    scopes.chain(envelopes).chain(document.operations().filter_map(|operation| frames(&operation))).collect()
}

/// What a handle sets by itself in each of its calls, or what switches that off.
fn scope(place: &str, parameter: &Value) -> Option<Finding> {
    let scope = parameter.get("x-scope")?;
    let place = format!("{place}.x-scope");
    if parameter["in"] != "query" {
        let message = "`x-scope` is on what isn't a query parameter";
        return Some(Finding::new(SCOPE, place, message, "take it out"));
    }
    let known = scope == "project" || scope == "target" || scope == "everywhere";
    let cure = "write `project`, `target` or `everywhere`";
    (!known).then(|| Finding::new(SCOPE, place, format!("`x-scope` is {scope}"), cure))
}

/// The property of a reply that holds the data.
fn envelope(document: &Document, spot: &Spot<'_>) -> Option<Finding> {
    let data = spot.node.get("x-envelope")?;
    let mut known = BTreeSet::new();
    properties(document, spot.node, 0, &mut known);
    let message = if !spot.named || spot.node["type"] != "object" {
        "`x-envelope` is on what isn't an object in components.schemas".to_owned()
    } else if !data.as_str().is_some_and(|name| name == "none" || known.contains(name.trim_end_matches('?')))
    {
        format!("`x-envelope` is {data}, which is no property of this object")
    } else {
        return None;
    };
    let cure = "write `x-envelope: name` with the property that holds the data of a reply, or `none`";
    Some(Finding::new(ENVELOPE, format!("{}.x-envelope", spot.place), message, cure))
}

/// What goes over a websocket, which OpenAPI has no word for.
fn frames(operation: &Operation<'_>) -> Option<Finding> {
    let frames = operation.node.get("x-frames")?;
    let known =
        |(way, schema): (&str, &Value)| ["sent", "received"].contains(&way) && schema_name(schema).is_some();
    let right = frames.as_object().is_some_and(|ways| !ways.is_empty()) && entries(frames).all(known);
    let message = if operation.node["responses"].get("101").is_none() {
        "`x-frames` is on what doesn't answer 101"
    } else if !right {
        "`x-frames` doesn't name schemas"
    } else {
        return None;
    };
    let cure = "write `x-frames: {sent: {$ref: …}, received: {$ref: …}}`, or one of the two, on a websocket";
    Some(Finding::new(FRAMES, format!("{}.x-frames", operation.place()), message, cure))
}
