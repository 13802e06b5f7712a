//! Extensions are few, known, and each in its place.

use serde_json::Value;

use super::sites::Sites;
use crate::Finding;
use crate::document::{Document, entries};
use crate::rule::EXTENSION;

const OF_OPERATIONS: &[&str] = &["x-retry", "x-not-processed", "x-timeout"];
const OF_SCHEMAS: &[&str] = &["x-null", "x-not-secret"];

pub(super) fn check(document: &Document, sites: &Sites<'_>) -> Vec<Finding> {
    let root = &document.root;
    let mut findings = unknown("(document)", root, &[]);
    findings.extend(unknown("info", &root["info"], &[]));
    findings.extend(unknown("components", &root["components"], &[]));
    for (path, item) in entries(&root["paths"]) {
        findings.extend(unknown(&format!("paths.{path}"), item, &[]));
    }
    for operation in document.operations() {
        findings.extend(unknown(&operation.place(), operation.node, OF_OPERATIONS));
    }
    for (place, node) in sites.parameters.iter().chain(&sites.requests).chain(&sites.responses) {
        findings.extend(unknown(place, node, OF_SCHEMAS.get(1..).unwrap_or_default()));
    }
    findings.extend(sites.spots.iter().flat_map(|spot| unknown(&spot.place, spot.node, OF_SCHEMAS)));
    findings
}

fn unknown(place: &str, node: &Value, known: &[&str]) -> Vec<Finding> {
    let extensions = entries(node).map(|(key, _)| key).filter(|key| key.starts_with("x-"));
    let strange = extensions.filter(|key| !known.contains(key));
    let message = |key| format!("`{key}` means nothing here");
    let cure = "correct its name, or take it out: specs/README.md lists those that are known";
    strange.map(|key| Finding::new(EXTENSION, place, message(key), cure)).collect()
}
