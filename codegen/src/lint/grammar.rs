//! Every node has only keys that OpenAPI 3.0.3 allows, with values of the right form, and all required keys.
//!
//! Nothing else would report it: unknown keys are silently ignored.

use serde_json::Value;

use super::kinds::{Kind, ROOT, Shape};
use super::similar::{or_similar, similar};
use crate::Finding;
use crate::document::{Document, entries, items};
use crate::rule::{EXTENSION, MISSING_KEY, NEWER, UNKNOWN_KEY, WRONG_VALUE};

pub(super) fn check(document: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    node(&ROOT, &document.root, "", &mut findings);
    findings
}

fn node(kind: &Kind, value: &Value, place: &str, findings: &mut Vec<Finding>) {
    if !value.is_object() {
        findings.push(wrong(place, value, &format!("{} is a map", kind.name)));
        return;
    }
    if kind.referable && value.get("$ref").is_some() {
        findings.extend(beside_reference(value, place));
        return;
    }
    for (key, child) in entries(value) {
        let place = join(place, key);
        match kind.keys.iter().find(|(known, _)| *known == key) {
            Some((_, expected)) => shape(expected, key, child, &place, findings),
            None => findings.extend(strange(kind, key, &place)),
        }
    }
    let missing = kind.required.iter().filter(|key| value.get(key).is_none());
    findings.extend(missing.map(|key| lacking(kind, key, place)));
}

fn shape(shape: &Shape, key: &str, value: &Value, place: &str, findings: &mut Vec<Finding>) {
    match shape {
        Shape::Any => {}
        Shape::Text => findings.extend((!value.is_string()).then(|| not_text(key, value, place))),
        Shape::Flag => findings.extend((!value.is_boolean()).then(|| not_flag(key, value, place))),
        Shape::Number => {
            findings.extend((!value.is_number()).then(|| wrong(place, value, "write a number")));
        }
        Shape::Word(words) => findings.extend(not_one_of(words, key, value, place)),
        Shape::List(inner) => {
            if !value.is_array() {
                findings.push(wrong(place, value, &format!("write `{key}` as a list")));
            }
            for (index, child) in items(value).iter().enumerate() {
                self::shape(inner, key, child, &join(place, &index.to_string()), findings);
            }
        }
        Shape::Map(good_key, inner) => {
            if !value.is_object() {
                findings.push(wrong(place, value, &format!("write `{key}` as a map")));
            }
            for (name, child) in entries(value) {
                let place = join(place, name);
                findings.extend((!good_key(name)).then(|| bad_name(key, name, &place)));
                self::shape(inner, name, child, &place, findings);
            }
        }
        Shape::NodeOrFlag(_) if value.is_boolean() => {}
        Shape::Node(kind) | Shape::NodeOrFlag(kind) => node(kind, value, place, findings),
    }
}

fn join(place: &str, step: &str) -> String {
    if place.is_empty() { step.to_owned() } else { format!("{place}.{step}") }
}

/// A key that OpenAPI 3.0.3 doesn't allow on this kind.
fn strange(kind: &Kind, key: &str, place: &str) -> Option<Finding> {
    if key.starts_with("x-") {
        return strange_extension(kind, key, place);
    }
    if let Some((_, instead)) = kind.newer.iter().find(|(newer, _)| *newer == key) {
        let message = format!("`{key}` is a word of OpenAPI 3.1");
        return Some(Finding::new(NEWER, place, message, format!("3.0.3 has {instead} for it")));
    }
    let known = kind.keys.iter().map(|(known, _)| *known);
    let message = format!("`{key}` isn't a key of {}", kind.name);
    let cure = or_similar(key, known, "take it out: OpenAPI 3.0.3 takes no notice of it");
    Some(Finding::new(UNKNOWN_KEY, place, message, cure))
}

fn strange_extension(kind: &Kind, key: &str, place: &str) -> Option<Finding> {
    let cure = "correct its name, or take it out: specs/README.md lists those that are known";
    let cure = or_similar(key, kind.extensions.iter().copied(), cure);
    (!kind.extensions.contains(&key))
        .then(|| Finding::new(EXTENSION, place, format!("`{key}` means nothing here"), cure))
}

fn beside_reference(value: &Value, place: &str) -> Vec<Finding> {
    let others = entries(value).map(|(key, _)| key).filter(|key| *key != "$ref");
    let message = |key| format!("`{key}` beside `$ref` has no effect");
    let cure = "take it out, or write `allOf: [{$ref: …}]` instead of the bare `$ref`";
    others.map(|key| Finding::new(UNKNOWN_KEY, join(place, key), message(key), cure)).collect()
}

fn lacking(kind: &Kind, key: &str, place: &str) -> Finding {
    let place = if place.is_empty() { "(document)" } else { place };
    Finding::new(MISSING_KEY, place, format!("{} must have `{key}`", kind.name), format!("add `{key}`"))
}

fn bad_name(key: &str, name: &str, place: &str) -> Finding {
    let cure = match key {
        "paths" => "begin the path with `/`",
        _ => "write a status as `200` or `4XX`, or `default`",
    };
    Finding::new(WRONG_VALUE, place, format!("`{name}` can't be a key of `{key}`"), cure)
}

fn not_text(key: &str, value: &Value, place: &str) -> Finding {
    let quoted = format!("quote it: `{key}: \"{value}\"`");
    let plain = value.is_number() || value.is_boolean();
    wrong(place, value, if plain { &quoted } else { "write a text" })
}

fn not_flag(key: &str, value: &Value, place: &str) -> Finding {
    if key.starts_with("exclusive") && value.is_number() {
        let bound = key.replace("exclusiveM", "m");
        let cure = format!("3.0.3 has `{bound}: {value}` with `{key}: true` for it");
        return Finding::new(NEWER, place, format!("a number in `{key}` is a word of OpenAPI 3.1"), cure);
    }
    wrong(place, value, "write `true` or `false`")
}

fn not_one_of(words: &[&str], key: &str, value: &Value, place: &str) -> Option<Finding> {
    let word = value.as_str();
    if word.is_some_and(|word| words.contains(&word)) {
        return None;
    }
    if key == "type" && (value.is_array() || word == Some("null")) {
        let message = format!("`type: {value}` is a word of OpenAPI 3.1");
        return Some(Finding::new(NEWER, place, message, "3.0.3 has one type, and `nullable: true`"));
    }
    let near = similar(word.unwrap_or_default(), words.iter().copied());
    let cure = near.map_or_else(
        || format!("write one of {}", words.join(", ")),
        |near| format!("write `{key}: {near}`"),
    );
    Some(wrong(place, value, &cure))
}

fn wrong(place: &str, value: &Value, cure: &str) -> Finding {
    let shown = match value {
        Value::Object(_) => "a map".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    };
    Finding::new(WRONG_VALUE, place, format!("{shown} can't stand here"), cure)
}
