//! The map of members that a struct has no field for.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Field, FieldValue, Item, ItemImpl, Member, Type, parse_quote};

/// Lets the builders start with an empty map: typify would have every caller name it.
pub(crate) fn start_empty(types: &mut [Item]) {
    let owners = types.iter().filter_map(owner).collect();
    for item in types {
        if let Item::Mod(module) = item
            && module.ident == "builder"
        {
            StartEmpty { owners: &owners }.visit_item_mod_mut(module);
        }
    }
}

fn owner(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) if item.fields.iter().any(is_flattened) => Some(item.ident.to_string()),
        _ => None,
    }
}

fn is_flattened(field: &Field) -> bool {
    field
        .attrs
        .iter()
        .any(|attr| attr.path().is_ident("serde") && attr.to_token_stream().to_string().contains("flatten"))
}

struct StartEmpty<'a> {
    owners: &'a BTreeSet<String>,
}

impl VisitMut for StartEmpty<'_> {
    fn visit_item_impl_mut(&mut self, block: &mut ItemImpl) {
        let makes_default = block.trait_.as_ref().is_some_and(|(path, _)| ends_with(path, "Default"));
        if makes_default && self.is_owner(&block.self_ty) {
            visit_mut::visit_item_impl_mut(self, block);
        }
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        if matches!(&field.member, Member::Named(name) if name == "extra") {
            field.expr = parse_quote!(Ok(Default::default()));
        }
    }
}

impl StartEmpty<'_> {
    fn is_owner(&self, ty: &Type) -> bool {
        matches!(ty, Type::Path(ty) if self.owners.iter().any(|owner| ends_with(&ty.path, owner)))
    }
}

fn ends_with(path: &syn::Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}
