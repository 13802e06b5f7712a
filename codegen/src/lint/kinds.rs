//! The nodes of an OpenAPI 3.0.3 document, and the keys that each may have.

/// A kind of node.
pub(super) struct Kind {
    /// With an article, for messages: `a schema`.
    pub(super) name: &'static str,
    pub(super) keys: &'static [(&'static str, Shape)],
    pub(super) required: &'static [&'static str],
    pub(super) extensions: &'static [&'static str],
    /// Keys of OpenAPI 3.1, and their replacement in 3.0.3.
    pub(super) newer: &'static [(&'static str, &'static str)],
    /// Whether a `$ref` may take its place.
    pub(super) referable: bool,
}

/// The value of a key.
pub(super) enum Shape {
    Any,
    Text,
    Flag,
    Number,
    Word(&'static [&'static str]),
    List(&'static Shape),
    /// A map, with a check of its keys.
    Map(fn(&str) -> bool, &'static Shape),
    Node(&'static Kind),
    NodeOrFlag(&'static Kind),
}

use Shape::{Any, Flag, List, Map, Node, NodeOrFlag, Number, Text, Word};

/// A kind without extensions, newer keys and references, to be completed.
const PLAIN: Kind =
    Kind { name: "", keys: &[], required: &[], extensions: &[], newer: &[], referable: false };

fn free(_: &str) -> bool {
    true
}

fn path(key: &str) -> bool {
    key.starts_with('/')
}

fn status(key: &str) -> bool {
    let digits =
        |rest: &str| rest == "XX" || (rest.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    key == "default" || key.strip_prefix(['1', '2', '3', '4', '5']).is_some_and(digits)
}

pub(super) static ROOT: Kind = Kind {
    name: "a document",
    keys: &[
        ("openapi", Text),
        ("info", Node(&INFO)),
        ("servers", List(&Node(&SERVER))),
        ("paths", Map(path, &Node(&PATH_ITEM))),
        ("components", Node(&COMPONENTS)),
        ("security", List(&Map(free, &List(&Text)))),
        ("tags", List(&Node(&TAG))),
        ("externalDocs", Node(&EXTERNAL_DOCS)),
    ],
    required: &["info", "paths"],
    newer: &[("webhooks", "`paths`"), ("jsonSchemaDialect", "nothing")],
    ..PLAIN
};

static INFO: Kind = Kind {
    name: "`info`",
    keys: &[
        ("title", Text),
        ("description", Text),
        ("termsOfService", Text),
        ("contact", Node(&CONTACT)),
        ("license", Node(&LICENSE)),
        ("version", Text),
    ],
    required: &["title", "version"],
    newer: &[("summary", "`description`")],
    ..PLAIN
};

static CONTACT: Kind =
    Kind { name: "`contact`", keys: &[("name", Text), ("url", Text), ("email", Text)], ..PLAIN };

static LICENSE: Kind = Kind {
    name: "`license`",
    keys: &[("name", Text), ("url", Text)],
    required: &["name"],
    newer: &[("identifier", "`url`")],
    ..PLAIN
};

static SERVER: Kind = Kind {
    name: "a server",
    keys: &[("url", Text), ("description", Text), ("variables", Map(free, &Node(&SERVER_VARIABLE)))],
    required: &["url"],
    ..PLAIN
};

static SERVER_VARIABLE: Kind = Kind {
    name: "a server's variable",
    keys: &[("enum", List(&Text)), ("default", Text), ("description", Text)],
    required: &["default"],
    ..PLAIN
};

static TAG: Kind = Kind {
    name: "a tag",
    keys: &[("name", Text), ("description", Text), ("externalDocs", Node(&EXTERNAL_DOCS))],
    required: &["name"],
    ..PLAIN
};

static EXTERNAL_DOCS: Kind = Kind {
    name: "`externalDocs`",
    keys: &[("description", Text), ("url", Text)],
    required: &["url"],
    ..PLAIN
};

static COMPONENTS: Kind = Kind {
    name: "`components`",
    keys: &[
        ("schemas", Map(free, &Node(&SCHEMA))),
        ("responses", Map(free, &Node(&RESPONSE))),
        ("parameters", Map(free, &Node(&PARAMETER))),
        ("examples", Map(free, &Node(&EXAMPLE))),
        ("requestBodies", Map(free, &Node(&REQUEST_BODY))),
        ("headers", Map(free, &Node(&HEADER))),
        ("securitySchemes", Map(free, &Node(&SECURITY_SCHEME))),
        ("links", Map(free, &Node(&LINK))),
        ("callbacks", Map(free, &Any)),
    ],
    newer: &[("pathItems", "`paths`")],
    ..PLAIN
};

static PATH_ITEM: Kind = Kind {
    name: "a path item",
    keys: &[
        ("summary", Text),
        ("description", Text),
        ("servers", List(&Node(&SERVER))),
        ("parameters", List(&Node(&PARAMETER))),
        ("get", Node(&OPERATION)),
        ("put", Node(&OPERATION)),
        ("post", Node(&OPERATION)),
        ("delete", Node(&OPERATION)),
        ("options", Node(&OPERATION)),
        ("head", Node(&OPERATION)),
        ("patch", Node(&OPERATION)),
        ("trace", Node(&OPERATION)),
    ],
    ..PLAIN
};

static OPERATION: Kind = Kind {
    name: "an operation",
    keys: &[
        ("tags", List(&Text)),
        ("summary", Text),
        ("description", Text),
        ("externalDocs", Node(&EXTERNAL_DOCS)),
        ("operationId", Text),
        ("parameters", List(&Node(&PARAMETER))),
        ("requestBody", Node(&REQUEST_BODY)),
        ("responses", Map(status, &Node(&RESPONSE))),
        ("callbacks", Map(free, &Any)),
        ("deprecated", Flag),
        ("security", List(&Map(free, &List(&Text)))),
        ("servers", List(&Node(&SERVER))),
    ],
    required: &["responses"],
    extensions: &["x-retry", "x-safe-because", "x-not-processed", "x-timeout", "x-frames"],
    ..PLAIN
};

static PARAMETER: Kind = Kind {
    name: "a parameter",
    keys: &[
        ("name", Text),
        ("in", Word(&["query", "header", "path", "cookie"])),
        ("description", Text),
        ("required", Flag),
        ("deprecated", Flag),
        ("allowEmptyValue", Flag),
        ("style", Text),
        ("explode", Flag),
        ("allowReserved", Flag),
        ("schema", Node(&SCHEMA)),
        ("example", Any),
        ("examples", Map(free, &Node(&EXAMPLE))),
        ("content", Map(free, &Node(&MEDIA_TYPE))),
    ],
    required: &["name", "in"],
    extensions: &["x-not-secret", "x-scope"],
    referable: true,
    ..PLAIN
};

static HEADER: Kind = Kind {
    name: "a header",
    keys: &[
        ("description", Text),
        ("required", Flag),
        ("deprecated", Flag),
        ("style", Text),
        ("explode", Flag),
        ("schema", Node(&SCHEMA)),
        ("example", Any),
        ("examples", Map(free, &Node(&EXAMPLE))),
        ("content", Map(free, &Node(&MEDIA_TYPE))),
    ],
    referable: true,
    ..PLAIN
};

static REQUEST_BODY: Kind = Kind {
    name: "a request body",
    keys: &[("description", Text), ("content", Map(free, &Node(&MEDIA_TYPE))), ("required", Flag)],
    required: &["content"],
    referable: true,
    ..PLAIN
};

static RESPONSE: Kind = Kind {
    name: "a response",
    keys: &[
        ("description", Text),
        ("headers", Map(free, &Node(&HEADER))),
        ("content", Map(free, &Node(&MEDIA_TYPE))),
        ("links", Map(free, &Node(&LINK))),
    ],
    required: &["description"],
    referable: true,
    ..PLAIN
};

static MEDIA_TYPE: Kind = Kind {
    name: "a media type",
    keys: &[
        ("schema", Node(&SCHEMA)),
        ("example", Any),
        ("examples", Map(free, &Node(&EXAMPLE))),
        ("encoding", Map(free, &Any)),
    ],
    ..PLAIN
};

static EXAMPLE: Kind = Kind {
    name: "an example",
    keys: &[("summary", Text), ("description", Text), ("value", Any), ("externalValue", Text)],
    referable: true,
    ..PLAIN
};

static LINK: Kind = Kind {
    name: "a link",
    keys: &[
        ("operationRef", Text),
        ("operationId", Text),
        ("parameters", Any),
        ("requestBody", Any),
        ("description", Text),
        ("server", Node(&SERVER)),
    ],
    referable: true,
    ..PLAIN
};

static SECURITY_SCHEME: Kind = Kind {
    name: "a security scheme",
    keys: &[
        ("type", Word(&["apiKey", "http", "oauth2", "openIdConnect"])),
        ("description", Text),
        ("name", Text),
        ("in", Word(&["query", "header", "cookie"])),
        ("scheme", Text),
        ("bearerFormat", Text),
        ("flows", Any),
        ("openIdConnectUrl", Text),
    ],
    required: &["type"],
    newer: &[],
    referable: true,
    ..PLAIN
};

static SCHEMA: Kind = Kind {
    name: "a schema",
    keys: &[
        ("title", Text),
        ("multipleOf", Number),
        ("maximum", Number),
        ("exclusiveMaximum", Flag),
        ("minimum", Number),
        ("exclusiveMinimum", Flag),
        ("maxLength", Number),
        ("minLength", Number),
        ("pattern", Text),
        ("maxItems", Number),
        ("minItems", Number),
        ("uniqueItems", Flag),
        ("maxProperties", Number),
        ("minProperties", Number),
        ("required", List(&Text)),
        ("enum", List(&Any)),
        ("type", Word(&["string", "number", "integer", "boolean", "array", "object"])),
        ("not", Node(&SCHEMA)),
        ("allOf", List(&Node(&SCHEMA))),
        ("oneOf", List(&Node(&SCHEMA))),
        ("anyOf", List(&Node(&SCHEMA))),
        ("items", Node(&SCHEMA)),
        ("properties", Map(free, &Node(&SCHEMA))),
        ("additionalProperties", NodeOrFlag(&SCHEMA)),
        ("description", Text),
        ("format", Text),
        ("default", Any),
        ("nullable", Flag),
        ("discriminator", Any),
        ("readOnly", Flag),
        ("writeOnly", Flag),
        ("xml", Any),
        ("externalDocs", Node(&EXTERNAL_DOCS)),
        ("example", Any),
        ("deprecated", Flag),
    ],
    extensions: &["x-null", "x-empty", "x-not-secret", "x-envelope"],
    newer: NEWER_IN_SCHEMAS,
    referable: true,
    ..PLAIN
};

const NEWER_IN_SCHEMAS: &[(&str, &str)] = &[
    ("const", "`enum` with one value"),
    ("examples", "`example`"),
    ("$defs", "`components.schemas`"),
    ("$id", "nothing"),
    ("$schema", "nothing"),
    ("$anchor", "nothing"),
    ("$comment", "`description`"),
    ("prefixItems", "`items`"),
    ("contains", "`items`"),
    ("patternProperties", "`additionalProperties`"),
    ("propertyNames", "`additionalProperties`"),
    ("unevaluatedProperties", "`additionalProperties`"),
    ("unevaluatedItems", "`items`"),
    ("dependentRequired", "`description`"),
    ("dependentSchemas", "`description`"),
    ("contentEncoding", "`format: byte`"),
    ("contentMediaType", "`format: binary`"),
    ("if", "`description`"),
    ("then", "`description`"),
    ("else", "`description`"),
];
