//! Envelopes: answers with their data in one member (`x-envelope`).

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use crate::Errors;
use crate::document::{Document, Operation, is_success};
use crate::rust_type::rust_type;
use crate::table::is_json;

/// The schema of a good answer.
pub(crate) fn schema<'a>(document: &'a Document, operation: &Operation<'a>) -> Option<&'a Value> {
    let (_, response) = operation.responses().find(|(status, _)| is_success(status))?;
    let content = document.resolve(response)["content"].as_object()?;
    content.iter().find(|(media_type, _)| is_json(media_type)).map(|(_, content)| &content["schema"])
}

/// The member that calls of an operation return. Empty if that is the whole answer, or nothing.
pub(crate) fn member<'a>(document: &'a Document, operation: &Operation<'a>) -> &'a str {
    match schema(document, operation).and_then(|schema| named(document.resolve(schema))) {
        Some("none") | None => "",
        Some(member) => member.trim_end_matches('?'),
    }
}

/// Whether a schema is an envelope, so that calls return its member.
pub(crate) fn named(schema: &Value) -> Option<&str> {
    schema["x-envelope"].as_str()
}

/// The result type of a call, and the function that decodes it.
pub(crate) fn answer(
    document: &Document,
    operation: &Operation<'_>,
    schema: &Value,
) -> Result<(TokenStream, TokenStream), Errors> {
    let envelope = document.resolve(schema);
    let place = operation.place();
    let Some(name) = named(envelope) else {
        let ty = rust_type(document, schema, &place)?;
        return Ok((ty.clone(), quote!(json::<#ty>)));
    };
    if name == "none" {
        return Ok((quote!(()), quote!(nothing)));
    }
    let member = &envelope["properties"][name.trim_end_matches('?')];
    if member["x-null"] == "empty" && member["additionalProperties"]["type"] == "array" {
        let ty = rust_type(document, &member["additionalProperties"]["items"], &place)?;
        let map = quote!(::std::collections::BTreeMap<String, Vec<#ty>>);
        return Ok((map, quote!(member_of_lists::<#ty>)));
    }
    let ty = rust_type(document, member, &place)?;
    Ok(match () {
        () if name.ends_with('?') => (quote!(Option<#ty>), quote!(member_if_any::<#ty>)),
        () if member["x-null"] == "empty" => (ty.clone(), quote!(member_or_empty::<#ty>)),
        () => (ty.clone(), quote!(member::<#ty>)),
    })
}
