//! The vendor's own Python SDK against the fake service.

use std::path::Path;

use serde_json::{Value, json};
use windlass::testing::FakeKoyeb;

use super::compare::{Python, Script};

/// Runs the script; what it found.
async fn sdk(fake: &FakeKoyeb, service: &str) -> Value {
    let python = std::env::var("WINDLASS_KOYEB_PYTHON").expect("set by `cargo xtask live koyeb`");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/vendor/koyeb_sdk.py");
    let output = tokio::process::Command::new(python)
        .arg(script)
        .arg(service)
        .env("KOYEB_API_HOST", fake.url())
        .env("KOYEB_API_TOKEN", fake.token())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(120), output).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "needs the vendor's Python SDK; run by `cargo xtask live koyeb`"]
async fn the_vendors_sdk_drives_the_fake() {
    let fake = FakeKoyeb::start().await.unwrap();
    let shop = fake.add_service("shop", 25);
    let own = fake.instances(&shop);
    for line in 0..25 {
        fake.add_log(&own[0], "stdout", &format!("line {line}"));
    }
    let deployment = fake.document(&shop).unwrap()["latest_deployment_id"].clone();
    let found = sdk(&fake, &shop).await;
    let lines: Vec<String> = (0..25).map(|line| format!("line {line}")).collect();
    let expected = json!({
        "listed": own,
        "got": [own[0], "HEALTHY", "fra", 0, null],
        "events": own,
        "lines": lines,
        "service": [[shop, "shop"], ["HEALTHY"]],
        "deployment": [deployment, "HEALTHY"],
        "redeployed": ["PENDING", shop],
        "snapshot": ["before", own[0], "INSTANCE_SNAPSHOT_STATUS_CREATING"],
        "refusals": [[404, "unknown_resource"], [400, "invalid_argument"], [400, "failed_precondition"]],
    });
    assert_eq!(found, expected);
}

/// There is no server to compare with: the script has what the vendor documents.
#[tokio::test]
#[ignore = "needs the vendor's Python SDK; run by `cargo xtask live koyeb`"]
async fn the_vendors_sdk_gets_the_documented_answers() {
    let python = std::env::var("WINDLASS_KOYEB_PYTHON").expect("set by `cargo xtask live koyeb`");
    let fake = FakeKoyeb::start().await.unwrap();
    let shop = fake.add_service("shop", 3);
    for (number, instance) in fake.instances(&shop).iter().enumerate() {
        fake.add_log(instance, "stdout", &format!("line {number}"));
        fake.add_event(instance, "STARTED");
    }
    fake.add_build_log(&shop, "built");
    let environment =
        [("KOYEB_API_HOST", fake.url()), ("KOYEB_API_TOKEN", fake.token().to_owned()), ("SERVICE", shop)];
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let script = Script { title: "Koyeb", file: "koyeb.steps", generation: "v1" };
    script.compare_with_writing(Python::start(&python, "koyeb_steps.py", &environment)).await;
}
