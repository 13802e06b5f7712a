//! No credential goes to a proxy that was not set, and everything through one that was.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use windlass::incus::{Identity, Incus};
use windlass::koyeb::Koyeb;
use windlass::lambda_cloud::LambdaCloud;
use windlass::shakenfist::ShakenFist;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist};
use windlass::{ErrorKind, Http, Retry};

use crate::alone::Outcome;

/// A proxy that writes down the first line of what it gets, and refuses it.
struct Spy {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Spy {
    async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = seen.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let read = client.read(&mut head).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&head[..read]).into_owned();
                notes.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
                let _ = client
                    .write_all(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .await;
            }
        });
        Ok(Self { url, seen })
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Nothing can be set in the environment of this process, so the test runs in another one that has it.
#[test]
fn none_of_the_environments() -> Outcome {
    const INSIDE: &str = "WINDLASS_TEST_SPY";
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Ok(spy) = std::env::var(INSIDE) {
        return runtime.block_on(plain_http(&spy));
    }
    let spy = runtime.block_on(Spy::start())?;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.args(["http::proxy::none_of_the_environments", "--exact", "--nocapture"]).env(INSIDE, &spy.url);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"] {
        command.env(name, &spy.url);
    }
    let done = command.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD").output()?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && text.contains("1 passed"), "{text}");
    // HTTPS to another machine goes through it, unread.
    let seen = spy.seen();
    assert!(
        !seen.is_empty() && seen.iter().all(|line| line == "CONNECT elsewhere.invalid:443 HTTP/1.1"),
        "{seen:?}"
    );
    Ok(())
}

async fn plain_http(spy: &str) -> Outcome {
    let (incus, koyeb) = (FakeIncus::start().await?, FakeKoyeb::start().await?);
    let (lambda, sf) = (FakeLambdaCloud::start().await?, FakeShakenFist::start().await?);
    incus.client()?.instances().await?;
    Incus::http(incus.url()).client()?.instances().await?;
    koyeb.client()?.instances().await?;
    lambda.client()?.instances().await?;
    sf.client()?.instances().await?;
    // Plain HTTP to another machine: there is none, and that is how it must end.
    let far = ShakenFist::at("http://elsewhere.invalid").namespace("demo").key("k").retry(Retry::never());
    let e = far.client()?.instances().await.expect_err("there is no such machine");
    assert_eq!(e.kind(), ErrorKind::Connect, "{e:?}");
    // TLS to this machine.
    let near = Koyeb::token("t").url("https://127.0.0.1:1").retry(Retry::never()).client()?;
    assert_eq!(near.instances().await.map_err(|e| e.kind()).err(), Some(ErrorKind::Connect));
    // TLS to another one.
    let far = LambdaCloud::key("k").url("https://elsewhere.invalid").retry(Retry::never()).client()?;
    let e = far.instances().await.expect_err("the proxy refuses");
    assert_eq!(e.kind(), ErrorKind::Connect, "{e:?} {spy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_was_asked_for() -> Outcome {
    let (spy, sf) = (Spy::start().await?, FakeShakenFist::start().await?);
    let connect = || ShakenFist::at(sf.url()).namespace("demo").key("demokey").retry(Retry::never());
    let e = connect().http(Http::default().proxy(spy.url.as_str())).client()?.instances().await;
    assert_eq!(e.err().and_then(|e| e.status()), Some(403));
    assert_eq!(spy.seen(), [format!("POST {}/auth HTTP/1.1", sf.url())]);
    let unusable = [
        connect().http(Http::default().proxy("somewhere")).client().map(drop),
        Koyeb::token("t").http(Http::default().proxy("")).client().map(drop),
        LambdaCloud::key("k").http(Http::default().proxy("socks5://me:hunter2@p")).client().map(drop),
        Incus::unix("/s").http(Http::default().proxy(spy.url.as_str())).client().map(drop),
    ];
    for refused in unusable {
        let e = refused.expect_err("no such proxy");
        assert_eq!((e.kind(), e.fields()), (ErrorKind::InvalidInput, &["proxy".to_owned()][..]));
        assert!(!format!("{e:?}").contains("hunter2"), "{e:?}");
    }
    Ok(())
}

/// A proxy that forwards, for callers with this password.
struct Forwarding {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

/// `me:hunter2`
const BASIC: &str = "proxy-authorization: Basic bWU6aHVudGVyMg==";

impl Forwarding {
    async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = seen.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, notes.clone()));
            }
        });
        Ok(Self { address, seen })
    }

    fn http(&self) -> Http {
        Http::default().proxy(format!("http://me:hunter2@{}", self.address))
    }

    /// The first request of each connection since the last call: method and target.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// One connection, to the host of its first request.
