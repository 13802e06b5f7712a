//! Objects in answers must keep unknown fields.

use super::combine::Rule;
use super::sites::Spot;
use crate::Finding;
use crate::rule::{CLOSED_OBJECT, UNKNOWN_FIELDS};

pub(super) const RULES: &[Rule] = &[closed, forgetful];

fn closed(spot: &Spot<'_>) -> Option<Finding> {
    let closed = spot.received && spot.node["additionalProperties"] == false;
    let message = "an answer with a new field would be refused whole";
    let cure = "write `additionalProperties: true`";
    closed.then(|| Finding::new(CLOSED_OBJECT, &spot.place, message, cure))
}

fn forgetful(spot: &Spot<'_>) -> Option<Finding> {
    let allowed = &spot.node["additionalProperties"];
    let forgetful =
        spot.received && spot.node["properties"].is_object() && allowed != true && allowed != false;
    let message = "fields that it doesn't name would be lost, or fail";
    let cure = "add `additionalProperties: true`";
    forgetful.then(|| Finding::new(UNKNOWN_FIELDS, &spot.place, message, cure))
}
