//! What is typed at a terminal.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::Error;
use crate::stream::process::Input;
use crate::stream::websocket::Socket;

/// How much a terminal or a pipe keeps that its command doesn't read: with more than that, the server may be too busy
/// writing to it to answer a ping.
pub(super) const TYPED: usize = 4_095;
/// Size of the largest frame sent.
pub(super) const PIECE: usize = 64 * 1024;

/// How the end of a terminal's input is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::incus) enum Keyboard {
    /// Control-D. After an empty text the server would not listen to the keyboard any more.
    ControlD,
    /// A console has no end of input: nothing is sent.
    Console,
}

/// Sends what is typed, then the end of input. The writer gets an error once the command has stopped reading.
pub(super) async fn send<C, T>(socket: &Socket<C>, mut input: Input, keyboard: Keyboard) -> T
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    let sending = async {
        let mut typed = 0_usize;
        while let Some(piece) = input.next(PIECE).await {
            typed = typed.saturating_add(piece.len());
            if typed > TYPED {
                not_read(socket).await?;
            }
            socket.send_binary(piece).await?;
        }
        match keyboard {
            Keyboard::ControlD => socket.send_binary(Bytes::from_static(b"\x04")).await,
            Keyboard::Console => Ok(()),
        }
    };
    tell(sending.await);
    drop(input);
    std::future::pending().await
}

/// From here on the command may not read what is sent, and only the server's own pings show that the connection is
/// alive: those of a command come every ten seconds, the first at once. A console has none.
pub(super) async fn not_read<C>(socket: &Socket<C>) -> Result<(), Error>
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    // Before the first sign of life there is nothing to compare a silence with.
    socket.heard().await?;
    socket.watch_its_pings();
    Ok(())
}

pub(super) fn tell(sent: Result<(), Error>) {
    if let Err(e) = sent {
        tracing::debug!(error = %e, "the command reads no more input");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::stream::process::StdinSource;

    /// Whether a terminal at which so much is typed is given up if its server answers no pings, and says this before.
    async fn is_given_up(typed: usize, says: &[u8]) -> bool {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        assert!(theirs.write_all(says).await.is_ok());
        let second = Duration::from_secs(1);
        let both = Socket::over(ours).await.watched(second, second);
        let (input, _) = Input::new(StdinSource::Bytes(vec![b'x'; typed].into()));
        let ended = async {
            tokio::select! {
                () = async { loop { if both.next().await.is_err() { break } } } => true,
                never = send(&both, input, Keyboard::ControlD) => never,
            }
        };
        tokio::time::timeout(second * 100, ended).await.unwrap_or(false)
    }

    #[tokio::test(start_paused = true)]
    async fn a_terminal_may_be_silent_once_more_is_typed_than_it_keeps() {
        // A ping, an empty text.
        let (ping, text) = (&[0x89, 0][..], &[0x81, 0][..]);
        for (says, if_typed_much) in [
            (vec![], true),
            (text.to_vec(), false),
            ([ping, text].concat(), false),
            ([text, ping].concat(), true),
        ] {
            assert!(is_given_up(TYPED, &says).await, "{says:?}");
            assert_eq!(is_given_up(TYPED + 1, &says).await, if_typed_much, "{says:?}");
        }
    }
}
