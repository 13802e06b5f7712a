//! A vendor's document or ours, whatever its format: Swagger 2.0 or OpenAPI 3, YAML or JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shape::{Shape, Shapes};

/// A parsed document.
pub(super) struct Document {
    root: Value,
    swagger: bool,
}

/// Where an operation is found: method and path, the names of path parameters left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) method: String,
}

/// What goes in and what comes out.
#[derive(Debug, Default)]
pub(super) struct Operation {
    /// The path as the document has it.
    pub(super) path: String,
    /// Parameters of query and header by name.
    pub(super) parameters: BTreeMap<String, Shape>,
    pub(super) request: Option<Shape>,
    pub(super) reply: Option<Shape>,
}

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // JSON is YAML, too.
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

    pub(super) fn operations(&self) -> BTreeMap<Place, Operation> {
        let mut operations = BTreeMap::new();
        for (path, item) in entries(&self.root["paths"]) {
            for method in METHODS {
                if let Some(node) = item.get(method) {
                    let full = self.full_path(path);
                    let place = Place { path: unnamed(&full), method: method.to_uppercase() };
                    operations.insert(place, self.operation(full, item, node));
                }
            }
        }
        operations
    }

    /// Swagger 2.0 may keep what all paths start with apart.
    fn full_path(&self, path: &str) -> String {
        let base = self.root["basePath"].as_str().unwrap_or_default().trim_end_matches('/');
        format!("{base}{path}")
    }

    fn operation(&self, path: String, item: &Value, node: &Value) -> Operation {
        let shapes = Shapes::new(&self.root);
        let mut operation = Operation { path, ..Operation::default() };
        for parameter in list(&item["parameters"]).iter().chain(list(&node["parameters"])) {
            let parameter = shapes.resolve(parameter);
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            match parameter["in"].as_str() {
                Some("query" | "header") => {
                    let schema = parameter.get("schema").unwrap_or(parameter);
                    operation.parameters.insert(name, shapes.shape(schema));
                }
                Some("body") => operation.request = Some(shapes.shape(&parameter["schema"])),
                _ => {}
            }
        }
        let body = shapes.resolve(&node["requestBody"]);
        if let Some(schema) = json_schema(body) {
            operation.request = Some(shapes.shape(schema));
        }
        operation.reply = self.reply(&shapes, node);
        operation
    }

    /// What the first good status that has a schema answers.
    fn reply(&self, shapes: &Shapes<'_>, node: &Value) -> Option<Shape> {
        let good = entries(&node["responses"]).filter(|(status, _)| status.starts_with('2'));
        good.map(|(_, response)| shapes.resolve(response)).find_map(|response| {
            let schema = if self.swagger { response.get("schema") } else { json_schema(response) };
            schema.map(|schema| shapes.shape(schema))
        })
    }
}

/// The schema of a body's JSON form.
fn json_schema(body: &Value) -> Option<&Value> {
    entries(&body["content"])
        .find(|(kind, _)| kind.contains("json"))
        .and_then(|(_, media)| media.get("schema"))
}

/// `/instances/{name}` and `/instances/{instance}` are one place, and so is the one with a slash at its end.
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
