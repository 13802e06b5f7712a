//! Streams of bytes, in answers and requests.

use std::fmt;
#[cfg(feature = "incus")]
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body::Body as _;
use reqwest::Response;

use super::facts::Facts;
use super::failure::broken;
use crate::error::{Error, ErrorKind};

/// The body of a request: bytes or text. Typed methods can also send files and streams.
pub struct Body(reqwest::Body);

impl Body {
    pub(crate) fn of(body: impl Into<reqwest::Body>) -> Self {
        Self(body.into())
    }

    pub(super) fn into_inner(self) -> reqwest::Body {
        self.0
    }

    /// What it is made of, for a protocol that has no bodies.
    #[cfg(feature = "incus")]
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Bytes, String>> + Send {
        futures_util::stream::unfold(self.0, |mut body| async move {
            loop {
                let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await?;
                match frame.map(|frame| frame.into_data()) {
                    Ok(Ok(piece)) => break Some((Ok(piece), body)),
                    // Trailers.
                    Ok(Err(_)) => {}
                    Err(e) => break Some((Err(e.to_string()), body)),
                }
            }
        })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("bytes", &self.0.size_hint().exact()).finish_non_exhaustive()
    }
}

macro_rules! body_of {
    ($($type:ty)*) => {$(
        impl From<$type> for Body {
            fn from(content: $type) -> Self {
                Self::of(content)
            }
        }
    )*};
}
body_of! { Vec<u8> Bytes String &'static [u8] &'static str }

/// The content of an answer, as a [`Stream`] of bytes. If the connection breaks, it ends with an error. Dropping it
/// closes the connection.
pub struct ByteStream {
    pieces: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    facts: Box<Facts>,
}

impl ByteStream {
    pub(super) fn new(response: Response, facts: Facts) -> Self {
        Self { pieces: Box::pin(response.bytes_stream()), facts: Box::new(facts) }
    }

    /// What is known about the call.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Reads it to its end. Fails if it is larger than a document may be (`Limits::json_body`), or falls silent.
    #[allow(dead_code)] // not every API needs it
    pub(crate) async fn document(mut self) -> Result<Bytes, Error> {
        let most = self.facts.handle().limits().json_body;
        let mut all = Vec::new();
        while let Some(piece) = self.next_in_time().await? {
            let size = all.len().saturating_add(piece.len());
            if u64::try_from(size).is_ok_and(|size| size > most) {
                return Err(self.facts.bad_reply(too_large(most)));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.into())
    }

    async fn next_in_time(&mut self) -> Result<Option<Bytes>, Error> {
        match tokio::time::timeout(SILENCE, self.next()).await {
            Ok(piece) => piece.transpose(),
            Err(_) => {
                let e = Error::new(ErrorKind::Timeout, format!("nothing came for {SILENCE:?}"));
                Err(self.facts.error(e))
            }
        }
    }
}

/// How long a document may be silent.
const SILENCE: Duration = Duration::from_secs(30);

pub(super) fn too_large(most: u64) -> String {
    format!("the answer has more than {most} bytes (Limits::json_body)")
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").finish_non_exhaustive()
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(pin!(&mut self.pieces).poll_next(context));
        Poll::Ready(piece.map(|piece| piece.map_err(|e| broken_off(&self.facts, e))))
    }
}

/// The error of content that broke off.
fn broken_off(facts: &Facts, e: reqwest::Error) -> Error {
    facts.error(broken(e)).with(|e| e.message.insert_str(0, "the content broke off: "))
}
