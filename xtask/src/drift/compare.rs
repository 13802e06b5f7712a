//! Two documents, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::document::{Document, Operation, Place};
use super::shape::Shape;

/// What differs. Empty when nothing does.
#[derive(Debug, Default)]
pub(super) struct Drift {
    /// Operations that only the vendor's document has.
    missing: Vec<String>,
    /// Operations that only our spec has.
    surplus: Vec<String>,
    /// What differs inside those that both have, and in which of them.
    inside: BTreeMap<String, BTreeSet<String>>,
}

impl Drift {
    pub(super) fn count(&self) -> usize {
        self.missing.len() + self.surplus.len() + self.inside.len()
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        section(f, "operations that only upstream has", &self.missing)?;
        section(f, "operations that only our spec has", &self.surplus)?;
        let lines: Vec<_> = self.inside.iter().map(|(what, places)| everywhere(what, places)).collect();
        section(f, "differences inside operations", &lines)
    }
}

/// One line for a difference that many operations share.
fn everywhere(what: &str, places: &BTreeSet<String>) -> String {
    let first = places.first().map(String::as_str).unwrap_or_default();
    match places.len() {
        0 | 1 => format!("{what} [{first}]"),
        count => format!("{what} [{first} and {} more]", count - 1),
    }
}

fn section<'a>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    lines: impl IntoIterator<Item = &'a String>,
) -> fmt::Result {
    let lines: Vec<_> = lines.into_iter().collect();
    writeln!(f, "{title}: {}", lines.len())?;
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}

/// How many operations both documents have.
pub(super) fn shared(ours: &Document, upstream: &Document) -> usize {
    let upstream = upstream.operations();
    ours.operations().keys().filter(|place| upstream.contains_key(place)).count()
}

/// Looks only at operations whose path starts with one of `only`, or at all if it is empty.
pub(super) fn compare(ours: &Document, upstream: &Document, only: &[String]) -> Drift {
    let wanted = |place: &Place| only.is_empty() || only.iter().any(|start| place.path.starts_with(start));
    let pick = |operations: BTreeMap<Place, Operation>| -> BTreeMap<Place, Operation> {
        operations.into_iter().filter(|(place, _)| wanted(place)).collect()
    };
    let (ours, theirs) = (pick(ours.operations()), pick(upstream.operations()));
    let mut drift =
        Drift { missing: alone(&theirs, &ours), surplus: alone(&ours, &theirs), ..Drift::default() };
    for (place, our) in &ours {
        if let Some(their) = theirs.get(place) {
            let mut lines = BTreeSet::new();
            operation(our, their, &mut lines);
            for line in lines {
                drift.inside.entry(line).or_default().insert(label(place, our));
            }
        }
    }
    drift
}

/// The operations of one that the other doesn't have.
fn alone(one: &BTreeMap<Place, Operation>, other: &BTreeMap<Place, Operation>) -> Vec<String> {
    let alone = one.iter().filter(|(place, _)| !other.contains_key(place));
    alone.map(|(place, operation)| label(place, operation)).collect()
}

fn label(place: &Place, operation: &Operation) -> String {
    format!("{} {}", place.method, operation.path)
}

fn operation(ours: &Operation, theirs: &Operation, lines: &mut BTreeSet<String>) {
    fields("parameter", &ours.parameters, &theirs.parameters, lines);
    for (part, ours, theirs) in
        [("request", &ours.request, &theirs.request), ("reply", &ours.reply, &theirs.reply)]
    {
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            shape(part, ours, theirs, lines);
        }
    }
}

fn shape(place: &str, ours: &Shape, theirs: &Shape, lines: &mut BTreeSet<String>) {
    match (ours, theirs) {
        (Shape::Any, _) | (_, Shape::Any) => {}
        (Shape::Object(ours), Shape::Object(theirs)) => fields(place, ours, theirs, lines),
        (Shape::List(ours), Shape::List(theirs)) => shape(&format!("{place}[]"), ours, theirs, lines),
        (Shape::Map(ours), Shape::Map(theirs)) => shape(&format!("{place}{{}}"), ours, theirs, lines),
        (Shape::Plain { kind, words }, Shape::Plain { kind: their_kind, words: their_words }) => {
            if kind != their_kind {
                changed(place, kind, their_kind, lines);
            }
            let new = their_words.iter().filter(|word| !words.is_empty() && !words.contains(*word));
            lines.extend(new.map(|word| format!("{place}: value {word:?} only upstream")));
        }
        (ours, theirs) => changed(place, ours.name(), theirs.name(), lines),
    }
}

fn changed(place: &str, ours: &str, theirs: &str, lines: &mut BTreeSet<String>) {
    lines.insert(format!("{place}: {ours} in our spec, {theirs} upstream"));
}

