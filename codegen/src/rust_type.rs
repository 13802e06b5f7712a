//! The Rust type of a schema in an operation.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::document::{Document, is_string_enum, items, schema_name};
use crate::names::pascal;
use crate::prepass::RESERVED;
use crate::progenitor::RULE;
use crate::{Errors, Finding};

/// The type, or a finding about the schema's place.
pub(crate) fn rust_type(document: &Document, schema: &Value, place: &str) -> Result<TokenStream, Errors> {
    if let Some(name) = schema_name(schema) {
        return Ok(named(name, document.resolve(schema)));
    }
    if let [part] = items(&schema["allOf"]) {
        return rust_type(document, part, place);
    }
    Ok(match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("date-time")) => quote!(::chrono::DateTime<::chrono::offset::Utc>),
        (Some("string"), _) => quote!(String),
        (Some("boolean"), _) => quote!(bool),
        (Some("integer"), Some("int32")) => quote!(i32),
        (Some("integer"), _) => quote!(i64),
        (Some("array"), _) => {
            let item = rust_type(document, &schema["items"], place)?;
            quote!(Vec<#item>)
        }
        (Some("object"), _) if schema["additionalProperties"].is_object() => {
            let value = rust_type(document, &schema["additionalProperties"], place)?;
            quote!(::std::collections::BTreeMap<String, #value>)
        }
        _ => {
            let message =
                "a parameter, a body or an answer of the operation has a schema that no type is made for";
            return Err(Finding::new(RULE, place, message, "use a `$ref` to a named schema").into());
        }
    })
}

fn named(name: &str, schema: &Value) -> TokenStream {
    if let Some((_, path)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
        let path: TokenStream = path.parse().unwrap_or_default();
        return path;
    }
    // A text with a pattern is checked when it is sent.
    if schema["type"] == "string" && !is_string_enum(schema) {
        return quote!(String);
    }
    let name = format_ident!("{}", pascal(name));
    quote!(types::#name)
}
