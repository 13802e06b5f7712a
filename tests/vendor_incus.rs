//! The vendor's own command line client against the fake server.
#![cfg(feature = "incus")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod fake_support;

use fake_support::server;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;
use windlass::testing::Generation;

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
