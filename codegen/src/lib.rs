//! The code generator of windlass: OpenAPI document in, Rust text out.
//!
//! [`generate`] runs these steps, each in its own module. The [`lint`] refuses whatever would silently be generated
//! wrong. The pre-pass hides error responses, envelopes and open enums from progenitor. progenitor writes the types and
//! the documentation of the operations. The post-pass restores the hidden parts. Finally, the calls and the table of
//! endpoints are written from the document.
//!
//! The output is meant to be `include!`d in a module of a crate that has `crate::transport::{Call, Handle, Param,
//! Received, Request}`, `crate::raw::{Body, ByteStream, Endpoint, Reply, RetryClass, Upgraded, number, null_as_empty,
//! nulls_as_empty}`, `crate::Secret` and `crate::SecretMap`.

mod calls;
mod constructors;
mod digest;
mod document;
mod envelope;
mod finding;
mod generate;
mod lint;
mod names;
mod open_enum;
mod parameter;
mod postpass;
mod prepass;
mod progenitor;
mod rule;
mod rust_type;
mod samples;
mod table;
mod tidy;

pub use digest::digest;
pub use finding::{Errors, Finding};
pub use generate::{generate, generate_unchecked};
pub use lint::lint;
pub use rule::ALL_RULES;
pub use samples::samples;

/// A document, and the module of its generated code.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The document's file name, for messages and the header: `specs/incus.yaml`.
    pub file: &'a str,
    /// The YAML text of the document.
    pub text: &'a str,
    /// The module that includes the generated file: `crate::raw::incus`.
    pub module: &'a str,
}
