//! Changes to the document before progenitor reads it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::{Document, entries, is_failure, is_string_enum, items, schema_name};
use crate::envelope;
use crate::names::pascal;
use crate::open_enum::OpenEnum;

/// The reserved component schemas, and the hand-written types that replace them.
pub(crate) const RESERVED: [(&str, &str); 2] =
    [("Secret", "crate::Secret"), ("SecretMap", "crate::SecretMap")];

/// A prepared document.
pub(crate) struct Prepared {
    pub(crate) root: Value,
    pub(crate) enums: Vec<OpenEnum>,
    /// Fields with a special way of reading: type name, and the field's name in JSON.
    pub(crate) readers: BTreeMap<(String, String), Reader>,
}

/// How a field is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    NullAsEmpty,
    EmptyAsAbsent,
}

impl Reader {
    /// What the document says about a property.
    fn of(property: &Value) -> Option<Self> {
        match () {
            () if reads_null_as_empty(property) => Some(Self::NullAsEmpty),
            () if reads_empty_as_absent(property) => Some(Self::EmptyAsAbsent),
            () => None,
        }
    }
}

pub(crate) fn prepare(document: &Document) -> Prepared {
    let mut root = document.root.clone();
    strip_failures(&mut root);
    hide_envelopes(document, &mut root);
    hide_patterns(document, &mut root);
    let readers = readers(document);
    absent_to_nullable(&mut root["components"]["schemas"]);
    null_to_optional(&mut root["components"]["schemas"]);
    keep_unknown_members(&mut root["components"]["schemas"]);
    Prepared { root, enums: open_enums(document), readers }
}

/// Hides failures. They reach the caller as one `UnexpectedResponse`, with status, headers and body intact.
fn strip_failures(root: &mut Value) {
    let paths = root["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let members = paths.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut());
    for member in members {
        if let Some(responses) = member.get_mut("responses").and_then(Value::as_object_mut) {
            responses.retain(|status, _| !is_failure(status));
        }
    }
}

/// Replaces envelopes by their member, which is what calls return.
fn hide_envelopes(document: &Document, root: &mut Value) {
    let hidden: BTreeSet<_> = document
        .schemas()
        .filter(|(_, schema)| envelope::named(schema).is_some())
        .map(|(name, _)| name.to_owned())
        .collect();
    drop_schemas(root, &hidden, &Value::Object(Default::default()));
}

/// Removes patterns. They are checked when the value is put into a path.
fn hide_patterns(document: &Document, root: &mut Value) {
    let is_pattern = |schema: &Value| schema["type"] == "string" && schema["pattern"].is_string();
    let hidden: BTreeSet<_> = document
        .schemas()
        .filter(|(_, schema)| is_pattern(schema))
        .map(|(name, _)| name.to_owned())
        .collect();
    drop_schemas(root, &hidden, &serde_json::json!({ "type": "string" }));
}

/// Removes schemas from the document. References to them get the other one.
fn drop_schemas(root: &mut Value, hidden: &BTreeSet<String>, instead: &Value) {
    if let Some(schemas) = root["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| !hidden.contains(name));
    }
    replace(root, hidden, instead);
}

fn replace(node: &mut Value, hidden: &BTreeSet<String>, instead: &Value) {
    if schema_name(node).is_some_and(|name| hidden.contains(name)) {
        node.clone_from(instead);
        return;
    }
    match node {
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, hidden, instead)),
        Value::Array(members) => members.iter_mut().for_each(|member| replace(member, hidden, instead)),
        _ => {}
    }
}

fn open_enums(document: &Document) -> Vec<OpenEnum> {
    let empty = enums_that_may_be_empty(document);
    let named = document.schemas().filter(|(_, schema)| is_string_enum(schema));
    named.map(|(name, schema)| OpenEnum::new(name, schema, empty.contains(name))).collect()
}

/// The schemas that a property reads as empty where they are null.
fn enums_that_may_be_empty(document: &Document) -> BTreeSet<&str> {
    let properties = document.schemas().flat_map(|(_, schema)| {
        let parts = items(&schema["allOf"]).iter().chain([schema]);
        parts.flat_map(|part| entries(&part["properties"]))
    });
    properties.filter(|(_, property)| reads_null_as_empty(property)).filter_map(|(_, it)| alias(it)).collect()
}

