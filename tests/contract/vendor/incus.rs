//! The vendor's own command line client against the fake server, and compared with the real one.

use super::compare::{Python, Script, Shell};
use crate::fake_client::server;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;
use windlass::testing::{FakeIncus, Generation};

/// The vendor's own command line client, as installed.
struct Cli {
    socket: PathBuf,
    home: PathBuf,
}

impl Cli {
    /// Exit code, stdout, stderr.
    async fn run(&self, args: &[&str], input: &str) -> (i32, String, String) {
        use tokio::io::AsyncWriteExt;
        let mut child = tokio::process::Command::new("incus")
            .args(args)
            .env("INCUS_SOCKET", &self.socket)
            .env("INCUS_CONF", &self.home)
            .env("NO_PROXY", "127.0.0.1")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the `incus` command is installed");
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = timeout(Duration::from_secs(20), child.wait_with_output()).await.unwrap().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    async fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args, "").await;
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        out
    }
}

#[tokio::test]
#[ignore = "needs the vendor's `incus` command"]
async fn vendor_cli_drives_the_fake() {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let (fake, _http) = server(generation).await;
        let home = fake.socket().with_file_name("cli");
        let cli = Cli { socket: fake.socket().to_owned(), home };
        assert!(cli.ok(&["image", "list", "-f", "csv"]).await.starts_with("busybox,"));
        cli.ok(&["launch", "busybox", "web", "-c", "user.a=1"]).await;
        assert_eq!(cli.ok(&["list", "-f", "csv", "-c", "ns"]).await, "web,RUNNING\n");
        let script = "cat; echo err >&2; exit 7";
        let done = cli.run(&["exec", "web", "--", "sh", "-c", script], "in").await;
        assert_eq!(done, (7, "in".into(), "err\n".into()));
        let (code, _, err) = cli.run(&["exec", "web", "--", "nosuch"], "").await;
        assert_eq!((code, err.trim()), (127, "Error: Command not found"));
        let (code, out, _) = cli.run(&["exec", "-t", "web", "--", "sh", "-c", "echo hi; exit 5"], "").await;
        assert_eq!((code, out.as_str()), (5, "hi\r\n"));
        cli.ok(&["exec", "web", "--", "sh", "-c", "echo for the log >/dev/console"]).await;
        assert!(cli.ok(&["console", "web", "--show-log"]).await.contains("for the log"));
        cli.ok(&["stop", "web"]).await;
        cli.ok(&["start", "web"]).await;
        let (code, _, err) = cli.run(&["start", "web"], "").await;
        assert_eq!(code, 1);
        assert!(err.contains("already running"), "{err}");
        cli.ok(&["stop", "-f", "web"]).await;
        cli.ok(&["rename", "web", "site"]).await;
        cli.ok(&["config", "set", "site", "user.a", "2"]).await;
        assert_eq!(cli.ok(&["config", "get", "site", "user.a"]).await, "2\n");
        let (code, _, err) = cli.run(&["launch", "nope", "x"], "").await;
        assert_eq!(code, 1, "{err}");
        cli.ok(&["delete", "site"]).await;
        assert!(fake.instances().is_empty());
    }
}

#[tokio::test]
#[ignore = "needs the vendor's `incus` command"]
async fn vendor_cli_joins_the_fake_over_tls() {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let (fake, _http) = server(generation).await;
        let home = fake.socket().with_file_name("cli");
        let cli = Cli { socket: fake.socket().to_owned(), home: home.clone() };
        cli.ok(&["remote", "add", "far", &fake.token("cli")]).await;
        assert_eq!(fake.trusted().len(), 1);
        let pinned = std::fs::read_to_string(home.join("servercerts/far.crt")).unwrap();
        assert_eq!(pinned.trim(), fake.certificate_pem().replace("\r", "").trim());
        cli.ok(&["launch", "far:busybox", "far:web"]).await;
        let done = cli.run(&["exec", "far:web", "--", "sh", "-c", "cat; exit 7"], "in").await;
        assert_eq!(done, (7, "in".into(), String::new()));
        let print = &fake.trusted()[0];
        let trusted = cli.ok(&["config", "trust", "list", "far:", "-f", "csv"]).await;
        assert!(trusted.contains("cli") && trusted.contains(&print[..12]), "{trusted}");
        let told = cli.ok(&["config", "trust", "add", "far:friend", "-q"]).await;
        let token: windlass::incus::TrustToken = told.trim().lines().last().unwrap().parse().unwrap();
        assert_eq!((token.client_name(), token.fingerprint()), ("friend", fake.fingerprint().as_str()));
        cli.ok(&["config", "trust", "remove", "far:", print]).await;
        let (code, _, err) = cli.run(&["list", "far:"], "").await;
        // A stranger doesn't learn from 7.0 what it can do, either.
        let why = if generation == Generation::V6_0 { "not authorized" } else { "missing the required" };
        assert!(code != 0 && err.contains(why), "{code} {err}");
    }
}

