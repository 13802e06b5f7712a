//! Authentication, in terms that all formats share.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{entries, list};

/// The ways to authenticate for an operation. Empty if it needs none, or if the document doesn't say.
pub(super) fn of(root: &Value, operation: &Value) -> BTreeSet<String> {
    let asked = operation.get("security").unwrap_or(&root["security"]);
    // It should be a list of maps, but some documents have only the map.
    let alternatives = list(asked).iter().chain(asked.as_object().map(|_| asked));
    alternatives.map(|all| together(root, all)).collect()
}

fn together(root: &Value, all: &Value) -> String {
    let ways: Vec<_> = entries(all).map(|(name, _)| way(root, name)).collect();
    if ways.is_empty() { "nothing".to_owned() } else { ways.join(" and ") }
}

fn way(root: &Value, name: &str) -> String {
    let scheme = [&root["components"]["securitySchemes"][name], &root["securityDefinitions"][name]];
    let scheme = scheme.into_iter().find(|scheme| scheme.is_object());
    let text = |key: &str| scheme.and_then(|scheme| scheme[key].as_str()).unwrap_or_default().to_lowercase();
    match (text("type").as_str(), text("scheme").as_str()) {
        ("http", scheme) => scheme.to_owned(),
        ("basic", _) => "basic".to_owned(),
        // Swagger 2.0 can't express bearer tokens.
        ("apikey", _) if text("name") == "authorization" => "bearer".to_owned(),
        ("apikey", _) => format!("{} {}", text("in"), text("name")),
        ("", _) if name.to_lowercase().contains("bearer") => "bearer".to_owned(),
        _ => name.to_owned(),
    }
}
