//! Tokens of OpenID Connect, from wherever the caller gets them.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::error::{Error, ErrorKind};
use crate::instant;
use crate::secret::Secret;
use crate::transport::credential::{Fetch, Token, bearer};

/// An access token; what the function given to [`Connect::bearer`](crate::incus::Connect::bearer) gets hold of.
#[derive(Debug, Clone)]
pub struct BearerToken {
    value: Secret,
    lasts: Option<Duration>,
}

impl BearerToken {
    /// A token that is good until the server refuses it.
    pub fn new(value: impl Into<Secret>) -> Self {
        Self { value: value.into(), lasts: None }
    }

    /// How long it is good from now on. Another one is asked for thirty seconds before the
    /// end, or when a quarter of its life is left if that is less.
    #[must_use]
    pub fn expires_in(mut self, lasts: Duration) -> Self {
        self.lasts = Some(lasts);
        self
    }
}

/// What the caller's function may fail with.
type Failure = Box<dyn StdError + Send + Sync>;

/// The caller's function.
#[derive(Clone)]
pub(in crate::incus) struct FetchToken(
    Arc<dyn Fn() -> BoxFuture<'static, Result<BearerToken, Failure>> + Send + Sync>,
);

impl FetchToken {
    pub(in crate::incus) fn new<F, Fut, E>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<BearerToken, E>> + Send + 'static,
        E: Into<Failure>,
    {
        Self(Arc::new(move || {
            let fetched = fetch();
            Box::pin(async { fetched.await.map_err(Into::into) })
        }))
    }
}

impl fmt::Debug for FetchToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Fetch for FetchToken {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, Error>> {
        Box::pin(async {
            let token = (self.0)().await.map_err(|e| {
                Error::new(ErrorKind::Unauthenticated, format!("no bearer token: {e}"))
                    .with(|inner| inner.source = Some(e))
            })?;
            let ends = token.lasts.map(instant::from_now);
            Ok(Token { value: bearer(&token.value)?, ends })
        })
    }
}
