//! Images made of instances on the fake Incus, and how long its snapshots are kept; asked for without our client.

use serde_json::{Value, json};
use windlass::testing::{FakeIncus, Generation};

use crate::fake_client::{Http, server};

async fn published(http: &Http, source: Value) -> Value {
    let asked = json!({"source": source, "properties": {"os": "mine"}, "public": true, "aliases": [{"name": "made"}]});
    let (_, done) = http.run("POST", "/1.0/images", asked).await;
    assert_eq!(done["metadata"]["status"], "Success", "{done}");
    done["metadata"]["metadata"].clone()
}

async fn from_image(http: &Http, alias: &str, name: &str) -> Value {
    let asked = json!({"name": name, "source": {"type": "image", "alias": alias}});
    http.run("POST", "/1.0/instances", asked).await.1
}

#[tokio::test]
async fn an_image_has_the_files_of_its_instance() {
    let (fake, http) = server(Generation::V6_0).await;
    fake.add_instance("web");
    fake.add_file("web", "/root/a", "one");
    let told = published(&http, json!({"type": "instance", "name": "web"})).await;
    fake.add_file("web", "/root/a", "two");
    let image = &http.get("/1.0/images/aliases/made").await["metadata"]["target"];
    assert_eq!(told["fingerprint"], *image);
    let image = &http.get(&format!("/1.0/images/{}", image.as_str().unwrap())).await["metadata"];
    assert_eq!((&image["public"], &image["properties"]), (&json!(true), &json!({"os": "mine"})));
    from_image(&http, "made", "copy").await;
    assert_eq!(fake.file("copy", "/root/a").unwrap(), b"one");
    from_image(&http, "busybox", "bare").await;
    assert!(fake.file("bare", "/root/a").is_none());
}

#[tokio::test]
async fn a_snapshot_becomes_an_image_while_its_instance_runs() {
    let (fake, http) = server(Generation::V7_0).await;
    http.launch("web").await;
    fake.add_file("web", "/root/a", "one");
    http.run("POST", "/1.0/instances/web/snapshots", json!({"name": "s"})).await;
    fake.add_file("web", "/root/a", "two");
    let (_, failed) =
        http.run("POST", "/1.0/images", json!({"source": {"type": "instance", "name": "web"}})).await;
    assert_eq!(failed["metadata"]["status"], "Failure");
    published(&http, json!({"type": "snapshot", "name": "web/s"})).await;
    from_image(&http, "made", "copy").await;
    assert_eq!(fake.file("copy", "/root/a").unwrap(), b"one");
}

#[tokio::test]
async fn the_file_of_an_image_moves_its_content_to_another_server() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.add_instance("web");
    fake.add_file("web", "/root/a", "one");
    let told = published(&http, json!({"type": "instance", "name": "web"})).await;
    let path = format!("/1.0/images/{}/export", told["fingerprint"].as_str().unwrap());
    let file = http.send("GET", &path, Value::Null).await.unwrap().bytes().await.unwrap();
    let other = FakeIncus::start().await.unwrap();
    let there = Http::tcp(&other);
    let sent = there.client.post(format!("{}/1.0/images", other.url())).body(file).send().await.unwrap();
    let started: Value = serde_json::from_slice(&sent.bytes().await.unwrap()).unwrap();
    let operation = started["metadata"]["id"].as_str().unwrap();
    there.get(&format!("/1.0/operations/{operation}/wait?timeout=10")).await;
    let asked = json!({"name": "copy", "source": {"type": "image", "fingerprint": told["fingerprint"]}});
    there.run("POST", "/1.0/instances", asked).await;
    assert_eq!(other.file("copy", "/root/a").unwrap(), b"one");
}

#[tokio::test]
async fn snapshots_expire_as_their_instance_says() {
    let (fake, http) = server(Generation::V6_0).await;
    fake.add_instance("web");
    let expires = async |name: &str, asked: Value| {
        http.run("POST", "/1.0/instances/web/snapshots", asked).await;
        http.get(&format!("/1.0/instances/web/snapshots/{name}")).await["metadata"]["expires_at"].clone()
    };
    let never = json!("0001-01-01T00:00:00Z");
    assert_eq!(expires("a", json!({"name": "a"})).await, never);
    http.json("PATCH", "/1.0/instances/web", json!({"config": {"snapshots.expiry": "3d"}})).await;
    let in_days = |text: &Value| {
        let end: chrono::DateTime<chrono::Utc> = text.as_str().unwrap().parse().unwrap();
        (end - chrono::Utc::now()).num_hours().div_euclid(24)
    };
    assert_eq!(in_days(&expires("b", json!({"name": "b"})).await), 2);
    assert_eq!(expires("c", json!({"name": "c", "expires_at": never})).await, never);
    // From a profile as well.
    http.json("PUT", "/1.0/profiles/default", json!({"config": {"snapshots.expiry": "2w"}})).await;
    let unset = json!({"config": {"snapshots.expiry": ""}});
    http.json("PATCH", "/1.0/instances/web", unset).await;
    assert_eq!(in_days(&expires("d", json!({"name": "d"})).await), 13);
}

#[tokio::test]
async fn only_the_older_generation_knows_the_older_names_of_headers() {
    for (generation, directory) in [(Generation::V6_0, true), (Generation::V7_0, false)] {
        let (fake, http) = server(generation).await;
        fake.add_instance("web");
        let url = format!("{}/1.0/instances/web/files?path=/root/x", fake.url());
        http.client.post(url).header("X-LXD-type", "directory").body("").send().await.unwrap();
        let made = http.client.get(format!("{}/1.0/instances/web/files?path=/root/x", fake.url()));
        let kind = made.send().await.unwrap().headers()["x-incus-type"].to_str().unwrap().to_owned();
        assert_eq!(kind == "directory", directory, "{kind}");
    }
}

#[tokio::test]
async fn only_the_older_generation_lists_snapshots_as_volumes() {
    for (generation, count) in [(Generation::V6_0, 2), (Generation::V7_0, 1)] {
        let (fake, http) = server(generation).await;
        fake.add_instance("web");
        http.run("POST", "/1.0/instances/web/snapshots", json!({"name": "s"})).await;
        let volumes = http.get("/1.0/storage-pools/default/volumes").await;
        assert_eq!(volumes["metadata"].as_array().unwrap().len(), count, "{volumes}");
    }
}
