//! Profiles of the fake Incus, asked for without our client.

use serde_json::{Value, json};
use windlass::testing::Generation;

use crate::fake_client::{Http, image, server};

async fn refused(http: &Http, method: &str, path: &str, body: Value) -> (u64, String) {
    let told = http.json(method, path, body).await;
    (told["error_code"].as_u64().unwrap_or_default(), told["error"].as_str().unwrap_or_default().to_owned())
}

/// A profile with a limit.
async fn small(http: &Http) {
    let asked = json!({"name": "small", "config": {"limits.memory": "64MiB", "user.a": "profile"}});
    let made = http.json("POST", "/1.0/profiles", asked).await;
    assert_eq!(made["status_code"], 200, "{made}");
}

#[tokio::test]
async fn profiles_apply_to_new_instances_in_their_order() {
    let (fake, http) = server(Generation::V6_0).await;
    small(&http).await;
    let devices = json!({"root": {"type": "disk", "path": "/", "pool": "second"}});
    let second = json!({"name": "second", "config": {"user.a": "later"}, "devices": devices});
    http.json("POST", "/1.0/profiles", second).await;
    let mut asked = image("web", false);
    asked["profiles"] = json!(["default", "small", "second"]);
    asked["config"] = json!({"user.b": "own"});
    let (_, made) = http.run("POST", "/1.0/instances", asked).await;
    assert_eq!(made["metadata"]["status"], "Success", "{made}");
    let web = fake.instance("web").unwrap();
    let expanded = &web["expanded_config"];
    assert_eq!((&expanded["limits.memory"], &expanded["user.a"]), (&json!("64MiB"), &json!("later")));
    assert_eq!((&expanded["user.b"], &web["config"]["user.a"]), (&json!("own"), &Value::Null));
    assert_eq!(web["expanded_devices"]["root"]["pool"], "second");
    let used = http.get("/1.0/profiles/small").await;
    assert_eq!(used["metadata"]["used_by"], json!(["/1.0/instances/web"]));
}

#[tokio::test]
async fn a_changed_profile_changes_its_instances() {
    let (fake, http) = server(Generation::V6_0).await;
    small(&http).await;
    let mut asked = image("web", true);
    asked["profiles"] = json!(["default", "small"]);
    http.run("POST", "/1.0/instances", asked).await;
    http.json("PATCH", "/1.0/profiles/small", json!({"config": {"user.a": "new"}})).await;
    let expanded = |key: &str| fake.instance("web").unwrap()["expanded_config"][key].clone();
    assert_eq!((expanded("user.a"), expanded("limits.memory")), (json!("new"), json!("64MiB")));
    http.json("PUT", "/1.0/profiles/small", json!({"config": {"user.c": "only"}})).await;
    assert_eq!((expanded("user.a"), expanded("user.c")), (Value::Null, json!("only")));
    // Also after the instance has been stopped, which writes its configuration anew.
    http.run("PUT", "/1.0/instances/web/state", json!({"action": "stop", "force": true})).await;
    assert_eq!(expanded("user.c"), "only");
    http.json("POST", "/1.0/profiles/small", json!({"name": "tiny"})).await;
    assert_eq!(fake.instance("web").unwrap()["profiles"], json!(["default", "tiny"]));
    http.json("PATCH", "/1.0/instances/web", json!({"profiles": ["default"]})).await;
    assert_eq!(expanded("user.c"), Value::Null);
}

#[tokio::test]
async fn profiles_are_listed_and_deleted_unless_they_are_used() {
    let (_fake, http) = server(Generation::V7_0).await;
    small(&http).await;
    let listed = http.get("/1.0/profiles").await;
    assert_eq!(listed["metadata"], json!(["/1.0/profiles/default", "/1.0/profiles/small"]));
    assert_eq!(http.get("/1.0/profiles?recursion=1").await["metadata"][1]["name"], "small");
    let mut asked = image("web", false);
    asked["profiles"] = json!(["default", "small"]);
    http.run("POST", "/1.0/instances", asked).await;
    assert_eq!(refused(&http, "DELETE", "/1.0/profiles/small", Value::Null).await.0, 400);
    http.run("DELETE", "/1.0/instances/web", Value::Null).await;
    assert_eq!(refused(&http, "DELETE", "/1.0/profiles/small", Value::Null).await.0, 0);
    assert_eq!(refused(&http, "GET", "/1.0/profiles/small", Value::Null).await.0, 404);
    assert_eq!(refused(&http, "DELETE", "/1.0/profiles/default", Value::Null).await.0, 403);
}

#[tokio::test]
async fn what_a_profile_may_not_be() {
    let (fake, http) = server(Generation::V6_0).await;
    small(&http).await;
    for asked in [
        json!({"name": ""}),
        json!({"name": "a/b"}),
        json!({"name": "x", "config": {"no.such": "1"}}),
        json!({"name": "x", "devices": {"odd": {"type": "nosuch"}}}),
    ] {
        assert_eq!(refused(&http, "POST", "/1.0/profiles", asked.clone()).await.0, 400, "{asked}");
    }
    assert!(refused(&http, "POST", "/1.0/profiles", json!({"name": "small"})).await.0 >= 400);
    let (code, _) = refused(&http, "PUT", "/1.0/profiles/small", json!({"config": {"no.such": "1"}})).await;
    assert_eq!(code, 400);
    let mut asked = image("web", false);
    asked["profiles"] = json!(["nosuch"]);
    assert!(refused(&http, "POST", "/1.0/instances", asked).await.0 >= 400);
    // Without a root disk there is no instance.
    let mut asked = image("web", false);
    asked["profiles"] = json!(["small"]);
    let (_, failed) = http.run("POST", "/1.0/instances", asked).await;
    assert_eq!((&failed["type"], fake.instances().is_empty()), (&json!("error"), true), "{failed}");
}

#[tokio::test]
async fn projects_have_their_own_profiles_if_they_say_so() {
    let (fake, http) = server(Generation::V7_0).await;
    http.json("POST", "/1.0/projects", json!({"name": "own"})).await;
    fake.add_project("shared");
    small(&http).await;
    assert_eq!(http.get("/1.0/profiles/small?project=shared").await["metadata"]["name"], "small");
    assert_eq!(refused(&http, "GET", "/1.0/profiles/small?project=own", Value::Null).await.0, 404);
    let mut asked = image("web", false);
    asked["profiles"] = json!(["default", "small"]);
    http.run("POST", "/1.0/instances?project=shared", asked).await;
    let used = http.get("/1.0/profiles/small").await;
    assert_eq!(used["metadata"]["used_by"], json!(["/1.0/instances/web?project=shared"]));
}

#[tokio::test]
async fn a_project_must_be_there_before_its_instances() {
    let (fake, http) = server(Generation::V7_0).await;
    let (code, why) = refused(&http, "POST", "/1.0/instances?project=nosuch", image("web", false)).await;
    assert_eq!((code, why.contains("Project not found")), (404, true), "{why}");
    fake.add_project("nosuch");
    let (_, made) = http.run("POST", "/1.0/instances?project=nosuch", image("web", false)).await;
    assert_eq!(made["metadata"]["status"], "Success");
}
