//! Koyeb: a tail that isn't read, while large lines come without end. Alone in its process, whose memory it measures.

use futures_util::SinkExt;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use windlass::Koyeb;
use windlass::koyeb::Tailed;

use crate::alone::{alone, memory};

const MIB: usize = 1 << 20;

/// Says lines of 6 MiB for as long as they are taken.
#[allow(clippy::result_large_err)] // what the library of websockets asks for
async fn talk(listener: TcpListener, timed: bool) -> Result<(), Box<dyn std::error::Error>> {
    let (connection, _) = listener.accept().await?;
    let accept = |_: &Request, mut response: Response| {
        response.headers_mut().insert("Sec-WebSocket-Protocol", "Bearer".parse().expect("a word"));
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(connection, accept).await?;
    let text = "x".repeat(6 * MIB);
    let time = if timed { r#""2026-08-01T00:00:00Z""# } else { "null" };
    let line = format!(r#"{{"result":{{"msg":"{text}","created_at":{time}}}}}"#);
    loop {
        socket.send(Message::text(line.clone())).await?;
    }
}

alone! {
async fn a_tail_that_nobody_reads() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let talking = tokio::spawn(async move { talk(listener, true).await.map_err(|e| e.to_string()) });
    let mut tail = Koyeb::token("t").url(url).client()?.service("s").logs().tail().await?;
    assert!(matches!(tail.next().await, Some(Ok(Tailed::Line(_)))));
    let before = memory("VmRSS");
    // Until nothing moves any more.
    let mut quiet = 0;
    while quiet < 10 {
        let now = memory("VmRSS");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        quiet = if memory("VmRSS") > now + 262_144 { 0 } else { quiet + 1 };
    }
    let grown = memory("VmHWM").saturating_sub(before);
    assert!(!talking.is_finished(), "it is held back");
    // One line waits, one is in hand, and one is being read: as bytes, as JSON, as a line.
    assert!(grown < 64 * (MIB as u64), "{} MiB more", grown >> 20);
    println!("{} MiB more at most", grown >> 20);
    talking.abort();
    Ok(())
}
}

alone! {
async fn lines_without_a_time_do_not_pile_up() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let talking = tokio::spawn(async move { talk(listener, false).await.map_err(|e| e.to_string()) });
    let mut tail = Koyeb::token("t").url(url).client()?.service("s").logs().tail().await?;
    let before = memory("VmRSS");
    for _ in 0..40 {
        assert!(matches!(tail.next().await, Some(Ok(Tailed::Line(line))) if line.message.len() == 6 * MIB));
    }
    let grown = memory("VmHWM").saturating_sub(before);
    assert!(grown < 96 * (MIB as u64), "{} MiB more", grown >> 20);
    println!("{} MiB more at most", grown >> 20);
    talking.abort();
    Ok(())
}
}
