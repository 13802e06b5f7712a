//! Rules about request and response bodies.

use serde_json::Value;

use super::sites::Sites;
use crate::Finding;
use crate::document::{Document, entries};
use crate::rule::{INLINE_BODY, MEDIA_TYPE};
use crate::table::is_json;

/// What progenitor can send.
const SENDABLE: [&str; 4] =
    ["application/json", "application/octet-stream", "text/plain", "application/x-www-form-urlencoded"];

pub(super) fn check(_: &Document, sites: &Sites<'_>) -> Vec<Finding> {
    let requests = sites.requests.iter().flat_map(|(place, node)| request(place, node));
    let bodies = sites.requests.iter().chain(&sites.responses);
    requests.chain(bodies.flat_map(|(place, node)| inline(place, node))).collect()
}

fn request(place: &str, body: &Value) -> Vec<Finding> {
    let types: Vec<_> = entries(&body["content"]).map(|(media_type, _)| media_type).collect();
    let mut findings: Vec<_> = types.iter().filter_map(|media_type| unsendable(place, media_type)).collect();
    if types.len() != 1 {
        let message = format!("it takes {} media types", types.len());
        let cure = "make one operation for each media type";
        findings.push(Finding::new(MEDIA_TYPE, place, message, cure));
    }
    if let Some(raw) = body["content"].get("application/octet-stream") {
        findings.extend(not_binary(place, &raw["schema"]));
    }
    findings
}

fn unsendable(place: &str, media_type: &str) -> Option<Finding> {
    let message = format!("progenitor can't send {media_type}");
    let cure = "use application/json or application/octet-stream";
    (!SENDABLE.contains(&media_type)).then(|| Finding::new(MEDIA_TYPE, place, message, cure))
}

fn not_binary(place: &str, schema: &Value) -> Option<Finding> {
    let binary = schema["type"] == "string" && schema["format"] == "binary";
    let cure = "write `schema: {type: string, format: binary}`";
    (!binary).then(|| Finding::new(MEDIA_TYPE, place, "its bytes aren't a binary string", cure))
}

/// progenitor gives all inline schemas of an operation the same name, and keeps the first.
fn inline(place: &str, body: &Value) -> Vec<Finding> {
    let json = entries(&body["content"]).filter(|(media_type, _)| is_json(media_type));
    let inline = json.filter(|(_, node)| !node["schema"]["$ref"].is_string());
    let cure = "move the schema to components.schemas and `$ref` it";
    let place = |media_type| format!("{place}.content.{media_type}.schema");
    inline
        .map(|(kind, _)| Finding::new(INLINE_BODY, place(kind), "the schema of a body is inline", cure))
        .collect()
}
