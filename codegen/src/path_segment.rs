//! The patterns of path parameters, checked without a regex engine: they run in every call with a name, and an engine is
//! the dearest crate of a build.

use proc_macro2::{Literal, Span};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, File, Ident, Item, Stmt, parse_quote};

/// Each pattern, and the function of `crate::raw` that is the same, written by hand.
const CHECKS: [(&str, &str); 2] =
    [(r"^(?!\.{1,2}$)[^/\\]+$", "is_path_segment"), (r"^(?!\.{1,2}$|/)[^\\]+$", "is_relative_path")];

/// Has them checked by hand.
pub(crate) fn check_by_hand(file: &mut File) {
    ByHand.visit_file_mut(file);
}

struct ByHand;

impl VisitMut for ByHand {
    fn visit_block_mut(&mut self, block: &mut Block) {
        visit_mut::visit_block_mut(self, block);
        if let Some((at, check)) = block.stmts.iter().enumerate().find_map(pattern) {
            block.stmts.remove(at);
            block.stmts.iter_mut().for_each(|statement| replace_check(statement, check));
        }
    }
}

/// The `static` that holds the compiled pattern, if it is one of ours.
fn pattern((at, statement): (usize, &Stmt)) -> Option<(usize, &'static str)> {
    let Stmt::Item(Item::Static(item)) = statement else { return None };
    let text = item.expr.to_token_stream().to_string();
    let ours = |pattern: &str| text.contains(&Literal::string(pattern).to_string());
    CHECKS.iter().find(|(pattern, _)| ours(pattern)).map(|(_, check)| (at, *check))
}

fn replace_check(statement: &mut Stmt, check: &str) {
    if let Stmt::Expr(Expr::If(test), _) = statement
        && test.cond.to_token_stream().to_string().starts_with("PATTERN .")
    {
        let check = Ident::new(check, Span::call_site());
        test.cond = parse_quote!(!crate::raw::#check(value));
    }
}
