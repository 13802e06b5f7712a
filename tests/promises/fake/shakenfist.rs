//! The fake Shaken Fist, driven without our client: what it refuses, as the real servers do.

use std::time::Duration;

use serde_json::{Value, json};
use windlass::testing::FakeShakenFist;

use crate::clock::later;

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct Http {
    fake: FakeShakenFist,
    client: reqwest::Client,
    token: String,
}

impl Http {
    async fn of(namespace: &str, key: &str) -> Result<Http, Box<dyn std::error::Error>> {
        // Taken already where another test came first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (fake, client) = (FakeShakenFist::start().await?, reqwest::Client::builder().no_proxy().build()?);
        let mut http = Http { fake, client, token: String::new() };
        let (_, issued) = http.ask("POST", "/auth", json!({"namespace": namespace, "key": key})).await?;
        http.token = issued["access_token"].as_str().ok_or("no token")?.to_owned();
        Ok(http)
    }

    /// Status and document.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<(u16, Value), Box<dyn std::error::Error>> {
        let request = self.client.request(method.parse()?, format!("{}{path}", self.fake.url()));
        let answer = request.bearer_auth(&self.token).body(body.to_string()).send().await?;
        Ok((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await?)?))
    }

    async fn refused(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<(u16, String), Box<dyn std::error::Error>> {
        let (status, told) = self.ask(method, path, body).await?;
        Ok((status, told["error"].as_str().unwrap_or_default().to_owned()))
    }
}

fn instance(changes: Value) -> Value {
    let mut asked = json!({"name": "web", "cpus": 1, "memory": 1024, "disk": [{"size": 8}]});
    for (key, value) in changes.as_object().into_iter().flatten() {
        asked[key] = value.clone();
    }
    asked
}

#[tokio::test]
async fn what_a_launch_may_not_ask_for() -> Outcome {
    let http = Http::of("demo", "demokey").await?;
    for (changes, status, why) in [
        (json!({"configdrive": "floppy"}), 400, "invalid config drive type: \"floppy\""),
        (json!({"video": {"memory": 16384}}), 400, "video specification requires \"model\""),
        (json!({"video": {"model": "cirrus"}}), 400, "video specification requires \"memory\""),
        (json!({"namespace": "other"}), 404, "namespace not found"),
    ] {
        assert_eq!(http.refused("POST", "/instances", instance(changes)).await?, (status, why.to_owned()));
    }
    assert!(http.fake.instances().is_empty());
    let admin = Http::of("system", "secret").await?;
    let nowhere = json!({"namespace": "nowhere"});
    let refused = admin.refused("POST", "/instances", instance(nowhere)).await?;
    assert_eq!(refused, (404, "namespace not found".to_owned()));
    for fine in [json!({"configdrive": "none"}), json!({"configdrive": null}), json!({"video": null})] {
        assert_eq!(http.ask("POST", "/instances", instance(fine)).await?.0, 200);
    }
    Ok(())
}

#[tokio::test]
async fn networks_belong_to_their_namespace_and_end_with_their_deletion() -> Outcome {
    let http = Http::of("demo", "demokey").await?;
    let network = |namespace: &str| json!({"name": "net", "netblock": "10.0.0.0/24", "namespace": namespace});
    let refused = http.refused("POST", "/networks", network("other")).await?;
    assert_eq!(refused, (401, "only admins can create resources in a different namespace".to_owned()));
    let (_, made) = http.ask("POST", "/networks", network("demo")).await?;
    let uuid = made["uuid"].as_str().ok_or("no network")?;
    assert_eq!(http.ask("DELETE", &format!("/networks/{uuid}"), json!({})).await?.0, 200);
    let plugged = instance(json!({"network": [{"network_uuid": uuid}]}));
    let refused = http.refused("POST", "/instances", plugged).await?;
    assert_eq!(refused, (406, format!("network {uuid} is not ready (deleted)")));

    let admin = Http::of("system", "secret").await?;
    assert_eq!(admin.ask("POST", "/networks", network("demo")).await?.0, 200);
    let refused = admin.refused("POST", "/networks", network("nowhere")).await?;
    assert_eq!(refused, (404, "namespace not found".to_owned()));
    Ok(())
}

#[tokio::test]
async fn what_is_deleted_before_it_is_ready_stays_deleted() -> Outcome {
    let http = Http::of("demo", "demokey").await?;
    let step = Duration::from_secs(10);
    http.fake.pace(step);
    let network = json!({"name": "net", "netblock": "10.0.0.0/24"});
    let (_, network) = http.ask("POST", "/networks", network).await?;
    let network = format!("/networks/{}", network["uuid"].as_str().ok_or("no network")?);
    http.ask("DELETE", &network, json!({})).await?;

    http.fake.fail_launches("preflight", "no image");
    let (_, doomed) = http.ask("POST", "/instances", instance(json!({}))).await?;
    let doomed = format!("/instances/{}", doomed["uuid"].as_str().ok_or("no instance")?);
    http.ask("DELETE", &doomed, json!({})).await?;
    for _ in 0..5 {
        later(step).await;
        http.ask("GET", &doomed, json!({})).await?;
    }
    assert_eq!(http.ask("GET", &network, json!({})).await?.1["state"], "deleted");
    assert_eq!(http.ask("GET", &doomed, json!({})).await?.1["state"], "deleted");
    Ok(())
}

