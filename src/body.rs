//! The body of an answer, read as part of the attempt: an answer that breaks off is repeated like one that never came.

use std::time::Duration;

use bytes::Bytes;
use progenitor_client::ResponseValue;
use reqwest::{Response, ResponseBuilderExt};
use serde::de::DeserializeOwned;

/// The whole body, carried by its drained response: a response can't be given another body without being made anew.
#[derive(Clone)]
struct InHand(Bytes);

/// Why a body isn't there.
#[derive(Debug)]
pub(crate) enum Unread {
    Broken(reqwest::Error),
    TooLarge,
}

impl From<reqwest::Error> for Unread {
    fn from(e: reqwest::Error) -> Self {
        Self::Broken(e)
    }
}

/// Reads the body of an answer that will be decoded: so many bytes at most. More closes the connection.
pub(crate) async fn take_in_hand(mut response: Response, most: u64) -> Result<Response, Unread> {
    let body = read(&mut response, most).await?;
    response.extensions_mut().insert(InHand(body));
    Ok(response)
}

/// Decodes the body that was taken in hand.
#[allow(clippy::result_large_err)] // what the generated clients fail with
pub(crate) fn decode<T: DeserializeOwned>(
    mut response: Response,
) -> Result<ResponseValue<T>, progenitor_client::Error<()>> {
    let body = response.extensions_mut().remove::<InHand>().map(|body| body.0).unwrap_or_default();
    let headers = std::mem::take(response.headers_mut());
    match serde_json::from_slice(&body) {
        Ok(value) => Ok(ResponseValue::new(value, response.status(), headers)),
        Err(e) => Err(progenitor_client::Error::InvalidResponsePayload(body, e)),
    }
}

/// Reads the body of any other answer, for a caller that reads it as usual: so many bytes at most. What comes after them
/// is left, and the connection is closed.
pub(crate) async fn whole(mut response: Response, most: u64) -> reqwest::Result<Response> {
    let body = beginning(&mut response, most).await?;
    Ok(replaced(response, body))
}

/// The same where what came in time will do.
pub(crate) async fn what_comes(mut response: Response, most: u64, limit: Duration) -> Response {
    let mut body = Vec::new();
    let read = collect(&mut response, &mut body, most);
    // What the answer is, its head has told.
    let _ = tokio::time::timeout(limit, read).await;
    replaced(response, body.into())
}

/// An answer with another body.
fn replaced(mut response: Response, body: Bytes) -> Response {
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let mut whole = ::http::Response::builder();
    if let Some(extensions) = whole.extensions_mut() {
        *extensions = std::mem::take(response.extensions_mut());
    }
    // Without its URL the response would get a made-up one, parsed anew each time.
    let whole = whole.url(response.url().clone());
    // No part of the builder can fail.
    let mut whole = whole.body(body).unwrap_or_default();
    *whole.status_mut() = status;
    *whole.headers_mut() = headers;
    Response::from(whole)
}

async fn beginning(response: &mut Response, most: u64) -> reqwest::Result<Bytes> {
    let mut body = Vec::new();
    collect(response, &mut body, most).await?;
    Ok(body.into())
}

async fn collect(response: &mut Response, body: &mut Vec<u8>, most: u64) -> reqwest::Result<()> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    while let Some(piece) = response.chunk().await? {
        let left = most - body.len();
        if piece.len() > left {
            body.extend_from_slice(&piece[..left]);
            break;
        }
        body.extend_from_slice(&piece);
    }
    Ok(())
}

