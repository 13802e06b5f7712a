//! The fake Koyeb's doors, knocked at by hand.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass::testing::FakeKoyeb;

use crate::alone::Outcome;
use crate::clock::later;

/// The status of the answer to a request for a websocket.
async fn status(fake: &FakeKoyeb, headers: &[String]) -> Result<String, Box<dyn std::error::Error>> {
    let host = fake.url().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&host).await?;
    let id = fake.instances("").remove(0);
    let request = format!(
        "GET /v1/streams/logs/tail?instance_ids={id} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
        headers.iter().map(|header| format!("{header}\r\n")).collect::<String>()
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = vec![0; 12];
    connection.read_exact(&mut answer).await?;
    Ok(String::from_utf8(answer)?.split_off("HTTP/1.1 ".len()))
}

#[tokio::test]
async fn a_websocket_shows_its_token_in_one_place_or_in_both_and_then_it_must_be_the_same() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    fake.add_instance("HEALTHY");
    let header = |token: &str| format!("Authorization: Bearer {token}");
    let protocol = |token: &str| format!("Sec-WebSocket-Protocol: Bearer, {token}");
    let good = fake.token();
    for (headers, expected) in [
        (vec![], "401"),
        (vec![header(good)], "101"),
        (vec![protocol(good)], "101"),
        (vec![header(good), protocol(good)], "101"),
        (vec![header("other"), protocol(good)], "401"),
        (vec![header(good), protocol("other")], "401"),
        (vec![header(good), "Sec-WebSocket-Protocol: chat".to_owned()], "401"),
        (vec![format!("Authorization: {good}"), protocol(good)], "401"),
    ] {
        let told = status(&fake, &headers).await?;
        assert_eq!(told, expected, "{}", headers.join(", ").replace(good, "TOKEN"));
    }
    Ok(())
}

/// Status, content type and document of an answer.
async fn ask(
    fake: &FakeKoyeb,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, String, Value), Box<dyn std::error::Error>> {
    // Taken already where another test came first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let request = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .request(method.parse()?, format!("{}{path}", fake.url()));
    let answer = request.bearer_auth(fake.token()).body(body.to_owned()).send().await?;
    let (status, kind) = (answer.status().as_u16(), answer.headers()["content-type"].to_str()?.to_owned());
    Ok((status, kind, serde_json::from_slice(&answer.bytes().await?)?))
}

#[tokio::test]
async fn a_refusal_has_the_documented_form_whatever_the_body() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.add_service("shop", 1);
    let scale = format!("/v1/services/{shop}/scale");
    let resume = format!("/v1/services/{shop}/resume");
    for (method, path, body) in [
        ("PUT", scale.as_str(), ""),
        ("PUT", &scale, "{"),
        ("PUT", &scale, "[]"),
        ("PUT", &scale, "{\"scalings\": 5}"),
        ("PUT", &scale, "{\"scalings\": [{\"instances\": 18446744073709551615}]}"),
        ("POST", "/v1/instance_snapshots", "7"),
        ("POST", "/v1/instance_snapshots", "\u{0}"),
        ("POST", &resume, "x"),
        ("GET", "/v1/instances?limit=x", ""),
        ("GET", "/v1/instances?limit=101", ""),
        ("GET", "/v1/streams/logs/query?service_id=a&start=x", ""),
        ("GET", "/v1/streams/logs/query?service_id=a&regex=(", ""),
    ] {
        let (status, kind, told) = ask(&fake, method, path, body).await?;
        assert_eq!((status, kind.as_str()), (400, "application/json"), "{method} {path} {body}");
        assert!(told["code"].is_string() && told["message"].is_string(), "{method} {path} {body}: {told}");
        assert!(told["fields"].is_array() && told["status"] == 400, "{method} {path} {body}: {told}");
    }
    assert_eq!(fake.instances(&shop).len(), 1);
    // As far from now as times go.
    for time in ["-262143-01-01T00:00:00Z", "%2B262142-12-31T23:59:59Z"] {
        for name in ["start", "end"] {
            ask(&fake, "GET", &format!("/v1/streams/logs/query?service_id=a&{name}={time}"), "").await?;
        }
    }
    for number in ["0", "18446744073709551615"] {
        for path in ["instances", "services", "instance_events", "deployments"] {
            ask(&fake, "GET", &format!("/v1/{path}?offset={number}"), "").await?;
        }
        ask(&fake, "GET", &format!("/v1/streams/logs/query?service_id=a&limit={number}"), "").await?;
    }
    Ok(())
}

