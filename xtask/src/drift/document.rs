//! A vendor's document or ours, in any format: Swagger 2.0 or OpenAPI 3, YAML or JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::security;
use super::shape::{Field, Shape, Shapes};

/// A parsed document.
pub(super) struct Document {
    root: Value,
    swagger: bool,
}

/// Method and path of an operation, without the names of path parameters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) path: String,
    pub(super) method: String,
}

/// The inputs and outputs of an operation.
#[derive(Debug, Default)]
pub(super) struct Operation {
    /// The path as written in the document.
    pub(super) path: String,
    pub(super) deprecated: bool,
    /// The ways to authenticate.
    pub(super) security: BTreeSet<String>,
    /// Query and header parameters, for example `query limit`.
    pub(super) parameters: BTreeMap<String, Field>,
    pub(super) request: Option<Field>,
    /// The answer of each status, if documented.
    pub(super) replies: BTreeMap<String, Option<Shape>>,
}

/// How closely to read a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// For a comparison with another author's document: differences of style don't count.
    Loose,
    /// For a comparison with another edition of the same document.
    Exact,
}

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // JSON is also YAML.
        let root: Value = windlass_yaml::from_str(text).map_err(|e| e.to_string())?;
        match (root["swagger"].as_str(), root["openapi"].as_str()) {
            (Some("2.0"), _) => Ok(Self { root, swagger: true }),
            (_, Some(version)) if version.starts_with("3.") => Ok(Self { root, swagger: false }),
            _ => Err("is neither Swagger 2.0 nor OpenAPI 3".to_owned()),
        }
    }

    pub(super) fn flavour(&self) -> &'static str {
        if self.swagger { "Swagger 2.0" } else { "OpenAPI 3" }
    }

    pub(super) fn operations(&self, reading: Reading) -> BTreeMap<Route, Operation> {
        let mut operations: BTreeMap<_, Operation> = BTreeMap::new();
        for (path, item) in entries(&self.root["paths"]) {
            for method in METHODS {
                if let Some(node) = item.get(method) {
                    let full = self.full_path(path);
                    let route = Route { path: unnamed(&full), method: method.to_uppercase() };
                    let operation = self.operation(full, item, node, reading);
                    // Our specs may have several operations on one path, told apart by what follows a `#`.
                    let both = match operations.remove(&route) {
                        Some(other) => other.or(operation),
                        None => operation,
                    };
                    operations.insert(route, both);
                }
            }
        }
        operations
    }

    /// Swagger 2.0 may have a common prefix of all paths. A `#` and what follows exist only in our specs.
    fn full_path(&self, path: &str) -> String {
        let base = self.root["basePath"].as_str().unwrap_or_default().trim_end_matches('/');
        format!("{base}{}", path.split('#').next().unwrap_or_default())
    }

    fn operation(&self, path: String, item: &Value, node: &Value, reading: Reading) -> Operation {
        let shapes = Shapes::new(&self.root);
        let mut operation = Operation {
            path,
            deprecated: node["deprecated"] == true,
            security: security::of(&self.root, node),
            replies: self.replies(&shapes, node),
            ..Operation::default()
        };
        for parameter in list(&item["parameters"]).iter().chain(list(&node["parameters"])) {
            operation.add_parameter(shapes, shapes.resolve(parameter), reading);
        }
        let body = shapes.resolve(&node["requestBody"]);
        if let Some(schema) = json_schema(body) {
            operation.request = Some(shapes.field(body, schema, body["required"] == true));
        }
        operation.add_frames(shapes, &node["x-frames"]);
        operation
    }

    fn replies(&self, shapes: &Shapes<'_>, node: &Value) -> BTreeMap<String, Option<Shape>> {
        let reply = |response| {
            let response = shapes.resolve(response);
            let schema = if self.swagger { response.get("schema") } else { json_schema(response) };
            schema.map(|schema| shapes.shape(schema))
        };
        entries(&node["responses"]).map(|(status, response)| (status.to_owned(), reply(response))).collect()
    }
}

