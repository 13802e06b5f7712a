//! Constructors for the types of requests: they may get more fields, so callers can't write literals.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;
use syn::{Attribute, Field, Item, ItemStruct, Type};

use crate::document::{Document, schema_name};
use crate::names::pascal;

/// A `new` for each type of a request without a `Default`. It takes the required fields.
pub(crate) fn tokens(document: &Document, types: &[Item]) -> Vec<TokenStream> {
    let sent = sent(document);
    let defaults: BTreeSet<String> = types.iter().filter_map(has_default).collect();
    let structs = types.iter().filter_map(|item| match item {
        Item::Struct(item) => Some(item),
        _ => None,
    });
    let lacking = structs.filter(|item| {
        let name = item.ident.to_string();
        sent.contains(&name) && !defaults.contains(&name)
    });
    lacking.filter_map(constructor).collect()
}

fn constructor(item: &ItemStruct) -> Option<TokenStream> {
    let syn::Fields::Named(fields) = &item.fields else { return None };
    let name = &item.ident;
    let required: Vec<_> = fields.named.iter().filter(|field| otherwise(field).is_none()).collect();
    let arguments = required.iter().map(|field| {
        let (name, ty) = (&field.ident, &field.ty);
        quote!(#name: impl Into<#ty>)
    });
    let set = fields.named.iter().map(|field| {
        let name = &field.ident;
        let value = otherwise(field).unwrap_or_else(|| quote!(#name.into()));
        quote!(#name: #value)
    });
    Some(quote! {
        impl #name {
            #[doc = "With the required fields only."]
            pub fn new(#(#arguments),*) -> Self {
                Self { #(#set),* }
            }
        }
    })
}

/// The default of a field. `None` if the field is required.
fn otherwise(field: &Field) -> Option<TokenStream> {
    let mut found = is_option(&field.ty).then(|| quote!(None));
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // An error only means that the rest of the attribute has another form.
        let _ = attr.parse_nested_meta(|meta| {
            let value = match meta.input.peek(syn::Token![=]) {
                true => Some(meta.value()?.parse::<syn::Expr>()?),
                false => None,
            };
            if meta.path.is_ident("flatten") {
                found = Some(quote!(Default::default()));
            } else if meta.path.is_ident("default") {
                found = Some(match value.as_ref().and_then(path) {
                    Some(function) => quote!(#function()),
                    None => quote!(Default::default()),
                });
            }
            Ok(())
        });
    }
    found
}

fn is_option(ty: &Type) -> bool {
    let Type::Path(ty) = ty else { return false };
    ty.path.segments.last().is_some_and(|segment| segment.ident == "Option")
}

/// The path in a text, as serde attributes have it.
fn path(text: &syn::Expr) -> Option<syn::Path> {
    match text {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => text.parse().ok(),
        _ => None,
    }
}

fn has_default(item: &Item) -> Option<String> {
    let name = |ty: &Type| match ty {
        Type::Path(ty) => ty.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    };
    match item {
        Item::Impl(block) => {
            let (of, _) = block.trait_.as_ref()?;
            of.segments.last().filter(|segment| segment.ident == "Default").and_then(|_| name(&block.self_ty))
        }
        Item::Struct(item) => derives_default(&item.attrs).then(|| item.ident.to_string()),
        _ => None,
    }
}

fn derives_default(attrs: &[Attribute]) -> bool {
    let mut found = false;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
        let _ = attr.parse_nested_meta(|meta| {
            found |= meta.path.segments.last().is_some_and(|segment| segment.ident == "Default");
            Ok(())
        });
    }
    found
}

/// The names of all types that occur in requests.
fn sent(document: &Document) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for operation in document.operations() {
        if let Some(body) = operation.node.get("requestBody") {
            collect(document, document.resolve(body), &mut found);
        }
    }
    found.iter().map(|name| pascal(name)).collect()
}

fn collect(document: &Document, node: &Value, found: &mut BTreeSet<String>) {
    if let Some(name) = schema_name(node) {
        if found.insert(name.to_owned()) {
            collect(document, document.resolve(node), found);
        }
        return;
    }
    match node {
        Value::Object(members) => members.values().for_each(|member| collect(document, member, found)),
        Value::Array(members) => members.iter().for_each(|member| collect(document, member, found)),
        _ => {}
    }
}
