//! The kinds of machines and the regions, as they are sold.

use serde_json::{Value, json};

/// Name, GPU, price in cents, processors, memory and storage in GiB, GPUs.
const TYPES: [(&str, &str, i64, i64, i64, i64, i64); 5] = [
    ("cpu_4x_general", "N/A", 20, 4, 16, 100, 0),
    ("gpu_1x_a10", "A10 (24 GB PCIe)", 75, 30, 200, 1_400, 1),
    ("gpu_1x_h100_pcie", "H100 (80 GB PCIe)", 249, 26, 200, 1_024, 1),
    ("gpu_1x_gh200", "GH200 (96 GB)", 149, 64, 432, 4_096, 1),
    ("gpu_8x_h100_sxm5", "H100 (80 GB SXM5)", 2_392, 208, 1_800, 22_528, 8),
];

const REGIONS: [(&str, &str); 4] = [
    ("us-west-1", "California, USA"),
    ("us-west-3", "Utah, USA"),
    ("us-east-1", "Virginia, USA"),
    ("us-south-1", "Texas, USA"),
];

/// A new id.
pub(super) fn id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

pub(super) fn type_names<'a>() -> impl Iterator<Item = &'a str> {
    TYPES.iter().map(|kind| kind.0)
}

pub(super) fn region_names() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|region| region.0)
}

pub(super) fn instance_type(name: &str) -> Option<Value> {
    let (name, gpu, price, vcpus, memory, storage, gpus) = TYPES.into_iter().find(|kind| kind.0 == name)?;
    let architecture = if name.contains("gh200") { "arm64" } else { "x86_64" };
    let description = if gpus == 0 { format!("{vcpus}x CPU") } else { format!("{gpus}x {gpu}") };
    Some(json!({
        "name": name, "description": description, "gpu_description": gpu,
        "price_cents_per_hour": price, "architecture": architecture,
        "specs": {"vcpus": vcpus, "memory_gib": memory, "storage_gib": storage, "gpus": gpus},
    }))
}

/// Regions that a test makes up exist, too.
pub(super) fn region(name: &str) -> Value {
    let known = REGIONS.iter().find(|region| region.0 == name);
    json!({"name": name, "description": known.map_or("Somewhere", |region| region.1)})
}
