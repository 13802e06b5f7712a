//! Something between client and server that lets requests through and spoils what comes back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use windlass::shakenfist::ShakenFist;

/// What becomes of an answer. The request has taken effect.
#[derive(Debug, Clone)]
pub enum Spoilt {
    /// The connection is closed.
    Dropped,
    /// It comes that much later.
    Late(Duration),
    /// It is this one instead.
    Instead(u16, &'static str),
}

#[derive(Debug)]
struct Rule {
    /// As `POST /instances`.
    begins: String,
    /// Requests whose body has this aren't meant.
    unless: Option<&'static str>,
    spoilt: Spoilt,
    left: usize,
}

/// A server behind a proxy that meddles.
#[derive(Debug)]
pub struct Meddler {
    pub sf: ShakenFist,
    rules: Arc<Mutex<Vec<Rule>>>,
    hits: Arc<Mutex<usize>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Meddler {
    pub async fn before(url: &str, namespace: &str, key: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = format!("http://{}", listener.local_addr()?);
        let server = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (rules, hits) = (Arc::<Mutex<Vec<Rule>>>::default(), Arc::<Mutex<usize>>::default());
        let (its_rules, its_hits) = (rules.clone(), hits.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, rules, hits) = (server.clone(), its_rules.clone(), its_hits.clone());
                tokio::spawn(async move { drop(serve(client, &server, &rules, &hits).await) });
            }
        });
        let sf = ShakenFist::at(own).namespace(namespace).key(key).await?;
        Ok(Self { sf, rules, hits, task })
    }

    /// The next answer to a request whose first line begins so.
    pub fn spoil(&self, begins: &str, spoilt: Spoilt) {
        self.rule(begins, None, spoilt, 1);
    }

    /// Lists miss everything from now on, but for those of all.
    pub fn blind(&self) {
        self.rule("GET /instances ", Some("all"), Spoilt::Instead(200, "[]"), usize::MAX);
    }

    pub fn hits(&self) -> usize {
        *self.hits.lock().unwrap()
    }

    fn rule(&self, begins: &str, unless: Option<&'static str>, spoilt: Spoilt, left: usize) {
        let begins = begins.to_owned();
        self.rules.lock().unwrap().push(Rule { begins, unless, spoilt, left });
    }
}

async fn serve(
    mut client: TcpStream,
    server: &str,
    rules: &Mutex<Vec<Rule>>,
    hits: &Mutex<usize>,
) -> std::io::Result<()> {
    let (head, body) = read_request(&mut client).await?;
    let found = {
        let mut rules = rules.lock().unwrap();
        let meant = |rule: &&mut Rule| {
            let excepted = rule.unless.is_some_and(|word| String::from_utf8_lossy(&body).contains(word));
            rule.left > 0 && head.starts_with(&rule.begins) && !excepted
        };
        rules.iter_mut().find(meant).map(|rule| {
            rule.left -= 1;
            rule.spoilt.clone()
        })
    };
    let answer = forward(server, &head, &body).await?;
    if found.is_some() {
        *hits.lock().unwrap() += 1;
    }
    match found {
        Some(Spoilt::Dropped) => return Ok(()),
        Some(Spoilt::Late(by)) => tokio::time::sleep(by).await,
        Some(Spoilt::Instead(status, body)) => {
            let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} So\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            return client.write_all(answer.as_bytes()).await;
        }
        None => {}
    }
    client.write_all(&answer).await
}

/// Head and body.
async fn read_request(client: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let end = loop {
        if let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if client.read_buf(&mut all).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let mut body = all.split_off(end);
    let length = header(&head, "content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    while body.len() < length {
        if client.read_buf(&mut body).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The whole answer, with which the connection ends.
async fn forward(server: &str, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut upstream = TcpStream::connect(server).await?;
    let kept = head.trim_end().lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let head = kept.collect::<Vec<_>>().join("\r\n");
    upstream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    upstream.write_all(body).await?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await?;
    // The client mustn't keep a connection that is about to end.
    match answer.windows(2).position(|two| two == b"\r\n") {
        Some(line)
            if !String::from_utf8_lossy(&answer).to_ascii_lowercase().contains("connection: close") =>
        {
            let mut closing = answer[..line].to_vec();
            closing.extend_from_slice(b"\r\nConnection: close");
            closing.extend_from_slice(&answer[line..]);
            Ok(closing)
        }
        _ => Ok(answer),
    }
}
