//! The only module that calls progenitor. It catches progenitor's panics.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Mutex, PoisonError};

use proc_macro2::TokenStream;
use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle, TagStyle, TypeImpl};
use serde_json::Value;

use crate::document::{Document, Operation, entries};
use crate::prepass::{Prepared, RESERVED};
use crate::table::endpoint_id;
use crate::{Errors, Finding};

/// The version of progenitor that the crate is built against; a test compares it with the lock file.
pub(crate) const VERSION: &str = "0.15.1";

/// The rule for findings about the generated code.
pub(crate) const RULE: &str = "generator";

/// The panic hook belongs to the whole process.
static HOOK: Mutex<()> = Mutex::new(());

/// The client's code, or a finding that names the operation that progenitor can't generate.
pub(crate) fn run(document: &Document, prepared: &Prepared, module: &str) -> Result<TokenStream, Errors> {
    let settings = settings(prepared, module);
    attempt(&settings, &prepared.root).map_err(|why| blame(document, prepared, &settings, &why).into())
}

fn settings(prepared: &Prepared, module: &str) -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_tag(TagStyle::Merged)
        .with_derive("PartialEq")
        .with_map_type("::std::collections::BTreeMap");
    for open in &prepared.enums {
        let path = format!("{module}::types::{}", open.name);
        settings.with_replacement(&open.name, path, [TypeImpl::Display, TypeImpl::FromStr].into_iter());
    }
    for (name, path) in RESERVED {
        settings.with_replacement(name, path, std::iter::empty());
    }
    settings
}

/// progenitor reports some problems as errors, others by panicking.
fn attempt(settings: &GenerationSettings, root: &Value) -> Result<TokenStream, String> {
    let spec = serde_json::from_value(root.clone()).map_err(|e| format!("not an OpenAPI document: {e}"))?;
    let generate = || Generator::new(settings).generate_tokens(&spec).map_err(|e| e.to_string());
    quietly(generate).unwrap_or_else(Err)
}

/// Runs it silently. A panic becomes its message.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let _alone = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let before = take_hook();
    set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    set_hook(before);
    outcome.map_err(|payload| panic_message(payload.as_ref()))
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Generates each operation alone, because neither errors nor panics name the operation.
fn blame(document: &Document, prepared: &Prepared, settings: &GenerationSettings, why: &str) -> Finding {
    let bare = with_paths(&prepared.root, Value::Object(Default::default()));
    if let Err(why) = attempt(settings, &bare) {
        let mut names = entries(&bare["components"]["schemas"]).map(|(name, _)| name);
        let named = names.find(|name| attempt(settings, &with_schemas(&bare, name)).is_err());
        return match named {
            Some(name) => {
                refused(&format!("components.schemas.{name}"), &format!("the schema `{name}`"), &why)
            }
            None => refused("components", "the schemas", &why),
        };
    }
    for operation in document.operations() {
        if let Err(why) = attempt(settings, &only(&prepared.root, &operation)) {
            let what = format!("the operation `{}`", endpoint_id(&operation));
            return refused(&operation.place(), &what, &why);
        }
    }
    refused("paths", "the operations together, though each one alone,", why)
}

fn refused(place: &str, what: &str, why: &str) -> Finding {
    let message = format!("progenitor can't take {what}: {}", why.trim());
    Finding::new(RULE, place, message, "describe it in a way that progenitor takes (specs/README.md)")
}

fn only(root: &Value, operation: &Operation<'_>) -> Value {
    let item = &root["paths"][operation.path];
    let mut kept = serde_json::Map::new();
    kept.insert(operation.method.to_owned(), item[operation.method].clone());
    if let Some(shared) = item.get("parameters") {
        kept.insert("parameters".to_owned(), shared.clone());
    }
    with_paths(root, serde_json::json!({ operation.path: kept }))
}

/// The document reduced to one schema and its references.
fn with_schemas(root: &Value, name: &str) -> Value {
    let schemas = &root["components"]["schemas"];
    let mut kept = serde_json::Map::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        if !kept.contains_key(&name) && schemas.get(&name).is_some() {
            named_in(&schemas[&name], &mut open);
            kept.insert(name.clone(), schemas[&name].clone());
        }
    }
    let mut root = root.clone();
    root["components"] = serde_json::json!({ "schemas": kept });
    root
}

fn named_in(node: &Value, found: &mut Vec<String>) {
    found.extend(crate::document::schema_name(node).map(str::to_owned));
    match node {
        Value::Object(members) => members.values().for_each(|child| named_in(child, found)),
        Value::Array(members) => members.iter().for_each(|child| named_in(child, found)),
        _ => {}
    }
}

fn with_paths(root: &Value, paths: Value) -> Value {
    let mut root = root.clone();
    root["paths"] = paths;
    root
}

/// The code of progenitor, or our additions to it, is not valid Rust.
pub(crate) fn unparsable(error: &syn::Error) -> Errors {
    let message = format!("the generated code isn't Rust: {error}");
    Finding::new(RULE, "(generated code)", message, "look for odd names in the document").into()
}
