//! The typed layer of Lambda Cloud: what it takes, what it keeps, what it hides, and the companions of instances.

use serde_json::{Value, json};
use windlass::lambda_cloud::{ErrorCode, FirewallRule, InstanceStatus, Launch, NetworkProtocol};
use windlass::{ErrorKind, LambdaCloud, Retry, Sent};

use super::{Outcome, fake};

const LIST: &str = "GET /api/v1/instances";

fn a10(lambda: &LambdaCloud) -> Launch {
    lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop")
}

#[tokio::test]
async fn the_seven_operations() -> Outcome {
    let (fake, lambda) = fake().await?;
    let gpu = a10(&lambda).name("first").await?;
    assert_eq!(lambda.instances().await?.len(), 1);
    assert_eq!(lambda.instance(&gpu.id).get().await?.name.as_deref(), Some("first"));
    assert_eq!(gpu.rename("second").await?.name.as_deref(), Some("second"));
    let types = lambda.instance_types().await?;
    let offer = types.iter().find(|offer| offer.instance_type.name == "gpu_1x_a10").ok_or("not sold")?;
    assert!(types.is_sorted_by_key(|offer| &offer.instance_type.name));
    assert_eq!(offer.instance_type.price().to_string(), "$0.75/h");
    assert!(offer.is_listed_in("us-west-1") && !offer.is_listed_in("moon-1"));
    gpu.restart().await?;
    gpu.terminate().await?;
    assert!(fake.instances().is_empty());
    assert!(lambda.instances().status(InstanceStatus::Active).await?.is_empty());
    let e = lambda.instance("nope").get().await.expect_err("there is none");
    assert!(e.is_not_found() && e.code_is(ErrorCode::ObjectDoesNotExist));
    let begins = format!("lambda-cloud instance_get \"nope\" at {}", fake.url());
    assert_eq!(e.to_string().split(": ").next(), Some(begins.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_launch_of_an_unknown_type_suggests_where_types_are_listed() -> Outcome {
    let (_fake, lambda) = fake().await?;
    let e = lambda.launch("web").region("us-west-1").ssh_key("laptop").await.expect_err("no such type");
    assert_eq!((e.kind(), e.status()), (ErrorKind::NotFound, Some(404)));
    assert!(e.suggestion().is_some_and(|text| text.contains("instance_types()")), "{e:?}");
    Ok(())
}

#[tokio::test]
async fn what_the_vendor_adds_fails_nothing() -> Outcome {
    let (fake, lambda) = fake().await?;
    let id = fake.add_instance();
    fake.edit_instance(&id, |document| {
        document["status"] = "hibernating".into();
        document["region"] = json!({"name": "moon-north-1", "gravity": 0.17});
        document["instance_type"] =
            json!({"name": "gpu_1x_b900", "price_cents_per_hour": 1, "architecture": "riscv64", "new": [1]});
        document["actions"]["teleport"] = json!({"available": true});
        document["actions"]["restart"] = json!({"available": false, "reason_code": "vm-is-asleep"});
        document["quantum"] = json!({"bits": 7});
        for absent in ["ip", "name", "hostname", "jupyter_token", "jupyter_url", "tags", "file_system_names"]
        {
            document[absent] = Value::Null;
        }
    });
    let seen = lambda.instances().await?.remove(0);
    assert_eq!(seen.status, InstanceStatus::Unknown("hibernating".into()));
    assert_eq!((seen.region.name.as_str(), seen.region.description.as_str()), ("moon-north-1", ""));
    assert_eq!(seen.region.extra["gravity"], 0.17);
    assert_eq!(seen.extra["quantum"]["bits"], 7);
    assert_eq!((seen.address(), seen.ssh_command()), (None, None));
    let again: Value = serde_json::to_value(seen.clone().into_data())?;
    assert_eq!(again["actions"]["teleport"]["available"], true);
    assert_eq!(again["actions"]["restart"]["reason_code"], "vm-is-asleep");
    assert_eq!(again["instance_type"]["architecture"], "riscv64");
    // And the same for a place to launch in, a code and a type.
    fake.capacity("gpu_1x_b900").in_region("moon-north-1").is(1);
    lambda.launch("gpu_1x_b900").region("moon-north-1").ssh_key("laptop").await?;
    fake.on(LIST).reply(418, r#"{"error":{"code":"global/teapot","message":"m","brew":1},"more":2}"#);
    let e = lambda.instances().await.expect_err("a teapot");
    assert_eq!(ErrorCode::of(&e), Some(ErrorCode::Unknown("global/teapot".into())));
    assert!(e.code_is("global/teapot") && e.kind() == ErrorKind::Rejected);
    Ok(())
}

#[tokio::test]
async fn lean_answers_of_older_generations_decode() -> Outcome {
    let (fake, lambda) = fake().await?;
    let bare = json!({"data": [{
        "id": "1", "status": "active", "ip": "192.0.2.1", "name": null, "hostname": null,
        "jupyter_token": null, "jupyter_url": null, "ssh_key_names": ["k"], "file_system_names": [],
        "region": {"name": "us-west-1"}, "instance_type": {"name": "gpu_1x_a10", "price_cents_per_hour": 60},
    }]});
    fake.on(LIST).reply(200, bare.to_string());
    let all = lambda.instances().await?;
    assert_eq!((all[0].id(), all[0].address()), ("1", Some("192.0.2.1")));
    let types = json!({"data": {"t": {"instance_type": {"name": "t", "price_cents_per_hour": 1}}}});
    fake.on("GET /api/v1/instance-types").reply(200, types.to_string());
    assert_eq!(lambda.instance_types().await?[0].regions_with_capacity_available, []);
    Ok(())
}

#[tokio::test]
async fn a_list_in_pages_is_read_to_its_end() -> Outcome {
    let (fake, lambda) = fake().await?;
    let (first, second) = (fake.add_instance(), fake.add_instance());
    let page =
        |id: &str, next: Value| json!({"data": [fake.instance(id).unwrap()], "page_token": next}).to_string();
    fake.on(LIST).reply(200, page(&first, "p2".into()));
    fake.on(LIST).reply(200, page(&second, Value::Null));
    let ids: Vec<_> = lambda.instances().await?.iter().map(|gpu| gpu.id.clone()).collect();
    assert_eq!(ids, [first, second]);
    assert_eq!(fake.log().last().and_then(|request| request.param("page_token")).as_deref(), Some("p2"));
    Ok(())
}

#[tokio::test]
async fn answers_that_are_none_keep_their_status() -> Outcome {
    let (fake, lambda) = fake().await?;
    let once = lambda.with(Retry::never());
    for (status, body, kind) in [
        (429, "<html>Error 1015</html>", ErrorKind::RateLimited),
        (403, "error code: 1015", ErrorKind::RateLimited),
        (502, "<html>bad gateway</html>", ErrorKind::Unavailable),
        (500, "", ErrorKind::Server),
        (301, "", ErrorKind::BadReply),
        (200, "<html>welcome</html>", ErrorKind::BadReply),
        (200, "", ErrorKind::BadReply),
        (401, "", ErrorKind::Unauthenticated),
        (400, r#"{"error":{"code":"provider/internal-unavailable","message":"m"}}"#, ErrorKind::Unavailable),
        (409, r#"{"error":{"code":"global/internal-error","message":"m"}}"#, ErrorKind::Server),
    ] {
        fake.on(LIST).header("CF-Ray", "8f1-SJC").reply(status, body);
        let e = once.instances().await.expect_err(body);
        assert_eq!((e.kind(), e.status(), e.sent()), (kind, Some(status), Sent::Yes), "{status} {body}");
        assert!(!e.to_string().contains('<'), "{e}");
    }
    assert_eq!(fake.requests(LIST), 10);
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_not_followed() -> Outcome {
    let (fake, lambda) = fake().await?;
    let launch = "POST /api/v1/instance-operations/launch";
    fake.on(launch).header("Location", format!("{}/api/v1/instances", fake.url())).reply(301, "");
    let e = a10(&lambda).await.expect_err("moved");
    assert_eq!((e.status(), e.marker(), fake.log().len()), (Some(301), None, 1));
    Ok(())
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_is_sent() -> Outcome {
    let (fake, lambda) = fake().await?;
    let bare = || lambda.launch("gpu_1x_a10").region("us-west-1");
    let bad: Vec<(Launch, &str)> = vec![
        (lambda.launch("").region("r").ssh_key("k"), "instance_type_name"),
        (lambda.launch("t").ssh_key("k"), "region_name"),
        (bare(), "ssh_key_names"),
        (bare().ssh_key(""), "ssh_key_names"),
        (bare().ssh_key("one").ssh_key("two"), "ssh_key_names"),
        (a10(&lambda).name(""), "name"),
        (a10(&lambda).name("n".repeat(65)), "name"),
        (a10(&lambda).hostname("Not-A-Host"), "hostname"),
        (a10(&lambda).tag("Bad Key", "v"), "tags"),
        (a10(&lambda).tag("key", "v".repeat(129)), "tags"),
        (a10(&lambda).tag("key", "a").tag("key", "b"), "tags"),
        (a10(&lambda).user_data("x".repeat(1024 * 1024 + 1)), "user_data"),
        (a10(&lambda).mount("/etc").of_file_system("id"), "file_system_mounts"),
        (a10(&lambda).mount("/data").of_file_system(""), "file_system_mounts"),
        (a10(&lambda).file_system("a").file_system("b"), "file_system_names"),
        (a10(&lambda).image_id("a").image_family("b"), "image"),
        (a10(&lambda).image_id(""), "image"),
        (a10(&lambda).firewall_ruleset(""), "firewall_rulesets"),
    ];
    for (launch, field) in bad {
        let e = launch.await.expect_err(field);
        assert_eq!(
            (e.kind(), e.fields(), e.sent()),
            (ErrorKind::InvalidInput, &[field.to_owned()][..], Sent::No)
        );
    }
    for id in ["", ".", "..", "a/b", "a\\b"] {
        let bad = lambda.instance(id);
        let refused = [
            bad.get().await.err(),
            bad.rename("x").await.err(),
            bad.restart().await.err(),
            bad.terminate().await.err(),
            lambda.ssh_key(id).get().await.err(),
            lambda.ssh_key(id).delete().await.err(),
            lambda.file_system(id).get().await.err(),
            lambda.file_system(id).delete().await.err(),
            lambda.image(id).get().await.err(),
            lambda.firewall_ruleset(id).get().await.err(),
            lambda.firewall_ruleset(id).delete().await.err(),
            lambda.firewall_ruleset(id).update().await.err(),
        ];
        for (verb, e) in refused.into_iter().enumerate() {
            let e = e.ok_or_else(|| format!("verb {verb} took {id:?}"))?;
            assert_eq!(
                (e.kind(), e.fields(), e.sent()),
                (ErrorKind::InvalidInput, &["id".to_owned()][..], Sent::No)
            );
        }
    }
    let e = lambda.instance("1").rename("n".repeat(65)).await.expect_err("too long");
    assert_eq!(e.fields(), ["to"]);
    let private = lambda.add_ssh_key("k").public_key("-----BEGIN OPENSSH PRIVATE KEY-----").await;
    assert_eq!(private.expect_err("private").fields(), ["public_key"]);
    assert!(lambda.add_ssh_key("").generate().await.is_err());
    let neither = lambda.add_ssh_key("k").await;
    assert_eq!(neither.expect_err("no key").fields(), ["public_key"]);
    assert!(lambda.create_file_system("a").region("").await.is_err());
    assert!(lambda.create_file_system("a").await.is_err());
    let open = FirewallRule::new(NetworkProtocol::Tcp, "0.0.0.0/0");
    assert!(lambda.replace_firewall_rules([open.clone()]).await.is_err());
    assert!(lambda.create_firewall_ruleset("a").rules([open]).region("us-west-1").await.is_err());
    assert!(fake.log().is_empty(), "{:?}", fake.log());
    Ok(())
}

#[tokio::test]
async fn secrets_do_not_print() -> Outcome {
    let (fake, lambda) = fake().await?;
    let pair = lambda.add_ssh_key("robot").generate().await?;
    let launch = a10(&lambda).user_data("#cloud-config hunter2");
    let before = format!("{launch:?}");
    let gpu = launch.await?;
    let token = gpu.jupyter_token.as_ref().ok_or("no token")?.expose().to_owned();
    let url = gpu.jupyter_url.as_ref().ok_or("no address")?.expose().to_owned();
    assert!(
        url.contains(&token) && pair.private_key.as_ref().is_some_and(|key| key.expose().contains("PRIVATE"))
    );
    // A reply that doesn't fit mustn't quote what it holds either.
    let odd = json!({"data": [{"id": "1", "status": "active", "jupyter_token": {"v": "hunter2"}}]});
    fake.on(LIST).reply(200, odd.to_string());
    let e = lambda.instances().await.expect_err("it doesn't fit");
    let wrong = LambdaCloud::key("hunter2").url(fake.url()).client()?;
    let refused = wrong.regions().await.expect_err("a wrong key");
    let printed = format!("{before} {gpu:?} {pair:?} {e} {e:?} {lambda:?} {wrong:?} {refused} {refused:?}");
    for secret in ["hunter2", "PRIVATE", token.as_str(), fake.key()] {
        assert!(!printed.contains(secret), "{secret}: {printed}");
    }
    // But it arrived.
    let sent = fake.log().into_iter().find(|request| request.path.ends_with("launch")).ok_or("no launch")?;
    assert_eq!(sent.json().ok_or("no body")?["user_data"], "#cloud-config hunter2");
    Ok(())
}

#[tokio::test]
async fn bearer_by_default_and_basic_on_request() -> Outcome {
    let (fake, lambda) = fake().await?;
    lambda.regions().await?;
    fake.connect().basic().client()?.regions().await?;
    let sent: Vec<_> =
        fake.log().iter().filter_map(|request| Some(request.header("authorization")?.to_owned())).collect();
    assert!(sent[0].starts_with("Bearer ") && sent[1].starts_with("Basic "), "{sent:?}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_key_is_found_at_once() -> Outcome {
    let (fake, _) = fake().await?;
    let e = LambdaCloud::key("wrong").url(fake.url()).await.expect_err("a wrong key");
    assert_eq!((e.kind(), e.code_is(ErrorCode::InvalidApiKey)), (ErrorKind::Unauthenticated, true));
    assert_eq!(e.operation(), "connect");
    assert_eq!(fake.log().len(), 1);
    fake.connect().await?;
    assert_eq!(fake.log().len(), 2);
    fake.connect().client()?;
    assert_eq!(fake.log().len(), 2);
    Ok(())
}

#[tokio::test]
async fn ssh_keys() -> Outcome {
    let (_fake, lambda) = fake().await?;
    let key = lambda.add_ssh_key("desk").public_key("ssh-ed25519 AAAA me@desk").await?;
    assert!(key.private_key.is_none());
    let e = lambda.add_ssh_key("desk").generate().await.expect_err("taken");
    assert!(e.kind() == ErrorKind::InvalidInput && e.code_is(ErrorCode::InvalidParameters));
    let names: Vec<_> = lambda.ssh_keys().await?.iter().map(|key| key.name.clone()).collect();
    assert_eq!((names.len(), names.contains(&"desk".to_owned())), (2, true));
    assert_eq!(lambda.ssh_key(&key.id).get().await?.name, "desk");
    key.delete().await?;
    assert!(lambda.ssh_key(&key.id).delete().await.expect_err("gone").is_not_found());
    let e = key.get().await.expect_err("gone");
    assert!(e.is_not_found() && e.operation() == "ssh_keys_list", "{e}");
    Ok(())
}

#[tokio::test]
async fn file_systems() -> Outcome {
    let (fake, lambda) = fake().await?;
    let models = lambda.create_file_system("models").region("us-west-1").await?;
    assert_eq!(models.mount_point, "/lambda/nfs/models");
    let gpu = a10(&lambda).mount("/data/models").of_file_system(&models.id).await?;
    assert_eq!(gpu.file_system_mounts[0].mount_point, "/data/models");
    assert!(models.get().await?.is_in_use);
    let e = models.delete().await.expect_err("mounted");
    assert!(e.kind() == ErrorKind::Conflict && e.code_is(ErrorCode::FileSystemInUse));
    gpu.terminate().await?;
    lambda.file_system(models.id()).delete().await?;
    assert!(lambda.file_systems().await?.is_empty());
    // The paths differ, as the vendor's do.
    assert_eq!(fake.requests("POST /api/v1/filesystems"), 1);
    assert_eq!(fake.requests("GET /api/v1/file-systems"), 2);
    Ok(())
}

#[tokio::test]
async fn images_and_regions() -> Outcome {
    let (_fake, lambda) = fake().await?;
    let images = lambda.images().await?;
    assert_eq!(images[0].get().await?.name, images[0].name);
    assert!(images.iter().all(|image| image.family == "lambda-stack-24-04" && image.created_time.is_some()));
    let regions = lambda.regions().await?;
    assert!(regions.iter().any(|region| region.name == "us-west-1" && !region.description.is_empty()));
    a10(&lambda).image_family("lambda-stack-24-04").await?;
    Ok(())
}

#[tokio::test]
async fn firewalls() -> Outcome {
    let (_fake, lambda) = fake().await?;
    let ssh = FirewallRule::new(NetworkProtocol::Tcp, "203.0.113.0/24").port(22).description("office");
    let ping = FirewallRule::new(NetworkProtocol::Icmp, "0.0.0.0/0");
    assert_eq!(lambda.replace_firewall_rules([ssh.clone(), ping.clone()]).await?.len(), 2);
    assert_eq!(lambda.firewall_rules().await?[0], ssh);
    assert!(lambda.replace_firewall_rules([]).await?.is_empty());

    let web = lambda.create_firewall_ruleset("web").rules([ssh.clone()]).region("us-west-1").await?;
    let gpu = a10(&lambda).firewall_ruleset(&web.id).await?;
    assert_eq!(web.get().await?.instance_ids, [gpu.id.as_str()]);
    let changed = web.update().rules([]).await?;
    assert_eq!((changed.name.as_str(), changed.rules.len()), ("web", 0));
    let e = web.delete().await.expect_err("in use");
    assert!(e.code_is(ErrorCode::FirewallRulesetInUse));
    gpu.terminate().await?;
    web.delete().await?;
    assert!(lambda.firewall_rulesets().await?.is_empty());

    assert_eq!(lambda.global_firewall_ruleset().replace_rules([ping.clone()]).await?.rules, [ping]);
    assert_eq!(lambda.global_firewall_ruleset().get().await?.id, "global");
    Ok(())
}
