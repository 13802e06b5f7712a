//! The fake Lambda Cloud itself, driven by an ordinary HTTP client.

use std::time::Duration;

use serde_json::{Value, json};
use windlass::testing::FakeLambdaCloud;

const LAUNCH: &str = "/api/v1/instance-operations/launch";

struct Http {
    client: reqwest::Client,
    fake: FakeLambdaCloud,
}

impl Http {
    async fn new() -> Http {
        // Taken already where another test came first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().unwrap();
        Http { client, fake: FakeLambdaCloud::start().await.unwrap() }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> reqwest::Response {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.fake.url()));
        let request = request.bearer_auth(self.fake.key());
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        request.send().await.unwrap()
    }

    /// Status and body.
    async fn json(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.send(method, path, body).await;
        (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        self.json("GET", path, Value::Null).await.1["data"].clone()
    }

    /// Status and code of a refusal.
    async fn refused(&self, method: &str, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.json(method, path, body).await;
        (status, answer["error"]["code"].as_str().unwrap_or("none").to_owned())
    }

    async fn launch(&self) -> String {
        let (status, answer) = self.json("POST", LAUNCH, wanted(json!({}))).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"]["instance_ids"][0].as_str().unwrap().to_owned()
    }
}

fn wanted(changes: Value) -> Value {
    let mut asked = json!({"region_name": "us-west-1", "instance_type_name": "gpu_1x_a10",
        "ssh_key_names": ["laptop"]});
    for (key, value) in changes.as_object().unwrap() {
        asked[key] = value.clone();
    }
    asked
}

#[tokio::test]
async fn an_instance_lives_by_the_clock_of_the_fake() {
    let http = Http::new().await;
    http.fake.tick(Duration::ZERO);
    http.fake.boot_time(Duration::from_secs(300));
    http.fake.address_delay(Duration::from_secs(10));
    let id = http.launch().await;
    let path = format!("/api/v1/instances/{id}");
    let advance = |seconds| http.fake.advance(Duration::from_secs(seconds));
    advance(299);
    assert_eq!(http.get(&path).await["status"], "booting");
    assert_eq!(http.get(&path).await["actions"]["restart"]["reason_code"], "vm-has-not-launched");
    advance(1);
    let seen = http.get(&path).await;
    assert_eq!((&seen["status"], seen["ip"].is_null()), (&json!("active"), true));
    advance(10);
    assert!(http.get(&path).await["ip"].is_string());
    assert_eq!(http.fake.instances(), [id.as_str()]);

    let ids = json!({"instance_ids": [id]});
    let (_, answer) = http.json("POST", "/api/v1/instance-operations/terminate", ids.clone()).await;
    assert_eq!(answer["data"]["terminated_instances"][0]["status"], "terminating");
    assert!(http.fake.instances().is_empty());
    let again = http.refused("POST", "/api/v1/instance-operations/terminate", ids.clone()).await;
    assert_eq!(again, (400, "global/unknown".to_owned()));
    let restart = http.refused("POST", "/api/v1/instance-operations/restart", ids.clone()).await;
    assert_eq!(restart, (409, "global/conflict".to_owned()));
    advance(2);
    assert_eq!(http.get("/api/v1/instances").await[0]["status"], "terminated");
    advance(60);
    assert_eq!(http.get("/api/v1/instances").await, json!([]));
    assert_eq!(
        http.refused("GET", &path, Value::Null).await,
        (404, "global/object-does-not-exist".to_owned())
    );
    assert_eq!(http.fake.launches(), 1);
}

#[tokio::test]
async fn every_refusal_of_a_launch() {
    let http = Http::new().await;
    let refused = |changes| http.refused("POST", LAUNCH, wanted(changes));
    let is = |status: u16, code: &str| (status, code.to_owned());
    for changes in [
        json!({"region_name": null}),
        json!({"instance_type_name": null}),
        json!({"ssh_key_names": []}),
        json!({"ssh_key_names": ["laptop", "laptop"]}),
        json!({"quantity": 2}),
        json!({"name": "n".repeat(65)}),
        json!({"tags": [{"key": "No", "value": ""}]}),
    ] {
        assert_eq!(refused(changes.clone()).await, is(400, "global/invalid-parameters"), "{changes}");
    }
    let missing = "global/object-does-not-exist";
    assert_eq!(refused(json!({"ssh_key_names": ["nope"]})).await, is(400, missing));
    for changes in [
        json!({"instance_type_name": "nope"}),
        json!({"file_system_names": ["nope"]}),
        json!({"firewall_rulesets": [{"id": "nope"}]}),
    ] {
        assert_eq!(refused(changes.clone()).await, is(404, missing), "{changes}");
    }
    let elsewhere = json!({"name": "fs", "region": "us-east-1"});
    http.json("POST", "/api/v1/filesystems", elsewhere).await;
    assert_eq!(
        refused(json!({"file_system_names": ["fs"]})).await,
        is(400, "instance-operations/launch/file-system-in-wrong-region")
    );
    http.fake.capacity("gpu_1x_a10").in_region("us-west-1").is(1);
    http.launch().await;
    let full = is(400, "instance-operations/launch/insufficient-capacity");
    assert_eq!(refused(json!({})).await, full);
    assert_eq!(refused(json!({"region_name": "atlantis-1"})).await, full);
    http.fake.quota(1);
    assert_eq!(refused(json!({})).await, is(400, "global/quota-exceeded"));
    assert_eq!(http.fake.launches(), 1);
}

