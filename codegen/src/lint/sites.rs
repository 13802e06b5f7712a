//! All places in a document where a rule may apply, each listed once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::{Document, Operation, entries, items, reference, schema_name};

/// The places in a document.
pub(super) struct Sites<'a> {
    pub(super) parameters: BTreeMap<String, &'a Value>,
    pub(super) requests: BTreeMap<String, &'a Value>,
    pub(super) responses: BTreeMap<String, &'a Value>,
    pub(super) spots: Vec<Spot<'a>>,
}

/// A schema, at any place.
#[derive(Clone)]
pub(super) struct Spot<'a> {
    pub(super) place: String,
    pub(super) node: &'a Value,
    /// Whether it can occur in a response, successful or not.
    pub(super) received: bool,
    /// The property whose schema it is, and whether the property is required.
    pub(super) property: Option<(&'a str, bool)>,
    /// Whether it is a part of an `allOf`.
    pub(super) part: bool,
    /// Whether it is a component.
    pub(super) named: bool,
    /// Whether it is a component, or a part of one's `allOf`.
    pub(super) own_struct: bool,
    /// Whether it is a property of one of those.
    pub(super) own_field: bool,
}

impl<'a> Sites<'a> {
    pub(super) fn gather(document: &'a Document) -> Self {
        let mut sites = Self {
            parameters: BTreeMap::new(),
            requests: BTreeMap::new(),
            responses: BTreeMap::new(),
            spots: Vec::new(),
        };
        for operation in document.operations() {
            sites.add_operation(document, &operation);
        }
        sites.add_spots(document);
        sites
    }

    fn add_operation(&mut self, document: &'a Document, operation: &Operation<'a>) {
        for (place, node) in operation.parameters() {
            self.parameters.extend([resolved(document, place, node)]);
        }
        let request = operation.node.get("requestBody");
        self.requests.extend(
            request.map(|node| resolved(document, format!("{}.requestBody", operation.place()), node)),
        );
        for (status, node) in operation.responses() {
            let place = format!("{}.responses.{status}", operation.place());
            self.responses.extend([resolved(document, place, node)]);
        }
    }

    fn add_spots(&mut self, document: &'a Document) {
        let received = received(document, &self.responses);
        let mut spots = Vec::new();
        for (name, node) in document.schemas() {
            let mut spot = Spot::new(format!("components.schemas.{name}"), node, received.contains(name));
            (spot.named, spot.own_struct) = (true, true);
            spot.walk(&mut spots);
        }
        for (place, node) in &self.parameters {
            if let Some(schema) = node.get("schema") {
                Spot::new(format!("{place}.schema"), schema, false).walk(&mut spots);
            }
        }
        for (bodies, received) in [(&self.requests, false), (&self.responses, true)] {
            for (place, node) in bodies.iter().flat_map(|(place, node)| media_schemas(place, node)) {
                Spot::new(place, node, received).walk(&mut spots);
            }
        }
        self.spots = spots;
    }
}

impl<'a> Spot<'a> {
    fn new(place: String, node: &'a Value, received: bool) -> Self {
        Self {
            place,
            node,
            received,
            property: None,
            part: false,
            named: false,
            own_struct: false,
            own_field: false,
        }
    }

    /// Adds this schema and all schemas within it.
    fn walk(self, spots: &mut Vec<Self>) {
        for (name, node) in entries(&self.node["properties"]) {
            let required = items(&self.node["required"]).iter().any(|required| required == name);
            let mut child = self.child(&format!("properties.{name}"), node);
            (child.property, child.own_field) = (Some((name, required)), self.own_struct);
            child.walk(spots);
        }
        for key in ["items", "additionalProperties", "not"] {
            if let Some(node) = self.node.get(key).filter(|node| node.is_object()) {
                self.child(key, node).walk(spots);
            }
        }
        for key in ["allOf", "oneOf", "anyOf"] {
            for (index, node) in items(&self.node[key]).iter().enumerate() {
                let mut child = self.child(&format!("{key}.{index}"), node);
                child.part = key == "allOf";
                child.own_struct = self.own_struct && child.part;
                child.walk(spots);
            }
        }
        spots.push(self);
    }

    fn child(&self, step: &str, node: &'a Value) -> Self {
        Self::new(format!("{}.{step}", self.place), node, self.received)
    }
}

/// The schemas of a body's media types, with their places.
pub(super) fn media_schemas<'a>(place: &str, body: &'a Value) -> Vec<(String, &'a Value)> {
    let content = entries(&body["content"]);
    let schemas = content.filter_map(|(media_type, node)| Some((media_type, node.get("schema")?)));
    schemas.map(|(media_type, node)| (format!("{place}.content.{media_type}.schema"), node)).collect()
}

/// Resolves a `$ref`. The target is listed at its own place, however often it is referred to.
fn resolved<'a>(document: &'a Document, place: String, node: &'a Value) -> (String, &'a Value) {
    let place = reference(node).map_or(place, |target| target.trim_start_matches('/').replace('/', "."));
    (place, document.resolve(node))
}

/// The component schemas that can occur in a response.
fn received<'a>(document: &'a Document, responses: &BTreeMap<String, &'a Value>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Value> = responses.values().copied().collect();
    while let Some(node) = open.pop() {
        let name = schema_name(node).filter(|name| found.insert(*name));
        open.extend(name.map(|name| &document.root["components"]["schemas"][name]));
        open.extend(node.as_object().into_iter().flat_map(|members| members.values()));
        open.extend(items(node));
    }
    found
}