#[tokio::test]
async fn a_snapshot_deleted_before_it_is_taken_stays_deleted() -> Outcome {
    let http = Http::of("demo", "demokey").await?;
    let (_, web) = http.ask("POST", "/instances", instance(json!({}))).await?;
    let web = format!("/instances/{}", web["uuid"].as_str().ok_or("no instance")?);
    while http.ask("GET", &web, json!({})).await?.1["state"] != "created" {
        tokio::task::yield_now().await;
    }
    http.fake.pace(Duration::from_secs(10));
    let (_, begun) = http.ask("POST", &format!("{web}/snapshot"), json!({})).await?;
    let disk = begun.as_object().and_then(|all| all.values().next()).ok_or("no disk")?;
    let artifact = format!("/artifacts/{}", disk["artifact_uuid"].as_str().ok_or("no artifact")?);
    assert_eq!(http.ask("DELETE", &artifact, json!({})).await?.0, 200);
    later(Duration::from_secs(10)).await;
    assert_eq!(http.ask("GET", &artifact, json!({})).await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn no_offset_of_an_upload_ends_the_server() -> Outcome {
    let http = Http::of("demo", "demokey").await?;
    let (_, upload) = http.ask("POST", "/upload", json!({})).await?;
    let upload = format!("/upload/{}", upload["uuid"].as_str().ok_or("no upload")?);
    http.ask("POST", &upload, json!("some bytes")).await?;
    for offset in [usize::MAX, usize::MAX - 1, usize::MAX / 2, 1 << 40] {
        assert_eq!(http.ask("POST", &format!("{upload}/truncate/{offset}"), json!({})).await?.0, 500);
    }
    assert_eq!(http.ask("POST", &format!("{upload}/truncate/4"), json!({})).await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn an_event_type_that_does_not_exist_breaks_the_server() -> Outcome {
    let http = Http::of("demo", "demokey").await?;
    let (_, made) = http.ask("POST", "/instances", instance(json!({}))).await?;
    let path = format!("/instances/{}/events", made["uuid"].as_str().ok_or("no uuid")?);
    let (status, _) = http.ask("GET", &path, json!({"event_type": "audit"})).await?;
    assert_eq!(status, 200);
    let told = http.refused("GET", &path, json!({"event_type": "bogus"})).await?;
    assert_eq!(told, (500, "server error: InvalidEventType()".to_owned()));
    Ok(())
}

#[tokio::test]
async fn what_the_fake_does_not_do_it_refuses_in_words() -> Outcome {
    let mut http = Http::of("demo", "demokey").await?;
    for (method, path) in [
        ("GET", "/nodes"),
        ("GET", "/auth/namespaces"),
        ("POST", "/auth/namespaces/demo/keys"),
        ("GET", "/admin/locks"),
        ("GET", "/networks/x/metadata"),
        ("GET", "/blobs"),
    ] {
        let (status, why) = http.refused(method, path, json!({})).await?;
        assert!(status == 501 && why.contains("the fake doesn't do this"), "{method} {path}: {status} {why}");
    }
    http.token = "wrong".to_owned();
    assert_eq!(http.ask("GET", "/nodes", json!({})).await?.0, 401);
    Ok(())
}

#[tokio::test]
async fn an_interface_floats_once() -> Outcome {
    let http = Http::of("demo", "demokey").await?;
    let (_, network) = http.ask("POST", "/networks", json!({"netblock": "10.0.0.0/24", "name": "n"})).await?;
    let path = format!("/networks/{}", network["uuid"].as_str().ok_or("no uuid")?);
    while http.ask("GET", &path, json!({})).await?.1["state"] != "created" {
        tokio::task::yield_now().await;
    }
    let asked = instance(json!({"network": [{"network_uuid": network["uuid"]}]}));
    let (_, made) = http.ask("POST", "/instances", asked).await?;
    let path = format!("/instances/{}/interfaces", made["uuid"].as_str().ok_or("no uuid")?);
    let (_, faces) = http.ask("GET", &path, json!({})).await?;
    let path = format!("/interfaces/{}/float", faces[0]["uuid"].as_str().ok_or("no interface")?);
    assert_eq!(http.ask("POST", &path, json!({})).await?.0, 200);
    let told = http.refused("POST", &path, json!({})).await?;
    assert_eq!(told, (500, "server error: NetworkInterfaceAlreadyFloating()".to_owned()));
    let (_, why) = http.refused("POST", "/networks", json!({"netblock": "odd", "name": "n"})).await?;
    assert_eq!(why, "cannot parse netblock: 'odd' does not appear to be an IPv4 or IPv6 network");
    Ok(())
}
