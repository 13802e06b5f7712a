//! The Python client from PyPI against the fake Lambda Cloud.

use std::time::Duration;

use windlass::testing::FakeLambdaCloud;

use super::compare::{Python, Script};

/// Names the interpreter that has the client.
const PYTHON: &str = "WINDLASS_LIVE_LAMBDA_PYTHON";

#[tokio::test]
#[ignore = "needs the Python client: cargo xtask live lambda-cloud"]
async fn the_python_client_drives_the_fake() {
    let fake = FakeLambdaCloud::start().await.unwrap();
    let python = std::env::var(PYTHON).expect("set by cargo xtask live lambda-cloud");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/vendor/lambda_cloud.py");
    let mut command = tokio::process::Command::new(python);
    command.args([script, &fake.url(), fake.key()]).env_remove("PYTHONPATH").env("NO_PROXY", "127.0.0.1");
    let output = command.kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(120), output).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((fake.launches(), fake.instances().len()), (1, 0));
    for route in ["launch", "restart", "terminate"] {
        assert!(fake.requests(&format!("POST /api/v1/instance-operations/{route}")) >= 1);
    }
}

/// There is no server to compare with: the script has what the vendor documents.
#[tokio::test]
#[ignore = "needs the Python client: cargo xtask live lambda-cloud"]
async fn the_python_client_gets_the_documented_answers() {
    let fake = FakeLambdaCloud::start().await.unwrap();
    let python = std::env::var(PYTHON).expect("set by cargo xtask live lambda-cloud");
    let environment = [("WINDLASS_VENDOR_URL", fake.url()), ("WINDLASS_VENDOR_KEY", fake.key().to_owned())];
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let script = Script { title: "Lambda Cloud", file: "lambda_cloud.steps", generation: "v1" };
    script.compare_with_writing(Python::start(&python, "lambda_cloud_steps.py", &environment)).await;
}
