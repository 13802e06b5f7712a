//! Rules about combined schemas that would be generated wrong, or not at all.

use super::sites::Spot;
use crate::Finding;
use crate::document::items;
use crate::rule::{ALL_OF, ANY_OF, DISCRIMINATOR, NOT, ONE_OF};

/// A rule about one schema.
pub(super) type Rule = fn(&Spot<'_>) -> Option<Finding>;

pub(super) const RULES: &[Rule] = &[all_of, any_of, one_of, not, discriminator];

/// The post-pass can only find the fields of named schemas.
fn all_of(spot: &Spot<'_>) -> Option<Finding> {
    let parts = items(&spot.node["allOf"]).len();
    let merged = parts > 1 || (parts == 1 && spot.node["properties"].is_object());
    let message = "allOf would merge its parts into a type without a name";
    let cure = "move it to components.schemas and `$ref` it";
    let place = format!("{}.allOf", spot.place);
    (merged && !spot.own_struct).then(|| Finding::new(ALL_OF, place, message, cure))
}

fn any_of(spot: &Spot<'_>) -> Option<Finding> {
    let message = "anyOf would become a struct that reads nothing right";
    refuse(spot, "anyOf", ANY_OF, message, "name one schema; let fields that only some have be optional")
}

fn one_of(spot: &Spot<'_>) -> Option<Finding> {
    let message = "oneOf would become an enum that fails on what it doesn't know";
    refuse(spot, "oneOf", ONE_OF, message, "name one schema; let fields that only some have be optional")
}

fn not(spot: &Spot<'_>) -> Option<Finding> {
    refuse(spot, "not", NOT, "the generator can't take `not`", "say what it is, not what it isn't")
}

fn discriminator(spot: &Spot<'_>) -> Option<Finding> {
    let message = "a discriminator would be ignored, and the shape decide";
    refuse(
        spot,
        "discriminator",
        DISCRIMINATOR,
        message,
        "use an open enum for the kind, and optional fields",
    )
}

fn refuse(spot: &Spot<'_>, key: &str, rule: &'static str, message: &str, cure: &str) -> Option<Finding> {
    spot.node.get(key).map(|_| Finding::new(rule, format!("{}.{key}", spot.place), message, cure))
}
