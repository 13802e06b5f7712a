//! The inputs of an operation: fields and setters of its builder, and the code that adds them to a request.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use serde_json::Value;

use crate::calls::field;
use crate::document::{Document, Operation, entries};
use crate::rule::{CONSTRAINT, MEDIA_TYPE};
use crate::rust_type::rust_type;
use crate::table::is_json;
use crate::{Errors, Finding};

/// The patterns that requests check, and how such a value gets into a path.
const CHECKS: [(&str, Role); 2] =
    [(r"^(?!\.{1,2}$)[^/\\]+$", Role::Segment), (r"^(?!\.{1,2}$|/)[^\\]+$", Role::Path)];

/// How a value gets into a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A segment of the path.
    Segment,
    /// A part of the path that may hold slashes.
    Path,
    Query,
    /// A query parameter that the handle may add, by its name there.
    Scoped(Scope),
    /// A query parameter that switches off the handle's parameters.
    Everywhere,
    Header,
}

/// The parameters that a handle may add.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Project,
    Target,
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Target => "target",
        }
    }
}

/// A parameter.
pub(crate) struct Parameter {
    pub(crate) wire: String,
    pub(crate) ident: Ident,
    pub(crate) ty: TokenStream,
    pub(crate) role: Role,
    required: bool,
    item: Option<TokenStream>,
    description: String,
}

/// The parameters of the path item and of the operation. The latter replace others of the same name.
pub(crate) fn parameters(document: &Document, operation: &Operation<'_>) -> Result<Vec<Parameter>, Errors> {
    let mut found: Vec<Parameter> = Vec::new();
    for (place, node) in operation.parameters() {
        let parameter = parameter(document, document.resolve(node), &place)?;
        found.retain(|other| other.wire != parameter.wire);
        found.push(parameter);
    }
    found.sort_by(|a, b| a.wire.cmp(&b.wire));
    Ok(found)
}

fn parameter(document: &Document, node: &Value, place: &str) -> Result<Parameter, Errors> {
    let (wire, schema) = (node["name"].as_str().unwrap_or_default(), &node["schema"]);
    let item = schema["type"] == "array";
    Ok(Parameter {
        wire: wire.to_owned(),
        ident: field(wire),
        ty: rust_type(document, schema, place)?,
        role: role(document, node, place)?,
        required: node["required"] == true,
        item: item.then(|| rust_type(document, &schema["items"], place)).transpose()?,
        description: description(node),
    })
}

fn description(node: &Value) -> String {
    node["description"].as_str().unwrap_or_default().trim().to_owned()
}

fn role(document: &Document, node: &Value, place: &str) -> Result<Role, Errors> {
    let pattern = document.resolve(&node["schema"])["pattern"].as_str();
    Ok(match (node["in"].as_str(), node["x-scope"].as_str(), pattern) {
        (Some("path"), _, None) => Role::Segment,
        (Some("path"), _, Some(pattern)) => {
            let known = CHECKS.iter().find(|(known, _)| *known == pattern);
            let message = "no check is written for this pattern";
            let cure = "use one of codegen/src/parameter.rs, or add it there and to src/transport/request.rs";
            known
                .map(|(_, role)| *role)
                .ok_or_else(|| Errors::from(Finding::new(CONSTRAINT, place, message, cure)))?
        }
        (Some("header"), ..) => Role::Header,
        (_, Some("project"), _) => Role::Scoped(Scope::Project),
        (_, Some("target"), _) => Role::Scoped(Scope::Target),
        (_, Some("everywhere"), _) => Role::Everywhere,
        _ => Role::Query,
    })
}

