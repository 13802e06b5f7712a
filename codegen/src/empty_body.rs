//! Options that travel in the body of a GET or DELETE: without any, there is no body. Proxies don't expect one.

use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprMethodCall, File, Item, parse_quote};

/// Sends such a body only when it says something.
pub(crate) fn leave_out(file: &mut File) {
    let mut pass = LeaveOut(false);
    for item in &mut file.items {
        if let Item::Mod(module) = item
            && module.ident == "builder"
        {
            pass.0 = false;
            pass.visit_item_mod_mut(module);
            if let (true, Some((_, items))) = (pass.0, &mut module.content) {
                items.insert(
                    0,
                    parse_quote!(
                        use crate::raw::JsonIf as _;
                    ),
                );
            }
        }
    }
}

/// Whether anything was rewritten.
struct LeaveOut(bool);

impl VisitMut for LeaveOut {
    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if call.method == "json" && starts_reading(&call.receiver) {
            call.method = syn::Ident::new("json_if_any", call.method.span());
            self.0 = true;
        }
    }
}

/// Whether a request began as `client.get(url)` or `client.delete(url)`.
fn starts_reading(mut request: &Expr) -> bool {
    while let Expr::MethodCall(call) = request {
        if call.receiver.to_token_stream().to_string().ends_with(". client") {
            return call.method == "get" || call.method == "delete";
        }
        request = &call.receiver;
    }
    false
}
