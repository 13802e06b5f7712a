//! The calls: a builder for each operation and its `send`, written from the document.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;

use crate::Errors;
use crate::document::{Document, Operation};
use crate::envelope;
use crate::names::{pascal, snake};
use crate::parameter::{Body, Parameter, Role, body, parameters};
use crate::table::{constant, endpoint_id, reply};

/// The client, and a module with a builder for each operation.
pub(crate) fn tokens(document: &Document) -> Result<TokenStream, Errors> {
    let (mut builders, mut findings) = (Vec::new(), Vec::new());
    for operation in document.operations() {
        match builder(document, &operation) {
            Ok(tokens) => builders.push(tokens),
            Err(errors) => findings.extend(errors.findings().iter().cloned()),
        }
    }
    if !findings.is_empty() {
        return Err(findings.into());
    }
    Ok(quote! {
        #[doc = "A client: every operation as a builder."]
        #[derive(Clone, Debug)]
        pub struct Client {
            pub(crate) handle: crate::transport::Handle,
        }

        #[doc = "The operations before they are sent."]
        pub mod builder {
            #[allow(unused_imports)]
            use super::{endpoints, types};
            #[allow(unused_imports)]
            use crate::transport::{Call, Received, Request};
            #(#builders)*
        }
    })
}

fn builder(document: &Document, operation: &Operation<'_>) -> Result<TokenStream, Errors> {
    let id = endpoint_id(operation);
    let name = format_ident!("{}", pascal(operation.id().unwrap_or_default()));
    let parameters = parameters(document, operation)?;
    let body = body(document, operation)?;
    let derives =
        if matches!(body, Some(Body::Content { .. })) { quote!(Debug) } else { quote!(Clone, Debug) };
    let fields = parameters
        .iter()
        .map(|parameter| (&parameter.ident, &parameter.ty))
        .chain(body.iter().map(Body::field));
    let (names, types): (Vec<_>, Vec<_>) = fields.unzip();
    let setters = parameters.iter().map(Parameter::setter).chain(body.iter().map(Body::setter));
    let send = send(document, operation, &parameters, body.as_ref())?;
    let (title, link) =
        (format!("A call of [`Client::{id}`]."), format!("[`Client::{id}`]: super::Client::{id}"));
    Ok(quote! {
        #[doc = #title]
        #[doc = ""]
        #[doc = #link]
        #[derive(#derives)]
        pub struct #name<'a> {
            client: &'a super::Client,
            #(#names: Option<#types>,)*
        }

        impl<'a> #name<'a> {
            pub(super) fn new(client: &'a super::Client) -> Self {
                Self { client, #(#names: None,)* }
            }

            #(#setters)*
            #send
        }
    })
}

fn send(
    document: &Document,
    operation: &Operation<'_>,
    parameters: &[Parameter],
    body: Option<&Body>,
) -> Result<TokenStream, Errors> {
    let endpoint = constant(operation);
    let doc = format!("`{} {}`", operation.method.to_uppercase(), operation.path);
    let mut steps: Vec<_> = in_order(operation, parameters).map(Parameter::step).collect();
    steps.extend(body.map(|body| body.step(operation)));
    let (ty, read) = answer(document, operation)?;
    let request = if steps.is_empty() { quote!(request) } else { quote!(mut request) };
    Ok(quote! {
        #[doc = #doc]
        pub fn send(self) -> Call<#ty> {
            let #request = Request::new(&self.client.handle, &endpoints::#endpoint);
            #(#steps)*
            request.call(Received::#read)
        }
    })
}

/// Parameters in the order of the path. Those that the handle adds come last, because others may switch them off.
fn in_order<'a>(
    operation: &Operation<'_>,
    parameters: &'a [Parameter],
) -> impl Iterator<Item = &'a Parameter> {
    let path = operation.path;
    let place = |parameter: &&Parameter| match parameter.role {
        Role::Segment | Role::Path => path.find(&format!("{{{}}}", parameter.wire)).unwrap_or_default(),
        Role::Scoped(_) => usize::MAX,
        _ => usize::MAX - 1,
    };
    let mut sorted: Vec<_> = parameters.iter().collect();
    sorted.sort_by_key(place);
    sorted.into_iter()
}

/// The result type of a call, and the function that decodes it.
fn answer(document: &Document, operation: &Operation<'_>) -> Result<(TokenStream, TokenStream), Errors> {
    let none = Value::Null;
    Ok(match reply(document, operation) {
        "Upgrade" => (quote!(crate::raw::Upgraded), quote!(upgraded)),
        "Empty" => (quote!(()), quote!(empty)),
        "Json" => {
            envelope::answer(document, operation, envelope::schema(document, operation).unwrap_or(&none))?
        }
        _ => (quote!(crate::raw::ByteStream), quote!(bytes)),
    })
}

/// The name of a field or a method.
pub(crate) fn field(wire: &str) -> Ident {
    format_ident!("{}", snake(wire))
}
