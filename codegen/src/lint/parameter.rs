//! Rules about parameters that would be generated wrong, and about paths that could lead elsewhere.

use regress::Regex;
use serde_json::Value;

use super::secret;
use super::sites::Sites;
use crate::Finding;
use crate::document::{Document, is_string_enum};
use crate::prepass::is_secret;
use crate::rule::{PARAMETER_FORM, PATH_PARAMETER};

/// Values that lead to another path once the URL is normalised.
const ASTRAY: [&str; 5] = ["", ".", "..", "/", "\\"];

/// Values that must remain possible.
const ORDINARY: [&str; 2] = ["a", "ä b"];

pub(super) fn check(document: &Document, sites: &Sites<'_>) -> Vec<Finding> {
    let each = sites.parameters.iter();
    each.flat_map(|(place, node)| [form(place, node), astray(document, place, node), unmarked(place, node)])
        .flatten()
        .collect()
}

fn form(place: &str, node: &Value) -> Option<Finding> {
    let (message, cure) = misshapen(node)?;
    Some(Finding::new(PARAMETER_FORM, place, message, cure))
}

fn misshapen(node: &Value) -> Option<(&'static str, &'static str)> {
    let spread = "leave style and explode out: the values are sent as a=1&a=2";
    let usual = ["form", "simple"];
    if node["in"] == "cookie" {
        Some(("a cookie parameter can't be generated", "leave it to the transport"))
    } else if node.get("content").is_some() {
        Some(("a parameter with `content` can't be generated", "give it a `schema`"))
    } else if node["explode"] == false && node["in"] == "query" {
        Some(("`explode: false` would be ignored", spread))
    } else if node["style"].as_str().is_some_and(|style| !usual.contains(&style)) {
        Some(("this style can't be generated", spread))
    } else if node["in"] == "path" && node["required"] != true {
        Some(("a path parameter isn't required", "add `required: true`"))
    } else if node["in"] != "query" && is_secret(&node["schema"]) {
        Some(("a secret can only be a query parameter or in a body", "leave it to the transport"))
    } else {
        None
    }
}

fn unmarked(place: &str, node: &Value) -> Option<Finding> {
    let name = node["name"].as_str().filter(|_| node["in"] == "query")?;
    let marked = node["x-not-secret"] == true || node["schema"]["x-not-secret"] == true;
    let bare = node["schema"]["type"] == "string" && !marked;
    (bare && secret::looks_secret(name)).then(|| secret::finding(place, name))
}

fn astray(document: &Document, place: &str, node: &Value) -> Option<Finding> {
    let schema = document.resolve(&node["schema"]);
    if node["in"] != "path" || schema["type"] != "string" {
        return None;
    }
    let shared = node["schema"]["$ref"].is_string() && !is_string_enum(schema);
    let message = match schema["pattern"].as_str().filter(|_| shared) {
        None => {
            "a path parameter without a pattern of a shared schema: `..` would reach another path".to_owned()
        }
        Some(pattern) => fault(pattern)?,
    };
    let cure = r"`$ref` a schema with the pattern '^(?!\.{1,2}$)[^/\\]+$'";
    Some(Finding::new(PATH_PARAMETER, place, message, cure))
}

fn fault(pattern: &str) -> Option<String> {
    let regex = match Regex::new(pattern) {
        Ok(regex) => regex,
        Err(error) => return Some(format!("its pattern can't be read: {error}")),
    };
    let passes = |value: &&str| regex.find(value).is_some();
    let astray =
        ASTRAY.iter().find(|value| passes(value)).map(|value| format!("its pattern takes {value:?}"));
    astray.or_else(|| {
        let refused = ORDINARY.iter().find(|value| !passes(value))?;
        Some(format!("its pattern refuses {refused:?}"))
    })
}
