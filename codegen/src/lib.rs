//! The code generator of windlass: OpenAPI document in, Rust text out.
//!
//! [`generate`] runs four steps, each in a module of its own: the [`lint`] refuses what would be generated wrong without
//! a word; the pre-pass takes error responses and open enums out of progenitor's sight; progenitor writes the client;
//! the post-pass puts back what was taken out and adds the table of endpoints.
//!
//! What comes out is meant to be `include!`d in a module of a crate that has `crate::transport::Inner`,
//! `crate::raw::{Endpoint, RetryClass, Reply, decode, number, null_as_empty, nulls_as_empty, is_path_segment, is_relative_path,
//! QueryIf, JsonIf}`, `crate::Secret` and `crate::SecretMap`.

mod accept_header;
mod builders;
mod digest;
mod document;
mod empty_body;
mod extra;
mod finding;
mod generate;
mod json_reply;
mod lint;
mod names;
mod open_enum;
mod optional_query;
mod path_segment;
mod postpass;
mod prepass;
mod progenitor;
mod rule;
mod table;
mod tidy;
mod version_header;

pub use digest::digest;
pub use finding::{Errors, Finding};
pub use generate::{generate, generate_unchecked};
pub use lint::lint;
pub use rule::ALL_RULES;

/// One document and where its generated code will live.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The document's file name, for messages and the header: `specs/incus.yaml`.
    pub file: &'a str,
    /// The document itself, in YAML.
    pub text: &'a str,
    /// The module that includes the generated file: `crate::raw::incus`.
    pub module: &'a str,
}