impl Parameter {
    pub(crate) fn setter(&self) -> TokenStream {
        let Self { ident, ty, item, .. } = self;
        let doc = or(&self.description, "As the vendor describes it.");
        match item {
            Some(item) => quote! {
                #[doc = #doc]
                pub fn #ident(mut self, values: impl IntoIterator<Item = impl Into<#item>>) -> Self {
                    self.#ident = Some(values.into_iter().map(Into::into).collect());
                    self
                }
            },
            None => setter(ident, ty, doc),
        }
    }

    /// Whether a request can't be sent without it.
    pub(crate) fn is_needed(&self) -> bool {
        self.required || matches!(self.role, Role::Segment | Role::Path)
    }

    /// A call of its setter with a value of `sample` for the operation with this id.
    pub(crate) fn sample(&self, id: &str) -> TokenStream {
        let Self { ident, wire, ty, .. } = self;
        quote!(.#ident(sample.value::<#ty>(#id, #wire)))
    }

    /// How it gets into the request.
    pub(crate) fn step(&self) -> TokenStream {
        let Self { ident, wire, .. } = self;
        match (self.role, self.required) {
            (Role::Segment, _) => quote!(request.segment(#wire, self.#ident);),
            (Role::Path, _) => quote!(request.path(#wire, self.#ident);),
            (Role::Query, true) => quote!(request.query_required(#wire, self.#ident);),
            (Role::Query, false) => quote!(request.query(#wire, self.#ident);),
            (Role::Everywhere, _) => quote!(request.query_everywhere(#wire, self.#ident);),
            (Role::Scoped(scope), _) => {
                let scope = scope.name();
                quote!(request.query_scoped(#scope, #wire, self.#ident);)
            }
            (Role::Header, required) => {
                let name = wire.to_ascii_lowercase();
                match required {
                    true => quote!(request.header_required(#name, self.#ident);),
                    false => quote!(request.header(#name, self.#ident);),
                }
            }
        }
    }
}

fn setter(ident: &Ident, ty: &TokenStream, doc: &str) -> TokenStream {
    quote! {
        #[doc = #doc]
        pub fn #ident(mut self, value: impl Into<#ty>) -> Self {
            self.#ident = Some(value.into());
            self
        }
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// The inputs of an operation.
pub(crate) enum Body {
    Json { ident: Ident, ty: TokenStream, required: bool },
    Content { ident: Ident, ty: TokenStream, media_type: String },
}

/// The body, if the operation has one.
pub(crate) fn body(document: &Document, operation: &Operation<'_>) -> Result<Option<Body>, Errors> {
    let Some(node) = operation.node.get("requestBody").map(|node| document.resolve(node)) else {
        return Ok(None);
    };
    let place = format!("{}.requestBody", operation.place());
    let Some((media_type, content)) = entries(&node["content"]).next() else {
        return Err(Finding::new(
            MEDIA_TYPE,
            place,
            "the body has no media type",
            "add one to its `content`",
        )
        .into());
    };
    let ident = field("body");
    Ok(Some(match is_json(media_type) {
        true => {
            let ty = rust_type(document, &content["schema"], &place)?;
            Body::Json { ident, ty, required: node["required"] == true }
        }
        false => Body::Content { ident, ty: quote!(crate::raw::Body), media_type: media_type.to_owned() },
    }))
}

impl Body {
    pub(crate) fn field(&self) -> (&Ident, &TokenStream) {
        match self {
            Self::Json { ident, ty, .. } | Self::Content { ident, ty, .. } => (ident, ty),
        }
    }

    pub(crate) fn setter(&self) -> TokenStream {
        let (ident, ty) = self.field();
        setter(ident, ty, "The body of the request.")
    }

    pub(crate) fn step(&self, operation: &Operation<'_>) -> TokenStream {
        match self {
            // An empty body is omitted if it only holds options.
            Self::Json { ident, .. } if matches!(operation.method, "get" | "delete") => {
                quote!(request.json_if_any(self.#ident.as_ref());)
            }
            Self::Json { ident, required: true, .. } => quote!(request.json(self.#ident.as_ref());),
            Self::Json { ident, required: false, .. } => quote!(request.json_if_said(self.#ident.as_ref());),
            Self::Content { ident, media_type, .. } => quote!(request.content(#media_type, self.#ident);),
        }
    }
}
