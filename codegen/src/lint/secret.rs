//! Secrets must have a secret type.

use super::combine::Rule;
use super::sites::Spot;
use crate::Finding;
use crate::document::Document;
use crate::rule::{RESERVED, SECRET};

pub(super) const RULES: &[Rule] = &[unmarked];

const TELLING: [&str; 5] = ["password", "token", "secret", "private_key", "user_data"];

fn unmarked(spot: &Spot<'_>) -> Option<Finding> {
    let (name, _) = spot.property?;
    let bare = spot.node["type"] == "string" && spot.node["x-not-secret"] != true;
    (bare && looks_secret(name)).then(|| finding(&spot.place, name))
}

/// Whether a name suggests that its value is secret.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    TELLING.iter().any(|telling| name.contains(telling))
}

pub(super) fn finding(place: &str, name: &str) -> Finding {
    let message = format!("`{name}` looks secret, but its type is a string that anything may print");
    let cure = "`$ref: '#/components/schemas/Secret'`, or say `x-not-secret: true`";
    Finding::new(SECRET, place, message, cure)
}

/// The two schemas that hand-written types replace.
pub(super) fn reserved(document: &Document) -> Vec<Finding> {
    let wrong = [("Secret", "string"), ("SecretMap", "object")].into_iter().filter(|(name, kind)| {
        let schema = document.root["components"]["schemas"].get(name);
        schema.is_some_and(|schema| schema["type"] != *kind || schema["properties"].is_object())
    });
    let message = |name| format!("the name `{name}` is reserved for a hand-written type");
    let cure = |kind| format!("make it a bare `type: {kind}`, or choose another name");
    wrong
        .map(|(name, kind)| {
            Finding::new(RESERVED, format!("components.schemas.{name}"), message(name), cure(kind))
        })
        .collect()
}
