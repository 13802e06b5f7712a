//! Credentials: added to every request, fetched on first use, and renewed before they expire.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

/// The `Authorization` header, and where it comes from.
#[derive(Default)]
pub(crate) enum Credential {
    /// The connection itself authenticates the client.
    #[default]
    None,
    /// Fixed.
    Fixed(HeaderValue),
    /// Fetched, and expires.
    Fetched(Fetched),
}

/// The source of a token.
pub(crate) trait Fetch: Send + Sync {
    /// Fetches a new token. Called once at a time.
    fn fetch(&self) -> BoxFuture<'_, Result<Token, Error>>;
}

/// A fetched token.
pub(crate) struct Token {
    pub(crate) value: HeaderValue,
    /// When it expires, if known.
    pub(crate) ends: Option<Instant>,
}

/// A token that all calls of a client share.
pub(crate) struct Fetched {
    source: Box<dyn Fetch>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// When to fetch the next token, if the expiry is known.
    renew: Option<Instant>,
    /// Numbers the tokens, so that a call whose old token was refused doesn't discard a newer one.
    number: u64,
}

/// The token that a request carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

/// How long before its expiry a token is renewed. A token with a short life is used for most of it.
const MARGIN: Duration = Duration::from_secs(30);

/// When to replace a token fetched now.
fn renewal(ends: Instant) -> Instant {
    let life = ends.saturating_duration_since(Instant::now());
    ends.checked_sub(MARGIN.min(life / 4)).unwrap_or(ends)
}

impl Credential {
    pub(crate) fn fetched(source: impl Fetch + 'static) -> Self {
        Self::Fetched(Fetched { source: Box::new(source), held: Mutex::default() })
    }

    /// Whether a new token may help after a refused request.
    pub(crate) fn is_renewable(&self) -> bool {
        matches!(self, Self::Fetched(_))
    }

    /// Adds the header to a request. Fetches a token first if there is none, or if it expires soon.
    pub(crate) async fn put_on(&self, headers: &mut HeaderMap) -> Result<Stamp, Error> {
        match self {
            Self::None => Ok(Stamp(0)),
            Self::Fixed(value) => {
                headers.insert(AUTHORIZATION, value.clone());
                Ok(Stamp(0))
            }
            Self::Fetched(fetched) => {
                let (value, stamp) = fetched.current().await?;
                headers.insert(AUTHORIZATION, value);
                Ok(stamp)
            }
        }
    }

    /// Discards a refused token, so that the next request fetches another.
    pub(crate) async fn refused(&self, stamp: Stamp) {
        if let Self::Fetched(fetched) = self {
            let mut held = fetched.held.lock().await;
            if held.number == stamp.0 {
                held.token = None;
            }
        }
    }
}

impl Fetched {
    /// While a token is being fetched, other callers wait for it.
    async fn current(&self) -> Result<(HeaderValue, Stamp), Error> {
        let mut held = self.held.lock().await;
        if let Some(token) = &held.token
            && held.renew.is_none_or(|renew| Instant::now() < renew)
        {
            return Ok((token.value.clone(), Stamp(held.number)));
        }
        let token = self.source.fetch().await?;
        let value = token.value.clone();
        held.number += 1;
        held.renew = token.ends.map(renewal);
        held.token = Some(token);
        Ok((value, Stamp(held.number)))
    }
}

/// `Bearer` and the token, marked as sensitive.
pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| {
        Error::new(ErrorKind::Configuration, "the token holds characters that a header can't hold")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Counted {
        fetched: Arc<AtomicU32>,
        lasts: Option<Duration>,
    }

    impl Fetch for Counted {
        fn fetch(&self) -> BoxFuture<'_, Result<Token, Error>> {
            Box::pin(async {
                let number = self.fetched.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
                let value = bearer(&Secret::from(format!("token-{number}")))?;
                Ok(Token { value, ends: self.lasts.map(crate::instant::from_now) })
            })
        }
    }

    fn counted(lasts: Option<Duration>) -> (Credential, Arc<AtomicU32>) {
        let fetched = Arc::new(AtomicU32::new(0));
        (Credential::fetched(Counted { fetched: fetched.clone(), lasts }), fetched)
    }

    async fn value(credential: &Credential) -> Result<(String, Stamp), Error> {
        let mut headers = HeaderMap::new();
        let stamp = credential.put_on(&mut headers).await?;
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        Ok((value.unwrap_or_default().to_owned(), stamp))
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_cause_one_fetch() -> Result<(), Error> {
        let (credential, fetched) = counted(None);
        let all = futures_util::future::join_all((0..10).map(|_| value(&credential))).await;
        for one in all {
            assert_eq!(one?.0, "Bearer token-1");
        }
        assert_eq!(fetched.load(Ordering::SeqCst), 1);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_about_to_end_is_renewed() -> Result<(), Error> {
        let (credential, _) = counted(Some(Duration::from_secs(600)));
        assert_eq!(value(&credential).await?.0, "Bearer token-1");
        tokio::time::advance(Duration::from_secs(569)).await;
        assert_eq!(value(&credential).await?.0, "Bearer token-1");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(value(&credential).await?.0, "Bearer token-2");
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_token_serves_for_most_of_its_life() -> Result<(), Error> {
        let at = |seconds| async move {
            // The fake source takes a second to fetch, and the token's life starts after that.
            let (credential, fetched) = counted(Some(Duration::from_secs(8)));
            value(&credential).await?;
            tokio::time::advance(Duration::from_secs(seconds)).await;
            value(&credential).await?;
            Ok::<_, Error>(fetched.load(Ordering::SeqCst))
        };
        assert_eq!((at(1).await?, at(5).await?, at(6).await?), (1, 1, 2));
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn lives_of_any_length() -> Result<(), Error> {
        for (lasts, fetches) in [(Duration::ZERO, 3), (Duration::MAX, 1)] {
            let (credential, fetched) = counted(Some(lasts));
            for _ in 0..3 {
                value(&credential).await?;
            }
            assert_eq!(fetched.load(Ordering::SeqCst), fetches, "{lasts:?}");
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_refused_to_many_is_renewed_once() -> Result<(), Error> {
        let (credential, fetched) = counted(None);
        let (_, stamp) = value(&credential).await?;
        credential.refused(stamp).await;
        assert_eq!(value(&credential).await?.0, "Bearer token-2");
        // Another call, sent with the first token, is refused only now.
        credential.refused(stamp).await;
        assert_eq!(value(&credential).await?.0, "Bearer token-2");
        assert_eq!(fetched.load(Ordering::SeqCst), 2);
        Ok(())
    }

    #[test]
    fn a_token_doesnt_print_and_must_be_a_header() {
        let value = bearer(&Secret::from("hunter2")).map(|value| format!("{value:?}"));
        assert!(value.is_ok_and(|text| !text.contains("hunter2")));
        assert!(bearer(&Secret::from("a\nb")).is_err_and(|e| e.kind() == ErrorKind::Configuration));
    }
}
