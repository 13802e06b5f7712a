//! Schemathesis sends the fakes what our specs allow, and what they don't; no answer may be one that the specs forbid.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use windlass::shakenfist::Disk;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist};

/// What is checked of each answer: its status, headers and body are documented.
const CHECKS: &str = "status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";
/// For each operation and kind of data.
const EXAMPLES: &str = "10";
const LIMIT: Duration = Duration::from_secs(240);

/// Judges a server by the spec of its API.
pub async fn judge(api: &str, url: &str, more: &[&str]) {
    let tool = std::env::var("WINDLASS_SCHEMATHESIS").expect("set by `cargo xtask live schemas`");
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs").join(format!("{api}.yaml"));
    let scratch = Scratch::new(api);
    let mut command = Command::new(tool);
    command.arg("run").arg(spec).args(["--url", url, "--checks", CHECKS, "--max-examples", EXAMPLES]);
    command.args(["--phases", "examples,coverage,fuzzing", "--seed", "1", "--request-timeout", "10"]);
    command.args([
        "--continue-on-failure",
        "--no-shrink",
        "--suppress-health-check",
        "all",
        "--warnings",
        "off",
    ]);
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/vendor");
    command
        .env("PYTHONPATH", hooks)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "schemas_hooks");
    // It keeps examples of earlier runs in the working directory.
    command.args(more).current_dir(&scratch.0).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await.expect("it hangs").unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// A directory that is removed with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(api: &str) -> Self {
        let path = std::env::temp_dir().join(format!("windlass-schemas-{api}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
#[ignore = "needs Schemathesis; run by `cargo xtask live schemas`"]
async fn fake_incus() {
    let fake = FakeIncus::start().await.unwrap();
    fake.add_instance("web");
    judge("incus", &fake.url(), &[]).await;
}

#[tokio::test]
#[ignore = "needs Schemathesis; run by `cargo xtask live schemas`"]
async fn fake_koyeb() {
    let fake = FakeKoyeb::start().await.unwrap();
    fake.add_service("shop", 2);
    let token = format!("Authorization:Bearer {}", fake.token());
    judge("koyeb", &fake.url(), &["--header", &token]).await;
}

#[tokio::test]
#[ignore = "needs Schemathesis; run by `cargo xtask live schemas`"]
async fn fake_lambda_cloud() {
    let fake = FakeLambdaCloud::start().await.unwrap();
    fake.add_instance();
    let key = format!("Authorization:Bearer {}", fake.key());
    judge("lambda-cloud", &fake.url(), &["--header", &key]).await;
}

#[tokio::test]
#[ignore = "needs Schemathesis; run by `cargo xtask live schemas`"]
async fn fake_shakenfist() {
    let fake = FakeShakenFist::start().await.unwrap();
    let sf = fake.client().unwrap();
    sf.launch("web").disk(Disk::blank(1)).await.unwrap();
    // The token that our client got.
    let log = fake.log();
    let token = log.iter().rev().find_map(|request| request.header("authorization")).unwrap();
    judge("shakenfist", &fake.url(), &["--header", &format!("Authorization:{token}")]).await;
}
