//! Builders of the types that only servers send: nobody builds those, and they would be half of the code.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{File, Ident, ImplItem, Item, ItemImpl, ItemMod, Type};

/// Leaves the builders of what requests are made of.
pub(crate) fn drop_idle(file: &mut File) {
    let wanted = wanted(file);
    if let Some(types) = module(&mut file.items, "types") {
        drop_from(types, &wanted);
    }
}

fn drop_from(types: &mut Vec<Item>, wanted: &BTreeSet<String>) {
    let is_wanted = |item: &Item| owner(item).is_none_or(|owner| wanted.contains(&owner));
    if let Some(builders) = module(types, "builder") {
        builders.retain(is_wanted);
    }
    types.retain(|item| is_wanted(item) || !is_way_to_builder(item));
}

/// What the operations take as builders, and all that is inside of it.
fn wanted(file: &mut File) -> BTreeSet<String> {
    let calls = module(&mut file.items, "builder").map(|items| taken_as_builders(items)).unwrap_or_default();
    let Some(types) = module(&mut file.items, "types") else { return calls };
    let parts: BTreeMap<_, _> = types.iter().filter_map(parts).collect();
    let mut wanted = BTreeSet::new();
    let mut open: Vec<_> = calls.into_iter().collect();
    while let Some(name) = open.pop() {
        if wanted.insert(name.clone()) {
            open.extend(parts.get(&name).into_iter().flatten().cloned());
        }
    }
    wanted
}

/// Every `X` of `types::builder::X`.
fn taken_as_builders(items: &[Item]) -> BTreeSet<String> {
    let names: Vec<_> = items.iter().flat_map(|item| idents(item.to_token_stream())).collect();
    let paths = names.windows(3).filter(|names| names[0] == "types" && names[1] == "builder");
    paths.map(|names| names[2].clone()).collect()
}

/// A type and all names in it: some of them are its fields' types.
fn parts(item: &Item) -> Option<(String, Vec<String>)> {
    let (name, inside) = match item {
        Item::Struct(item) => (&item.ident, item.fields.to_token_stream()),
        // Not the variants' own names, which may be those of types.
        Item::Enum(item) => {
            (&item.ident, item.variants.iter().map(|variant| variant.fields.to_token_stream()).collect())
        }
        Item::Type(item) => (&item.ident, item.ty.to_token_stream()),
        _ => return None,
    };
    Some((name.to_string(), idents(inside)))
}

fn idents(tokens: TokenStream) -> Vec<String> {
    let names = tokens.into_iter().flat_map(|token| match token {
        TokenTree::Ident(name) => vec![name.to_string()],
        TokenTree::Group(group) => idents(group.stream()),
        _ => Vec::new(),
    });
    names.collect()
}

/// The type that an item is, or that it is written for.
fn owner(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) => Some(item.ident.to_string()),
        Item::Impl(block) => implementer(block).map(Ident::to_string),
        _ => None,
    }
}

fn implementer(block: &ItemImpl) -> Option<&Ident> {
    match &*block.self_ty {
        Type::Path(ty) => ty.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}

/// `impl X { pub fn builder() … }`
fn is_way_to_builder(item: &Item) -> bool {
    let Item::Impl(block) = item else { return false };
    let only =
        |member: &ImplItem| matches!(member, ImplItem::Fn(function) if function.sig.ident == "builder");
    block.trait_.is_none() && block.items.iter().all(only)
}

fn module<'a>(items: &'a mut [Item], name: &str) -> Option<&'a mut Vec<Item>> {
    items.iter_mut().find_map(|item| match item {
        Item::Mod(ItemMod { ident, content: Some((_, items)), .. }) if ident == name => Some(items),
        _ => None,
    })
}
