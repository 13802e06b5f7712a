//! Rules about what every operation must declare.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Finding;
use crate::document::{Document, Operation, entries, is_failure, is_success, items};
use crate::rule::{FAILURE, NOT_PROCESSED, OPERATION_ID, RETRY, SAFE, SUCCESS, SUMMARY, TAG, TIMEOUT};
use crate::table::{endpoint_id, is_json, reply_kind, statuses};

type Rule = fn(&Document, &Operation<'_>) -> Option<Finding>;

const RULES: &[Rule] = &[
    has_id,
    has_summary,
    has_tag,
    has_retry_class,
    is_safe_for_a_reason,
    not_processed_is_documented,
    timeout_is_none,
    has_failure,
    has_success,
    has_one_success,
];

pub(super) fn check(document: &Document) -> Vec<Finding> {
    let each = document
        .operations()
        .flat_map(|operation| RULES.iter().filter_map(move |rule| rule(document, &operation)));
    let mut findings: Vec<_> = each.collect();
    findings.extend(same_ids(document));
    findings
}

fn has_id(_: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let missing = operation.id().is_none_or(str::is_empty);
    missing.then(|| {
        Finding::new(OPERATION_ID, operation.place(), "it has no operationId", "add one: `noun_verb`")
    })
}

/// Compared as the generated code spells them.
fn same_ids(document: &Document) -> Vec<Finding> {
    let mut first = BTreeMap::new();
    let named = document.operations().filter(|operation| operation.id().is_some());
    let taken = named.filter_map(|operation| {
        let id = endpoint_id(&operation);
        let other = first.get(&id).cloned();
        first.entry(id.clone()).or_insert_with(|| operation.place());
        other.map(|other| (operation.place(), format!("its operationId `{id}` is also that of {other}")))
    });
    taken
        .map(|(place, message)| Finding::new(OPERATION_ID, place, message, "give it another operationId"))
        .collect()
}

fn has_summary(_: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let missing = operation.node["summary"].as_str().is_none_or(|text| text.trim().is_empty());
    missing.then(|| {
        Finding::new(SUMMARY, operation.place(), "it has no summary", "add a `summary` of one sentence")
    })
}

fn has_tag(_: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let missing = items(&operation.node["tags"]).is_empty();
    missing.then(|| Finding::new(TAG, operation.place(), "it has no tag", "add `tags: [group]`"))
}

fn has_retry_class(_: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let class = operation.node["x-retry"].as_str();
    let known = class.is_some_and(|class| ["safe", "if-unsent", "never"].contains(&class));
    let cure = "add `x-retry: safe`, `if-unsent` or `never`";
    (!known)
        .then(|| Finding::new(RETRY, operation.place(), "it doesn't say whether it may be sent again", cure))
}

/// A change may be sent again only if the document says why that is harmless.
fn is_safe_for_a_reason(_: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let safe = operation.node["x-retry"] == "safe";
    let changes = ["post", "put", "patch", "delete"].contains(&operation.method);
    let reason = operation.node.get("x-safe-because");
    let told = reason.and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    let (key, message, cure) = match reason {
        _ if safe && changes && !told => {
            let message =
                format!("a {} that is sent again may do its work twice", operation.method.to_uppercase());
            (
                "x-retry",
                message,
                "write `x-retry: if-unsent`, or say in `x-safe-because` why twice is as good as once",
            )
        }
        Some(_) if !(safe && changes) => {
            let message = "`x-safe-because` gives a reason for what isn't said".to_owned();
            (
                "x-safe-because",
                message,
                "take it out: it belongs beside `x-retry: safe` on what changes something",
            )
        }
        _ => return None,
    };
    Some(Finding::new(SAFE, format!("{}.{key}", operation.place()), message, cure))
}

fn not_processed_is_documented(_: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let listed = operation.node.get("x-not-processed")?;
    let documented = statuses(operation);
    let known = |status: &Value| documented.iter().any(|documented| status == documented);
    let right = listed.as_array().is_some_and(|listed| listed.iter().all(known));
    let message = format!("x-not-processed is {listed}, not a list of statuses of this operation");
    (!right).then(|| {
        Finding::new(NOT_PROCESSED, operation.place(), message, "list documented statuses, as numbers")
    })
}

fn timeout_is_none(_: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let timeout = operation.node.get("x-timeout")?;
    let message = format!("x-timeout is {timeout}");
    (timeout != "none")
        .then(|| Finding::new(TIMEOUT, operation.place(), message, "write `x-timeout: none` or nothing"))
}

fn has_failure(_: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let cure = "add the 4xx and 5xx responses that it gives, or `default`";
    let missing = !operation.responses().any(|(status, _)| is_failure(status));
    missing.then(|| Finding::new(FAILURE, operation.place(), "it documents no failure", cure))
}

fn has_success(_: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let missing = !operation.responses().any(|(status, _)| is_success(status));
    missing.then(|| {
        Finding::new(SUCCESS, operation.place(), "it documents no success", "add its 2xx response, or 101")
    })
}

fn has_one_success(document: &Document, operation: &Operation<'_>) -> Option<Finding> {
    let mut kinds: Vec<_> = operation
        .responses()
        .filter(|(status, _)| is_success(status))
        .map(|(status, node)| success_kind(status, document.resolve(node)))
        .collect();
    kinds.sort();
    kinds.dedup();
    let message = format!("its successes differ: {}", kinds.join(", "));
    let cure = "give all of them one schema, or make two operations of it";
    (kinds.len() > 1).then(|| Finding::new(SUCCESS, operation.place(), message, cure))
}

fn success_kind(status: &str, response: &Value) -> String {
    let json = entries(&response["content"]).find(|(media_type, _)| is_json(media_type));
    let schema = json.and_then(|(_, node)| node["schema"]["$ref"].as_str());
    schema.unwrap_or_else(|| reply_kind(status, response)).to_owned()
}
