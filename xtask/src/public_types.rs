//! Finds types of other crates in public signatures: a new version of such a crate would break ours.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};
use syn::{ImplItem, Item, ItemImpl, Signature, UseTree};

use crate::syntax::{is_public, type_name};

/// The crates whose types must not be public.
const HIDDEN: [&str; 4] = ["reqwest", "progenitor_client", "tokio_tungstenite", "hyper"];

/// The types of such crates in the public functions, fields and trait implementations of a source file.
pub(crate) fn foreign(source: &str) -> syn::Result<Vec<String>> {
    let file = syn::parse_file(source)?;
    let mut found =
        Found { imported: imported(&file.items), public: public_types(&file.items), list: Vec::new() };
    for item in &file.items {
        found.look_at(item);
    }
    Ok(found.list)
}

struct Found {
    imported: BTreeSet<String>,
    /// The file's own types that callers can name.
    public: BTreeSet<String>,
    list: Vec<String>,
}

impl Found {
    fn look_at(&mut self, item: &Item) {
        match item {
            Item::Fn(function) if is_public(&function.vis) => self.visit_signature(&function.sig),
            Item::Struct(item) if is_public(&item.vis) => {
                let shown = item.fields.iter().filter(|field| is_public(&field.vis));
                shown.for_each(|field| self.visit_type(&field.ty));
            }
            Item::Enum(item) if is_public(&item.vis) => self.visit_item_enum(item),
            Item::Type(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Trait(item) if is_public(&item.vis) => self.visit_item_trait(item),
            Item::Impl(block) => self.look_at_block(block),
            _ => {}
        }
    }

    fn look_at_block(&mut self, block: &ItemImpl) {
        let owner = type_name(&block.self_ty);
        if !owner.is_some_and(|owner| self.public.contains(&owner)) {
            return;
        }
        if let Some((of, _)) = &block.trait_ {
            self.visit_path(of);
        }
        for member in &block.items {
            match member {
                ImplItem::Fn(function) if is_public(&function.vis) => self.visit_signature(&function.sig),
                ImplItem::Type(ty) => self.visit_type(&ty.ty),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_signature(&mut self, signature: &'ast Signature) {
        signature.inputs.iter().for_each(|input| self.visit_fn_arg(input));
        self.visit_return_type(&signature.output);
        self.visit_generics(&signature.generics);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let first = words.first().map(String::as_str).unwrap_or_default();
        if HIDDEN.contains(&first) || self.imported.contains(first) {
            self.list.push(words.join("::"));
        }
        visit::visit_path(self, path);
    }
}

fn public_types(items: &[Item]) -> BTreeSet<String> {
    let public = items.iter().filter_map(|item| match item {
        Item::Struct(item) if is_public(&item.vis) => Some(item.ident.to_string()),
        Item::Enum(item) if is_public(&item.vis) => Some(item.ident.to_string()),
        _ => None,
    });
    public.collect()
}

/// The names of the hidden crates in a file.
fn imported(items: &[Item]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in items {
        if let Item::Use(item) = item
            && let UseTree::Path(path) = &item.tree
            && HIDDEN.contains(&path.ident.to_string().as_str())
        {
            collect(&path.tree, &mut names);
        }
    }
    names
}

fn collect(tree: &UseTree, names: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => collect(&path.tree, names),
        UseTree::Name(name) => _ = names.insert(name.ident.to_string()),
        UseTree::Rename(rename) => _ = names.insert(rename.rename.to_string()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| collect(tree, names)),
        UseTree::Glob(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{read, root, rust_files};

    #[test]
    fn planted_ones_are_found() -> syn::Result<()> {
        for (source, expected) in [
            ("use reqwest::{Url, Body as Sent}; pub struct A(pub Url, Sent);", &["Url"][..]),
            (
                "pub struct A; impl From<reqwest::Error> for A { fn from(_: reqwest::Error) -> A { A } }",
                &["reqwest::Error"],
            ),
            (
                "use hyper::Body; pub struct A; impl A { pub async fn b(self) -> Result<Vec<Body>, ()> { todo!() } }",
                &["Body"],
            ),
            ("pub type A = progenitor_client::Error<()>;", &["progenitor_client::Error"]),
            ("pub enum A { B(reqwest::Response) }", &["reqwest::Response"]),
            (
                "struct A(pub reqwest::Url); pub(crate) fn a(_: reqwest::Url) {} pub fn b(_: http::Uri) {}",
                &[],
            ),
            ("pub fn a() { let _: reqwest::Url; }", &[]),
        ] {
            assert_eq!(foreign(source)?, expected, "{source}");
        }
        Ok(())
    }

    #[test]
    fn callers_see_no_type_of_the_crates_below() -> Result<(), String> {
        let mut files = rust_files(&root().join("src"))?;
        files.extend(rust_files(&root().join("generated"))?);
        assert!(files.len() > 200, "{} files", files.len());
        let mut seen = Vec::new();
        for file in files {
            let found = foreign(&read(&file)?).map_err(|e| format!("{}: {e}", file.display()))?;
            seen.extend(found.into_iter().map(|ty| format!("{}: {ty}", file.display())));
        }
        assert!(seen.is_empty(), "{seen:#?}");
        Ok(())
    }
}
