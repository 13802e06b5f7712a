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
