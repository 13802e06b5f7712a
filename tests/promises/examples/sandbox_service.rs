//! `examples/sandbox_service.rs`.

#[path = "../../../examples/sandbox_service.rs"]
#[allow(dead_code)]
mod program;

use std::io;
use std::time::Duration;

use program::Sandboxes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use windlass::testing::FakeIncus;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Starts the service, and posts a script to it.
async fn post(service: Sandboxes, script: &str) -> io::Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut client = TcpStream::connect(listener.local_addr()?).await?;
    tokio::spawn(async move { axum::serve(listener, service.router()).await });
    let length = script.len();
    let head =
        format!("POST /run HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    client.write_all(format!("{head}{script}").as_bytes()).await?;
    Ok(client)
}

/// The whole answer.
async fn answer(service: Sandboxes, script: &str) -> io::Result<String> {
    let mut text = String::new();
    post(service, script).await?.read_to_string(&mut text).await?;
    Ok(text)
}

/// If the answer ends early, the sandbox is deleted after it.
async fn until_deleted(fake: &FakeIncus) {
    while !fake.instances().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn the_answer_is_the_output_and_how_the_script_ended() -> Outcome {
    let fake = FakeIncus::start().await?;
    let text = answer(Sandboxes::new(fake.client()?, "busybox"), "echo hello; echo oh >&2; exit 3").await?;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(["hello\n", "oh\n", "exit status 3\n"].iter().all(|part| text.contains(part)), "{text}");
    until_deleted(&fake).await;
    Ok(())
}

#[tokio::test]
async fn output_comes_at_once_and_a_client_that_hangs_up_ends_the_sandbox() -> Outcome {
    let fake = FakeIncus::start().await?;
    let mut service = Sandboxes::new(fake.client()?, "busybox");
    service.limit = Duration::from_secs(1000);
    let mut client = post(service, "echo up; sleep 1000").await?;
    let mut text = Vec::new();
    while !text.ends_with(b"up\n\r\n") {
        text.push(client.read_u8().await?);
    }
    let sandbox = fake.instance(&fake.instances()[0]).ok_or("it is there")?;
    assert_eq!(sandbox["config"]["limits.memory"], "256MiB");
    assert_eq!(sandbox["config"]["limits.processes"], "100");
    assert_eq!(sandbox["expanded_devices"]["eth0"]["type"], "none");
    drop(client);
    until_deleted(&fake).await;
    Ok(())
}

#[tokio::test]
async fn a_script_has_a_time_limit() -> Outcome {
    let fake = FakeIncus::start().await?;
    let mut service = Sandboxes::new(fake.client()?, "busybox");
    service.limit = Duration::ZERO;
    let text = answer(service, "sleep 1000").await?;
    assert!(text.contains("stopped after 0ns\n"), "{text}");
    until_deleted(&fake).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_keeps_no_sandbox() -> Outcome {
    let fake = FakeIncus::start().await?;
    let service = Sandboxes::new(fake.client()?, "busybox");
    let mut client = post(service, "yes").await?;
    // The rest fills every buffer on the way.
    client.read_u8().await?;
    tokio::time::timeout(Duration::from_secs(60), until_deleted(&fake)).await?;
    Ok(())
}

#[tokio::test]
async fn the_service_ends_after_the_last_sandbox() -> Outcome {
    let fake = FakeIncus::start().await?;
    let mut service = Sandboxes::new(fake.client()?, "busybox");
    service.limit = Duration::from_secs(1000);
    let mut client = post(service.clone(), "echo up; sleep 1000").await?;
    let mut text = Vec::new();
    while !text.ends_with(b"up\n\r\n") {
        text.push(client.read_u8().await?);
    }
    drop(client);
    service.end().await?;
    assert!(fake.instances().is_empty());
    let text = answer(service, "true").await?;
    assert!(text.starts_with("HTTP/1.1 503"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_sandbox_that_cannot_be_made_is_an_error() -> Outcome {
    let fake = FakeIncus::start().await?;
    let text = answer(Sandboxes::new(fake.client()?, "no-such-image"), "true").await?;
    assert!(text.starts_with("HTTP/1.1 502") && text.contains("Image not provided"), "{text}");
    assert!(fake.instances().is_empty());
    Ok(())
}
