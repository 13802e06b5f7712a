//! The public inherent methods of a source file.

use syn::{Attribute, Block, Expr, ImplItem, ImplItemFn, Item, ItemImpl, Macro, Stmt};

use crate::syntax::{self, has, type_name};

/// One `pub fn` of an `impl Type { … }`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Method {
    /// `Type::method`.
    pub(crate) path: String,
    /// The line of its `fn`, from one.
    pub(crate) line: usize,
    /// Why it doesn't count, if so.
    pub(crate) flaw: Option<&'static str>,
}

/// All methods in a file.
pub(crate) fn public_methods(source: &str) -> syn::Result<Vec<Method>> {
    let mut found = Vec::new();
    collect(&syn::parse_file(source)?.items, source, &mut found);
    Ok(found)
}

/// Adds the methods of some items, and of the modules among them.
fn collect(items: &[Item], source: &str, found: &mut Vec<Method>) {
    for item in items {
        match item {
            Item::Impl(block) => found.extend(methods_of(block, source)),
            Item::Mod(module) if !is_test(&module.attrs) => {
                let inner = module.content.as_ref().map(|(_, items)| items);
                collect(inner.map_or(&[], Vec::as_slice), source, found);
            }
            _ => {}
        }
    }
}

/// The methods of one inherent impl. Those of a trait belong to the trait.
fn methods_of(block: &ItemImpl, source: &str) -> Vec<Method> {
    if block.trait_.is_some() || is_test(&block.attrs) {
        return Vec::new();
    }
    let Some(owner) = type_name(&block.self_ty) else {
        return Vec::new();
    };
    let functions = block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(function) if is_public(function) => Some(function),
        _ => None,
    });
    let hidden = is_hidden(&block.attrs);
    functions.map(|function| method(&owner, function, hidden, source)).collect()
}

/// The description of one method.
fn method(owner: &str, function: &ImplItemFn, block_hidden: bool, source: &str) -> Method {
    let name = function.sig.ident.to_string();
    let flaw = if block_hidden || is_hidden(&function.attrs) {
        Some("#[doc(hidden)]")
    } else if is_unwritten(&function.block) {
        Some("not written yet")
    } else {
        None
    };
    Method { line: line_of(source, owner, &name), path: format!("{owner}::{name}"), flaw }
}

fn is_public(function: &ImplItemFn) -> bool {
    syntax::is_public(&function.vis) && !is_test(&function.attrs)
}

/// `#[cfg(test)]`.
fn is_test(attributes: &[Attribute]) -> bool {
    has(attributes, "cfg", "test")
}

/// `#[doc(hidden)]`.
fn is_hidden(attributes: &[Attribute]) -> bool {
    has(attributes, "doc", "hidden")
}

/// Whether a body is a placeholder.
fn is_unwritten(body: &Block) -> bool {
    body.stmts.iter().any(|statement| match statement {
        Stmt::Macro(call) => is_placeholder(&call.mac),
        Stmt::Expr(Expr::Macro(call), _) => is_placeholder(&call.mac),
        _ => false,
    })
}

/// `todo!` and `unimplemented!`, with or without a path such as `std::`.
fn is_placeholder(call: &Macro) -> bool {
    let last = call.path.segments.last();
    last.is_some_and(|segment| segment.ident == "todo" || segment.ident == "unimplemented")
}

/// The line of `fn name` in an inherent impl of `owner`, or 0. Read from the text as rustfmt lays it out, because
/// positions in syn would cost a second build of its dependencies.
fn line_of(source: &str, owner: &str, name: &str) -> usize {
    let mut header = String::new();
    let mut inside = false;
    for (index, line) in source.lines().enumerate() {
        let line = line.trim();
        if starts_impl(line) || !header.is_empty() {
            header.push_str(line);
            header.push(' ');
            if line.contains('{') {
                inside = is_header_of(&header, owner);
                header.clear();
            }
        }
        if inside && defines(line, name) {
            return index + 1;
        }
    }
    0
}

fn starts_impl(line: &str) -> bool {
    line.starts_with("impl ") || line.starts_with("impl<")
}

/// Whether `impl … {` is inherent.
fn is_header_of(header: &str, owner: &str) -> bool {
    let subject = header.split(" where ").next().unwrap_or(header);
    let mut words = subject.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    !subject.contains(" for ") && words.any(|word| word == owner)
}

/// Whether a line of code has `fn name` followed by its parameters.
fn defines(line: &str, name: &str) -> bool {
    let after = line.split_once("fn ").and_then(|(_, rest)| rest.strip_prefix(name));
    !line.starts_with("//") && after.is_some_and(|rest| rest.starts_with(['(', '<']))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::public_methods;

    /// `path:line` of each method that counts, `path!flaw` of the others.
    fn seen(source: &str) -> Vec<String> {
        let methods = public_methods(source).unwrap();
        let shown = |m: super::Method| match m.flaw {
            None => format!("{}:{}", m.path, m.line),
            Some(flaw) => format!("{}!{flaw}", m.path),
        };
        methods.into_iter().map(shown).collect()
    }

    #[test]
    fn finds_plain_async_and_generic_methods() {
        let source = "
impl Incus {
    pub fn instances(&self) {}
    pub async fn launch(&self) {}
}
impl<D> Instance<D> {
    pub fn exec<I>(&self, words: I) {}
}
impl<D>
    super::Instance<D>
where
    D: Clone,
{
    pub fn stop(&self) {}
}
mod inner {
    impl super::Image {
        pub fn delete(&self) {}
    }
}";
        assert_eq!(
            seen(source),
            [
                "Incus::instances:3",
                "Incus::launch:4",
                "Instance::exec:7",
                "Instance::stop:14",
                "Image::delete:18",
            ]
        );
    }

    #[test]
    fn leaves_out_private_traits_and_tests() {
        let source = "
impl Incus { fn a(&self) {} pub(crate) fn b(&self) {} }
impl Launch for Incus { fn launch(&self) {} }
#[cfg(test)]
mod tests { impl super::Incus { pub fn c(&self) {} } }
#[cfg(test)]
impl Incus { pub fn d(&self) {} }
pub fn launch() {}";
        assert!(seen(source).is_empty());
    }

    #[test]
    fn a_method_that_is_hidden_or_unwritten_is_flawed() {
        let source = "
impl Incus {
    #[doc(hidden)]
    pub fn a(&self) {}
    /// Says #[doc(hidden)] only.
    pub fn b(&self) {}
    pub fn c(&self) { todo!() }
    pub fn d(&self) { std::unimplemented!(\"later\"); }
}
#[doc(hidden)]
impl Image { pub fn e(&self) {} }";
        assert_eq!(
            seen(source),
            [
                "Incus::a!#[doc(hidden)]",
                "Incus::b:6",
                "Incus::c!not written yet",
                "Incus::d!not written yet",
                "Image::e!#[doc(hidden)]",
            ]
        );
    }

    #[test]
    fn the_line_is_that_of_the_right_type() {
        let source = "
impl Image {
    pub fn get(&self) {}
}
impl Get for Instance {
    fn get(&self) {}
}
impl Instance {
    // fn get() is below
    pub fn get_all(&self) {}
    pub fn get(&self) {}
}";
        assert_eq!(seen(source), ["Image::get:3", "Instance::get_all:10", "Instance::get:11"]);
    }

    #[test]
    fn broken_source_is_an_error() {
        assert!(public_methods("impl {").is_err());
    }
}
