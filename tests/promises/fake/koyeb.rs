//! The fake Koyeb's doors, knocked at by hand.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass::testing::FakeKoyeb;

use crate::alone::Outcome;

/// The status of the answer to a request for a websocket.
async fn status(fake: &FakeKoyeb, headers: &[String]) -> Result<String, Box<dyn std::error::Error>> {
    let host = fake.url().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&host).await?;
    let id = fake.instances("").remove(0);
    let request = format!(
        "GET /v1/streams/logs/tail?instance_ids={id} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
        headers.iter().map(|header| format!("{header}\r\n")).collect::<String>()
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = vec![0; 12];
    connection.read_exact(&mut answer).await?;
    Ok(String::from_utf8(answer)?.split_off("HTTP/1.1 ".len()))
}

#[tokio::test]
async fn a_websocket_shows_its_token_in_one_place_or_in_both_and_then_it_must_be_the_same() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    fake.add_instance("HEALTHY");
    let header = |token: &str| format!("Authorization: Bearer {token}");
    let protocol = |token: &str| format!("Sec-WebSocket-Protocol: Bearer, {token}");
    let good = fake.token();
    for (headers, expected) in [
        (vec![], "401"),
        (vec![header(good)], "101"),
        (vec![protocol(good)], "101"),
        (vec![header(good), protocol(good)], "101"),
        (vec![header("other"), protocol(good)], "401"),
        (vec![header(good), protocol("other")], "401"),
        (vec![header(good), "Sec-WebSocket-Protocol: chat".to_owned()], "401"),
        (vec![format!("Authorization: {good}"), protocol(good)], "401"),
    ] {
        let told = status(&fake, &headers).await?;
        assert_eq!(told, expected, "{}", headers.join(", ").replace(good, "TOKEN"));
    }
    Ok(())
}
