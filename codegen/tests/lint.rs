//! Each rule refuses its fixture, and says where, what and how to cure it.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use windlass_codegen::{ALL_RULES, Finding, Input, lint};

/// Fixture, rule, place, and a word of the cure.
const CASES: &[(&str, &str, &str, &str)] = &[
    ("document", "document", "openapi", "3.0.3"),
    ("document-duplicate-key", "document", "(document)", "correct the YAML"),
    (
        "reference",
        "reference",
        "paths./things/{name}.get.responses.200.content.application/json.schema",
        "component",
    ),
    ("operation-id", "operation-id", "paths./things/{name}.get", "noun_verb"),
    ("operation-id-twice", "operation-id", "paths./things/{name}.post", "another operationId"),
    ("summary", "summary", "paths./things/{name}.get", "one sentence"),
    ("tag", "tag", "paths./things/{name}.get", "tags: [group]"),
    ("retry", "retry", "paths./things/{name}.get", "if-unsent"),
    ("not-processed", "not-processed", "paths./things/{name}.get", "as numbers"),
    ("timeout", "timeout", "paths./things/{name}.get", "x-timeout: none"),
    ("failure-response", "failure-response", "paths./things/{name}.get", "4xx"),
    ("success-response", "success-response", "paths./things/{name}.get", "two operations"),
    ("success-response-missing", "success-response", "paths./things/{name}.get", "2xx"),
    ("unknown-extension", "unknown-extension", "paths./things/{name}.get", "specs/README.md"),
    (
        "inline-body",
        "inline-body",
        "paths./things/{name}.get.responses.200.content.application/json.schema",
        "$ref",
    ),
    ("media-type", "media-type", "paths./things/{name}.post.requestBody", "one operation for each"),
    ("media-type-multipart", "media-type", "paths./things/{name}.post.requestBody", "octet-stream"),
    ("path-parameter", "path-parameter", "paths./things/{name}.get.parameters.0", "pattern"),
    ("path-parameter-pattern", "path-parameter", "paths./things/{name}.get.parameters.0", "pattern"),
    ("parameter-form", "parameter-form", "paths./things/{name}.get.parameters.1", "explode"),
    ("parameter-form-cookie", "parameter-form", "paths./things/{name}.get.parameters.1", "transport"),
    ("parameter-form-deep", "parameter-form", "paths./things/{name}.get.parameters.1", "style"),
    ("parameter-form-content", "parameter-form", "paths./things/{name}.get.parameters.1", "schema"),
    ("inline-enum", "inline-enum", "paths./things/{name}.get.parameters.1.schema", "components.schemas"),
    ("all-of", "all-of", "components.schemas.Thing.properties.size.allOf", "components.schemas"),
    ("any-of", "any-of", "components.schemas.Thing.properties.size.anyOf", "optional"),
    ("one-of", "one-of", "components.schemas.Thing.properties.size.oneOf", "optional"),
    ("not", "not", "components.schemas.Thing.properties.size.not", "what it is"),
    ("discriminator", "discriminator", "components.schemas.Thing.discriminator", "open enum"),
    ("closed-object", "closed-object", "components.schemas.Thing", "additionalProperties: true"),
    ("unknown-fields", "unknown-fields", "components.schemas.Thing", "additionalProperties: true"),
    ("constraint", "constraint", "components.schemas.Thing.properties.id", "description"),
    ("constraint-minimum", "constraint", "components.schemas.Thing.properties.size", "description"),
    ("format", "format", "components.schemas.Thing.properties.id", "leave the format out"),
    (
        "nullable-collection",
        "nullable-collection",
        "components.schemas.Thing.properties.tags",
        "nullable: true",
    ),
    ("x-null", "x-null", "components.schemas.Thing.properties.id", "nullable lists and maps"),
    ("name-collision", "name-collision", "components.schemas.Thing.properties", "rename"),
    ("name-collision-enum", "name-collision", "components.schemas.Mode.enum", "leave one out"),
    ("doc-text", "doc-text", "paths./things/{name}.get.summary", "code span"),
    ("doc-text-code", "doc-text", "paths./things/{name}.get.description", "code span"),
    ("doc-text-html", "doc-text", "paths./things/{name}.get.summary", "code span"),
    ("secret", "secret", "components.schemas.Thing.properties.auth-token", "schemas/Secret"),
    ("secret-parameter", "secret", "paths./things/{name}.get.parameters.1", "schemas/Secret"),
    ("reserved-schema", "reserved-schema", "components.schemas.Secret", "another name"),
];

fn findings(name: &str) -> Vec<Finding> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{name}.yaml"));
    let text = std::fs::read_to_string(path).unwrap();
    let file = format!("specs/{name}.yaml");
    lint(&Input { file: &file, text: &text, module: "crate::raw::things" })
}

#[test]
fn each_fixture_breaks_its_rule_and_no_other() {
    for (name, rule, place, cure) in CASES {
        let found = findings(name);
        assert_eq!(found.len(), 1, "{name}: {found:#?}");
        assert_eq!((found[0].rule, found[0].place.as_str()), (*rule, *place), "{name}: {found:#?}");
        assert!(found[0].cure.contains(cure), "{name}: {found:#?}");
        let shown = found[0].to_string();
        assert!(shown.starts_with(&format!("specs/{name}.yaml: {place}: ")), "{shown}");
        assert!(shown.ends_with(&format!(" [{rule}]")), "{shown}");
    }
}

#[test]
fn each_rule_has_a_fixture() {
    for rule in ALL_RULES {
        assert!(CASES.iter().any(|case| case.1 == *rule), "{rule} has no fixture");
    }
}

#[test]
fn each_fixture_is_used() {
    let others = ["good", "minimal", "unbalanced-path"];
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(others.contains(&name) || CASES.iter().any(|case| case.0 == name), "{name} is not used");
    }
}

#[test]
fn what_is_right_is_not_refused() {
    assert_eq!(findings("good"), []);
    assert_eq!(findings("minimal"), []);
}

#[test]
fn all_findings_are_reported() {
    let text = "openapi: 3.0.3\npaths:\n  /a:\n    get:\n      responses: {}\n";
    let found = lint(&Input { file: "a.yaml", text, module: "crate::raw::a" });
    let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["failure-response", "operation-id", "retry", "success-response", "summary", "tag"]);
}
