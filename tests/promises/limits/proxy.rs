//! No credential goes to a proxy that nobody asked for.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use windlass::incus::Incus;
use windlass::koyeb::Koyeb;
use windlass::lambda_cloud::LambdaCloud;
use windlass::shakenfist::ShakenFist;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist};
use windlass::{ErrorKind, Retry};

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
    command.args(["limits::proxy::none_of_the_environments", "--exact", "--nocapture"]).env(INSIDE, &spy.url);
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
    let e = connect().proxy(spy.url.as_str()).client()?.instances().await;
    assert_eq!(e.err().and_then(|e| e.status()), Some(403));
    assert_eq!(spy.seen(), [format!("POST {}/auth HTTP/1.1", sf.url())]);
    let unusable = [
        connect().proxy("somewhere").client().map(drop),
        Koyeb::token("t").proxy("").client().map(drop),
        LambdaCloud::key("k").proxy("socks5://me:hunter2@p").client().map(drop),
        Incus::unix("/s").proxy(spy.url.as_str()).client().map(drop),
    ];
    for refused in unusable {
        let e = refused.expect_err("no such proxy");
        assert_eq!((e.kind(), e.fields()), (ErrorKind::InvalidInput, &["proxy".to_owned()][..]));
        assert!(!format!("{e:?}").contains("hunter2"), "{e:?}");
    }
    Ok(())
}
