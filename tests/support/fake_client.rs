//! An ordinary HTTP client and websockets, for driving the fake server without this crate's client.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use windlass::testing::{FakeIncus, Generation};

pub const SOON: Duration = Duration::from_secs(3);

pub struct Http {
    pub client: reqwest::Client,
    base: String,
}

impl Http {
    pub fn tcp(fake: &FakeIncus) -> Http {
        Http { client: plain(), base: fake.url() }
    }

    pub fn unix(fake: &FakeIncus) -> Http {
        Http { client: builder().unix_socket(fake.socket()).build().unwrap(), base: "http://incus".into() }
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}{path}", self.base);
        let request = self.client.request(method.parse().unwrap(), url);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        request.send().await
    }

    pub async fn json(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body).await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.json("GET", path, Value::Null).await
    }

    /// Starts an operation and returns its id and what `/wait` says.
    pub async fn run(&self, method: &str, path: &str, body: Value) -> (String, Value) {
        let started = self.json(method, path, body).await;
        assert_eq!(started["type"], "async", "{started}");
        let id = started["metadata"]["id"].as_str().unwrap().to_owned();
        let waited = self.get(&format!("/1.0/operations/{id}/wait?timeout=10")).await;
        (id, waited)
    }

    pub async fn launch(&self, name: &str) {
        let (_, waited) = self.run("POST", "/1.0/instances", image(name, true)).await;
        assert_eq!(waited["metadata"]["status"], "Success", "{waited}");
    }
}

pub fn plain() -> reqwest::Client {
    builder().build().unwrap()
}

/// Without TLS; but reqwest, built without a provider for it, wants one all the same.
fn builder() -> reqwest::ClientBuilder {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.unwrap().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    reqwest::Client::builder().retry(reqwest::retry::never()).tls_backend_preconfigured(tls)
}

pub fn image(name: &str, start: bool) -> Value {
    json!({"name": name, "start": start, "source": {"type": "image", "alias": "busybox"}})
}

pub async fn server(generation: Generation) -> (FakeIncus, Http) {
    let fake = FakeIncus::builder().generation(generation).start().await.unwrap();
    let http = Http::tcp(&fake);
    (fake, http)
}

pub type Socket = WebSocketStream<TcpStream>;

pub async fn dial(fake: &FakeIncus, path: &str) -> Result<Socket, tokio_tungstenite::tungstenite::Error> {
    let address = fake.url().replace("http://", "");
    let stream = TcpStream::connect(&address).await.unwrap();
    let dialed = tokio_tungstenite::client_async(format!("ws://{address}{path}"), stream).await;
    dialed.map(|(socket, _)| socket)
}

pub async fn dial_fd(fake: &FakeIncus, started: &Value, fd: &str) -> Socket {
    let id = started["metadata"]["id"].as_str().unwrap();
    let secret = started["metadata"]["metadata"]["fds"][fd].as_str().unwrap();
    dial(fake, &format!("/1.0/operations/{id}/websocket?secret={secret}")).await.unwrap()
}

/// The next message that isn't a ping.
pub async fn next(socket: &mut Socket) -> Option<Result<Message, tokio_tungstenite::tungstenite::Error>> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Ping(_))) => {}
            other => return other,
        }
    }
}

/// What arrives up to the empty text frame, after which nothing but a lost connection may come.
pub async fn drain(socket: &mut Socket) -> String {
    let mut all = Vec::new();
    loop {
        match timeout(SOON, next(socket)).await.unwrap() {
            Some(Ok(Message::Binary(data))) => all.extend_from_slice(&data),
            Some(Ok(Message::Text(text))) => {
                assert_eq!(text.as_str(), "");
                return String::from_utf8(all).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
}
