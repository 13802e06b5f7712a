//! Every `$ref` leads somewhere.

use serde_json::Value;

use crate::Finding;
use crate::document::{Document, reference};
use crate::rule::REFERENCE;

pub(super) fn check(document: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    search(document, &document.root, String::new(), &mut findings);
    findings
}

fn search(document: &Document, node: &Value, place: String, findings: &mut Vec<Finding>) {
    if node["$ref"].is_string() && !leads_somewhere(document, node) {
        let message = format!("`$ref: {}` leads nowhere", node["$ref"].as_str().unwrap_or_default());
        findings.push(Finding::new(REFERENCE, place.clone(), message, "name a component of this document"));
    }
    for (step, child) in children(node) {
        let place = if place.is_empty() { step } else { format!("{place}.{step}") };
        search(document, child, place, findings);
    }
}

fn leads_somewhere(document: &Document, node: &Value) -> bool {
    reference(node).is_some_and(|target| document.root.pointer(target).is_some())
}

/// The members of an object or a list, each with its step in a place.
pub(super) fn children(node: &Value) -> Vec<(String, &Value)> {
    match node {
        Value::Object(members) => members.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(members) => {
            members.iter().enumerate().map(|(i, child)| (i.to_string(), child)).collect()
        }
        _ => Vec::new(),
    }
}
