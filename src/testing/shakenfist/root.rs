//! The page with the capabilities of the server.

use super::release::Release;
use super::state::World;
use crate::testing::server::reply::Reply;

/// Topic, capabilities, and the first release that has them.
const TOPICS: &[(&str, &[(&str, Release)])] = &[
    (
        "agent-operations",
        &[
            ("agentoperations-crud", Release::V0_7),
            ("instance-agentoperations", Release::V0_7),
            ("instance-agentoperations-all", Release::V0_7),
        ],
    ),
    ("artifacts", &[("artifact-metadata", Release::V0_7), ("artifact-upload-types", Release::V0_7)]),
    (
        "blobs",
        &[
            ("blob-metadata", Release::V0_7),
            ("blob-search-by-hash", Release::V0_7),
            ("blob-data-limit", Release::Develop),
        ],
    ),
    ("events", &[("events-by-type", Release::V0_7)]),
    (
        "instances",
        &[
            ("vdi-console-helper", Release::V0_7),
            ("instance-put-blob", Release::V0_7),
            ("instance-execute", Release::V0_7),
            ("instance-get", Release::V0_7),
            ("instance-screenshot", Release::V0_8),
            ("get-instance-namespace", Release::V0_8),
            ("hot-plug-interface", Release::Develop),
        ],
    ),
    ("networks", &[("list-addresses", Release::V0_8), ("get-network-namespace", Release::V0_8)]),
];

pub(super) fn page(world: &World) -> Reply {
    let mut page = String::from(
        "<html><head><title>Shaken Fist REST API service</title></head><body>\
         <p>Machine searchable API capabilities:</p><ul>",
    );
    for (topic, words) in TOPICS {
        let known = words.iter().filter(|(_, since)| *since <= world.release);
        let known: Vec<&str> = known.map(|(word, _)| *word).collect();
        page.push_str(&format!("<li>{topic}: {}</li>", known.join(", ")));
    }
    page.push_str("</ul></body></html>");
    Reply::new(200, page).header("Content-Type", "text/html; charset=utf-8")
}