/// The name of the schema that this one only wraps.
pub(crate) fn alias(schema: &Value) -> Option<&str> {
    match items(&schema["allOf"]) {
        [part] if !schema["properties"].is_object() => schema_name(part),
        _ => None,
    }
}

fn readers(document: &Document) -> BTreeMap<(String, String), Reader> {
    let fields_of = |(name, schema)| {
        let owner = pascal(name);
        marked(document, schema, 0).into_iter().map(move |(wire, reader)| ((owner.clone(), wire), reader))
    };
    // A wrapper without fields is only another name.
    let kept =
        document.schemas().filter(|(_, schema)| alias(schema).is_none() && envelope::named(schema).is_none());
    kept.flat_map(fields_of).collect()
}

/// The marked properties of a schema and of the parts of its `allOf`.
fn marked(document: &Document, schema: &Value, depth: usize) -> Vec<(String, Reader)> {
    let own = entries(&schema["properties"]);
    let own = own.filter_map(|(wire, property)| Some((wire.to_owned(), Reader::of(property)?)));
    let mut found: Vec<_> = own.collect();
    // Deeper than any document. Bounded, because parts may refer in circles.
    if depth < 16 {
        for part in items(&schema["allOf"]) {
            found.extend(marked(document, document.resolve(part), depth + 1));
        }
    }
    found
}

/// Whether null means the same as a missing value.
pub(crate) fn reads_null_as_absent(schema: &Value) -> bool {
    schema["x-null"] == "absent"
}

/// In OpenAPI 3.0.3, `nullable` has no effect beside `allOf`. For the generator it does.
fn absent_to_nullable(node: &mut Value) {
    if reads_null_as_absent(node)
        && let Some(members) = node.as_object_mut()
    {
        members.remove("x-null");
        members.insert("nullable".to_owned(), Value::Bool(true));
    }
    match node {
        Value::Object(members) => members.values_mut().for_each(absent_to_nullable),
        Value::Array(members) => members.iter_mut().for_each(absent_to_nullable),
        _ => {}
    }
}

pub(crate) fn reads_null_as_empty(property: &Value) -> bool {
    property["x-null"] == "empty"
}

/// Whether an empty text means that there is none.
pub(crate) fn reads_empty_as_absent(property: &Value) -> bool {
    property["x-empty"] == "absent"
}

/// typify makes a plain `Vec`, map or text (with a default) of a property that is neither nullable nor required. Other
/// schemas only become plain if they are required.
fn null_to_optional(schemas: &mut Value) {
    for schema in schemas.as_object_mut().into_iter().flat_map(|schemas| schemas.values_mut()) {
        relax(schema);
        if let Some(Value::Array(parts)) = schema.get_mut("allOf") {
            parts.iter_mut().for_each(relax);
        }
    }
}

fn relax(schema: &mut Value) {
    let (mut relaxed, mut named) = (BTreeSet::new(), Vec::new());
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (wire, property) in properties.into_iter().flatten() {
        if reads_null_as_empty(property) {
            relaxed.insert(wire.clone());
            forget_nullable(property);
            if alias(property).is_some() {
                named.push(Value::from(wire.as_str()));
            }
        }
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|wire| !wire.as_str().is_some_and(|wire| relaxed.contains(wire)));
        required.append(&mut named);
    } else if !named.is_empty() {
        schema["required"] = Value::Array(named);
    }
}

fn forget_nullable(property: &mut Value) {
    if let Some(members) = property.as_object_mut() {
        members.remove("nullable");
        members.remove("x-null");
        if members.get("type").is_some_and(|kind| kind == "string") {
            members.insert("default".to_owned(), Value::from(""));
        }
    }
}

/// typify drops the unknown members of an object if they are allowed by `true`, but keeps them if allowed by `{}`.
fn keep_unknown_members(node: &mut Value) {
    if node["properties"].is_object() && node["additionalProperties"] == true {
        node["additionalProperties"] = Value::Object(Default::default());
    }
    match node {
        Value::Object(members) => members.values_mut().for_each(keep_unknown_members),
        Value::Array(members) => members.iter_mut().for_each(keep_unknown_members),
        _ => {}
    }
}

/// Whether a node refers to one of the reserved schemas.
pub(crate) fn is_secret(node: &Value) -> bool {
    schema_name(node).is_some_and(|name| RESERVED.iter().any(|(reserved, _)| *reserved == name))
}
