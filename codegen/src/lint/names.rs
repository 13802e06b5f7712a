//! Names that differ in the document, but not in Rust.

use std::collections::BTreeMap;

use serde_json::Value;

use super::sites::Sites;
use crate::Finding;
use crate::document::{Document, Operation, entries, items};
use crate::names::{pascal, snake};
use crate::open_enum::variant;
use crate::rule::NAME;

pub(super) fn check(document: &Document, sites: &Sites<'_>) -> Vec<Finding> {
    let types = document.schemas().map(|(name, _)| (name, pascal(name)));
    let mut findings = collisions("components.schemas", types);
    for spot in &sites.spots {
        findings.extend(collisions(&format!("{}.properties", spot.place), fields(spot.node)));
        let words = items(&spot.node["enum"]).iter().filter_map(Value::as_str);
        findings.extend(collisions(&format!("{}.enum", spot.place), words.map(|word| (word, variant(word)))));
    }
    for operation in document.operations() {
        let names = arguments(document, &operation);
        findings.extend(collisions(&format!("{}.parameters", operation.place()), names));
    }
    findings
}

/// The properties, and the field for unnamed ones.
fn fields(node: &Value) -> impl Iterator<Item = (&str, String)> {
    let open = node["additionalProperties"] == true || node["additionalProperties"].is_object();
    let rest = open.then(|| ("additionalProperties", "extra".to_owned()));
    entries(&node["properties"]).map(|(name, _)| (name, snake(name))).chain(rest)
}

fn arguments<'a>(document: &'a Document, operation: &Operation<'a>) -> Vec<(&'a str, String)> {
    let resolved = operation.parameters().map(|(_, node)| document.resolve(node));
    // A parameter of the operation replaces one of the path with the same name and place.
    let unique: BTreeMap<_, _> =
        resolved.filter_map(|node| Some(((node["in"].as_str()?, node["name"].as_str()?), ()))).collect();
    let body = operation.node.get("requestBody").map(|_| ("requestBody", "body".to_owned()));
    unique.into_keys().map(|(_, name)| (name, snake(name))).chain(body).collect()
}

fn collisions<'a>(place: &str, names: impl IntoIterator<Item = (&'a str, String)>) -> Vec<Finding> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for (name, rust) in names {
        if let Some(other) = first.get(&rust) {
            let message = format!("`{other}` and `{name}` both become `{rust}`");
            let cure = "leave one out, or rename it if the name isn't sent";
            findings.push(Finding::new(NAME, place, message, cure));
        } else {
            first.insert(rust, name);
        }
    }
    findings
}
