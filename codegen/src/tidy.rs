//! Makes the code readable: short paths, one comment per line.

use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, File, ItemMod, Lit, Meta, Path, parse_quote};

pub(crate) fn run(file: &mut File, module: &str) {
    let prefix = format!("{module}::types");
    let prefix = prefix.split("::").map(str::to_owned).collect();
    Tidy { prefix, inside: Vec::new() }.visit_file_mut(file);
}

/// The last step, on the text: adds blank lines between items, and removes typify's spaces in paths.
pub(crate) fn text(code: &str, module: &str) -> String {
    let types = format!("{module}::types::");
    let mut spaced = String::with_capacity(code.len() + code.len() / 16);
    let mut ended = false;
    for line in code.lines() {
        let (depth, rest) = indentation(line);
        if ended && depth <= 8 && !rest.starts_with(['}', ')']) {
            spaced.push('\n');
        }
        ended = depth <= 8 && rest == "}";
        spaced.push_str(&no_test(&closed_up(line)).replace(&types, "types::"));
        spaced.push('\n');
    }
    spaced
}

/// progenitor's example calls don't compile, so they become plain text instead of ignored tests.
fn no_test(line: &str) -> String {
    line.replace("/// ```ignore", "/// ```text")
}

/// Fixes paths in string literals, which were written token by token.
fn closed_up(line: &str) -> String {
    let quoted = ["conversion to `", "\":: std :: collections"].iter().any(|start| line.contains(start));
    if quoted { line.replace(" :: ", "::").replace(":: ", "::") } else { line.to_owned() }
}

fn indentation(line: &str) -> (usize, &str) {
    let rest = line.trim_start();
    (line.len() - rest.len(), rest)
}

struct Tidy {
    /// The path of the types module from the crate root.
    prefix: Vec<String>,
    /// The modules around the current item.
    inside: Vec<String>,
}

impl VisitMut for Tidy {
    fn visit_item_mod_mut(&mut self, item: &mut ItemMod) {
        self.inside.push(item.ident.to_string());
        visit_mut::visit_item_mod_mut(self, item);
        self.inside.pop();
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        if self.is_own_type(path) {
            shorten(path, self.prefix.len(), self.way_to_types());
        }
        visit_mut::visit_path_mut(self, path);
    }

    fn visit_attributes_mut(&mut self, attrs: &mut Vec<Attribute>) {
        *attrs = attrs.drain(..).flat_map(comment_lines).collect();
        attrs.dedup_by(|next, before| is_blank(next) && is_blank(before));
    }
}

impl Tidy {
    fn is_own_type(&self, path: &Path) -> bool {
        let longer = path.segments.len() > self.prefix.len();
        longer && path.segments.iter().zip(&self.prefix).all(|(segment, name)| segment.ident == name)
    }

    /// The name of the types module in the current module.
    fn way_to_types(&self) -> Option<Path> {
        match self.inside.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["types"] => None,
            ["types", ..] => Some(parse_quote!(super)),
            _ => Some(parse_quote!(types)),
        }
    }
}

fn shorten(path: &mut Path, prefix: usize, way: Option<Path>) {
    let rest = path.segments.iter().skip(prefix).cloned();
    let way = way.into_iter().flat_map(|way| way.segments);
    path.segments = way.chain(rest).collect();
}

/// Splits a comment of several lines into one per line, each with a leading space.
fn comment_lines(attr: Attribute) -> Vec<Attribute> {
    let Some(text) = comment(&attr) else {
        return vec![attr];
    };
    let lines = text.trim_end().split('\n').map(comment_line);
    lines.map(|line| parse_quote!(#[doc = #line])).collect()
}

fn comment(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attr.meta else {
        return None;
    };
    let Expr::Lit(value) = &meta.value else {
        return None;
    };
    match &value.lit {
        Lit::Str(text) if meta.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

fn is_blank(attr: &Attribute) -> bool {
    comment(attr).is_some_and(|text| text.is_empty())
}

fn comment_line(line: &str) -> String {
    match line.trim_end() {
        "" => String::new(),
        text if text.starts_with(' ') => text.to_owned(),
        text => format!(" {text}"),
    }
}
