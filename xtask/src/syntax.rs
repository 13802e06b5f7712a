//! Small questions about parsed source.

use syn::{Attribute, Type, Visibility};

pub(crate) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// `Instance` of `Instance<D>` or `super::Instance`.
pub(crate) fn type_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

/// Whether `#[name(word)]` is among the attributes.
pub(crate) fn has(attributes: &[Attribute], name: &str, word: &str) -> bool {
    attributes.iter().any(|attribute| {
        let inner = attribute.path().is_ident(name).then(|| attribute.parse_args::<syn::Ident>());
        matches!(inner, Some(Ok(ident)) if ident == word)
    })
}