#[tokio::test]
async fn capacity_comes_and_goes_and_need_not_be_as_it_looks() {
    let http = Http::new().await;
    http.fake.tick(Duration::ZERO);
    http.fake.no_capacity();
    let a10 = |region: &str| http.fake.capacity("gpu_1x_a10").in_region(region);
    a10("us-west-1").is_after(1, Duration::from_secs(60)).is_after(0, Duration::from_secs(144));
    a10("us-east-1").looks(true);
    a10("us-south-1").is(5).looks(false);
    let regions = async || {
        let offer = http.get("/api/v1/instance-types").await["gpu_1x_a10"].clone();
        let regions = offer["regions_with_capacity_available"].as_array().unwrap().clone();
        regions.iter().map(|region| region["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(regions().await, ["us-east-1"]);
    http.fake.advance(Duration::from_secs(60));
    assert_eq!(regions().await, ["us-east-1", "us-west-1"]);
    http.fake.advance(Duration::from_secs(84));
    assert_eq!(regions().await, ["us-east-1"]);
    let (status, _) = http.json("POST", LAUNCH, wanted(json!({"region_name": "us-south-1"}))).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn doors_and_paths() {
    let http = Http::new().await;
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(http.refused("GET", "/", Value::Null).await, is(404, "global/not-found"));
    assert_eq!(http.refused("POST", "/api/v1/file-systems", json!({})).await.0, 405);
    assert_eq!(http.refused("POST", LAUNCH, Value::Null).await, is(400, "global/invalid-parameters"));
    let stranger = http.client.get(format!("{}/api/v1/instances", http.fake.url())).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    let basic = http.client.get(format!("{}/api/v1/instances", http.fake.url()));
    assert_eq!(basic.basic_auth(http.fake.key(), Some("")).send().await.unwrap().status(), 200);
    http.fake.deactivate_account();
    assert_eq!(http.refused("GET", "/api/v1/images", Value::Null).await, is(403, "global/account-inactive"));
}

#[tokio::test]
async fn limits_are_enforced_by_its_clock() {
    let http = Http::new().await;
    http.fake.enforce_limits();
    http.fake.tick(Duration::from_millis(500));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(http.send("GET", "/api/v1/instances", Value::Null).await.status().as_u16());
    }
    assert_eq!(seen, [200, 429, 200, 429]);
    let page = http.send("GET", "/api/v1/instances", Value::Null).await;
    assert_eq!(page.status(), 200);
    let page = http.send("GET", "/api/v1/instances", Value::Null).await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=UTF-8");
    assert!(page.text().await.unwrap().contains("1015"));
}

#[tokio::test]
async fn hanging_after_the_effect() {
    let http = Http::new().await;
    http.fake.on(&format!("POST {LAUNCH}")).hang_after();
    let hung = http.send("POST", LAUNCH, wanted(json!({})));
    assert!(tokio::time::timeout(Duration::from_millis(200), hung).await.is_err());
    assert_eq!(http.fake.launches(), 1);
}

#[tokio::test]
async fn stopping_refuses_and_instances_go_on() {
    let http = Http::new().await;
    let id = http.launch().await;
    http.fake.stop().await;
    let refused = http.client.get(http.fake.url()).send().await.unwrap_err();
    assert!(refused.is_connect());
    http.fake.restart().await.unwrap();
    assert_eq!(http.get(&format!("/api/v1/instances/{id}")).await["id"], id.as_str());
}

#[tokio::test]
async fn what_is_no_firewall_rule_is_refused_and_not_given_back() {
    let http = Http::new().await;
    let rule = |key: &str, value: Value| {
        let mut rule = json!({"protocol": "tcp", "port_range": [22, 22], "source_network": "10.0.0.0/8", "description": ""});
        rule[key] = value;
        rule
    };
    let bad = [
        json!(7),
        json!("tcp"),
        json!(null),
        json!({}),
        rule("protocol", json!(null)),
        rule("protocol", json!("gre")),
        rule("source_network", json!(null)),
        rule("source_network", json!(["10.0.0.0/8"])),
        rule("source_network", json!("10.0.0.0/33")),
        rule("source_network", json!("nowhere")),
        rule("port_range", json!("22")),
        rule("port_range", json!([22])),
        rule("port_range", json!([22, 21])),
        rule("port_range", json!([0, 21])),
        rule("port_range", json!([1, 65_536])),
        rule("port_range", json!(["1", "2"])),
        rule("description", json!(5)),
    ];
    let made = json!({"name": "ssh", "region": "us-west-1", "rules": [rule("description", json!("ssh"))]});
    let (status, made) = http.json("POST", "/api/v1/firewall-rulesets", made).await;
    assert_eq!(status, 200, "{made}");
    let one = format!("/api/v1/firewall-rulesets/{}", made["data"]["id"].as_str().unwrap());
    let before = (http.get("/api/v1/firewall-rules").await, http.get(&one).await);
    for rule in bad {
        let rules = json!([rule]);
        for (method, path, body) in [
            ("PUT", "/api/v1/firewall-rules", json!({"data": rules})),
            (
                "POST",
                "/api/v1/firewall-rulesets",
                json!({"name": "n", "region": "us-west-1", "rules": rules}),
            ),
            ("PATCH", "/api/v1/firewall-rulesets/global", json!({"rules": rules})),
            ("PATCH", &one, json!({"rules": rules})),
        ] {
            let refused = http.refused(method, path, body).await;
            assert_eq!(refused, (400, "global/invalid-parameters".to_owned()), "{method} {path} {rule}");
        }
    }
    assert_eq!((http.get("/api/v1/firewall-rules").await, http.get(&one).await), before);
}

#[tokio::test]
async fn prices_can_be_planted_and_hold_for_launches_from_then_on() {
    let http = Http::new().await;
    let price = async |id: &str| {
        http.get(&format!("/api/v1/instances/{id}")).await["instance_type"]["price_cents_per_hour"].clone()
    };
    let before = http.launch().await;
    http.fake.price("gpu_1x_a10", 999);
    http.fake.price("gpu_1x_dream", 1);
    let after = http.launch().await;
    assert_eq!((price(&before).await, price(&after).await), (json!(75), json!(999)));
    let types = http.get("/api/v1/instance-types").await;
    assert_eq!(types["gpu_1x_a10"]["instance_type"]["price_cents_per_hour"], 999);
    assert_eq!(types["gpu_1x_dream"]["instance_type"]["price_cents_per_hour"], 1);
}

#[tokio::test]
async fn a_restart_can_end_badly() {
    let http = Http::new().await;
    let id = http.launch().await;
    http.fake.advance(Duration::from_secs(10));
    http.fake.next_boot_ends("unhealthy");
    http.json("POST", "/api/v1/instance-operations/restart", json!({"instance_ids": [id]})).await;
    http.fake.advance(Duration::from_secs(10));
    assert_eq!(http.get(&format!("/api/v1/instances/{id}")).await["status"], "unhealthy");
}

#[tokio::test]
async fn images_and_keys_that_are_not_there_are_refused_with_the_documented_codes() {
    let http = Http::new().await;
    let is = |status: u16, code: &str| (status, code.to_owned());
    for image in [json!({"family": "windows-3"}), json!({"id": "nope"}), json!({"id": "image-us-east-1"})] {
        let refused = http.refused("POST", LAUNCH, wanted(json!({"image": image}))).await;
        assert_eq!(refused, is(404, "global/object-does-not-exist"));
    }
    for image in [json!({"family": "lambda-stack-24-04"}), json!({"id": "image-us-west-1"}), json!(null)] {
        assert_eq!(http.json("POST", LAUNCH, wanted(json!({"image": image}))).await.0, 200);
    }
    let twice = http.refused("POST", "/api/v1/ssh-keys", json!({"name": "laptop"})).await;
    assert_eq!(twice, is(400, "global/invalid-parameters"));
    assert_eq!(
        http.refused("DELETE", "/api/v1/ssh-keys/nope", Value::Null).await,
        is(404, "global/not-found")
    );
}
