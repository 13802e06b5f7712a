//! The files of a crate, and the names that each defines or re-exports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::{Item, UseTree, Visibility};

use crate::workspace;

/// The path of a module, without `crate`.
pub(super) type ModulePath = Vec<String>;

/// One file.
pub(super) struct Module {
    /// The path below the source directory.
    pub(super) file: String,
    pub(super) items: Vec<Item>,
    /// Re-exported names, with their origin.
    re_exports: BTreeMap<String, ModulePath>,
    /// Modules that are re-exported with a glob.
    globs: Vec<ModulePath>,
    /// Names defined in the file.
    defined: BTreeSet<String>,
}

/// All files, by their module paths.
pub(super) struct Modules(BTreeMap<ModulePath, Module>);

impl Modules {
    pub(super) fn read(source: &Path) -> Result<Self, String> {
        let mut modules = BTreeMap::new();
        for path in workspace::rust_files(source)? {
            let file = path.strip_prefix(source).unwrap_or(&path).to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).map_err(|e| format!("{file}: {e}"))?;
            let items = syn::parse_file(&text).map_err(|e| format!("{file}: {e}"))?.items;
            modules.insert(module_path(&file), Module::new(file, items));
        }
        let mut all = Self(modules);
        all.find_re_exports();
        Ok(all)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ModulePath, &Module)> {
        self.0.iter()
    }

    /// The absolute form of a path written in `from`, if it is in this crate.
    pub(super) fn absolute(&self, from: &[String], path: &[String]) -> Option<ModulePath> {
        let first = path.first()?.as_str();
        let mut start = match first {
            "crate" => Vec::new(),
            "self" => from.to_vec(),
            "super" => from.split_last()?.1.to_vec(),
            name => {
                let child = child(from, name);
                return self.0.contains_key(&child).then(|| join(child, path.get(1..)));
            }
        };
        let mut rest = path.get(1..).unwrap_or_default();
        while let [word, tail @ ..] = rest
            && word == "super"
        {
            start.pop();
            rest = tail;
        }
        Some(join(start, Some(rest)))
    }

    /// The file that defines the name with this absolute path.
    pub(super) fn definition(&self, path: &[String]) -> Option<&str> {
        self.resolve(path, 0)
    }

    fn resolve(&self, path: &[String], depth: usize) -> Option<&str> {
        let mut at = Vec::new();
        for (index, word) in path.iter().enumerate() {
            let below = child(&at, word);
            if self.0.contains_key(&below) {
                at = below;
                continue;
            }
            let module = self.0.get(&at)?;
            let rest = path.get(index + 1..);
            if depth < 10 && !module.defined.contains(word) {
                if let Some(origin) = module.re_exports.get(word) {
                    return self.resolve(&join(origin.clone(), rest), depth + 1);
                }
                let from_glob = module.globs.iter().find(|glob| self.defines(glob, word));
                if let Some(glob) = from_glob {
                    return self.0.get(glob).map(|module| module.file.as_str());
                }
            }
            return Some(&module.file);
        }
        self.0.get(&at).map(|module| module.file.as_str())
    }

    fn defines(&self, module: &[String], name: &str) -> bool {
        self.0.get(module).is_some_and(|module| module.defined.contains(name))
    }

    fn find_re_exports(&mut self) {
        let mut found = Vec::new();
        for (path, module) in &self.0 {
            for (tree, words) in module.passed_on() {
                if let Some(origin) = self.absolute(path, &words) {
                    found.push((path.clone(), tree, origin));
                }
            }
        }
        for (path, name, origin) in found {
            let Some(module) = self.0.get_mut(&path) else { continue };
            match name {
                Some(name) => drop(module.re_exports.insert(name, origin)),
                None => module.globs.push(origin),
            }
        }
    }
}

impl Module {
    fn new(file: String, items: Vec<Item>) -> Self {
        let defined = items.iter().filter_map(name).collect();
        Self { file, items, re_exports: BTreeMap::new(), globs: Vec::new(), defined }
    }

    /// A re-export: its name (`None` for a glob), and the path as written.
    fn passed_on(&self) -> Vec<(Option<String>, Vec<String>)> {
        let mut found = Vec::new();
        for item in &self.items {
            if let Item::Use(item) = item
                && is_re_export(&item.vis)
            {
                leaves(&item.tree, &mut Vec::new(), &mut found);
            }
        }
        found
    }
}

/// Whether a `use` with this visibility is a re-export.
pub(super) fn is_re_export(visibility: &Visibility) -> bool {
    !matches!(visibility, Visibility::Inherited)
}

/// The paths of a `use`, each with the name it brings.
pub(super) fn leaves(
    tree: &UseTree,
    before: &mut Vec<String>,
    found: &mut Vec<(Option<String>, Vec<String>)>,
) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            leaves(&path.tree, before, found);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => found.push((before.last().cloned(), before.clone())),
        UseTree::Name(name) => {
            found.push((Some(name.ident.to_string()), child(before, &name.ident.to_string())));
        }
        UseTree::Rename(rename) => {
            found.push((Some(rename.rename.to_string()), child(before, &rename.ident.to_string())));
        }
        UseTree::Glob(_) => found.push((None, before.clone())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, before, found)),
    }
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// `incus/exec/mod.rs` is the module `incus::exec`.
fn module_path(file: &str) -> ModulePath {
    let path = file.trim_end_matches(".rs");
    let words = path.split('/').map(str::to_owned);
    let mut words: Vec<_> = words.collect();
    if words.last().is_some_and(|last| last == "mod" || last == "lib") {
        words.pop();
    }
    words
}

fn child(path: &[String], name: &str) -> ModulePath {
    let mut path = path.to_vec();
    path.push(name.to_owned());
    path
}

fn join(mut path: ModulePath, rest: Option<&[String]>) -> ModulePath {
    path.extend_from_slice(rest.unwrap_or_default());
    path
}
