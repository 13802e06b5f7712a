//! A server between a client and a fake: it gives the fake's answers, with one value replaced.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use windlass::{Error, ErrorKind, Limits, Sent};

/// Far more than any call needs that ends at all.
const LIMIT: Duration = Duration::from_secs(60);

/// Far more than a person would read.
const LONGEST_MESSAGE: usize = 8 << 10;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts panics, those of tasks too, in a process that has one test.
pub fn watch_panics() {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        shown(info);
    }));
}

#[track_caller]
pub fn assert_no_panic() {
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "a task panicked");
}

pub struct Hostile {
    url: String,
    state: Arc<Mutex<State>>,
    listener: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// What the fake answered: heads and documents by method and path.
    kept: BTreeMap<String, (String, Value)>,
    /// Answers come from what is kept.
    frozen: bool,
    /// Where what stands: method and path, pointer, value.
    twist: Option<(String, String, Value)>,
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Hostile {
    /// `origin`: the `http://` address of a fake.
    pub async fn before(origin: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let origin = origin.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, origin.clone(), shared.clone()));
            }
        });
        Ok(Self { url, state, listener })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a call as it is, and then once for each value of its answers and each extreme in that value's place. The
    /// fake is asked only at first.
    pub async fn each_value<T: Debug>(&self, name: &str, call: impl AsyncFn() -> Result<T, Error>) -> usize {
        *self.state.lock().unwrap() = State::default();
        let first = call().await;
        assert!(first.is_ok(), "{name}: {first:?}");
        self.state.lock().unwrap().frozen = true;
        self.vary(name, call).await
    }

    /// The same, where each call changes something: the fake answers each time.
    pub async fn each_value_live<T: Debug>(
        &self,
        name: &str,
        call: impl AsyncFn() -> Result<T, Error>,
    ) -> usize {
        *self.state.lock().unwrap() = State::default();
        let first = call().await;
        assert!(first.is_ok(), "{name}: {first:?}");
        self.vary(name, call).await
    }

    async fn vary<T: Debug>(&self, name: &str, call: impl AsyncFn() -> Result<T, Error>) -> usize {
        let (places, mut calls) = (self.places(), 0);
        // What changes something costs the most: every other extreme.
        let step = if self.state.lock().unwrap().frozen { 1 } else { 2 };
        assert!(!places.is_empty(), "{name}: nothing to replace");
        for (number, (route, pointer, value)) in places.into_iter().enumerate() {
            // A few of the longest texts tell as much as many.
            let long = if number % 16 == 0 { 1 << 20 } else { 16 << 10 };
            for extreme in extremes(&value, long).into_iter().step_by(step) {
                let shown: String = extreme.to_string().chars().take(40).collect();
                let place = format!("{name}: {route} {pointer}: {shown}");
                self.state.lock().unwrap().twist = Some((route.clone(), pointer.clone(), extreme));
                let Ok(result) = tokio::time::timeout(LIMIT, call()).await else { panic!("{place}: no end") };
                result.err().iter().for_each(|e| assert_readable(&place, e));
                calls += 1;
            }
        }
        self.state.lock().unwrap().twist = None;
        calls
    }

    /// All values of all answers.
    fn places(&self) -> Vec<(String, String, Value)> {
        let state = self.state.lock().unwrap();
        let mut places = Vec::new();
        for (route, (_, document)) in &state.kept {
            walk(document, String::new(), &mut |pointer, value| {
                places.push((route.clone(), pointer.to_owned(), value.clone()));
            });
        }
        places
    }
}

/// An error is for people, whatever the server said.
#[track_caller]
pub fn assert_readable(place: &str, error: &Error) {
    let text = error.to_string();
    let start: String = text.chars().take(400).collect();
    assert!(!text.is_empty() && text.len() <= LONGEST_MESSAGE, "{place}: {} bytes: {start}", text.len());
}

/// The document itself, and each value in it; of lists the first two items.
fn walk(value: &Value, pointer: String, see: &mut impl FnMut(&str, &Value)) {
    see(&pointer, value);
    match value {
        Value::Object(map) => {
            // Of many things by name, two tell as much as all.
            let alike = map.len() > 2 && map.values().all(Value::is_object);
            for (key, value) in map.iter().take(if alike { 2 } else { usize::MAX }) {
                walk(value, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), see);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().take(2).enumerate() {
                walk(value, format!("{pointer}/{index}"), see);
            }
        }
        _ => {}
    }
}

fn extremes(value: &Value, long: usize) -> Vec<Value> {
    match value {
        Value::Number(_) => {
            vec![
                json!(null),
                json!(-1),
                json!(i64::MIN),
                json!(i64::MAX),
                json!(u64::MAX),
                json!(1e300),
                json!("7"),
            ]
        }
        Value::String(_) => vec![
            json!(null),
            json!(""),
            json!("\u{1b}[2J\u{202e}\r\n\0"),
            json!("../.."),
            json!("x".repeat(long)),
            json!(i64::MAX),
        ],
        Value::Bool(_) => vec![json!(null), json!("yes")],
        Value::Null => vec![json!(u64::MAX), json!(""), json!([]), json!({})],
        Value::Array(_) | Value::Object(_) => {
            vec![json!(null), json!([]), json!({}), json!([null]), json!(""), json!({"": {"": null}})]
        }
    }
}

