//! The document as a tree, and ways to walk it.

use serde_json::{Map, Value};
use windlass_yaml::Yaml;

use crate::rule::DOCUMENT;
use crate::{Errors, Finding, Input};

/// The methods a path item can have.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// A parsed document.
pub(crate) struct Document {
    pub(crate) root: Value,
    /// The same tree with line numbers.
    pub(crate) tree: Yaml,
}

/// An operation and its surroundings.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: &'a str,
    pub(crate) node: &'a Value,
    /// The parameters of the path item.
    pub(crate) shared: &'a [Value],
}

impl Document {
    pub(crate) fn parse(input: &Input<'_>) -> Result<Self, Errors> {
        let document = read(input.text).map_err(|why| unreadable(input, &why))?;
        match document.root["openapi"].as_str() {
            Some(version) if version.starts_with("3.0.") => Ok(document),
            Some(version) => Err(wrong_version(input, &document, version)),
            None => Err(wrong_version(input, &document, "of an unknown version")),
        }
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        entries(&self.root["paths"]).flat_map(|(path, item)| operations_of(path, item))
    }

    pub(crate) fn schemas(&self) -> impl Iterator<Item = (&str, &Value)> {
        entries(&self.root["components"]["schemas"])
    }

    /// The node itself, or the target of its `$ref`.
    pub(crate) fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        let mut node = node;
        // Bounded, because references may form a circle.
        for _ in 0..16 {
            match reference(node).and_then(|target| self.root.pointer(target)) {
                Some(target) => node = target,
                None => break,
            }
        }
        node
    }
}

impl<'a> Operation<'a> {
    pub(crate) fn id(&self) -> Option<&'a str> {
        self.node["operationId"].as_str()
    }

    pub(crate) fn place(&self) -> String {
        format!("paths.{}.{}", self.path, self.method)
    }

    pub(crate) fn responses(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        entries(&self.node["responses"])
    }

    /// All parameters with their places, those of the path item first.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (String, &'a Value)> {
        let above = format!("paths.{}.parameters", self.path);
        let own = format!("{}.parameters", self.place());
        let shared = self.shared.iter().enumerate().map(move |(i, node)| (format!("{above}.{i}"), node));
        let mine = items(&self.node["parameters"]).iter().enumerate();
        shared.chain(mine.map(move |(i, node)| (format!("{own}.{i}"), node)))
    }
}

/// Whether progenitor takes this status for a success.
pub(crate) fn is_success(status: &str) -> bool {
    status == "101" || status.starts_with('2')
}

/// Whether the pre-pass hides this status from progenitor.
pub(crate) fn is_failure(status: &str) -> bool {
    status == "default" || status.starts_with('4') || status.starts_with('5')
}

/// The members of an object. Empty if the value isn't one.
pub(crate) fn entries(node: &Value) -> impl Iterator<Item = (&str, &Value)> {
    node.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// The items of a list. Empty if the value isn't one.
pub(crate) fn items(node: &Value) -> &[Value] {
    node.as_array().map_or(&[], Vec::as_slice)
}

/// The target of a `$ref`, as a JSON pointer.
pub(crate) fn reference(node: &Value) -> Option<&str> {
    node["$ref"].as_str()?.strip_prefix('#')
}

/// The component schema that a `$ref` names.
pub(crate) fn schema_name(node: &Value) -> Option<&str> {
    reference(node)?.strip_prefix("/components/schemas/")
}

/// A named string enum.
pub(crate) fn is_string_enum(schema: &Value) -> bool {
    schema["type"] == "string" && schema["enum"].is_array()
}

fn operations_of<'a>(path: &'a str, item: &'a Value) -> impl Iterator<Item = Operation<'a>> {
    let shared = items(&item["parameters"]);
    let known = entries(item).filter(|(method, _)| METHODS.contains(method));
    known.map(move |(method, node)| Operation { path, method, node, shared })
}

fn read(text: &str) -> Result<Document, windlass_yaml::Error> {
    let tree = windlass_yaml::read(text)?;
    Ok(Document { root: sorted(tree.clone().decode()?), tree })
}

/// Sorted keys, whatever features serde_json was built with: the output must not depend on them.
fn sorted(node: Value) -> Value {
    match node {
        Value::Object(map) => {
            let mut members: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        scalar => scalar,
    }
}

fn unreadable(input: &Input<'_>, why: &windlass_yaml::Error) -> Errors {
    let cure = "correct the YAML in this line";
    let message = format!("it can't be read: {}", why.message());
    Finding::new(DOCUMENT, "(document)", message, cure).on_line(input.file, why.line()).into()
}

fn wrong_version(input: &Input<'_>, document: &Document, version: &str) -> Errors {
    let message = format!("this is OpenAPI {version}");
    let cure = "write OpenAPI 3.0.3, the only version that the generator takes";
    Finding::new(DOCUMENT, "openapi", message, cure).located(input.file, &document.tree).into()
}
