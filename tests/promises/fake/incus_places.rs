//! Projects, pools and devices of the fake Incus, asked for without our client, as the real server was seen to answer.

use serde_json::{Value, json};
use windlass::testing::Generation;

use crate::fake_client::{Http, server};

const BOTH: [Generation; 2] = [Generation::V6_0, Generation::V7_0];

async fn refused(http: &Http, method: &str, path: &str, body: Value) -> (u64, String) {
    let told = http.json(method, path, body).await;
    (told["error_code"].as_u64().unwrap_or_default(), told["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn projects_are_made_changed_and_deleted() {
    for generation in BOTH {
        let (_fake, http) = server(generation).await;
        let config = json!({"features.images": "false", "features.profiles": "false"});
        let asked = json!({"name": "blue", "config": config, "description": "mine"});
        http.json("POST", "/1.0/projects", asked.clone()).await;
        let (code, why) = refused(&http, "POST", "/1.0/projects", asked).await;
        let taken = if generation == Generation::V6_0 { 500 } else { 409 };
        assert_eq!(code, taken, "{why}");
        let (code, _) = refused(&http, "POST", "/1.0/projects", json!({"name": "a b"})).await;
        assert_eq!(code, 400);
        let (_, why) =
            refused(&http, "POST", "/1.0/projects", json!({"name": "x", "config": {"no.such": "1"}})).await;
        assert_eq!(why, "Invalid project configuration key \"no.such\"");

        let blue = &http.get("/1.0/projects/blue").await["metadata"];
        assert_eq!(
            (&blue["description"], &blue["config"]["features.images"]),
            (&json!("mine"), &json!("false"))
        );
        http.json("PATCH", "/1.0/projects/blue", json!({"config": {"user.a": "1"}})).await;
        assert_eq!(http.get("/1.0/projects/blue").await["metadata"]["config"]["user.a"], "1");
        assert_eq!(
            http.get("/1.0/projects").await["metadata"],
            json!(["/1.0/projects/blue", "/1.0/projects/default"])
        );

        let web = json!({"name": "web", "source": {"type": "none"}});
        http.run("POST", "/1.0/instances?project=blue", web).await;
        let (code, why) = refused(&http, "DELETE", "/1.0/projects/blue", Value::Null).await;
        assert_eq!((code, why.as_str()), (400, "Only empty projects can be removed."));
        http.run("DELETE", "/1.0/instances/web?project=blue", Value::Null).await;
        http.json("DELETE", "/1.0/projects/blue", Value::Null).await;
        assert_eq!(
            refused(&http, "GET", "/1.0/projects/blue", Value::Null).await,
            (404, "Project not found".into())
        );
        let (code, _) = refused(&http, "DELETE", "/1.0/projects/default", Value::Null).await;
        assert_eq!(code, 403);
    }
}

#[tokio::test]
async fn a_project_has_its_own_images_unless_it_says_otherwise() {
    let (_fake, http) = server(Generation::V7_0).await;
    http.json("POST", "/1.0/projects", json!({"name": "own", "config": {"features.profiles": "false"}}))
        .await;
    http.json(
        "POST",
        "/1.0/projects",
        json!({"name": "shared", "config": {"features.images": "false", "features.profiles": "false"}}),
    )
    .await;
    let alias = |project: &str| format!("/1.0/images/aliases/busybox?project={project}");
    assert_eq!(http.get(&alias("own")).await["error_code"], 404);
    assert_eq!(http.get(&alias("shared")).await["metadata"]["name"], "busybox");
    let web = json!({"name": "web", "source": {"type": "image", "alias": "busybox"}});
    let (_, failed) = http.run("POST", "/1.0/instances?project=own", web.clone()).await;
    assert_eq!(failed["metadata"]["status"], "Failure");
    let (_, made) = http.run("POST", "/1.0/instances?project=shared", web).await;
    assert_eq!(made["metadata"]["status"], "Success");
}

#[tokio::test]
async fn a_project_with_its_own_profiles_has_no_disk_to_offer() {
    let (fake, http) = server(Generation::V7_0).await;
    http.json("POST", "/1.0/projects", json!({"name": "own"})).await;
    let bare = json!({"name": "web", "source": {"type": "none"}});
    let (_, failed) = http.run("POST", "/1.0/instances?project=own", bare.clone()).await;
    let why = failed["metadata"]["err"].as_str().unwrap();
    assert!(why.ends_with("Failed getting root disk: No root device could be found"), "{why}");
    let mut with = bare;
    with["devices"] = json!({"root": {"type": "disk", "path": "/", "pool": "second"}});
    let (_, made) = http.run("POST", "/1.0/instances?project=own", with).await;
    assert_eq!(made["metadata"]["status"], "Success");
    assert_eq!(http.get("/1.0/profiles/default?project=own").await["metadata"]["devices"], json!({}));
    assert!(fake.instances().is_empty(), "in another project");
}

#[tokio::test]
async fn pools_show_the_instances_in_them() {
    let (_fake, http) = server(Generation::V7_0).await;
    http.launch("web").await;
    let pool = &http.get("/1.0/storage-pools/default").await["metadata"];
    assert_eq!(pool["used_by"], json!(["/1.0/instances/web", "/1.0/profiles/default"]));
    let volumes = &http.get("/1.0/storage-pools/default/volumes").await["metadata"];
    assert_eq!(*volumes, json!(["/1.0/storage-pools/default/volumes/container/web"]));
    let volume = &http.get("/1.0/storage-pools/default/volumes/container/web").await["metadata"];
    assert_eq!(
        (&volume["content_type"], &volume["used_by"]),
        (&json!("filesystem"), &json!(["/1.0/instances/web"]))
    );
    assert_eq!(http.get("/1.0/storage-pools/second/volumes").await["metadata"], json!([]));
    for (path, why) in [
        ("/1.0/storage-pools/nosuch", "Storage pool not found"),
        ("/1.0/storage-pools/second/volumes/container/web", "Storage pool volume not found"),
    ] {
        assert_eq!(refused(&http, "GET", path, Value::Null).await, (404, why.into()));
    }
    assert_eq!(http.get("/1.0/profiles/default").await["metadata"]["used_by"], json!(["/1.0/instances/web"]));
}

#[tokio::test]
async fn what_the_fake_does_not_do_it_refuses_in_words() {
    let (_fake, http) = server(Generation::V7_0).await;
    for (method, path) in [
        ("POST", "/1.0/storage-pools"),
        ("POST", "/1.0/storage-pools/default/volumes/custom"),
        ("GET", "/1.0/storage-pools/default/resources"),
        ("POST", "/1.0/projects/default"),
        ("PATCH", "/1.0"),
        ("GET", "/1.0/resources"),
        ("PUT", "/1.0/cluster"),
        ("POST", "/1.0/images"),
    ] {
        let (code, why) = refused(&http, method, path, json!({"name": "x"})).await;
        assert!(code == 501 && why.contains("the fake doesn't do this"), "{method} {path}: {code} {why}");
    }
    // The real server has neither of these.
    assert_eq!(refused(&http, "GET", "/1.0/nosuch", Value::Null).await, (404, "not found".into()));
    assert_eq!(refused(&http, "GET", "/1.0/profiles/nosuch", Value::Null).await.0, 404);
}

#[tokio::test]
async fn devices_are_checked() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.add_instance("web");
    for (device, why) in [
        (json!({"type": "nosuch"}), "Failed loading device \"odd\": Unsupported device type"),
        (json!({"path": "/x"}), "Failed loading device \"odd\": Missing device type in config"),
        (
            json!({"type": "disk", "path": "/x"}),
            "Disk entry is missing the required \"source\" or \"path\" property",
        ),
        (json!({"type": "nic"}), "Failed loading device \"odd\": Unsupported device type"),
    ] {
        let (code, told) =
            refused(&http, "PATCH", "/1.0/instances/web", json!({"devices": {"odd": device}})).await;
        assert_eq!(code, 500);
        assert_eq!(told, format!("Invalid devices: Device validation failed for \"odd\": {why}"));
    }
    assert_eq!(fake.instance("web").unwrap()["devices"], json!({}));
    let good = json!({"devices": {"data": {"type": "disk", "source": "/tmp", "path": "/mnt"}}});
    http.json("PATCH", "/1.0/instances/web", good).await;
    assert_eq!(fake.instance("web").unwrap()["devices"]["data"]["path"], "/mnt");
    let made = json!({"name": "x", "source": {"type": "none"}, "devices": {"odd": {"type": "nosuch"}}});
    let (_, failed) = http.run("POST", "/1.0/instances", made).await;
    assert_eq!(
        (&failed["metadata"]["status"], fake.instances()),
        (&json!("Failure"), vec!["web".to_owned()])
    );
}

#[tokio::test]
async fn a_new_configuration_must_keep_what_is_the_servers() {
    let (fake, http) = server(Generation::V7_0).await;
    fake.add_instance("web");
    let (_, failed) = http.run("PUT", "/1.0/instances/web", json!({"config": {"user.a": "1"}})).await;
    assert_eq!(failed["metadata"]["err"], "Volatile idmap keys can't be deleted by the user");
    let mut whole = fake.instance("web").unwrap();
    whole["config"]["user.a"] = "1".into();
    http.run("PUT", "/1.0/instances/web", whole).await;
    assert_eq!(fake.instance("web").unwrap()["config"]["user.a"], "1");
}

#[tokio::test]
async fn small_answers_are_those_of_the_real_server() {
    let (_fake, http) = server(Generation::V7_0).await;
    // Only the list of documents misses the instance.
    assert_eq!(http.get("/1.0/instances/nosuch/snapshots").await["metadata"], json!([]));
    assert_eq!(
        refused(&http, "GET", "/1.0/instances/nosuch/snapshots?recursion=1", Value::Null).await.0,
        404
    );
    let (_, why) = refused(&http, "GET", "/1.0/images/nosuch/export", Value::Null).await;
    assert_eq!(why, "Image \"nosuch\" not found");
    let image = &http.get("/1.0/images?recursion=1").await["metadata"][0];
    assert_eq!(image["last_used_at"], "0001-01-01T00:00:00Z");
    http.launch("web").await;
    let used = &http.get("/1.0/images?recursion=1").await["metadata"][0];
    assert!(used["last_used_at"].as_str().unwrap() > "2020", "{used}");
    assert_eq!(http.get("/1.0/cluster").await["metadata"]["enabled"], false);
}
