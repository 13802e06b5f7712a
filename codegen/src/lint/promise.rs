//! Rules about places that refer to each other: tags, required fields, path parameters, defaults.

use std::collections::BTreeSet;

use serde_json::Value;

use super::similar::or_similar;
use super::sites::{Sites, Spot};
use crate::Finding;
use crate::document::{Document, Operation, entries, is_string_enum, items};
use crate::prepass::{alias, reads_null_as_empty};
use crate::rule::{DEFAULT, PATH_NAMES, REQUIRED, UNDECLARED_TAG, X_NULL};

pub(super) fn check(document: &Document, sites: &Sites<'_>) -> Vec<Finding> {
    let operations = document.operations();
    let mut findings: Vec<_> = operations
        .flat_map(|operation| {
            let mut found = undeclared_tags(document, &operation);
            found.extend(strangers_to_path(document, &operation));
            found.extend(undescribed_names(document, &operation));
            found
        })
        .collect();
    findings.extend(sites.spots.iter().flat_map(|spot| unknown_required(document, spot)));
    findings.extend(sites.spots.iter().filter_map(|spot| impossible_default(document, spot)));
    findings.extend(sites.spots.iter().filter_map(|spot| no_enum_to_be_empty(document, spot)));
    findings
}

/// Among wrapped schemas, only enums have an empty value.
fn no_enum_to_be_empty(document: &Document, spot: &Spot<'_>) -> Option<Finding> {
    let name = alias(spot.node).filter(|_| reads_null_as_empty(spot.node))?;
    let is_enum = is_string_enum(&document.root["components"]["schemas"][name]);
    let message = format!("`x-null: empty` is on `{name}`, which isn't a string enum");
    (!is_enum).then(|| Finding::new(X_NULL, &spot.place, message, "write `x-null: absent`"))
}

fn undeclared_tags(document: &Document, operation: &Operation<'_>) -> Vec<Finding> {
    let declared: Vec<_> =
        items(&document.root["tags"]).iter().filter_map(|tag| tag["name"].as_str()).collect();
    let used = items(&operation.node["tags"]).iter().enumerate();
    let strange =
        used.filter_map(|(at, tag)| Some((at, tag.as_str()?))).filter(|(_, tag)| !declared.contains(tag));
    let cure = |tag| or_similar(tag, declared.iter().copied(), "add it to `tags` of the document");
    let place = |at| format!("{}.tags.{at}", operation.place());
    strange
        .map(|(at, tag)| {
            Finding::new(UNDECLARED_TAG, place(at), format!("the tag `{tag}` isn't declared"), cure(tag))
        })
        .collect()
}

/// The names in the braces of a path. The part after a `#` isn't sent.
fn names_in(path: &str) -> BTreeSet<&str> {
    let sent = path.split('#').next().unwrap_or_default();
    sent.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

fn path_parameters<'a>(
    document: &'a Document,
    operation: &Operation<'a>,
) -> impl Iterator<Item = (String, &'a str)> {
    let resolved = operation.parameters().map(|(place, node)| (place, document.resolve(node)));
    let in_path = resolved.filter(|(_, node)| node["in"] == "path");
    in_path.filter_map(|(place, node)| Some((place, node["name"].as_str()?)))
}

fn strangers_to_path(document: &Document, operation: &Operation<'_>) -> Vec<Finding> {
    let names = names_in(operation.path);
    let strangers = path_parameters(document, operation).filter(|(_, name)| !names.contains(name));
    let cure =
        |name| or_similar(name, names.iter().copied(), "take it out, or put it into the path in braces");
    strangers
        .map(|(place, name)| {
            let message = format!("the path has no `{{{name}}}` for this parameter");
            Finding::new(PATH_NAMES, place, message, cure(name))
        })
        .collect()
}

fn undescribed_names(document: &Document, operation: &Operation<'_>) -> Vec<Finding> {
    let described: BTreeSet<_> = path_parameters(document, operation).map(|(_, name)| name).collect();
    let names = names_in(operation.path);
    let message = |name| format!("no parameter describes `{{{name}}}` of the path");
    let cure = "add a parameter `in: path`, or correct the name in the path";
    let missing = names.difference(&described);
    missing.map(|name| Finding::new(PATH_NAMES, operation.place(), message(name), cure)).collect()
}

/// A `required` name without a property would turn a typo into a mandatory field.
fn unknown_required(document: &Document, spot: &Spot<'_>) -> Vec<Finding> {
    // The parts of an `allOf` are checked together.
    if spot.part {
        return Vec::new();
    }
    let mut known = BTreeSet::new();
    properties(document, spot.node, 0, &mut known);
    let own = (format!("{}.required", spot.place), &spot.node["required"]);
    let parts = items(&spot.node["allOf"]).iter().enumerate();
    let parts = parts.map(|(at, part)| (format!("{}.allOf.{at}.required", spot.place), &part["required"]));
    let cure = |name| or_similar(name, known.iter().copied(), "describe it in `properties`, or take it out");
    std::iter::once(own)
        .chain(parts)
        .flat_map(|(place, list)| {
            items(list).iter().enumerate().map(move |(at, name)| (format!("{place}.{at}"), name))
        })
        .filter_map(|(place, name)| Some((place, name.as_str()?)))
        .filter(|(_, name)| !known.contains(name))
        .map(|(place, name)| {
            Finding::new(REQUIRED, place, format!("there is no property `{name}`"), cure(name))
        })
        .collect()
}

/// The names of the properties of a schema and of its `allOf` parts.
pub(super) fn properties<'a>(
    document: &'a Document,
    schema: &'a Value,
    depth: usize,
    found: &mut BTreeSet<&'a str>,
) {
    let schema = document.resolve(schema);
    found.extend(entries(&schema["properties"]).map(|(name, _)| name));
    // Deeper than any document. Bounded, because parts may refer in circles.
    if depth < 16 {
        items(&schema["allOf"]).iter().for_each(|part| properties(document, part, depth + 1, found));
    }
}

fn impossible_default(document: &Document, spot: &Spot<'_>) -> Option<Finding> {
    let default = spot.node.get("default")?;
    let meant = match items(&spot.node["allOf"]) {
        [only] if spot.node["type"].is_null() => document.resolve(only),
        _ => spot.node,
    };
    let place = format!("{}.default", spot.place);
    let words = items(&meant["enum"]);
    if !words.is_empty() && !words.contains(default) {
        let listed: Vec<_> = words.iter().map(ToString::to_string).collect();
        let near = default.as_str().map(|word| or_similar(word, words.iter().filter_map(Value::as_str), ""));
        let cure = near
            .filter(|cure| !cure.is_empty())
            .unwrap_or_else(|| format!("write one of {}", listed.join(", ")));
        return Some(Finding::new(DEFAULT, place, format!("the default {default} isn't in the enum"), cure));
    }
    let kind = meant["type"].as_str()?;
    let fits = (default.is_null() && spot.node["nullable"] == true) || is_of(default, kind);
    let message = format!("the default {default} isn't of the type `{kind}`");
    (!fits).then(|| Finding::new(DEFAULT, place, message, "correct the default, or the type"))
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        // Another rule rejects this type.
        _ => true,
    }
}