/// What comes in one piece, as most do, isn't copied. Of more, each piece is copied while it is at hand, and its memory
/// is free for the next one.
async fn read(response: &mut Response, most: u64) -> Result<Bytes, Unread> {
    /// A server's word for the length is good for this much memory.
    const TRUSTED: usize = 8 << 20;
    if response.content_length().is_some_and(|length| length > most) {
        return Err(Unread::TooLarge);
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let length = response.content_length().and_then(|length| usize::try_from(length).ok());
    let Some(first) = response.chunk().await? else { return Ok(Bytes::new()) };
    if first.len() > most {
        return Err(Unread::TooLarge);
    }
    if Some(first.len()) == length {
        // Only the end is left. Once it is seen, the connection is free for others.
        while response.chunk().await?.is_some() {}
        return Ok(first);
    }
    let mut body =
        Vec::with_capacity(length.unwrap_or_default().clamp(first.len(), TRUSTED.max(first.len())));
    body.extend_from_slice(&first);
    drop(first);
    while let Some(piece) = response.chunk().await? {
        if piece.len() > most - body.len() {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.into())
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use reqwest::Body;
    use reqwest::header::ETAG;

    use super::*;

    const MOST: u64 = u64::MAX;

    #[tokio::test]
    async fn no_more_than_the_limit_is_kept() -> reqwest::Result<()> {
        for (most, fits) in [(0, false), (5, false), (6, true)] {
            for pieces in [&["[1, 2]"][..], &["[1", ", 2]"]] {
                let taken = take_in_hand(in_pieces(pieces), most).await;
                assert_eq!(taken.is_ok(), fits, "{most}: {taken:?}");
            }
            let announced = Response::from(::http::Response::new("[1, 2]"));
            assert_eq!(take_in_hand(announced, most).await.is_ok(), fits, "{most}");
            let text = whole(in_pieces(&["[1", ", 2]"]), most).await?.text().await?;
            assert_eq!(text, "[1, 2]"[..usize::try_from(most).unwrap_or_default()]);
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_in_time_will_do() -> reqwest::Result<()> {
        use futures_util::StreamExt;
        let pieces = stream::iter([Ok::<_, std::io::Error>("no ")]).chain(stream::pending());
        let answer = ::http::Response::new(Body::wrap_stream(pieces)).into();
        let answer = what_comes(answer, MOST, Duration::from_secs(5)).await;
        assert_eq!(answer.text().await?, "no ");
        Ok(())
    }

    fn in_pieces(pieces: &[&'static str]) -> Response {
        let pieces: Vec<_> = pieces.iter().copied().map(Ok::<_, std::io::Error>).collect();
        ::http::Response::new(Body::wrap_stream(stream::iter(pieces))).into()
    }

    #[tokio::test]
    async fn one_piece_is_not_copied() -> Result<(), Unread> {
        let body = Bytes::from_static(b"[1, 2]");
        let mut answer = Response::from(::http::Response::new(body.clone()));
        assert_eq!(read(&mut answer, MOST).await?.as_ptr(), body.as_ptr());
        Ok(())
    }

    #[tokio::test]
    async fn pieces_are_put_together() -> Result<(), Unread> {
        for (pieces, body) in [(&["[1", ", ", "2]"][..], "[1, 2]"), (&["[]"], "[]"), (&[], "")] {
            assert_eq!(read(&mut in_pieces(pieces), MOST).await?, body);
        }
        Ok(())
    }

    #[tokio::test]
    async fn what_is_in_hand_is_decoded_with_its_head() -> Result<(), Box<dyn std::error::Error>> {
        let mut answer = in_pieces(&["[1, ", "2]"]);
        answer.headers_mut().insert(ETAG, "e1".parse()?);
        let answer = take_in_hand(answer, MOST).await.map_err(|e| format!("{e:?}"))?;
        let value = decode::<Vec<u32>>(answer)?;
        assert_eq!((value.status().as_u16(), &value.headers()[ETAG]), (200, &"e1".parse()?));
        assert_eq!(value.into_inner(), [1, 2]);
        Ok(())
    }

    #[tokio::test]
    async fn what_cannot_be_decoded_keeps_its_bytes() -> Result<(), Unread> {
        let answer = take_in_hand(in_pieces(&["[1, ", "2"]), MOST).await?;
        let result = decode::<Vec<u32>>(answer);
        assert!(
            matches!(&result, Err(progenitor_client::Error::InvalidResponsePayload(bytes, _)) if bytes == "[1, 2"),
            "{result:?}"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_whole_body_can_be_read_again() -> reqwest::Result<()> {
        let mut answer = in_pieces(&["no ", "JSON"]);
        answer.headers_mut().insert(ETAG, reqwest::header::HeaderValue::from_static("e1"));
        let answer = whole(answer, MOST).await?;
        assert_eq!(answer.headers()[ETAG], "e1");
        assert_eq!(answer.text().await?, "no JSON");
        Ok(())
    }
}
