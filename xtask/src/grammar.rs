//! `cargo xtask grammar`: whether the public API keeps to its grammar, as far as a program can tell.
//!
//! * A query has `.await` for a `Vec` and `.stream()` for a `List`.
//! * What has `send()` can be awaited, too.
//! * A stream has `next()` and `try_next()`.
//! * The items of live streams have a `Gap`.
//! * No method has a name that the grammar has another word for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::{ImplItem, Item, ItemEnum, ItemImpl, ItemMacro, ReturnType};

use crate::syntax::{is_public, type_name};
use crate::{Outcome, workspace};

/// Names that have another word in the grammar.
const OTHER_WORDS: [(&str, &str); 5] = [
    ("list", "`.await` or `.stream()` of a query"),
    ("all", "`.await` of a query"),
    ("connect", "`.await`"),
    ("settle", "`reconcile`"),
    ("settle_window", "`reconcile_window`"),
];
/// Lists without a stream: the names in one directory, as from `std::fs`.
const WITHOUT_STREAM: [&str; 1] = ["ReadDir"];
/// What live streams yield.
const LIVE: [(&str, &str); 2] = [("incus", "Event"), ("koyeb", "Tailed")];

/// What is known of a public type.
#[derive(Default)]
struct Shape {
    methods: BTreeSet<String>,
    streams: bool,
    /// What awaiting it gives.
    awaited: Option<String>,
}

/// All types, by room and name.
#[derive(Default)]
struct Types {
    shapes: BTreeMap<(String, String), Shape>,
    gaps: BTreeSet<(String, String)>,
}

/// Checks the crate.
pub(crate) fn run() -> Outcome {
    let findings = look_through(&workspace::root().join("src"))?;
    findings.iter().for_each(|finding| println!("{finding}"));
    match findings.len() {
        0 => Ok(()),
        count => Err(format!("{count} findings")),
    }
}

fn look_through(source: &Path) -> Result<Vec<String>, String> {
    let mut types = Types::default();
    for path in workspace::rust_files(source)? {
        let room = path.strip_prefix(source).unwrap_or(&path).iter().next().unwrap_or_default();
        let room = room.to_string_lossy().into_owned();
        if room == "testing" {
            continue;
        }
        let file =
            syn::parse_file(&workspace::read(&path)?).map_err(|e| format!("{}: {e}", path.display()))?;
        file.items.iter().for_each(|item| types.take(&room, item));
    }
    Ok(types.findings())
}

impl Types {
    fn take(&mut self, room: &str, item: &Item) {
        match item {
            Item::Impl(block) => self.take_impl(room, block),
            Item::Macro(call) => self.take_macro(room, call),
            Item::Enum(item) if has_gap(item) => {
                self.gaps.insert((room.to_owned(), item.ident.to_string()));
            }
            _ => {}
        }
    }

    fn shape(&mut self, room: &str, name: &str) -> &mut Shape {
        self.shapes.entry((room.to_owned(), name.to_owned())).or_default()
    }

    fn take_impl(&mut self, room: &str, block: &ItemImpl) {
        let Some(owner) = type_name(&block.self_ty) else { return };
        let shape = self.shape(room, &owner);
        let of_trait = block.trait_.as_ref().and_then(|(path, ..)| path.segments.last());
        if of_trait.is_some_and(|name| name.ident == "IntoFuture") {
            shape.awaited = Some(String::new());
        }
        for item in &block.items {
            if let ImplItem::Fn(function) = item
                && is_public(&function.vis)
            {
                let name = function.sig.ident.to_string();
                shape.streams |= name == "stream" && returns_list(&function.sig.output);
                shape.methods.insert(name);
            }
        }
    }

