//! Fields of answers: one odd value must not fail the whole answer.

use serde_json::Value;

use super::combine::Rule;
use super::sites::Spot;
use crate::Finding;
use crate::document::items;
use crate::prepass::{alias, reads_empty_as_absent, reads_null_as_absent, reads_null_as_empty};
use crate::rule::{CONSTRAINT, FORMAT, INLINE_ENUM, NULLABLE, NULLABLE_ALONE, X_EMPTY, X_NULL};

pub(super) const RULES: &[Rule] =
    &[inline_enum, constraint, format, nullable, nullable_alone, x_null, x_empty];

/// What typify turns into a check on every value.
const CONSTRAINTS: [&str; 10] = [
    "pattern",
    "minLength",
    "maxLength",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
];

fn inline_enum(spot: &Spot<'_>) -> Option<Finding> {
    let node = spot.node;
    let closed = node["enum"].is_array() && !(spot.named && node["type"] == "string");
    let message = "an enum in this place would fail on values that it doesn't know";
    let cure = "make it a string schema in components.schemas and `$ref` it";
    closed.then(|| Finding::new(INLINE_ENUM, &spot.place, message, cure))
}

fn constraint(spot: &Spot<'_>) -> Option<Finding> {
    let listed = CONSTRAINTS.into_iter().find(|key| spot.node.get(key).is_some());
    let minimum = spot.node.get("minimum").filter(|least| least.as_f64() != Some(0.0)).map(|_| "minimum");
    let key = listed.or(minimum).filter(|_| spot.received)?;
    let message = format!("with `{key}` one odd value would fail the whole answer");
    let cure = "say it in the description; use a separate schema for requests";
    Some(Finding::new(CONSTRAINT, &spot.place, message, cure))
}

fn format(spot: &Spot<'_>) -> Option<Finding> {
    let format = spot.node["format"].as_str()?;
    let strict = ["date", "ip", "ipv4", "ipv6"].contains(&format) && spot.received;
    let message = match format {
        "uuid" => "the crate has no type for `format: uuid`".to_owned(),
        _ if strict => format!("with `format: {format}` one odd value would fail the whole answer"),
        _ => return None,
    };
    Some(Finding::new(FORMAT, &spot.place, message, "leave the format out and say it in the description"))
}

/// Servers written in Go send null for a list or map that is empty.
fn nullable(spot: &Spot<'_>) -> Option<Finding> {
    let (_, required) = spot.property?;
    let strict = spot.received && !required && is_collection(spot.node) && spot.node["nullable"] != true;
    let message = "null in an optional list or map would fail the whole answer";
    let cure = "add `nullable: true`, and `x-null: empty` if null means the same as empty";
    strict.then(|| Finding::new(NULLABLE, &spot.place, message, cure))
}

/// OpenAPI 3.0.3 gives `nullable` a meaning only beside `type`.
fn nullable_alone(spot: &Spot<'_>) -> Option<Finding> {
    let alone = spot.node.get("nullable").is_some() && spot.node.get("type").is_none();
    let message = "`nullable` without `type` has no effect";
    let cure = "write `x-null: absent` beside `allOf: [{$ref: …}]`, or take it out if null never comes";
    alone.then(|| Finding::new(NULLABLE_ALONE, format!("{}.nullable", spot.place), message, cure))
}

fn x_null(spot: &Spot<'_>) -> Option<Finding> {
    let value = spot.node.get("x-null")?;
    if reads_null_as_absent(spot.node) {
        return x_null_absent(spot);
    }
    let message = if !reads_null_as_empty(spot.node) {
        format!("x-null is {value}")
    } else if !can_be_empty(spot.node) {
        "x-null is on what isn't a nullable text, list or map".to_owned()
    } else if !spot.own_field {
        "x-null is on what isn't a property of a named schema".to_owned()
    } else {
        return None;
    };
    let cure = "write `x-null: empty` only on nullable texts, lists and maps, and on wrapped enums, that are \
                properties in components.schemas";
    Some(Finding::new(X_NULL, &spot.place, message, cure))
}

/// Whether the type for it has a value without anything in it. Another rule sees to it that a wrapped schema is an enum.
fn can_be_empty(node: &Value) -> bool {
    alias(node).is_some() || ((is_collection(node) || is_text(node)) && node["nullable"] == true)
}

fn x_empty(spot: &Spot<'_>) -> Option<Finding> {
    let value = spot.node.get("x-empty")?;
    let message = if !reads_empty_as_absent(spot.node) {
        format!("x-empty is {value}")
    } else if !is_text(spot.node) || spot.node["nullable"] != true || spot.node.get("x-null").is_some() {
        "x-empty is on what isn't a nullable text".to_owned()
    } else if !spot.own_field {
        "x-empty is on what isn't a property of a named schema".to_owned()
    } else {
        return None;
    };
    let cure = "write `x-empty: absent` only on nullable texts that are properties in components.schemas";
    Some(Finding::new(X_EMPTY, &spot.place, message, cure))
}

fn x_null_absent(spot: &Spot<'_>) -> Option<Finding> {
    let alias = matches!(items(&spot.node["allOf"]), [part] if part["$ref"].is_string());
    let optional = spot.named || spot.property.is_some_and(|(_, required)| !required);
    let message =
        "`x-null: absent` is on what isn't an optional property or a component that names another schema";
    let cure =
        "write `{x-null: absent, allOf: [{$ref: …}]}` for what may be null, and leave it out of `required`";
    (!alias || !optional).then(|| Finding::new(X_NULL, &spot.place, message, cure))
}

/// A text of any content.
fn is_text(node: &Value) -> bool {
    node["type"] == "string" && node.get("format").is_none() && node.get("enum").is_none()
}

/// A list, or an object without named fields.
fn is_collection(node: &Value) -> bool {
    node["type"] == "array" || (node["type"] == "object" && !node["properties"].is_object())
}
