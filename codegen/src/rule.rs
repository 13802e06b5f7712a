//! The names of the rules.

macro_rules! rules {
    ($($constant:ident = $name:literal,)*) => {
        $(pub(crate) const $constant: &str = $name;)*

        /// Every rule that the lint knows, by name.
        pub const ALL_RULES: &[&str] = &[$($name),*];
    };
}

rules! {
    DOCUMENT = "document",
    UNKNOWN_KEY = "unknown-key",
    NEWER = "newer-openapi",
    WRONG_VALUE = "wrong-value",
    MISSING_KEY = "missing-key",
    REFERENCE = "reference",
    OPERATION_ID = "operation-id",
    SUMMARY = "summary",
    TAG = "tag",
    UNDECLARED_TAG = "undeclared-tag",
    RETRY = "retry",
    SAFE = "safe-because",
    NOT_PROCESSED = "not-processed",
    TIMEOUT = "timeout",
    FAILURE = "failure-response",
    SUCCESS = "success-response",
    EXTENSION = "unknown-extension",
    ENVELOPE = "x-envelope",
    SCOPE = "x-scope",
    FRAMES = "x-frames",
    INLINE_BODY = "inline-body",
    MEDIA_TYPE = "media-type",
    PATH_NAMES = "path-names",
    PATH_PARAMETER = "path-parameter",
    PARAMETER_FORM = "parameter-form",
    INLINE_ENUM = "inline-enum",
    ALL_OF = "all-of",
    ANY_OF = "any-of",
    ONE_OF = "one-of",
    NOT = "not",
    DISCRIMINATOR = "discriminator",
    CLOSED_OBJECT = "closed-object",
    UNKNOWN_FIELDS = "unknown-fields",
    CONSTRAINT = "constraint",
    FORMAT = "format",
    NULLABLE = "nullable-collection",
    NULLABLE_ALONE = "nullable-without-type",
    X_NULL = "x-null",
    X_EMPTY = "x-empty",
    REQUIRED = "unknown-required",
    DEFAULT = "default",
    NAME = "name-collision",
    DOC_TEXT = "doc-text",
    SECRET = "secret",
    RESERVED = "reserved-schema",
}