    /// `into_future!(Builder => Output: …)`
    fn take_macro(&mut self, room: &str, call: &ItemMacro) {
        if call.mac.path.segments.last().is_none_or(|name| name.ident != "into_future") {
            return;
        }
        let text = call.mac.tokens.to_string();
        let text =
            text.split_once(']').filter(|_| text.starts_with('[')).map_or(text.as_str(), |(_, rest)| rest);
        if let Some((builder, rest)) = text.split_once("=>") {
            let name: String = builder.trim().chars().take_while(|c| c.is_alphanumeric()).collect();
            let output = rest.split(": |").next().unwrap_or_default();
            self.shape(room, &name).awaited = Some(output.trim().to_owned());
        }
    }

    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for ((room, name), shape) in &self.shapes {
            findings
                .extend(shape.findings(name).into_iter().map(|finding| format!("{room}: {name} {finding}")));
        }
        for (room, name) in LIVE {
            if !self.gaps.contains(&(room.to_owned(), name.to_owned())) {
                findings.push(format!("{room}: {name} comes from a live stream and has no `Gap`"));
            }
        }
        findings
    }
}

impl Shape {
    fn findings(&self, name: &str) -> Vec<String> {
        let has = |name: &str| self.methods.contains(name);
        let gives_vec = self.awaited.as_ref().is_some_and(|output| output.starts_with("Vec"));
        let mut findings = Vec::new();
        let mut unless = |fine: bool, finding: &str| {
            if !fine {
                findings.push(finding.to_owned());
            }
        };
        unless(!self.streams || self.awaited.is_some(), "has `stream()` and can't be awaited");
        unless(
            !gives_vec || self.streams || has("send") || WITHOUT_STREAM.contains(&name),
            "is awaited for a `Vec` and has no `stream()`",
        );
        unless(!has("send") || self.awaited.is_some(), "has `send()` and can't be awaited");
        unless(!has("next") || has("try_next"), "has `next()` and no `try_next()`");
        for (word, better) in OTHER_WORDS {
            unless(!has(word), &format!("has `{word}()`, for which the grammar has {better}"));
        }
        findings
    }
}

fn returns_list(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if type_name(ty).is_some_and(|name| name == "List"))
}

fn has_gap(item: &ItemEnum) -> bool {
    item.variants.iter().any(|variant| variant.ident == "Gap")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that fails says why
mod tests {
    use super::*;

    /// Findings in one file of the room `incus`, without those about live streams.
    fn findings(source: &str) -> Vec<String> {
        let mut types = Types::default();
        syn::parse_file(source).unwrap().items.iter().for_each(|item| types.take("incus", item));
        types.findings().into_iter().filter(|finding| !finding.contains("live")).collect()
    }

    #[test]
    fn what_keeps_to_the_grammar() {
        let source = "
            impl Instances { pub fn stream(self) -> List<Instance> { todo!() } }
            into_future!(Instances => Vec<Instance>: |query| query.stream().all().await);
            into_future!([T: Send] Query<T> => Vec<T>: |query| query.stream().all().await);
            impl<T> Query<T> { pub fn stream(self) -> List<T> { todo!() } }
            impl Launch { pub async fn send(self) {} }
            into_future!(Launch => Instance: |launch| todo!());
            impl Events { pub async fn next(&mut self) {} pub async fn try_next(&mut self) {} }
            impl Private { fn list(self) {} }";
        assert_eq!(findings(source), Vec::<String>::new());
    }

    #[test]
    fn what_does_not() {
        let source = "
            impl A { pub fn stream(self) -> List<u8> { todo!() } }
            into_future!(B => Vec<u8>: |b| todo!());
            impl C { pub async fn send(self) {} }
            impl D { pub async fn next(&mut self) {} }
            impl E { pub fn list(self) {} }";
        assert_eq!(
            findings(source),
            [
                "incus: A has `stream()` and can't be awaited",
                "incus: B is awaited for a `Vec` and has no `stream()`",
                "incus: C has `send()` and can't be awaited",
                "incus: D has `next()` and no `try_next()`",
                "incus: E has `list()`, for which the grammar has `.await` or `.stream()` of a query",
            ]
        );
    }

    #[test]
    fn a_live_stream_without_gaps() {
        let types = Types::default();
        let live = types.findings();
        assert_eq!(live.len(), 2);
        assert!(live[0].contains("Event comes from a live stream"), "{live:?}");
    }
}
