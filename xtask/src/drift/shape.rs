//! The shape of a value, as far as documents can be compared: fields, types, enum values and bounds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{entries, list};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Anything, or something that can't be compared.
    Any,
    /// A map with arbitrary keys.
    Map(Box<Shape>),
    Object(BTreeMap<String, Field>),
    List(Box<Shape>),
    /// A string, number or boolean.
    Plain(Plain),
}

/// What the document says about a scalar.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Plain {
    pub(super) kind: String,
    /// The enum values.
    pub(super) words: BTreeSet<String>,
    pub(super) format: String,
    pub(super) pattern: String,
    /// Lengths and bounds, for example `maxLength 64`.
    pub(super) limits: BTreeSet<String>,
    pub(super) default: String,
    pub(super) nullable: bool,
}

/// A property or a parameter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) shape: Shape,
    pub(super) required: bool,
    pub(super) deprecated: bool,
}

/// Reads the shapes of one document.
#[derive(Clone, Copy)]
pub(super) struct Shapes<'a> {
    root: &'a Value,
}

/// Deeper than this, documents only repeat themselves.
const DEEPEST: usize = 10;

const LIMITS: [&str; 9] = [
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
    "multipleOf",
];

impl<'a> Shapes<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    /// The node itself, or the target of its `$ref`.
    pub(super) fn resolve(&self, node: &'a Value) -> &'a Value {
        let mut node = node;
        // Bounded, because references may form a circle.
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

    pub(super) fn field(&self, node: &'a Value, schema: &'a Value, required: bool) -> Field {
        self.field_at(node, schema, required, 0)
    }

    fn field_at(&self, node: &'a Value, schema: &'a Value, required: bool, depth: usize) -> Field {
        let deprecated = node["deprecated"] == true || self.resolve(schema)["deprecated"] == true;
        Field { shape: self.at(schema, depth), required, deprecated }
    }

    fn at(&self, schema: &'a Value, depth: usize) -> Shape {
        if depth > DEEPEST {
            return Shape::Any;
        }
        let schema = self.resolve(schema);
        let part = |part| self.at(part, depth + 1);
        let whole = list(&schema["allOf"]).iter().map(part).fold(self.own(schema, depth), Shape::and);
        // Alternatives are merged, because the comparison asks what may occur.
        let alternatives = ["anyOf", "oneOf"].iter().flat_map(|key| list(&schema[*key]));
        match alternatives.map(part).reduce(Shape::or) {
            Some(one) => whole.and(one),
            None => whole,
        }
    }

    /// The schema without the parts of its `allOf`.
    fn own(&self, schema: &'a Value, depth: usize) -> Shape {
        match kind(schema) {
            Some("array") => Shape::List(Box::new(self.at(&schema["items"], depth + 1))),
            Some("object") => self.object(schema, depth),
            Some(kind) => Shape::Plain(plain(kind, schema)),
            None => Shape::Any,
        }
    }

    fn object(&self, schema: &'a Value, depth: usize) -> Shape {
        let required: BTreeSet<_> = list(&schema["required"]).iter().filter_map(Value::as_str).collect();
        let field = |(name, node)| {
            (String::from(name), self.field_at(node, node, required.contains(name), depth + 1))
        };
        let fields: BTreeMap<_, _> = entries(&schema["properties"]).map(field).collect();
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
    /// The combination of both.
    fn and(self, other: Self) -> Self {
        self.merged(other, |mine, other| mine || other)
    }

    /// A value that has one shape or the other. In our specs, also the inputs and outputs of two operations on one
    /// path.
    pub(super) fn or(self, other: Self) -> Self {
        self.merged(other, |mine, other| mine && other)
    }

    fn merged(self, other: Self, required: fn(bool, bool) -> bool) -> Self {
        match (self, other) {
            (Self::Any, shape) | (shape, Self::Any) => shape,
            (Self::Object(mine), Self::Object(other)) => Self::Object(merged_fields(mine, other, required)),
            (Self::Plain(mine), Self::Plain(other)) => {
                let words = mine.words.into_iter().chain(other.words).collect();
                Self::Plain(Plain { words, nullable: mine.nullable || other.nullable, ..mine })
            }
            (shape, _) => shape,
        }
    }

    /// One word for messages.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Any => "anything",
            Self::Map(_) => "map",
            Self::Object(_) => "object",
            Self::List(_) => "list",
            Self::Plain(plain) => &plain.kind,
        }
    }
}

fn merged_fields(
    mut mine: BTreeMap<String, Field>,
    other: BTreeMap<String, Field>,
    required: fn(bool, bool) -> bool,
) -> BTreeMap<String, Field> {
    for (name, field) in &mut mine {
        field.required = required(field.required, other.get(name).is_some_and(|other| other.required));
    }
    for (name, field) in other {
        let merged = match mine.remove(&name) {
            Some(known) => Field {
                shape: known.shape.merged(field.shape, required),
                required: known.required,
                deprecated: known.deprecated || field.deprecated,
            },
            None => Field { required: required(false, field.required), ..field },
        };
        mine.insert(name, merged);
    }
    mine
}

/// The type. OpenAPI 3.1 lists `null` beside it, and some documents omit `type: object`.
fn kind(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::String(kind) if kind == "null" => None,
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ if schema["properties"].is_object() => Some("object"),
        _ if schema["const"].is_string() || schema["enum"].is_array() => Some("string"),
        _ => None,
    }
}

fn plain(kind: &str, schema: &Value) -> Plain {
    let text = |key: &str| schema[key].as_str().unwrap_or_default().to_owned();
    let limit = |key: &&str| Some(format!("{key} {}", schema.get(*key)?));
    Plain {
        kind: kind.to_owned(),
        words: words(schema),
        format: text("format"),
        pattern: text("pattern"),
        limits: LIMITS.iter().filter_map(limit).collect(),
        default: schema.get("default").map(ToString::to_string).unwrap_or_default(),
        nullable: schema["nullable"] == true || list(&schema["type"]).iter().any(|kind| kind == "null"),
    }
}

fn words(schema: &Value) -> BTreeSet<String> {
    let constant = schema.get("const");
    let words = list(&schema["enum"]).iter().chain(constant);
    words.map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect()
}