/// What changes from run to run is left out.
fn route(line: &str, frozen: bool) -> String {
    let (method, rest) = line.split_once(' ').unwrap_or((line, ""));
    let target = rest.split(' ').next().unwrap_or_default();
    if frozen {
        return format!("{method} {target}");
    }
    let path = target.split('?').next().unwrap_or_default();
    let part =
        |part: &str| if part.contains(|c: char| c.is_ascii_digit()) { "*".into() } else { part.to_owned() };
    format!("{method} {}", path.split('/').map(part).collect::<Vec<_>>().join("/"))
}

async fn serve(mut client: TcpStream, origin: String, state: Arc<Mutex<State>>) -> std::io::Result<()> {
    let Some((head, body)) = message(&mut client).await? else { return Ok(()) };
    let route = route(&head, head.starts_with("GET "));
    let known = {
        let state = state.lock().unwrap();
        state.kept.get(&route).filter(|_| state.frozen).cloned()
    };
    let (answer_head, document) = match known {
        Some(known) => known,
        None => {
            let mut server = TcpStream::connect(&origin).await?;
            let upgrade = head.to_ascii_lowercase().contains("\r\nupgrade:");
            let asked = if upgrade { head } else { with_header(&head, "connection", "close") };
            server.write_all(&[asked.as_bytes(), &body].concat()).await?;
            if upgrade {
                tokio::io::copy_bidirectional(&mut client, &mut server).await?;
                return Ok(());
            }
            let mut all = Vec::new();
            server.read_to_end(&mut all).await?;
            let parts = split(&all).and_then(|(head, body)| Some((head, serde_json::from_slice(body).ok()?)));
            let Some(parts) = parts else { return client.write_all(&all).await };
            parts
        }
    };
    let answer = {
        let mut state = state.lock().unwrap();
        state.kept.insert(route.clone(), (answer_head.clone(), document.clone()));
        let mut document = document;
        if let Some((at, pointer, value)) = &state.twist
            && *at == route
            && let Some(place) = document.pointer_mut(pointer)
        {
            *place = value.clone();
        }
        document.to_string()
    };
    let head = with_header(
        &with_header(&answer_head, "content-length", &answer.len().to_string()),
        "connection",
        "close",
    );
    client.write_all(&[head.as_bytes(), answer.as_bytes()].concat()).await
}

/// A request: head, with the empty line, and body.
async fn message(stream: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = split(&all) {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or_default() {
                return Ok(Some((head, body.to_vec())));
            }
        }
        match stream.read(&mut piece).await? {
            0 => return Ok(None),
            length => all.extend_from_slice(&piece[..length]),
        }
    }
}

fn split(all: &[u8]) -> Option<(String, &[u8])> {
    let end = all.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    Some((String::from_utf8_lossy(&all[..end]).into_owned(), &all[end..]))
}

fn with_header(head: &str, name: &str, value: &str) -> String {
    let is_other = |line: &&str| !line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
    let lines: Vec<_> = head.trim_end().lines().filter(is_other).collect();
    format!("{}\r\n{name}: {value}\r\n\r\n", lines.join("\r\n"))
}

/// Names that a server may choke on, or a careless client turn into another request.
pub fn names() -> Vec<String> {
    let mut names: Vec<_> = [
        "",
        ".",
        "..",
        "a/b",
        "../../etc",
        "a\0b",
        "a\r\nX: y",
        "\u{1b}[2J",
        "ü日本𝒳",
        " ",
        "?x=1#y",
        "%2e%2e",
    ]
    .map(str::to_owned)
    .into();
    names.push("n".repeat(10 << 10));
    names
}

/// Lengths of time, from none to more than clocks can count.
pub const DURATIONS: [Duration; 4] =
    [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(u64::MAX / 1000), Duration::MAX];

/// Sizes and counts, from none to more than there is.
pub const SIZES: [u64; 3] = [0, 1, u64::MAX];

/// All limits of a client, at one of their ends.
pub fn limits(time: Duration, size: u64) -> Limits {
    let count = usize::try_from(size).unwrap_or(usize::MAX);
    let limits = Limits::default().head(time).json_body(size).error_body(size).output(size);
    let limits = limits.websocket_message(size);
    limits.in_flight(count).starting_commands(count)
}

/// The error of an unusable value names its field.
fn assert_named(place: &str, error: &Error) {
    if error.kind() == ErrorKind::InvalidInput && error.sent() == Sent::No {
        assert!(!error.fields().is_empty(), "{place}: which value? {error:?}");
    }
}

/// Makes a call that must end, well or with an error to read.
#[track_caller]
pub fn ends<T, E>(
    place: &str,
    call: impl IntoFuture<Output = Result<T, E>>,
) -> impl Future<Output = Option<T>>
where
    Error: From<E>,
{
    let at = std::panic::Location::caller();
    let call = call.into_future();
    async move {
        let Ok(result) = tokio::time::timeout(LIMIT, call).await else { panic!("{place}: no end") };
        let result = result.map_err(Error::from);
        let result = result.inspect_err(|e| assert_readable(place, e));
        result.inspect_err(|e| assert_named(&format!("{at} {place}"), e)).ok()
    }
}
