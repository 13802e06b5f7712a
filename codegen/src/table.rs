//! The table of endpoints: what the transport must know about an operation.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;

use crate::document::{Document, Operation, entries, is_success, items};
use crate::envelope;
use crate::names::snake;

/// The table, sorted by id, and a name for each row.
pub(crate) fn tokens(document: &Document) -> TokenStream {
    let mut rows: Vec<_> = document.operations().map(|operation| row(document, &operation)).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let (names, rows): (Vec<_>, Vec<_>) = rows.into_iter().map(|(id, row)| (named(&id), row)).unzip();
    quote! {
        #[doc = "Every operation of this client, sorted by id."]
        pub static ENDPOINTS: &[crate::raw::Endpoint] = &[#(endpoints::#names),*];

        mod endpoints {
            use crate::raw::{Endpoint, Reply, RetryClass};
            #(pub(super) const #names: Endpoint = #rows;)*
        }
    }
}

/// The name of an operation's row.
pub(crate) fn constant(operation: &Operation<'_>) -> Ident {
    named(&endpoint_id(operation))
}

fn named(id: &str) -> Ident {
    format_ident!("{}", id.to_uppercase())
}

fn row(document: &Document, operation: &Operation<'_>) -> (String, TokenStream) {
    let id = endpoint_id(operation);
    let method = operation.method.to_uppercase();
    let path = operation.path;
    let retry = format_ident!("{}", retry_class(operation));
    let not_processed = not_processed(operation).into_iter().map(literal);
    let statuses = statuses(operation).into_iter().map(literal);
    let reply = format_ident!("{}", reply(document, operation));
    let timeout = operation.node["x-timeout"] != "none";
    let envelope = envelope::member(document, operation);
    let row = quote! {
        Endpoint {
            id: #id,
            method: #method,
            path: #path,
            retry: RetryClass::#retry,
            not_processed: &[#(#not_processed),*],
            statuses: &[#(#statuses),*],
            reply: Reply::#reply,
            envelope: #envelope,
            timeout: #timeout,
        }
    };
    (id, row)
}

/// The id as progenitor spells it.
pub(crate) fn endpoint_id(operation: &Operation<'_>) -> String {
    snake(operation.id().unwrap_or_default())
}

/// The type of the list is known, so numbers need no suffix.
fn literal(status: u16) -> proc_macro2::Literal {
    proc_macro2::Literal::u16_unsuffixed(status)
}

fn retry_class(operation: &Operation<'_>) -> &'static str {
    match operation.node["x-retry"].as_str() {
        Some("safe") => "Safe",
        Some("if-unsent") => "IfUnsent",
        _ => "Never",
    }
}

fn not_processed(operation: &Operation<'_>) -> Vec<u16> {
    let listed = items(&operation.node["x-not-processed"]).iter().filter_map(Value::as_u64);
    listed.filter_map(|status| u16::try_from(status).ok()).collect()
}

/// The documented statuses. `default` and ranges name none.
pub(crate) fn statuses(operation: &Operation<'_>) -> Vec<u16> {
    let mut found: Vec<u16> = operation.responses().filter_map(|(status, _)| status.parse().ok()).collect();
    found.sort_unstable();
    found
}

/// The kind of a good answer.
pub(crate) fn reply(document: &Document, operation: &Operation<'_>) -> &'static str {
    let success = operation.responses().find(|(status, _)| is_success(status));
    success.map_or("Stream", |(status, node)| reply_kind(status, document.resolve(node)))
}

/// The content of a success response, as progenitor sees it.
pub(crate) fn reply_kind(status: &str, response: &Value) -> &'static str {
    let mut types = entries(&response["content"]).map(|(media_type, _)| media_type).peekable();
    if status == "101" {
        "Upgrade"
    } else if types.peek().is_none() {
        "Empty"
    } else if types.any(is_json) {
        "Json"
    } else {
        "Stream"
    }
}

pub(crate) fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.starts_with("application/json;")
}
