//! `Accept: application/json` belongs to sending: `crate::transport` adds it where the table says that the answer is
//! JSON. In the request it would be copied each time with the request, for an attempt that is hardly ever made.

use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprMethodCall, File};

/// Takes it out of every request.
pub(crate) fn drop(file: &mut File) {
    DropAccept.visit_file_mut(file);
}

struct DropAccept;

impl VisitMut for DropAccept {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        if let Expr::MethodCall(call) = expression
            && accepts_json(call)
        {
            *expression = (*call.receiver).clone();
        }
    }
}

fn accepts_json(call: &ExprMethodCall) -> bool {
    let arguments = call.args.to_token_stream().to_string();
    call.method == "header" && arguments.contains(":: ACCEPT ,") && arguments.contains("\"application/json\"")
}
