//! The vendor's own Python client against the fake server, and compared with the real one.

use std::time::Duration;

use windlass::testing::{FakeShakenFist, Release};

use super::compare::{Python, Script};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the vendor's client: cargo xtask live shakenfist"]
async fn the_vendors_client_works_against_the_fake() -> Result<(), Box<dyn std::error::Error>> {
    let python = std::env::var("WINDLASS_SHAKENFIST_PYTHON")
        .map_err(|_| "WINDLASS_SHAKENFIST_PYTHON is not set: run `cargo xtask live shakenfist`")?;
    let fake = FakeShakenFist::start().await?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/vendor/shakenfist.py");
    let run = tokio::process::Command::new(python).arg(script).arg(fake.url()).kill_on_drop(true).output();
    let done = tokio::time::timeout(Duration::from_secs(120), run).await??;
    let (said, failed) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.contains("all went well"), "{said}\n{failed}");
    assert!(fake.requests("POST /instances/{one}/agent/execute") > 0);
    Ok(())
}

/// The server that `cargo xtask live shakenfist` started, its version, and the release that the fake imitates.
fn real() -> (String, &'static str, Release) {
    let of = |name| std::env::var(name).expect("set by `cargo xtask live shakenfist`");
    let (generation, release) = match of("WINDLASS_LIVE_SHAKENFIST_VERSION") {
        old if old.starts_with("0.7.") => ("0.7", Release::V0_7),
        _ => ("0.8", Release::V0_8),
    };
    (of("WINDLASS_LIVE_SHAKENFIST_URL"), generation, release)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the vendor's client and a real server: cargo xtask live shakenfist"]
async fn the_vendors_client_gets_the_same_answers() {
    let (url, generation, release) = real();
    let python = std::env::var("WINDLASS_SHAKENFIST_PYTHON").expect("set by `cargo xtask live shakenfist`");
    let fake = FakeShakenFist::start_as(release).await.unwrap();
    let start = |url: &str| Python::start(&python, "shakenfist_steps.py", &[("WINDLASS_VENDOR_URL", url)]);
    let script = Script { title: "Shaken Fist", file: "shakenfist.steps", generation };
    script.compare(start(&fake.url()), start(&url)).await;
}
