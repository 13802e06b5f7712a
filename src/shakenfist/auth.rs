//! The token of each request: exchanged for a key, shared, renewed.

use std::time::Duration;

use tokio::time::Instant;

use super::client::ShakenFist;
use super::types;
use crate::error::{Error, ErrorKind};
use crate::instant;
use crate::raw;
use crate::secret::Secret;
use crate::transport::credential::{Fetch, Token, bearer};
use crate::wait::BoxFuture;

/// Fetches tokens, with a raw client that has none.
pub(super) struct Tokens {
    raw: raw::shakenfist::Client,
    namespace: String,
    key: Secret,
}

impl Tokens {
    pub(super) fn new(raw: raw::shakenfist::Client, namespace: String, key: Secret) -> Self {
        Self { raw, namespace, key }
    }

    async fn exchange(&self) -> Result<Token, Error> {
        let request = types::AuthRequest::new(self.key.clone(), &self.namespace);
        let asked = Instant::now();
        let token = self.raw.auth().body(request).send().await.map_err(|e| self.refused(e))?;
        let lasts = token.expires_in.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
        Ok(Token {
            value: bearer(&token.access_token)?,
            ends: lasts.map(|lasts| instant::after(asked, lasts)),
        })
    }

    /// Here 401 and 404 are about the key and its namespace.
    fn refused(&self, e: Error) -> Error {
        let what = match e.status() {
            Some(401) => "the key isn't one of the namespace",
            Some(404) if e.kind() == ErrorKind::NotFound => "there is no namespace",
            _ => return e,
        };
        e.with(|inner| {
            inner.kind = ErrorKind::Unauthenticated;
            inner.message = format!("{what} {:?} ({})", self.namespace, inner.message);
        })
    }
}

impl Fetch for Tokens {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, Error>> {
        Box::pin(self.exchange())
    }
}

/// Fails unless the key is accepted.
pub(super) async fn sign_in(sf: &ShakenFist) -> Result<(), Error> {
    // The cheapest call that needs a token: nothing has this UUID.
    match sf.raw().agent_operation_get().operation_uuid(NOTHING).send().await {
        Ok(_) => Ok(()),
        Err(e) if e.is_not_found() => Ok(()),
        Err(e) => Err(e),
    }
}

/// A UUID that nothing has.
const NOTHING: &str = "00000000-0000-4000-8000-000000000000";
