//! Images that a real daemon fetches from a remote: run by `cargo xtask live incus`, which owns the daemon and has
//! installed the command.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use windlass::ErrorKind;
use windlass::incus::Incus;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Tells the child what to launch; see [`launched_in_a_child`].
const CHILD: &str = "WINDLASS_TEST_LAUNCHES";

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run `cargo xtask live incus`"))
}

fn client() -> Outcome<Incus> {
    Ok(Incus::unix(variable("WINDLASS_LIVE_INCUS_SOCKET")?).client()?)
}

/// Runs the recipe that made the daemon.
async fn recipe(args: &[&str], https: &str) -> Outcome {
    let mut command = tokio::process::Command::new("bash");
    command.arg(variable("WINDLASS_LIVE_INCUS_CONTROL")?).args(args).env("WINDLASS_LIVE_INCUS_HTTPS", https);
    let status = command.stdin(Stdio::null()).status().await?;
    if status.success() { Ok(()) } else { Err(format!("{args:?} failed").into()) }
}

/// A configuration of the `incus` command with one remote, `lab`.
struct Remotes(PathBuf);

impl Remotes {
    fn new(name: &str, address: &str, protocol: &str, certificate: Option<&str>) -> std::io::Result<Self> {
        let directory = std::env::temp_dir().join(format!("windlass-images-{name}-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("servercerts"))?;
        let remote = format!("{{addr: '{address}', protocol: {protocol}, public: true}}");
        std::fs::write(directory.join("config.yml"), format!("remotes:\n  lab: {remote}\n"))?;
        if let Some(pem) = certificate {
            std::fs::write(directory.join("servercerts/lab.crt"), pem)?;
        }
        Ok(Self(directory))
    }

    /// Launches from `image` as the user who has this configuration, in a process of its own.
    async fn launch(&self, name: &str, image: &str) -> Outcome {
        let mut command = tokio::process::Command::new(std::env::current_exe()?);
        command.args(["--exact", "live::incus_images::launched_in_a_child", "--ignored", "--nocapture"]);
        let output =
            command.env("INCUS_CONF", &self.0).env(CHILD, format!("{name} {image}")).output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(said.into()) }
    }
}

impl Drop for Remotes {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process of its own, for its variables: does nothing in any other.
#[tokio::test]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn launched_in_a_child() -> Outcome {
    let Ok(asked) = std::env::var(CHILD) else { return Ok(()) };
    let (name, image) = asked.split_once(' ').ok_or("a name and an image")?;
    client()?.launch(name).image(image).await?;
    Ok(())
}

/// The image that an instance was made from.
async fn image_of(incus: &Incus, name: &str) -> Outcome<String> {
    let instance = incus.instance(name).get().await?;
    Ok(instance.config.get("volatile.base_image").ok_or("it has an image")?.clone())
}

/// An image that no daemon has, as one file.
async fn image() -> Outcome<Bytes> {
    let path = std::env::temp_dir().join(format!("windlass-images-{}.tar.gz", std::process::id()));
    recipe(&["image", &path.display().to_string()], "").await?;
    let content = std::fs::read(&path)?;
    std::fs::remove_file(path)?;
    Ok(content.into())
}

fn sha256(path_content: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, path_content);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a simplestreams server says of its only image, `busybox/1`.
fn streams(image: &[u8]) -> (Value, Value) {
    let product = "busybox:1:amd64:default";
    let file = json!({"ftype": "incus_combined.tar.gz", "path": "images/busybox.tar.gz", "size": image.len(),
        "sha256": sha256(image)});
    let index = json!({"format": "index:1.0", "index": {"images": {"datatype": "image-downloads",
        "path": "streams/v1/images.json", "format": "products:1.0", "products": [product]}}});
    let images = json!({"format": "products:1.0", "content_id": "images", "datatype": "image-downloads",
        "products": {product: {"aliases": "busybox/1", "arch": "amd64", "os": "Busybox", "release": "1",
        "release_title": "1", "variant": "default",
        "versions": {"20260101_00:00": {"items": {"incus_combined.tar.gz": file}}}}}});
    (index, images)
}

/// A simplestreams server on loopback: its address, and how often its image was fetched.
async fn image_server(image: Bytes) -> Outcome<(String, Arc<AtomicUsize>)> {
    let (index, images) = streams(&image);
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = fetched.clone();
    let send = move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(image.clone())
    };
    let router = Router::new()
        .route("/streams/v1/index.json", get(move || std::future::ready(index.to_string())))
        .route("/streams/v1/images.json", get(move || std::future::ready(images.to_string())))
        .route("/images/busybox.tar.gz", get(send));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((address, fetched))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn an_image_of_a_simplestreams_remote() -> Outcome {
    let (incus, image) = (client()?, image().await?);
    let fingerprint = sha256(&image);
    let (address, fetched) = image_server(image).await?;
    let remotes = Remotes::new("streams", &address, "simplestreams", None)?;

    remotes.launch("fetched-1", "lab:busybox/1").await?;
    assert_eq!(image_of(&incus, "fetched-1").await?, fingerprint);
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    // As the command does, which takes the image that is here by now.
    theirs(&remotes.0, "fetched-2", "lab:busybox/1").await?;
    assert_eq!(image_of(&incus, "fetched-2").await?, fingerprint);
    assert_eq!(fetched.load(Ordering::SeqCst), 1);

    let e = remotes.launch("fetched-3", "lab:busybox/2").await.expect_err("there is no such image");
    assert!(e.to_string().contains(&format!("{:?}", ErrorKind::OperationFailed)), "{e}");
    for name in ["fetched-1", "fetched-2"] {
        incus.instance(name).delete().force().await?;
    }
    incus.image(fingerprint).delete().await?;
    Ok(())
}

/// A launch by the vendor's command.
async fn theirs(directory: &Path, name: &str, image: &str) -> Outcome {
    let mut command = tokio::process::Command::new("incus");
    command.args(["launch", image, name, "--quiet"]).env("INCUS_CONF", directory).env("NO_PROXY", "*");
    command.env("INCUS_SOCKET", variable("WINDLASS_LIVE_INCUS_SOCKET")?).stdin(Stdio::null());
    let output = command.output().await?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

/// Another daemon, which the first one knows by its certificate alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn a_public_image_of_another_daemon() -> Outcome {
    let directory = format!("{}-images", variable("WINDLASS_LIVE_INCUS_DIR")?);
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    recipe(&["up", &directory], &free).await?;
    let launched = launched_from(&directory, &free).await;
    recipe(&["down", &directory], "").await?;
    launched
}

async fn launched_from(directory: &str, address: &str) -> Outcome {
    let (incus, other) = (client()?, Incus::unix(format!("{directory}/unix.socket")).await?);
    let image = other.image_alias("busybox").image().await?;
    image.patch().public(true).await?;
    let certificate = other.get_server().await?.environment.ok_or("it says so")?.certificate;
    let remotes = Remotes::new("daemon", &format!("https://{address}"), "incus", Some(&certificate))?;

    remotes.launch("fetched-4", "lab:busybox").await?;
    assert_eq!(image_of(&incus, "fetched-4").await?, image.fingerprint);
    incus.instance("fetched-4").delete().force().await?;
    incus.image(&image.fingerprint).delete().await?;
    Ok(())
}