async fn forward(mut client: TcpStream, seen: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let first = text.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    assert!(text.to_lowercase().contains(&BASIC.to_lowercase()), "{first}");
    let target = first.split_once(' ').unwrap().1;
    let host = target.trim_start_matches("http://").split('/').next().unwrap();
    let mut server = TcpStream::connect(host).await?;
    match first.starts_with("CONNECT ") {
        true => client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?,
        false => server.write_all(text.replacen(&format!("http://{host}"), "", 1).as_bytes()).await?,
    }
    seen.lock().unwrap().push(first);
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}

#[tokio::test]
async fn all_four_platforms_and_their_websockets_go_through_it() -> Outcome {
    let proxy = Forwarding::start().await?;
    let through = |url: &str, seen: &[String]| {
        assert!(!seen.is_empty() && seen.iter().all(|line| line.contains(url)), "{seen:?}");
    };
    let fake = FakeIncus::start().await?;
    let incus = Incus::http(fake.url()).http(proxy.http()).await?;
    let web = incus.launch("web").image("busybox").await?;
    web.exec(["true"]).output().await?.success()?;
    let seen = proxy.seen();
    through(&fake.url(), &seen);
    assert!(seen.iter().any(|line| line.contains("/websocket")), "{seen:?}");

    let fake = FakeKoyeb::start().await?;
    let id = fake.add_instance("HEALTHY");
    let koyeb = Koyeb::token(fake.token()).url(fake.url()).http(proxy.http()).await?;
    koyeb.instance(&id).exec(["true"]).output().await?.success()?;
    through(&fake.url(), &proxy.seen());

    let fake = FakeLambdaCloud::start().await?;
    fake.connect().http(proxy.http()).await?;
    through(&fake.url(), &proxy.seen());

    let fake = FakeShakenFist::start().await?;
    let at = || ShakenFist::at(fake.url()).namespace("demo").key("demokey");
    at().http(proxy.http()).await?;
    through(&fake.url(), &proxy.seen());

    // Except for the hosts that are named.
    at().http(proxy.http().no_proxy("elsewhere.invalid, 10.0.0.0/8")).await?;
    assert!(!proxy.seen().is_empty());
    at().http(proxy.http().no_proxy("elsewhere.invalid, 127.0.0.0/8")).await?;
    assert!(proxy.seen().is_empty());
    Ok(())
}

#[tokio::test]
async fn tls_goes_through_it_unread() -> Outcome {
    let (proxy, fake) = (Forwarding::start().await?, FakeIncus::start().await?);
    let me = Identity::generate("me")?;
    assert!(fake.trust(&me.certificate_pem()));
    let connect = Incus::https(fake.https()).fingerprint(fake.fingerprint()).identity(me);
    let incus = connect.http(proxy.http()).await?;
    let web = incus.launch("web").image("busybox").await?;
    web.exec(["true"]).output().await?.success()?;
    let seen = proxy.seen();
    let connects = |line: &String| *line == format!("CONNECT {}", fake.https());
    assert!(seen.len() > 4 && seen.iter().all(connects), "{seen:?}");
    Ok(())
}