#[tokio::test]
async fn logs_are_chosen_by_the_older_names_too() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.add_service("shop", 2);
    let [one, two] = fake.instances(&shop).try_into().map_err(|_| "two instances")?;
    fake.add_log(&one, "stdout", "a");
    fake.add_log(&one, "stderr", "b");
    fake.add_log(&two, "stdout", "c");
    for (query, expected) in [
        (format!("service_id={shop}"), vec!["a", "b", "c"]),
        (format!("instance_id={one}"), vec!["a", "b"]),
        (format!("instance_id={one}&stream=stderr"), vec!["b"]),
        (format!("service_id={shop}&stream=stdout"), vec!["a", "c"]),
        (format!("instance_ids={two}&streams=stdout"), vec!["c"]),
    ] {
        let (_, _, told) =
            ask(&fake, "GET", &format!("/v1/streams/logs/query?order=asc&{query}"), "").await?;
        let lines = told["data"].as_array().ok_or("no lines")?;
        assert_eq!(
            lines.iter().filter_map(|line| line["msg"].as_str()).collect::<Vec<_>>(),
            expected,
            "{query}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_is_scaled_down_while_it_starts_does_not_come_back() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let step = Duration::from_secs(10);
    fake.step(step);
    let shop = fake.add_service("shop", 1);
    let service = fake.client()?.service(shop.as_str());
    let _ = service.scale(3).send().await?;
    let _ = service.scale(1).send().await?;
    for _ in 0..3 {
        later(step).await;
        // The tasks of the fake have their turns.
        fake.client()?.service(shop.as_str()).get().await?;
    }
    let ids = fake.instances(&shop);
    let statuses: Vec<_> =
        ids.iter().filter_map(|id| fake.document(id)).map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, ["HEALTHY", "STOPPED", "STOPPED"]);
    Ok(())
}

#[tokio::test]
async fn logs_are_chosen_by_deployment_and_region() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let shop = fake.add_service("shop", 2);
    let [one, two] = fake.instances(&shop).try_into().map_err(|_| "two instances")?;
    fake.edit(&two, |document| {
        document["xyz_deployment_id"] = "older".into();
        document["regional_deployment_id"] = "older-was".into();
        document["region"] = "was".into();
    });
    fake.edit(&shop, |document| document["latest_deployment_id"] = "newest".into());
    fake.add_log(&one, "stdout", "a");
    fake.add_log(&two, "stdout", "b");
    fake.add_build_log(&shop, "built");
    for (query, expected) in [
        ("deployment_id=older".to_owned(), vec!["b"]),
        ("deployment_id=nosuch".to_owned(), vec![]),
        ("regional_deployment_id=older-was".to_owned(), vec!["b"]),
        (format!("service_id={shop}&regions=fra"), vec!["a"]),
        (format!("service_id={shop}&regions=fra&regions=was"), vec!["a", "b"]),
        (format!("service_id={shop}&regions=nosuch"), vec![]),
        ("deployment_id=newest&type=build".to_owned(), vec!["built"]),
        ("deployment_id=older&type=build".to_owned(), vec![]),
    ] {
        let path = format!("/v1/streams/logs/query?order=asc&{query}");
        let (_, _, told) = ask(&fake, "GET", &path, "").await?;
        let lines = told["data"].as_array().ok_or("no lines")?;
        let lines: Vec<_> = lines.iter().filter_map(|line| line["msg"].as_str()).collect();
        assert_eq!(lines, expected, "{query}");
    }
    Ok(())
}
