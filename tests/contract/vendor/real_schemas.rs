//! Schemathesis reads what real servers have; no answer may be one that our specs forbid.

use tokio::net::{TcpListener, UnixStream};
use windlass::shakenfist::Disk;
use windlass::shakenfist::types::AuthRequest;
use windlass::{Incus, Secret, ShakenFist};

use super::schemas::judge;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const READING: [&str; 2] = ["--include-method", "GET"];

/// The tool speaks no unix sockets: a port of this machine that leads to one.
async fn port_to(socket: String) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let socket = socket.clone();
            tokio::spawn(async move {
                let mut server = UnixStream::connect(socket).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    Ok(url)
}

#[tokio::test]
#[ignore = "needs Schemathesis and a real server: cargo xtask live schemas incus"]
async fn incus() -> Outcome {
    let socket = std::env::var("WINDLASS_LIVE_INCUS_SOCKET")?;
    let web = Incus::unix(&socket).client()?.launch("schemas").image("busybox").await?;
    web.create_snapshot("one").await?;
    judge("incus", &port_to(socket).await?, &READING).await;
    web.delete().force().await?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs Schemathesis and a real server: cargo xtask live schemas shakenfist"]
async fn shakenfist() -> Outcome {
    let url = std::env::var("WINDLASS_LIVE_SHAKENFIST_URL")?;
    let sf = ShakenFist::at(&url).namespace("demo").key("demokey").client()?;
    let network = sf.create_network("schemas").netblock("10.9.0.0/24").await?;
    let web = sf.launch("schemas").disk(Disk::blank(1)).await?;
    let key = AuthRequest::new(Secret::from("demokey"), "demo");
    let token = sf.raw().auth().body(key).send().await?.access_token;
    let header = format!("Authorization:Bearer {}", token.expose());
    let mut more = [&READING[..], &["--header", &header]].concat();
    // These are new in 0.8; without them, the framework answers.
    if std::env::var("WINDLASS_LIVE_SHAKENFIST_VERSION")?.starts_with("0.7") {
        more.extend(["--exclude-operation-id-regex", "^(instance_screenshot|network_addresses)$"]);
    }
    judge("shakenfist", &url, &more).await;
    web.delete().await?;
    network.delete().await?;
    Ok(())
}
