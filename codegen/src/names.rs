//! Rust names, made exactly as progenitor and typify make them.

use heck::{ToPascalCase, ToSnakeCase};

/// The name of a type, a variant or a builder.
pub(crate) fn pascal(text: &str) -> String {
    identifier(text, |text| text.to_pascal_case())
}

/// The name of a field, a method or an argument.
pub(crate) fn snake(text: &str) -> String {
    identifier(text, |text| text.to_snake_case())
}

fn identifier(text: &str, case: impl Fn(&str) -> String) -> String {
    let cased = match text {
        "+1" => case("plus1"),
        "-1" => case("minus1"),
        other => case(&separated(other)),
    };
    let started = match cased.chars().next() {
        None => case("x"),
        Some(first) if first.is_alphabetic() => cased,
        Some(_) => format!("_{cased}"),
    };
    if syn::parse_str::<syn::Ident>(&started).is_ok() { started } else { format!("{started}_") }
}

fn separated(text: &str) -> String {
    let word = |c: char| {
        if c.is_alphanumeric() || c == '_' { c } else { '-' }
    };
    text.chars().filter(|c| *c != '\'').map(word).collect()
}
