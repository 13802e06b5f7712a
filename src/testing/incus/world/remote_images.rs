//! Images that the server fetches from others.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::images::{Part, document, unified};
use crate::testing::incus::envelope::{Failure, failure};
use crate::testing::incus::generation::Generation;

/// What other servers have, as far as a test said so.
#[derive(Debug, Default)]
pub(crate) struct RemoteImages {
    /// By server, protocol and alias.
    images: BTreeSet<[String; 3]>,
}

impl RemoteImages {
    pub(crate) fn add(&mut self, server: &str, protocol: &str, alias: &str) {
        let server = server.trim_end_matches('/');
        self.images.insert([server, protocol, alias].map(str::to_owned));
    }

    fn has_server(&self, server: &str, protocol: &str) -> bool {
        self.images.iter().any(|[has, speaks, _]| has == server && speaks == protocol)
    }

    /// The image that `source` names, as it is on this server afterwards: without an alias, in the cache.
    pub(crate) fn fetch(
        &self,
        generation: Generation,
        source: &Value,
        project: &str,
    ) -> Result<(Value, Vec<Part>), Failure> {
        let text = |key: &str| source[key].as_str().unwrap_or_default();
        let server = text("server").trim_end_matches('/');
        let protocol = if text("protocol").is_empty() { "incus" } else { text("protocol") };
        let named = if text("alias").is_empty() { text("fingerprint") } else { text("alias") };
        if !matches!(protocol, "incus" | "simplestreams") {
            return Err(unsupported(generation, protocol, server, named));
        }
        if !self.has_server(server, protocol) {
            return Err(unreachable(generation, protocol, server, named));
        }
        if !self.images.contains(&[server, protocol, named].map(str::to_owned)) {
            return Err(missing(protocol, named));
        }
        let content = format!("{server} {named}").into_bytes();
        let mut image = document(generation, &content, "busybox.tar.gz");
        image["cached"] = true.into();
        image["auto_update"] = true.into();
        image["project"] = project.into();
        image["update_source"] = json!({
            "alias": named, "server": server, "protocol": protocol, "certificate": text("certificate"),
            "image_type": "container",
        });
        Ok((image, unified(content)))
    }
}

fn missing(protocol: &str, named: &str) -> Failure {
    let (code, why) = match protocol {
        "incus" => (404, format!("Image \"{named}\" not found")),
        _ => (500, "Failed getting image: The requested image couldn't be found".to_owned()),
    };
    failure(code, format!("Failed getting remote image info: {why}"))
}

/// Nothing listens at an address that the test didn't name.
fn unreachable(generation: Generation, protocol: &str, server: &str, named: &str) -> Failure {
    let host = server.split_once("://").map_or(server, |(_, host)| host);
    let get = |path: &str| {
        format!(
            "Get \"{server}{path}\": Unable to connect to: {host} ([dial tcp {host}: connect: connection refused])"
        )
    };
    let info = "Failed getting remote image info:";
    failure(
        500,
        match (protocol, generation) {
            ("incus", Generation::V6_0) => {
                format!("Failed to connect to the server \"{server}\": {}", get("/1.0"))
            }
            ("incus", Generation::V7_0) => {
                let path = format!("/1.0/images/{}", named.replace('/', "%2F"));
                format!("{info} {}", get(&path))
            }
            _ => {
                let reason = get("/streams/v1/index.json");
                format!("{info} Failed getting image: Failed parsing stream: {reason}")
            }
        },
    )
}

/// 6.0 doesn't know registries; 7.0 asks them by a program that has nothing to ask here.
fn unsupported(generation: Generation, protocol: &str, server: &str, named: &str) -> Failure {
    let host = server.split_once("://").map_or(server, |(_, host)| host);
    let text = match (generation, protocol) {
        (Generation::V6_0, _) => format!("Unsupported protocol: {protocol}"),
        (Generation::V7_0, "oci") => format!(
            "Failed getting remote image info: Failed to run: skopeo --insecure-policy inspect \
             docker://{host}/{named} --no-tags: exit status 1"
        ),
        (Generation::V7_0, _) => "Invalid image fingerprint".to_owned(),
    };
    failure(500, text)
}
