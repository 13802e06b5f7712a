//! JSON answers: `crate::transport` has read them by the time the generated code sees them, as part of the attempt, and
//! they are decoded from what it holds.

use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprAwait, File, parse_quote};

/// Decodes them where they are.
pub(crate) fn decode_in_hand(file: &mut File) {
    DecodeInHand.visit_file_mut(file);
}

struct DecodeInHand;

impl VisitMut for DecodeInHand {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        if let Expr::Await(ExprAwait { base, .. }) = expression
            && base.to_token_stream().to_string() == "ResponseValue :: from_response (response)"
        {
            *expression = parse_quote!(crate::raw::decode(response));
        }
    }
}
