//! A change of every kind, planted in a small document of each vendor's style, is found; nothing is told of documents
//! that say the same.

use super::compare::{EDITIONS, SPEC, compare};
use super::document::{Document, Reading};

/// The changed text, its replacement, and the expected difference.
type Change = (&'static str, &'static str, &'static str);

/// Plants each change alone, and compares with our spec and with the unchanged document.
fn every_change_is_found(spec: &str, vendor: &str, changes: &[Change]) -> Result<(), String> {
    let (ours, before) = (Document::parse(spec)?, Document::parse(vendor)?);
    for document in [&ours, &before] {
        assert_eq!(compare(SPEC, document, document, &[]).len(), 0);
        assert!(!document.operations(Reading::Loose).is_empty());
    }
    assert_eq!(compare(SPEC, &ours, &before, &[]), super::Drift::new(), "a false alarm");
    assert_eq!(changes.len(), 20);
    for (from, to, told) in changes {
        assert_eq!(vendor.matches(from).count(), 1, "{from:?} isn't there once");
        let after = Document::parse(&vendor.replacen(from, to, 1))?;
        let found = compare(SPEC, &ours, &after, &[]);
        assert!(found.keys().any(|what| what.contains(told)), "{from} -> {to}: {found:#?}");
        assert!(
            !compare(EDITIONS, &before, &after, &[]).is_empty(),
            "{from} -> {to}: not told of the new edition"
        );
    }
    Ok(())
}

const INCUS: [Change; 20] = [
    ("  /1.0/things/{thing}/exec:", "  /1.0/things/{thing}/attach:", "the operation: only upstream"),
    (
        "    delete:\n      responses:",
        "    delete:\n      deprecated: true\n      responses:",
        "operation deprecated",
    ),
    ("    delete:\n", "    patch:\n", "the operation: only in our spec"),
    (
        "        - { name: all-projects, in: query, type: boolean }\n",
        "",
        "query all-projects: only in our spec",
    ),
    (
        "{ name: kind, in: query,",
        "{ name: sort, in: query, type: string }\n        - { name: kind, in: query,",
        "query sort: only upstream",
    ),
    (
        "name: all-projects, in: query, type: boolean",
        "name: all-projects, in: query, required: true, type: boolean",
        "query all-projects required",
    ),
    (
        "name: all-projects, in: query, type: boolean",
        "name: all-projects, in: query, type: string",
        "boolean in our spec, string upstream",
    ),
    ("[box, machine]", "[box, machine, pod]", "value \"pod\": only upstream"),
    (
        "      source: { type: string }",
        "      source: { type: string }\n      start: { type: boolean }",
        "request start: only upstream",
    ),
    (
        "    required: [name]\n    properties:\n      name: { type: string }\n",
        "    required: [name, source]\n    properties:\n      name: { type: string }\n",
        "request source required: only upstream",
    ),
    (
        "    required: [name]\n    properties:\n      name: { type: string }\n",
        "    properties:\n      name: { type: string }\n",
        "request name required: only in our spec",
    ),
    ("      config: {", "      size: { type: integer }\n      config: {", "metadata size: only upstream"),
    ("enum: [up, down] }", "enum: [up, down, lost] }", "value \"lost\": only upstream"),
    ("enum: [up, down] }", "enum: [up] }", "value \"down\": only in our spec"),
    (
        "      created_at: { type: string, format: date-time }",
        "      created_at: { type: string }",
        "no format upstream",
    ),
    ("pattern: '^[a-z]+$'", "pattern: '^[a-z0-9]+$'", "pattern ^[a-z0-9]+$ upstream"),
    (
        "enum: [up, down] }",
        "enum: [up, down], x-go-name: State, deprecated: true }",
        "state deprecated: only upstream",
    ),
    (
        "        \"202\": { $ref: '#/responses/Operation' }\n        \"400\"",
        "        \"200\": { $ref: '#/responses/Operation' }\n        \"400\"",
        "status 200: only upstream",
    ),
    (
        "        \"400\": { $ref: '#/responses/BadRequest' }",
        "        \"400\": { $ref: '#/responses/BadRequest' }\n        \"402\": { $ref: '#/responses/BadRequest' }",
        "status 402: only upstream",
    ),
    (
        "      wait-for-websocket: { type: boolean }",
        "      wait-for-websocket: { type: string }",
        "request wait-for-websocket: boolean",
    ),
];

#[test]
fn incus() -> Result<(), String> {
    every_change_is_found(
        include_str!("../../tests/drift/incus.spec.yaml"),
        include_str!("../../tests/drift/incus.vendor.yaml"),
        &INCUS,
    )
}

const SHAKENFIST: [Change; 20] = [
    ("  /things/{thing_ref}/data:", "  /things/{thing_ref}/bytes:", "the operation: only upstream"),
    ("    delete:\n", "    patch:\n", "the operation: only in our spec"),
    ("deprecated: false", "deprecated: true", "operation deprecated: only upstream"),
    (
        "        - { name: offset, in: query, required: false, type: integer }\n",
        "",
        "query offset: only in our spec",
    ),
    (
        "{ name: offset, in: query, required: false,",
        "{ name: limit, in: query, required: false, type: integer }\n        - { name: offset, in: query, required: false,",
        "query limit: only upstream",
    ),
    (
        "{ name: offset, in: query, required: false,",
        "{ name: offset, in: query, required: true,",
        "query offset required: only upstream",
    ),
    (
        "{ name: offset, in: query, required: false, type: integer",
        "{ name: offset, in: query, required: false, type: string",
        "integer in our spec, string upstream",
    ),
    (
        "name: order, in: query, required: false, type: string, enum: [up, down]",
        "name: order, in: query, required: false, type: string, enum: [up]",
        "query order value \"down\": only in our spec",
    ),
    (
        "        - { name: cpus,",
        "        - { name: uefi, in: body, required: true, type: boolean }\n        - { name: cpus,",
        "request uefi: only upstream (required boolean)",
    ),
    (
        "{ name: cpus, in: body, required: false,",
        "{ name: cpus, in: body, required: true,",
        "request cpus required: only upstream",
    ),
    (
        "{ name: key, in: body, required: true,",
        "{ name: key, in: body, required: false,",
        "request key required: only in our spec",
    ),
    (
        "        - { name: cpus, in: body, required: false, type: integer, format: int64 }\n",
        "",
        "request cpus: only in our spec",
    ),
    ("enum: [box, disk]", "enum: [box, disk, tape]", "value \"tape\": only upstream"),
    ("type: integer, format: int64", "type: integer, format: int32", "format int32 upstream"),
    ("pattern: '^[a-z]+$'", "pattern: '^[A-Z]+$'", "pattern ^[A-Z]+$ upstream"),
    (
        "responses: { \"200\": { description: Gone }",
        "responses: { \"202\": { description: Gone }",
        "status 202: only upstream",
    ),
    ("\"507\": { description: Full }", "\"402\": { description: Pay }", "status 402: only upstream"),
    ("enum: [404] }", "enum: [404, 410] }", "reply 404 status value \"410\": only upstream"),
    ("required: [uuid]", "required: [uuid, state]", "reply 200 state required: only upstream"),
    (
        "    delete:\n      security: { bearerAuth: [] }\n",
        "    delete:\n",
        "security: bearer in our spec, none upstream",
    ),
];

#[test]
fn shakenfist() -> Result<(), String> {
    every_change_is_found(
        include_str!("../../tests/drift/shakenfist.spec.yaml"),
        include_str!("../../tests/drift/shakenfist.vendor.yaml"),
        &SHAKENFIST,
    )
}

const KOYEB: [Change; 20] = [
    ("  /v1/things/{id}:\n    delete:", "  /v1/boxes/{id}:\n    delete:", "the operation: only upstream"),
    ("    delete:\n", "    put:\n", "the operation: only in our spec"),
    ("    delete:\n", "    delete:\n      deprecated: true\n", "operation deprecated: only upstream"),
    ("        - { name: limit, in: query, schema: { type: string } }\n", "", "query limit: only in our spec"),
    (
        "{ name: limit, in: query,",
        "{ name: limit, in: query, required: true,",
        "query limit required: only upstream",
    ),
    (
        "{ name: limit, in: query, schema: { type: string }",
        "{ name: limit, in: query, schema: { type: integer }",
        "string in our spec, integer upstream",
    ),
    ("enum: [BOX, MACHINE]", "enum: [BOX]", "value \"MACHINE\": only in our spec"),
    (
        "required: [name], properties: { name: { type: string }, size",
        "required: [name, size], properties: { name: { type: string }, size",
        "request size required: only upstream",
    ),
    ("required: [name], properties", "properties", "request name required: only in our spec"),
    (
        "size: { type: string } }",
        "size: { type: string }, region: { type: string } }",
        "request region: only upstream",
    ),
    (
        "format: date-time } }",
        "format: date-time }, region: { type: string } }",
        "things[] region: only upstream",
    ),
    ("enum: [UP, DOWN]", "enum: [UP, DOWN, LOST]", "value \"LOST\": only upstream"),
    (
        "count: { type: integer, format: int64 }",
        "count: { type: integer, format: int32 }",
        "format int32 upstream",
    ),
    ("pattern: '^[a-z]+$'", "pattern: '^[a-f]+$'", "pattern ^[a-f]+$ upstream"),
    ("\"200\": { description: Made,", "\"202\": { description: Made,", "status 202: only upstream"),
    (
        "\"200\": { description: Gone,",
        "\"402\": { description: Pay }\n        \"200\": { description: Gone,",
        "status 402: only upstream",
    ),
    (
        "enum: [denied, expired]",
        "enum: [denied, expired, unpaid]",
        "reply 401 code value \"unpaid\": only upstream",
    ),
    (
        "exited: { type: boolean }",
        "exited: { type: boolean }, signal: { type: string }",
        "reply 200 result signal: only upstream",
    ),
    (
        "name: body.stdin.data, in: query",
        "name: body.stdin.bytes, in: query",
        "query body.stdin.data: only in our spec",
    ),
    ("security: [{ Bearer: [] }]", "security: []", "security: bearer in our spec, none upstream"),
];

#[test]
fn koyeb() -> Result<(), String> {
    every_change_is_found(
        include_str!("../../tests/drift/koyeb.spec.yaml"),
        include_str!("../../tests/drift/koyeb.vendor.yaml"),
        &KOYEB,
    )
}

const LAMBDA_CLOUD: [Change; 20] = [
    ("  /api/v1/things/{thing_id}:", "  /api/v1/boxes/{thing_id}:", "the operation: only upstream"),
    ("    delete:\n", "    put:\n", "the operation: only in our spec"),
    ("    delete:\n", "    delete:\n      deprecated: true\n", "operation deprecated: only upstream"),
    (
        "        - { name: cluster_id, in: query, schema: { type: string } }\n",
        "",
        "query cluster_id: only in our spec",
    ),
    (
        "{ name: cluster_id, in: query,",
        "{ name: cluster_id, in: query, required: true,",
        "query cluster_id required: only upstream",
    ),
    (
        "{ name: cluster_id, in: query,",
        "{ name: cluster_id, in: query, deprecated: true,",
        "query cluster_id deprecated: only upstream",
    ),
    ("enum: [box, machine]", "enum: [box, machine, pod]", "value \"pod\": only upstream"),
    (
        "count: { type: integer }",
        "count: { type: integer }, tags: { type: array, items: { type: string } }",
        "request tags: only upstream",
    ),
    (
        "required: [name], properties",
        "required: [name, hostname], properties",
        "request hostname required: only upstream",
    ),
    ("required: [name], properties", "properties", "request name required: only in our spec"),
    ("count: { type: integer }", "count: { type: string }", "integer in our spec, string upstream"),
    ("maxLength: 64", "maxLength: 63", "limits maxLength 63 upstream"),
    ("pattern: '^[a-z]+$'", "pattern: '^[a-z0-9]+$'", "pattern ^[a-z0-9]+$ upstream"),
    (
        "required: [id], properties",
        "required: [id, status], properties",
        "data[] status required: only upstream",
    ),
    ("enum: [active, booting]", "enum: [active]", "value \"booting\": only in our spec"),
    ("format: ipv4", "format: ipv6", "format ipv6 upstream"),
    ("\"200\": { description: Made,", "\"202\": { description: Made,", "status 202: only upstream"),
    (
        "        \"200\": { description: Gone }",
        "        \"200\": { description: Gone }\n        \"402\": { description: Pay }",
        "status 402: only upstream",
    ),
    (
        "const: global/not-found",
        "const: global/lost",
        "reply 404 error code value \"global/lost\": only upstream",
    ),
    (
        "security: [{ bearerAuth: [] }, { basicAuth: [] }]",
        "security: [{ bearerAuth: [] }]",
        "security: basic, bearer in our spec, bearer upstream",
    ),
];

#[test]
fn lambda_cloud() -> Result<(), String> {
    every_change_is_found(
        include_str!("../../tests/drift/lambda-cloud.spec.yaml"),
        include_str!("../../tests/drift/lambda-cloud.vendor.yaml"),
        &LAMBDA_CLOUD,
    )
}

#[test]
fn only_some_paths_are_looked_at() -> Result<(), String> {
    let spec = include_str!("../../tests/drift/koyeb.spec.yaml");
    let other = Document::parse(&spec.replace("name: limit", "name: most"))?;
    let only = |path: &str| compare(SPEC, &other, &other, &[path.to_owned()]).len();
    assert_eq!(only("/v1/things"), 0);
    let found = |path: &str| {
        Ok::<_, String>(compare(SPEC, &Document::parse(spec)?, &other, &[path.to_owned()]).len())
    };
    assert_eq!((found("/v1/things")?, found("/v1/streams")?), (2, 0));
    Ok(())
}
