//! The vendor's own Python client against the fake server.

use std::time::Duration;

use windlass::testing::FakeShakenFist;

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
