//! The imports between files.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, Macro, Path};

use super::modules::{ModulePath, Modules, is_re_export, leaves};
use crate::syntax::has;

/// The files that each file imports.
pub(super) type Imports = BTreeMap<String, BTreeSet<String>>;

/// The imports of all files.
pub(super) fn of_all(modules: &Modules) -> Imports {
    let one = |(path, module): (&ModulePath, &super::modules::Module)| {
        let mut visitor = Paths { modules, from: path.clone(), depth: 0, found: BTreeSet::new() };
        module.items.iter().for_each(|item| visitor.visit_item(item));
        visitor.found.remove(&module.file);
        (module.file.clone(), visitor.found)
    };
    modules.iter().map(one).collect()
}

struct Paths<'a> {
    modules: &'a Modules,
    from: ModulePath,
    /// The depth of modules within the file.
    depth: usize,
    found: BTreeSet<String>,
}

impl Paths<'_> {
    fn take(&mut self, words: &[String]) {
        // In a module of the same file, the first `super` leads to the file itself.
        let outside = words.iter().take_while(|word| *word == "super").count();
        if self.depth > 0 && words.first().is_none_or(|first| first != "crate") {
            if outside <= self.depth {
                return;
            }
            return self.resolve(words.get(self.depth..).unwrap_or_default());
        }
        self.resolve(words);
    }

    fn resolve(&mut self, words: &[String]) {
        let absolute = self.modules.absolute(&self.from, words);
        if let Some(file) = absolute.as_deref().and_then(|path| self.modules.definition(path)) {
            self.found.insert(file.to_owned());
        }
    }

    /// `crate::a::b` in the tokens of a macro.
    fn take_tokens(&mut self, tokens: TokenStream) {
        let mut words = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(word) => words.push(word.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ':' => {}
                other => {
                    self.take_macro_path(&std::mem::take(&mut words));
                    if let TokenTree::Group(group) = other {
                        self.take_tokens(group.stream());
                    }
                }
            }
        }
        self.take_macro_path(&words);
    }

    fn take_macro_path(&mut self, words: &[String]) {
        if let Some(start) = words.iter().position(|word| word == "crate" || word == "super") {
            // Alone, it is a visibility.
            let path = words.get(start..).unwrap_or_default();
            if path.len() > 1 {
                self.take(path);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if is_for_tests(&item.attrs) {
            return;
        }
        self.depth += 1;
        visit::visit_item_mod(self, item);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if is_re_export(&item.vis) || is_for_tests(&item.attrs) {
            return;
        }
        let mut found = Vec::new();
        leaves(&item.tree, &mut Vec::new(), &mut found);
        found.iter().for_each(|(_, words)| self.take(words));
    }

    /// `pub(crate)` isn't an import.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast Path) {
        let words: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // A single word came in by `use`, or is a variable.
        if words.len() > 1 {
            self.take(&words);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.take_tokens(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }
}

/// `#[cfg(test)]` and `#[cfg(fuzzing)]`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    has(attributes, "cfg", "test") || has(attributes, "cfg", "fuzzing")
}
