//! The Python client from PyPI against the fake Lambda Cloud.

use std::time::Duration;

use windlass::testing::FakeLambdaCloud;

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
