//! Each rule refuses its fixture, and says where, what and how to cure it.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use windlass_codegen::{ALL_RULES, Finding, Input, lint};

/// Fixture, line, rule, place, and a word of the cure.
const CASES: &[(&str, usize, &str, &str, &str)] = &[
    ("document", 1, "document", "openapi", "3.0.3"),
    ("document-duplicate-key", 27, "document", "(document)", "correct the YAML"),
    (
        "unknown-key",
        39,
        "unknown-key",
        "components.schemas.Thing.properties.id.nullabel",
        "did you mean `nullable`",
    ),
    (
        "unknown-key-beside-ref",
        20,
        "unknown-key",
        "paths./things/{name}.get.parameters.0.schema.description",
        "allOf",
    ),
    ("newer-openapi", 39, "newer-openapi", "components.schemas.Thing.properties.id.const", "`enum`"),
    (
        "newer-openapi-type",
        38,
        "newer-openapi",
        "components.schemas.Thing.properties.id.type",
        "nullable: true",
    ),
    (
        "newer-openapi-exclusive",
        24,
        "newer-openapi",
        "paths./things/{name}.get.parameters.1.schema.exclusiveMinimum",
        "`minimum: 5` with `exclusiveMinimum: true`",
    ),
    ("newer-openapi-webhooks", 29, "newer-openapi", "webhooks", "`paths`"),
    ("wrong-value", 38, "wrong-value", "components.schemas.Thing.properties.id.type", "write `type: string`"),
    ("wrong-value-text", 4, "wrong-value", "info.version", "`version: \"1.0\"`"),
    ("wrong-value-status", 27, "wrong-value", "paths./things/{name}.get.responses.4o4", "`4XX`"),
    ("missing-key", 2, "missing-key", "info", "add `version`"),
    ("missing-key-paths", 1, "missing-key", "(document)", "add `paths`"),
    ("undeclared-tag", 12, "undeclared-tag", "paths./things/{name}.get.tags.0", "did you mean `things`"),
    ("safe-because", 33, "safe-because", "paths./things/{name}.post.x-retry", "if-unsent"),
    ("safe-because-empty", 33, "safe-because", "paths./things/{name}.post.x-retry", "x-safe-because"),
    ("safe-because-idle", 14, "safe-because", "paths./things/{name}.get.x-safe-because", "take it out"),
    ("path-names", 15, "path-names", "paths./things.get.parameters.0", "in braces"),
    ("path-names-undescribed", 9, "path-names", "paths./boxes/{box}/things/{name}.get", "in: path"),
    ("unknown-required", 36, "unknown-required", "components.schemas.Thing.required.0", "properties"),
    (
        "unknown-required-part",
        44,
        "unknown-required",
        "components.schemas.BigThing.allOf.1.required.1",
        "properties",
    ),
    ("default", 43, "default", "components.schemas.Thing.properties.mode.default", "did you mean `fast`"),
    ("default-type", 41, "default", "components.schemas.Thing.properties.size.default", "or the type"),
    (
        "nullable-without-type",
        41,
        "nullable-without-type",
        "components.schemas.Thing.properties.mode.nullable",
        "x-null: absent",
    ),
    ("x-null-absent", 41, "x-null", "components.schemas.Thing.properties.mode", "leave it out of `required`"),
    ("x-envelope", 36, "x-envelope", "components.schemas.Thing.x-envelope", "holds the data"),
    (
        "x-envelope-place",
        39,
        "x-envelope",
        "components.schemas.Thing.properties.other.x-envelope",
        "holds the data",
    ),
    ("x-scope", 17, "x-scope", "paths./things/{name}.get.parameters.0.x-scope", "take it out"),
    ("x-frames", 14, "x-frames", "paths./things/{name}.get.x-frames", "on a websocket"),
    ("x-frames-word", 14, "x-frames", "paths./things/{name}.get.x-frames", "received: {$ref"),
    ("x-scope-word", 22, "x-scope", "paths./things/{name}.get.parameters.1.x-scope", "`everywhere`"),
    (
        "reference",
        25,
        "reference",
        "paths./things/{name}.get.responses.200.content.application/json.schema",
        "component",
    ),
    ("operation-id", 9, "operation-id", "paths./things/{name}.get", "noun_verb"),
    ("operation-id-twice", 29, "operation-id", "paths./things/{name}.post", "another operationId"),
    ("summary", 9, "summary", "paths./things/{name}.get", "one sentence"),
    ("tag", 9, "tag", "paths./things/{name}.get", "tags: [group]"),
    ("retry", 9, "retry", "paths./things/{name}.get", "if-unsent"),
    ("not-processed", 9, "not-processed", "paths./things/{name}.get", "as numbers"),
    ("timeout", 9, "timeout", "paths./things/{name}.get", "x-timeout: none"),
    ("failure-response", 9, "failure-response", "paths./things/{name}.get", "4xx"),
    ("success-response", 9, "success-response", "paths./things/{name}.get", "two operations"),
    ("success-response-missing", 9, "success-response", "paths./things/{name}.get", "2xx"),
    ("unknown-extension", 14, "unknown-extension", "paths./things/{name}.get.x-retries", "specs/README.md"),
    (
        "inline-body",
        25,
        "inline-body",
        "paths./things/{name}.get.responses.200.content.application/json.schema",
        "$ref",
    ),
    ("media-type", 40, "media-type", "paths./things/{name}.post.requestBody", "one operation for each"),
    ("media-type-multipart", 40, "media-type", "paths./things/{name}.post.requestBody", "octet-stream"),
    ("path-parameter", 15, "path-parameter", "paths./things/{name}.get.parameters.0", "pattern"),
    ("path-parameter-pattern", 15, "path-parameter", "paths./things/{name}.get.parameters.0", "pattern"),
    ("parameter-form", 20, "parameter-form", "paths./things/{name}.get.parameters.1", "explode"),
    ("parameter-form-cookie", 20, "parameter-form", "paths./things/{name}.get.parameters.1", "transport"),
    ("parameter-form-deep", 20, "parameter-form", "paths./things/{name}.get.parameters.1", "style"),
    ("parameter-form-content", 20, "parameter-form", "paths./things/{name}.get.parameters.1", "schema"),
    ("inline-enum", 22, "inline-enum", "paths./things/{name}.get.parameters.1.schema", "components.schemas"),
    ("all-of", 38, "all-of", "components.schemas.Thing.properties.size.allOf", "components.schemas"),
    ("any-of", 38, "any-of", "components.schemas.Thing.properties.size.anyOf", "optional"),
    ("one-of", 38, "one-of", "components.schemas.Thing.properties.size.oneOf", "optional"),
    ("not", 38, "not", "components.schemas.Thing.properties.size.not", "what it is"),
    ("discriminator", 36, "discriminator", "components.schemas.Thing.discriminator", "open enum"),
    ("closed-object", 34, "closed-object", "components.schemas.Thing", "additionalProperties: true"),
    ("unknown-fields", 34, "unknown-fields", "components.schemas.Thing", "additionalProperties: true"),
    ("constraint", 37, "constraint", "components.schemas.Thing.properties.id", "description"),
    ("constraint-minimum", 37, "constraint", "components.schemas.Thing.properties.size", "description"),
    ("format", 37, "format", "components.schemas.Thing.properties.id", "leave the format out"),
    (
        "nullable-collection",
        37,
        "nullable-collection",
        "components.schemas.Thing.properties.tags",
        "nullable: true",
    ),
    ("x-null", 37, "x-null", "components.schemas.Thing.properties.id", "nullable texts, lists and maps"),
    ("x-null-enum", 40, "x-null", "components.schemas.Thing.properties.size", "x-null: absent"),
    ("x-empty", 37, "x-empty", "components.schemas.Thing.properties.id", "nullable texts"),
    ("name-collision", 36, "name-collision", "components.schemas.Thing.properties", "rename"),
    ("name-collision-enum", 42, "name-collision", "components.schemas.Mode.enum", "leave one out"),
    ("doc-text", 11, "doc-text", "paths./things/{name}.get.summary", "code span"),
    ("doc-text-code", 12, "doc-text", "paths./things/{name}.get.description", "code span"),
    ("doc-text-html", 11, "doc-text", "paths./things/{name}.get.summary", "code span"),
    ("secret", 37, "secret", "components.schemas.Thing.properties.auth-token", "schemas/Secret"),
    ("secret-parameter", 20, "secret", "paths./things/{name}.get.parameters.1", "schemas/Secret"),
    ("reserved-schema", 40, "reserved-schema", "components.schemas.Secret", "another name"),
];

fn findings(name: &str) -> Vec<Finding> {
    let text = text(name);
    let file = format!("specs/{name}.yaml");
    lint(&Input { file: &file, text: &text, module: "crate::raw::things" })
}

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{name}.yaml"));
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn each_fixture_breaks_its_rule_and_no_other() {
    for (name, line, rule, place, cure) in CASES {
        let found = findings(name);
        assert_eq!(found.len(), 1, "{name}: {found:#?}");
        assert_eq!((found[0].rule, found[0].place.as_str()), (*rule, *place), "{name}: {found:#?}");
        assert!(found[0].cure.contains(cure), "{name}: {found:#?}");
        let shown = found[0].to_string();
        assert!(shown.starts_with(&format!("specs/{name}.yaml:{line}: {place}: ")), "{line}: {shown}");
        assert!(shown.ends_with(&format!(" [{rule}]")), "{shown}");
    }
}

#[test]
fn each_rule_has_a_fixture() {
    for rule in ALL_RULES {
        assert!(CASES.iter().any(|case| case.2 == *rule), "{rule} has no fixture");
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
    assert_eq!(
        rules,
        ["missing-key", "failure-response", "operation-id", "retry", "success-response", "summary", "tag"]
    );
}