impl Operation {
    fn add_parameter<'a>(&mut self, shapes: Shapes<'a>, parameter: &'a Value, reading: Reading) {
        let name = parameter["name"].as_str().unwrap_or_default();
        let required = parameter["required"] == true;
        let schema = parameter.get("schema").unwrap_or(parameter);
        let field = || shapes.field(parameter, schema, required);
        match parameter["in"].as_str() {
            // Covered by `security`.
            Some("header") if name.eq_ignore_ascii_case("authorization") && reading == Reading::Loose => {}
            // Some documents say `query` for path parameters.
            Some("query") if self.path.contains(&format!("{{{name}}}")) && reading == Reading::Loose => {}
            Some(route @ ("query" | "header")) => {
                self.parameters.insert(format!("{route} {name}"), field());
            }
            Some("body") if parameter.get("schema").is_some() => self.request = Some(field()),
            // Some documents list each member of the body as a separate body.
            Some("body" | "formData") => self.add_member(name, field()),
            _ => {}
        }
    }

    fn add_member(&mut self, name: &str, member: Field) {
        let body = self.request.get_or_insert_with(|| Field {
            shape: Shape::Object(BTreeMap::new()),
            required: false,
            deprecated: false,
        });
        body.required |= member.required;
        if let Shape::Object(members) = &mut body.shape {
            members.insert(name.to_owned(), member);
        }
    }

    /// Websocket messages, as documents without a way to describe them do it: received ones as the answer 200, sent
    /// ones as parameters with dots in their names.
    fn add_frames<'a>(&mut self, shapes: Shapes<'a>, frames: &'a Value) {
        if let Some(received) = frames.get("received") {
            self.replies.remove("101");
            self.replies.insert("200".to_owned(), Some(shapes.shape(received)));
        }
        if let Some(sent) = frames.get("sent") {
            self.spread(&shapes.shape(sent), "query ");
        }
    }

    fn spread(&mut self, shape: &Shape, above: &str) {
        let Shape::Object(fields) = shape else { return };
        for (name, field) in fields {
            match &field.shape {
                Shape::Object(_) => self.spread(&field.shape, &format!("{above}{name}.")),
                _ => _ = self.parameters.insert(format!("{above}{name}"), field.clone()),
            }
        }
    }

    /// Two operations on one path.
    fn or(mut self, other: Self) -> Self {
        for (name, field) in other.parameters {
            self.parameters.entry(name).or_insert(field);
        }
        self.request = match (self.request, other.request) {
            (Some(mine), Some(other)) => Some(Field { shape: mine.shape.or(other.shape), ..mine }),
            (mine, other) => mine.or(other),
        };
        for (status, reply) in other.replies {
            self.replies.entry(status).or_insert(reply);
        }
        self
    }
}

/// The schema of a body's JSON form.
fn json_schema(body: &Value) -> Option<&Value> {
    entries(&body["content"])
        .find(|(kind, _)| kind.contains("json"))
        .and_then(|(_, media)| media.get("schema"))
}

/// `/instances/{name}`, `/instances/{instance}` and the same with a trailing slash are one route.
fn unnamed(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut inside = false;
    for letter in path.trim_end_matches('/').chars() {
        match letter {
            '{' => (inside, _) = (true, plain.push_str("{}")),
            '}' => inside = false,
            other if !inside => plain.push(other),
            _ => {}
        }
    }
    plain
}

pub(super) fn entries(node: &Value) -> impl Iterator<Item = (&str, &Value)> {
    node.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

pub(super) fn list(node: &Value) -> &[Value] {
    node.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters_dont_matter() {
        assert_eq!(unnamed("/a/{name}/b/{x}"), "/a/{}/b/{}");
        assert_eq!(unnamed("/a/?recursion=1"), "/a/?recursion=1");
        assert_eq!(unnamed("/a/"), "/a");
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(Document::parse("swagger: '1.2'").is_err());
        assert!(Document::parse("a: [").is_err());
        assert!(Document::parse("{\"openapi\": \"3.1.0\"}").is_ok());
    }
}
