//! Reading a body as part of the attempt, so that a broken answer is retried like a missing one.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;

/// Why there is no body.
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

/// Reads at most `most` bytes. The rest is discarded, and the connection is closed.
pub(crate) async fn beginning(response: &mut Response, most: u64) -> reqwest::Result<Bytes> {
    let mut body = Vec::new();
    collect(response, &mut body, most).await?;
    Ok(body.into())
}

/// Like `beginning`, but keeps what has come within `limit`.
pub(crate) async fn what_comes(response: &mut Response, most: u64, limit: Duration) -> Bytes {
    let mut body = Vec::new();
    let read = collect(response, &mut body, most);
    // The head has already told what went wrong.
    let _ = tokio::time::timeout(limit, read).await;
    body.into()
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

/// Reads the whole body, of at most `most` bytes. More closes the connection.
///
/// A body in one piece, as most are, isn't copied. Otherwise each piece is copied as it comes, which frees its memory
/// for the next one.
pub(crate) async fn whole(response: &mut Response, most: u64) -> Result<Bytes, Unread> {
    /// How much memory is reserved because the server announced it.
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
        // Reads the end of the body, which frees the connection for others.
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

    use super::*;

    const MOST: u64 = u64::MAX;

    #[tokio::test]
    async fn no_more_than_the_limit_is_kept() -> reqwest::Result<()> {
        for (most, fits) in [(0, false), (5, false), (6, true)] {
            for pieces in [&["[1, 2]"][..], &["[1", ", 2]"]] {
                let taken = whole(&mut in_pieces(pieces), most).await;
                assert_eq!(taken.is_ok(), fits, "{most}: {taken:?}");
            }
            let mut announced = Response::from(::http::Response::new("[1, 2]"));
            assert_eq!(whole(&mut announced, most).await.is_ok(), fits, "{most}");
            let text = beginning(&mut in_pieces(&["[1", ", 2]"]), most).await?;
            assert_eq!(text, "[1, 2]"[..usize::try_from(most).unwrap_or_default()]);
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_in_time_will_do() {
        use futures_util::StreamExt;
        let pieces = stream::iter([Ok::<_, std::io::Error>("no ")]).chain(stream::pending());
        let mut answer = ::http::Response::new(Body::wrap_stream(pieces)).into();
        assert_eq!(what_comes(&mut answer, MOST, Duration::from_secs(5)).await, "no ");
    }

    fn in_pieces(pieces: &[&'static str]) -> Response {
        let pieces: Vec<_> = pieces.iter().copied().map(Ok::<_, std::io::Error>).collect();
        ::http::Response::new(Body::wrap_stream(stream::iter(pieces))).into()
    }

    #[tokio::test]
    async fn one_piece_is_not_copied() -> Result<(), Unread> {
        let body = Bytes::from_static(b"[1, 2]");
        let mut answer = Response::from(::http::Response::new(body.clone()));
        assert_eq!(whole(&mut answer, MOST).await?.as_ptr(), body.as_ptr());
        Ok(())
    }

    #[tokio::test]
    async fn pieces_are_put_together() -> Result<(), Unread> {
        for (pieces, body) in [(&["[1", ", ", "2]"][..], "[1, 2]"), (&["[]"], "[]"), (&[], "")] {
            assert_eq!(whole(&mut in_pieces(pieces), MOST).await?, body);
        }
        Ok(())
    }
}
