//! The pattern of nearly every path parameter, checked without a regex engine: it runs in every call with a name.

use proc_macro2::Literal;
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, File, Item, Stmt, parse_quote};

/// `crate::raw::is_path_segment` is this pattern, written by hand.
const PATTERN: &str = r"^(?!\.{1,2}$)[^/\\]+$";

/// Has it checked by hand.
pub(crate) fn check_by_hand(file: &mut File) {
    ByHand.visit_file_mut(file);
}

struct ByHand;

impl VisitMut for ByHand {
    fn visit_block_mut(&mut self, block: &mut Block) {
        visit_mut::visit_block_mut(self, block);
        let before = block.stmts.len();
        block.stmts.retain(|statement| !is_pattern(statement));
        if block.stmts.len() < before {
            block.stmts.iter_mut().for_each(replace_check);
        }
    }
}

/// The `static` that holds the compiled pattern.
fn is_pattern(statement: &Stmt) -> bool {
    let Stmt::Item(Item::Static(item)) = statement else { return false };
    item.expr.to_token_stream().to_string().contains(&Literal::string(PATTERN).to_string())
}

fn replace_check(statement: &mut Stmt) {
    if let Stmt::Expr(Expr::If(check), _) = statement
        && check.cond.to_token_stream().to_string().starts_with("PATTERN .")
    {
        check.cond = parse_quote!(!crate::raw::is_path_segment(value));
    }
}
