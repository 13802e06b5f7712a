//! Query parameters that weren't given: progenitor serializes each into nothing, which costs every call some work.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprMethodCall, ExprReference, File, ImplItem, Item, ItemImpl, Member, parse_quote};

/// Adds them to a request only when there is a value.
pub(crate) fn skip_absent(file: &mut File) {
    SkipAbsent.visit_file_mut(file);
    for item in &mut file.items {
        if let Item::Mod(module) = item
            && module.ident == "builder"
            && let Some((_, items)) = &mut module.content
        {
            items.insert(
                0,
                parse_quote!(
                    #[allow(unused_imports)]
                    use crate::raw::QueryIf as _;
                ),
            );
        }
    }
}

struct SkipAbsent;

impl VisitMut for SkipAbsent {
    fn visit_item_impl_mut(&mut self, block: &mut ItemImpl) {
        let mut optional = Optional::default();
        for member in &mut block.items {
            if let ImplItem::Fn(function) = member
                && function.sig.ident == "new"
            {
                optional.visit_impl_item_fn_mut(function);
            }
        }
        if !optional.0.is_empty() {
            Rewrite(&optional.0).visit_item_impl_mut(block);
        }
    }
}

/// The parameters that a new builder starts with as absent.
#[derive(Default)]
struct Optional(BTreeSet<String>);

impl VisitMut for Optional {
    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        if let Member::Named(name) = &field.member
            && field.expr.to_token_stream().to_string() == "Ok (None)"
        {
            self.0.insert(name.to_string());
        }
    }
}

struct Rewrite<'a>(&'a BTreeSet<String>);

impl VisitMut for Rewrite<'_> {
    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if call.method == "query"
            && let Some((name, value)) = parameter(call)
            && self.0.contains(&value)
        {
            let receiver = &call.receiver;
            let value = syn::Ident::new(&value, proc_macro2::Span::call_site());
            *call = parse_quote!(#receiver.query_if(#name, &#value));
        }
    }
}

/// The name on the wire and the variable in `.query(&progenitor_client::QueryParam::new("name", &variable))`.
fn parameter(call: &ExprMethodCall) -> Option<(Expr, String)> {
    let Some(Expr::Reference(ExprReference { expr, .. })) = call.args.first() else { return None };
    let Expr::Call(new) = expr.as_ref() else { return None };
    if !new.func.to_token_stream().to_string().ends_with("QueryParam :: new") {
        return None;
    }
    let Some(Expr::Reference(ExprReference { expr: value, .. })) = new.args.last() else { return None };
    Some((new.args.first()?.clone(), value.to_token_stream().to_string()))
}