fn fields(
    place: &str,
    ours: &BTreeMap<String, Shape>,
    theirs: &BTreeMap<String, Shape>,
    lines: &mut BTreeSet<String>,
) {
    for (name, their) in theirs {
        match ours.get(name) {
            Some(our) => shape(&format!("{place} {name}"), our, their, lines),
            None => _ = lines.insert(format!("{place} {name}: only upstream ({})", their.name())),
        }
    }
    for name in ours.keys().filter(|name| !theirs.contains_key(*name)) {
        lines.insert(format!("{place} {name}: only in our spec"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "
openapi: 3.0.3
paths:
  /v1/machines:
    get:
      parameters:
        - {name: state, in: query, schema: {type: string, enum: [up, down]}}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Machines'}}}}
  /v1/machines/{name}:
    delete:
      responses: {'204': {description: gone}}
  /v1/pets:
    get:
      responses: {'204': {description: none}}
components:
  schemas:
    Machines:
      type: object
      properties:
        items: {type: array, items: {$ref: '#/components/schemas/Machine'}}
    Machine:
      type: object
      properties:
        id: {type: string}
        size: {type: integer}
        legacy: {type: string}
        labels: {type: object, additionalProperties: {type: string}}
";

    const SWAGGER: &str = r##"{
"swagger": "2.0", "basePath": "/v1",
"paths": {
  "/machines": {
    "get": {
      "parameters": [
        {"name": "state", "in": "query", "type": "string", "enum": ["up", "down", "asleep"]},
        {"name": "limit", "in": "query", "type": "integer"}],
      "responses": {"200": {"schema": {"$ref": "#/definitions/Machines"}}}},
    "post": {"responses": {"201": {}}}},
  "/machines/{id}": {"delete": {"responses": {"204": {}}}}},
"definitions": {
  "Machines": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/definitions/Machine"}}}},
  "Machine": {"type": "object", "properties": {
    "id": {"type": "string"}, "size": {"type": "string"}, "gpu": {"type": "boolean"},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}}}}}}"##;

    const OPENAPI_3_1: &str = "
openapi: 3.1.0
paths:
  /v1/machines:
    get:
      parameters:
        - {name: state, in: query, schema: {anyOf: [{type: string, enum: [up, down]}, {type: 'null'}]}}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Machines'}}}}
  /v1/machines/{name}:
    delete:
      responses: {'204': {description: gone}}
  /v1/pets:
    get:
      responses: {'204': {description: none}}
components:
  schemas:
    Machines: {properties: {items: {type: array, items: {$ref: '#/components/schemas/Machine'}}}}
    Machine:
      allOf:
        - {type: object, properties: {id: {type: [string, 'null']}, size: {type: integer}}}
        - {type: object, properties: {legacy: {type: string}, parent: {$ref: '#/components/schemas/Machine'}}}
      properties:
        labels: {type: object, additionalProperties: {type: string}}
";

    fn drift(upstream: &str, only: &[&str]) -> Result<String, String> {
        let only: Vec<_> = only.iter().map(|start| (*start).to_owned()).collect();
        Ok(compare(&Document::parse(OURS)?, &Document::parse(upstream)?, &only).to_string())
    }

    #[test]
    fn swagger_2() -> Result<(), String> {
        let expected = "\
operations that only upstream has: 1
  POST /v1/machines
operations that only our spec has: 1
  GET /v1/pets
differences inside operations: 5
  parameter limit: only upstream (integer) [GET /v1/machines]
  parameter state: value \"asleep\" only upstream [GET /v1/machines]
  reply items[] gpu: only upstream (boolean) [GET /v1/machines]
  reply items[] legacy: only in our spec [GET /v1/machines]
  reply items[] size: integer in our spec, string upstream [GET /v1/machines]
";
        assert_eq!(drift(SWAGGER, &[])?, expected);
        Ok(())
    }

    #[test]
    fn openapi_3_1() -> Result<(), String> {
        let expected = "\
operations that only upstream has: 0
operations that only our spec has: 0
differences inside operations: 1
  reply items[] parent: only upstream (object) [GET /v1/machines]
";
        assert_eq!(drift(OPENAPI_3_1, &[])?, expected);
        Ok(())
    }

    #[test]
    fn only_some_paths() -> Result<(), String> {
        let all_the_same = "operations that only upstream has: 0\noperations that only our spec has: 0\ndifferences inside operations: 0\n";
        assert_eq!(drift(SWAGGER, &["/v1/machines/"])?, all_the_same);
        Ok(())
    }

    #[test]
    fn what_many_operations_share_is_one_line() {
        let places = ["GET /a", "GET /b", "GET /c"].map(str::to_owned).into();
        assert_eq!(everywhere("reply x: new", &places), "reply x: new [GET /a and 2 more]");
    }

    #[test]
    fn a_document_doesnt_differ_from_itself() -> Result<(), String> {
        for text in [OURS, SWAGGER, OPENAPI_3_1] {
            let document = Document::parse(text)?;
            assert_eq!(compare(&document, &document, &[]).count(), 0);
            assert_eq!(shared(&document, &document), document.operations().len());
        }
        Ok(())
    }
}
