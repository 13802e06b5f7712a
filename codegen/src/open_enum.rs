//! Enums that keep unknown words instead of refusing the answer.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::document::items;
use crate::names::pascal;

/// The code that all open enums share. As text, because token by token it would be unreadable.
pub(crate) const BEHAVIOUR: &str = include_str!("open_enum.txt");

/// A string enum of the document.
pub(crate) struct OpenEnum {
    /// The Rust name, by which typify looks up replacements.
    pub(crate) name: String,
    description: Option<String>,
    words: Vec<String>,
    /// Whether a missing field is read as one.
    may_be_empty: bool,
}

impl OpenEnum {
    pub(crate) fn new(name: &str, schema: &Value, may_be_empty: bool) -> Self {
        let words = items(&schema["enum"]).iter().filter_map(Value::as_str);
        Self {
            name: pascal(name),
            description: schema["description"].as_str().map(str::to_owned),
            words: words.map(str::to_owned).collect(),
            may_be_empty,
        }
    }

    /// The type, and the line that implements its behaviour.
    pub(crate) fn tokens(&self) -> TokenStream {
        let name = format_ident!("{}", self.name);
        let doc = self.description.clone().unwrap_or_else(|| format!("`{}`", self.name));
        let variants: Vec<_> = self.words.iter().map(|word| format_ident!("{}", variant(word))).collect();
        let words = &self.words;
        let docs = self.words.iter().map(|word| format!("`{word}`"));
        let default = self.may_be_empty.then(|| self.default());
        quote! {
            #[doc = #doc]
            #[derive(Clone, Debug)]
            #[non_exhaustive]
            pub enum #name {
                #(#[doc = #docs] #variants,)*
                #[doc = "A value this version does not know, kept unchanged."]
                Unknown(::std::string::String),
            }
            open_enum! { #name => #(#variants = #words;)* }
            #default
        }
    }

    fn default(&self) -> TokenStream {
        let name = format_ident!("{}", self.name);
        quote! {
            #[doc = "No word at all."]
            impl ::std::default::Default for #name {
                fn default() -> Self {
                    Self::from("")
                }
            }
        }
    }
}

/// The variant of a word.
pub(crate) fn variant(word: &str) -> String {
    match pascal(word).as_str() {
        // The name is taken by the variant for unknown words.
        "Unknown" => "ReportedUnknown".to_owned(),
        _ if word.is_empty() => "Empty".to_owned(),
        other => other.to_owned(),
    }
}
