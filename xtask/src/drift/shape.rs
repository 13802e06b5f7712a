//! What a value looks like, as far as two documents can be compared: fields, types and words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{entries, list};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Anything, or something that can't be compared.
    Any,
    /// A map with free keys.
    Map(Box<Shape>),
    Object(BTreeMap<String, Shape>),
    List(Box<Shape>),
    /// A string, number or boolean; with words if only these are known.
    Plain {
        kind: String,
        words: BTreeSet<String>,
    },
}

/// Reads the shapes of one document.
#[derive(Clone, Copy)]
pub(super) struct Shapes<'a> {
    root: &'a Value,
}

/// Deeper than this, documents only repeat themselves.
const DEEPEST: usize = 10;

impl<'a> Shapes<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    /// The node itself, or what its `$ref` points at.
    pub(super) fn resolve(&self, node: &'a Value) -> &'a Value {
        let mut node = node;
        // A bound, since a document may refer in circles.
        for _ in 0..16 {
            let target = node["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
            match target.and_then(|target| self.root.pointer(target)) {
                Some(target) => node = target,
                None => break,
            }
        }
        node
    }

    pub(super) fn shape(&self, schema: &'a Value) -> Shape {
        self.at(schema, 0)
    }

    fn at(&self, schema: &'a Value, depth: usize) -> Shape {
        if depth > DEEPEST {
            return Shape::Any;
        }
        let schema = self.resolve(schema);
        let parts = ["allOf", "anyOf", "oneOf"].iter().flat_map(|key| list(&schema[*key]));
        let own = self.own(schema, depth);
        // Alternatives are laid over each other: the comparison asks what may be there.
        parts.map(|part| self.at(part, depth + 1)).fold(own, Shape::merged)
    }

    /// Without the parts that it is put together from.
    fn own(&self, schema: &'a Value, depth: usize) -> Shape {
        match kind(schema) {
            Some("array") => Shape::List(Box::new(self.at(&schema["items"], depth + 1))),
            Some("object") => self.object(schema, depth),
            Some(kind) => Shape::Plain { kind: kind.to_owned(), words: words(schema) },
            None => Shape::Any,
        }
    }

    fn object(&self, schema: &'a Value, depth: usize) -> Shape {
        let fields: BTreeMap<_, _> = entries(&schema["properties"])
            .map(|(name, field)| (name.to_owned(), self.at(field, depth + 1)))
            .collect();
        match &schema["additionalProperties"] {
            Value::Object(_) if fields.is_empty() => {
                Shape::Map(Box::new(self.at(&schema["additionalProperties"], depth + 1)))
            }
            _ if fields.is_empty() => Shape::Any,
            _ => Shape::Object(fields),
        }
    }
}

impl Shape {
    fn merged(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, shape) | (shape, Self::Any) => shape,
            (Self::Object(mut fields), Self::Object(more)) => {
                for (name, field) in more {
                    let known = fields.remove(&name).unwrap_or(Self::Any);
                    fields.insert(name, known.merged(field));
                }
                Self::Object(fields)
            }
            (Self::Plain { kind, mut words }, Self::Plain { words: more, .. }) => {
                words.extend(more);
                Self::Plain { kind, words }
            }
            (shape, _) => shape,
        }
    }

    /// In a word, for a person.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Any => "anything",
            Self::Map(_) => "map",
            Self::Object(_) => "object",
            Self::List(_) => "list",
            Self::Plain { kind, .. } => kind,
        }
    }
}

/// The type; OpenAPI 3.1 lists `null` beside it, and some documents leave out that an object is one.
fn kind(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ if schema["properties"].is_object() => Some("object"),
        _ => None,
    }
}

fn words(schema: &Value) -> BTreeSet<String> {
    let constant = schema.get("const");
    let words = list(&schema["enum"]).iter().chain(constant);
    words.filter_map(Value::as_str).map(str::to_owned).collect()
}
