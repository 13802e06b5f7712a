//! The header `api-version` is progenitor's own invention: no server here knows it. Without it, most requests need no
//! header map of their own.

use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, File, ImplItemFn, Pat, Stmt};

/// Takes it out of every request.
pub(crate) fn drop(file: &mut File) {
    DropHeader.visit_file_mut(file);
}

struct DropHeader;

impl VisitMut for DropHeader {
    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        let statements = &mut function.block.stmts;
        let before = statements.len();
        statements.retain(|statement| !appends(statement, "\"api-version\""));
        let dropped = statements.len() < before;
        if dropped && !statements.iter().any(|statement| appends(statement, "")) {
            statements.retain(|statement| !makes_map(statement));
            DropMap.visit_block_mut(&mut function.block);
        }
    }
}

/// Takes `.headers(header_map)` out of a request.
struct DropMap;

impl VisitMut for DropMap {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        if let Expr::MethodCall(call) = expression
            && call.method == "headers"
            && call.args.to_token_stream().to_string() == MAP
        {
            *expression = (*call.receiver).clone();
        }
    }
}

/// What progenitor calls it.
const MAP: &str = "header_map";

fn appends(statement: &Stmt, what: &str) -> bool {
    let text = statement.to_token_stream().to_string();
    text.contains(&format!("{MAP} . append")) && text.contains(what)
}

fn makes_map(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Local(local) if matches!(&local.pat, Pat::Ident(name) if name.ident == MAP))
}
