//! Additions to and removals from progenitor's code.

use std::collections::BTreeMap;

use proc_macro2::TokenTree;
use quote::{ToTokens, quote};
use syn::{Attribute, Fields, File, ImplItem, Item, ItemMod, ItemStruct, Meta, Type, parse_quote};

use crate::constructors;
use crate::document::Document;
use crate::open_enum::OpenEnum;
use crate::prepass::{Prepared, Reader};
use crate::progenitor::unparsable;
use crate::rule::{X_EMPTY, X_NULL};
use crate::{Errors, Finding};

pub(crate) fn run(file: &mut File, document: &Document, prepared: &Prepared) -> Result<(), Errors> {
    file.attrs.clear();
    file.items.retain(|item| is_module(item, "types") || is_documentation(item));
    if let Some(types) = file.items.iter_mut().find_map(|item| module_named(item, "types")) {
        finish_types(types, document, prepared)?;
    }
    Ok(())
}

fn finish_types(types: &mut ItemMod, document: &Document, prepared: &Prepared) -> Result<(), Errors> {
    let Some((_, items)) = &mut types.content else {
        return Ok(());
    };
    items.retain(|item| !is_module(item, "builder") && !is_way_to_builder(item));
    let constructors = constructors::tokens(document, items);
    items.iter_mut().for_each(finish_type);
    items.iter_mut().for_each(read_any_number);
    read_as_marked(items, &prepared.readers)?;
    let constructors: File = syn::parse2(quote! { #(#constructors)* }).map_err(|e| unparsable(&e))?;
    items.extend(constructors.items);
    if !prepared.enums.is_empty() {
        let enums = prepared.enums.iter().map(OpenEnum::tokens);
        let open: File = syn::parse2(quote! { #(#enums)* }).map_err(|e| unparsable(&e))?;
        items.splice(0..0, open.items);
    }
    Ok(())
}

/// The block with a documented method per operation. Our client uses it, too.
fn is_documentation(item: &Item) -> bool {
    let Item::Impl(block) = item else { return false };
    // The client's other block makes one.
    block.trait_.is_none() && !block.items.iter().any(|member| is_function(member, "new_with_client"))
}

/// `impl X { pub fn builder() … }`
fn is_way_to_builder(item: &Item) -> bool {
    let Item::Impl(block) = item else { return false };
    block.trait_.is_none() && block.items.iter().all(|member| is_function(member, "builder"))
}

fn is_function(member: &ImplItem, name: &str) -> bool {
    matches!(member, ImplItem::Fn(function) if function.sig.ident == name)
}

fn finish_type(item: &mut Item) {
    match item {
        Item::Struct(item) if is_data(&item.attrs) => {
            if matches!(item.fields, Fields::Named(_)) {
                item.attrs.push(parse_quote!(#[non_exhaustive]));
            }
            item.attrs.push(json_schema());
        }
        Item::Enum(item) if is_data(&item.attrs) => item.attrs.push(json_schema()),
        _ => {}
    }
}

fn json_schema() -> Attribute {
    parse_quote!(#[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))])
}

/// A type that is sent or received, unlike builders and errors.
fn is_data(attrs: &[Attribute]) -> bool {
    let serializes = |attr: &Attribute| attr.to_token_stream().to_string().contains("Serialize");
    attrs.iter().any(|attr| attr.path().is_ident("derive") && serializes(attr))
}

/// A number out of range must not fail the whole answer.
fn read_any_number(item: &mut Item) {
    let Item::Struct(item) = item else { return };
    if !is_data(&item.attrs) {
        return;
    }
    for field in &mut item.fields {
        let ty = field.ty.to_token_stream().to_string().replace(' ', "");
        let number = ty.strip_prefix("::std::option::Option<").and_then(|ty| ty.strip_suffix('>'));
        if matches!(number.unwrap_or(&ty), "i32" | "i64") {
            read_with_helper(&mut field.attrs, "number");
            if number.is_some() {
                // With a custom function, serde no longer treats a missing field as none.
                default_if_absent(&mut field.attrs);
            }
        }
    }
}

/// Exactly the fields that the document marked. A missing one is an error.
fn read_as_marked(items: &mut [Item], wanted: &BTreeMap<(String, String), Reader>) -> Result<(), Errors> {
    let mut missing = wanted.clone();
    for item in items {
        if let Item::Struct(item) = item {
            let owner = item.ident.to_string();
            mark_fields(item, |wire| missing.remove(&(owner.clone(), wire)));
        }
    }
    let lost: Vec<_> =
        missing.into_iter().map(|((owner, wire), reader)| lost_field(&owner, &wire, reader)).collect();
    if lost.is_empty() { Ok(()) } else { Err(lost.into()) }
}

fn mark_fields(item: &mut ItemStruct, mut wanted: impl FnMut(String) -> Option<Reader>) {
    for field in &mut item.fields {
        let Some(ident) = &field.ident else { continue };
        let wire = renamed(&field.attrs).unwrap_or_else(|| ident.to_string());
        let helper = match wanted(wire) {
            Some(Reader::NullAsEmpty) if is_map_of_lists(&field.ty) => "nulls_as_empty",
            Some(Reader::NullAsEmpty) => "null_as_empty",
            Some(Reader::EmptyAsAbsent) => "empty_as_absent",
            None => continue,
        };
        read_with_helper(&mut field.attrs, helper);
        // With a custom function, serde no longer treats a missing field as none.
        default_if_absent(&mut field.attrs);
    }
}

/// Here, each list in the map may be null as well.
fn is_map_of_lists(ty: &Type) -> bool {
    let text = ty.to_token_stream().to_string();
    text.contains("BTreeMap <") && text.contains(", :: std :: vec :: Vec <")
}

/// Extends the existing attribute, if there is one.
fn read_with_helper(attrs: &mut Vec<Attribute>, helper: &str) {
    let path = format!("crate::raw::{helper}");
    let helper = quote! { deserialize_with = #path };
    let serde = attrs.iter_mut().find(|attr| attr.path().is_ident("serde"));
    match serde.map(|attr| &mut attr.meta) {
        Some(Meta::List(list)) => list.tokens.extend(quote! { , #helper }),
        _ => attrs.push(parse_quote!(#[serde(#helper)])),
    }
}

fn default_if_absent(attrs: &mut [Attribute]) {
    let Some(Meta::List(list)) =
        attrs.iter_mut().find(|attr| attr.path().is_ident("serde")).map(|attr| &mut attr.meta)
    else {
        return;
    };
    let is_default = |token: TokenTree| matches!(token, TokenTree::Ident(word) if word == "default");
    if !list.tokens.clone().into_iter().any(is_default) {
        list.tokens.extend(quote! { , default });
    }
}

/// The name in JSON, if serde has a name other than the field's.
fn renamed(attrs: &[Attribute]) -> Option<String> {
    let mut name = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // An error only means that the rest of the attribute has another form.
        let _ = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        });
    }
    name
}

fn lost_field(owner: &str, wire: &str, reader: Reader) -> Finding {
    let place = format!("components.schemas.{owner}.properties.{wire}");
    let (rule, mark) = match reader {
        Reader::NullAsEmpty => (X_NULL, "x-null: empty"),
        Reader::EmptyAsAbsent => (X_EMPTY, "x-empty: absent"),
    };
    let message = format!("`{mark}` is on a field that the generated code doesn't have");
    Finding::new(rule, place, message, "put it on a property of a named object schema")
}

fn is_module(item: &Item, name: &str) -> bool {
    matches!(item, Item::Mod(module) if module.ident == name)
}

fn module_named<'a>(item: &'a mut Item, name: &str) -> Option<&'a mut ItemMod> {
    match item {
        Item::Mod(module) if module.ident == name => Some(module),
        _ => None,
    }
}
