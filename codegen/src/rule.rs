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
    REFERENCE = "reference",
    OPERATION_ID = "operation-id",
    SUMMARY = "summary",
    TAG = "tag",
    RETRY = "retry",
    NOT_PROCESSED = "not-processed",
    TIMEOUT = "timeout",
    FAILURE = "failure-response",
    SUCCESS = "success-response",
    EXTENSION = "unknown-extension",
    INLINE_BODY = "inline-body",
    MEDIA_TYPE = "media-type",
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
    X_NULL = "x-null",
    NAME = "name-collision",
    DOC_TEXT = "doc-text",
    SECRET = "secret",
    RESERVED = "reserved-schema",
}