#[tokio::test]
#[ignore = "needs the vendor's `incus` command"]
async fn vendor_cli_moves_trees_and_images() {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let (fake, _http) = server(generation).await;
        let work = fake.socket().with_file_name("work");
        std::fs::create_dir_all(work.join("site/css")).unwrap();
        std::fs::write(work.join("site/index.html"), "hello").unwrap();
        std::fs::write(work.join("site/css/a.css"), "b {}").unwrap();
        let local = |name: &str| work.join(name).to_str().unwrap().to_owned();
        let cli = Cli { socket: fake.socket().to_owned(), home: fake.socket().with_file_name("cli") };
        cli.ok(&["launch", "busybox", "web"]).await;
        cli.ok(&["file", "push", "-r", &local("site"), "web/root/"]).await;
        assert_eq!(fake.file("web", "/root/site/css/a.css").unwrap(), b"b {}");
        cli.ok(&["file", "pull", "-r", "web/root/site", &local("back")]).await;
        let back = |name: &str| std::fs::read(work.join("back").join(name)).unwrap();
        assert_eq!((back("site/index.html"), back("site/css/a.css")), (b"hello".to_vec(), b"b {}".to_vec()));

        let shown = cli.ok(&["image", "list", "-f", "csv", "-c", "F"]).await;
        cli.ok(&["image", "export", "busybox", &local("image")]).await;
        let mut made =
            std::fs::read_dir(&work).unwrap().filter_map(|entry| entry.ok()?.path().canonicalize().ok());
        let image = made.find(|path| path.is_file()).expect("an exported file");
        let sum = tokio::process::Command::new("sha256sum").arg(&image).output().await.unwrap();
        assert!(String::from_utf8(sum.stdout).unwrap().starts_with(shown.trim()), "{shown}");
        cli.ok(&["delete", "-f", "web"]).await;
    }
}

#[tokio::test]
#[ignore = "needs the vendor's `incus` command"]
async fn vendor_cli_snapshots_copies_moves_and_exports() {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let (fake, _http) = server(generation).await;
        let home = fake.socket().with_file_name("cli");
        let cli = Cli { socket: fake.socket().to_owned(), home };
        cli.ok(&["create", "busybox", "web", "-c", "user.a=1"]).await;
        cli.ok(&["snapshot", "create", "web", "one"]).await;
        cli.ok(&["snapshot", "rename", "web", "one", "first"]).await;
        assert!(cli.ok(&["snapshot", "list", "web", "-f", "csv"]).await.starts_with("first,"));
        cli.ok(&["config", "set", "web", "user.a", "2"]).await;
        cli.ok(&["snapshot", "restore", "web", "first"]).await;
        assert_eq!(cli.ok(&["config", "get", "web", "user.a"]).await, "1\n");
        cli.ok(&["copy", "web", "twin"]).await;
        cli.ok(&["copy", "web/first", "old"]).await;
        cli.ok(&["copy", "web", "twin", "--refresh"]).await;
        cli.ok(&["move", "old", "--storage", "second"]).await;
        cli.ok(&["snapshot", "delete", "web", "first"]).await;
        cli.ok(&["rebuild", "busybox", "web"]).await;
        let file = fake.socket().with_file_name("web.tar.gz");
        let path = file.to_str().unwrap();
        cli.ok(&["export", "twin", path]).await;
        cli.ok(&["import", path, "again"]).await;
        assert_eq!(fake.instances(), ["again", "old", "twin", "web"]);
        assert!(cli.ok(&["config", "metadata", "show", "web"]).await.contains("os: busybox"));
        cli.ok(&["delete", "-f", "again", "old", "twin", "web"]).await;
    }
}

/// The server that `cargo xtask live incus` started, and its generation.
fn real() -> (String, String, Generation) {
    let of = |name| std::env::var(name).expect("set by `cargo xtask live incus`");
    let generation = of("WINDLASS_LIVE_INCUS_GENERATION");
    let same = if generation == "6.0" { Generation::V6_0 } else { Generation::V7_0 };
    (of("WINDLASS_LIVE_INCUS_SOCKET"), generation, same)
}

/// A fake whose guests run what the init of the lab's image starts.
async fn fake_of(generation: Generation) -> FakeIncus {
    let (fake, _) = server(generation).await;
    fake.command("pidof sleep");
    fake
}

/// The scripts use the same names on the same daemon.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
#[ignore = "needs the vendor's `incus` command and a real Incus: cargo xtask live incus"]
async fn vendor_cli_gets_the_same_answers() {
    let _alone = ALONE.lock().await;
    let (socket, name, generation) = real();
    let fake = fake_of(generation).await;
    let shell = |socket: &str| Shell::new("incus", &[("INCUS_SOCKET", socket)]);
    let script = Script { title: "incus", file: "incus.steps", generation: &name };
    script.compare(shell(fake.socket().to_str().unwrap()), shell(&socket)).await;
}

/// Written for LXD, of which Incus is a descendant with the same API.
#[tokio::test]
#[ignore = "needs pylxd and a real Incus: cargo xtask live incus"]
async fn pylxd_gets_the_same_answers() {
    let _alone = ALONE.lock().await;
    let (socket, name, generation) = real();
    let python = std::env::var("WINDLASS_PYLXD_PYTHON").expect("set by `cargo xtask live incus`");
    let fake = fake_of(generation).await;
    let start = |socket: &str| Python::start(&python, "pylxd.py", &[("WINDLASS_VENDOR_SOCKET", socket)]);
    let script = Script { title: "pylxd", file: "pylxd.steps", generation: &name };
    script.compare(start(fake.socket().to_str().unwrap()), start(&socket)).await;
}
