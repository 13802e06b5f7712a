//! Whether an SSH server answers.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;

/// How long connecting and reading may take together.
const LIMIT: Duration = Duration::from_secs(5);
/// How much a server may send before its greeting.
const MOST: u64 = 8 << 10;

/// The greeting of the SSH server at this address, or why there is none yet.
pub(crate) async fn read(address: &str, port: u16) -> Result<String, String> {
    match tokio::time::timeout(LIMIT, greeting(address, port)).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {LIMIT:?}")),
    }
}

/// A server may send other lines first; its own begins with `SSH-`, as RFC 4253 says.
async fn greeting(address: &str, port: u16) -> Result<String, String> {
    let stream = TcpStream::connect((address, port)).await.map_err(|e| e.to_string())?;
    let mut lines = BufReader::new(stream.take(MOST));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).await.map_err(|e| e.to_string())? > 0 {
        let text = String::from_utf8_lossy(&line);
        if text.starts_with("SSH-") && text.ends_with('\n') {
            return Ok(text.trim_end().to_owned());
        }
        line.clear();
    }
    Err("something else than an SSH server answers".to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// A server that sends this to one caller.
    async fn answered(sent: Vec<u8>) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        let serving = async {
            if let Ok((mut caller, _)) = listener.accept().await {
                // It may have hung up before all is sent.
                let _ = caller.write_all(&sent).await;
            }
        };
        tokio::join!(read("127.0.0.1", port), serving).0
    }

    #[tokio::test]
    async fn only_a_greeting_counts() {
        let greeting = "SSH-2.0-OpenSSH_9.2\r\n";
        assert_eq!(answered(greeting.into()).await.as_deref(), Ok("SSH-2.0-OpenSSH_9.2"));
        assert!(answered(format!("welcome\r\n{greeting}").into()).await.is_ok());
        for other in ["", "SSH-2.0-cut", "HTTP/1.1 400 Bad Request\r\n\r\n", "x SSH-2.0\n"] {
            assert!(answered(other.into()).await.is_err(), "{other:?}");
        }
        let endless = [vec![b'x'; 1 << 20], greeting.into()].concat();
        assert!(answered(endless).await.is_err());
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up() -> Result<(), std::io::Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        tokio::time::pause();
        assert!(read("127.0.0.1", port).await.is_err_and(|why| why.contains("within 5s")));
        Ok(())
    }
}
