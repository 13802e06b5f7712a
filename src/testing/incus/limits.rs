//! The server's checks of a configuration.

use serde_json::{Map, Value};

use super::lifetime;
use super::world::World;
use crate::testing::server::tasks::lock;

/// What is wrong with the limits, in the server's words.
fn limit_complaint(config: &Map<String, Value>) -> Option<String> {
    let given = |key: &str| config.get(key).and_then(Value::as_str).filter(|value| !value.is_empty());
    let memory = given("limits.memory").and_then(memory);
    memory.or_else(|| given("limits.cpu").and_then(cpus))
}

fn memory(text: &str) -> Option<String> {
    match text.strip_suffix('%') {
        Some(share) => match share.parse::<i64>() {
            Ok(0) => Some("Memory limit can't be 0%".to_owned()),
            Ok(_) => None,
            Err(_) => Some(format!("strconv.ParseInt: parsing {share:?}: invalid syntax")),
        },
        None => match size(text) {
            Ok(0) => Some("Memory limit can't be 0".to_owned()),
            Ok(_) => None,
            Err(complaint) => Some(complaint),
        },
    }
}

fn size(text: &str) -> Result<i64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let invalid = || format!("Invalid value: {text}");
    let count: i64 = text[..end].parse().map_err(|_| invalid())?;
    let thousands = ["kB", "MB", "GB", "TB", "PB", "EB"].iter().position(|unit| *unit == &text[end..]);
    let binary = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].iter().position(|unit| *unit == &text[end..]);
    let (base, power): (i64, usize) = match (&text[end..], thousands, binary) {
        ("" | "B" | " bytes", _, _) => (1, 0),
        (_, Some(place), _) => (1000, place + 1),
        (_, _, Some(place)) => (1024, place + 1),
        _ => return Err(invalid()),
    };
    let factor = (0..power).fold(1_i64, |factor, _| factor * base);
    count.checked_mul(factor).ok_or_else(|| format!("Overflow multiplying {count} with {factor}"))
}

fn cpus(text: &str) -> Option<String> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.contains('=') || !text.split([',', '-']).all(is_number) {
        return Some("Invalid CPU limit syntax".to_owned());
    }
    (text.parse() == Ok(0)).then(|| format!("Invalid cpuset value: {text}"))
}

const KNOWN_KEYS: [&str; 14] = [
    "user.",
    "volatile.",
    "image.",
    "environment.",
    "limits.",
    "security.",
    "boot.",
    "cloud-init.",
    "raw.",
    "linux.",
    "nvidia.",
    "migration.",
    "snapshots.",
    "cluster.",
];

/// The kinds of devices that need nothing of the host to be accepted; `nic` is loaded by its own kind.
const DEVICES: [&str; 9] =
    ["gpu", "infiniband", "none", "pci", "proxy", "tpm", "unix-block", "unix-char", "usb"];

/// What is wrong with devices, in the server's words.
fn device_complaint(devices: &Map<String, Value>) -> Option<String> {
    devices.iter().find_map(|(name, device)| {
        let has = |key: &str| device[key].as_str().is_some_and(|value| !value.is_empty());
        let why = match device["type"].as_str().unwrap_or_default() {
            "" => format!("Failed loading device \"{name}\": Missing device type in config"),
            // As the real one, which finds no kind of network for it.
            "nic" if !has("nictype") && !has("network") => unsupported(name),
            "disk" if has("path") && (has("source") || device["path"] == "/") => return None,
            "disk" => "Disk entry is missing the required \"source\" or \"path\" property".to_owned(),
            "nic" | "unix-hotplug" => return None,
            kind if DEVICES.contains(&kind) => return None,
            _ => unsupported(name),
        };
        Some(format!("Device validation failed for \"{name}\": {why}"))
    })
}

impl World {
    /// What is wrong with devices, also if it is their network.
    pub(super) fn device_complaint(&self, devices: &Value) -> Option<String> {
        let devices = devices.as_object()?;
        device_complaint(devices).or_else(|| {
            devices.iter().find_map(|(name, device)| {
                let network = device["network"].as_str().filter(|network| !network.is_empty())?;
                let missing = device["type"] == "nic" && !lock(&self.networks).contains_key(network);
                missing.then(|| {
                    format!(
                        "Device validation failed for \"{name}\": Failed loading device \"{name}\": Failed to load \
                         network \"{network}\" for project \"default\": Network not found"
                    )
                })
            })
        })
    }
}

fn unsupported(name: &str) -> String {
    format!("Failed loading device \"{name}\": Unsupported device type")
}

/// What is wrong with a configuration, in the server's words.
pub(super) fn complaint(config: &Map<String, Value>) -> Option<String> {
    let odd = config.keys().find(|key| !KNOWN_KEYS.iter().any(|known| key.starts_with(known)));
    let odd = odd.map(|key| format!("Unknown configuration key: {key}"));
    odd.or_else(|| limit_complaint(config)).or_else(|| {
        let expiry =
            config.get("snapshots.expiry").and_then(Value::as_str).filter(|expiry| !expiry.is_empty());
        let odd = expiry.is_some_and(|expiry| lifetime::end(chrono::Utc::now(), expiry).is_none());
        odd.then(|| "Invalid expiry expression".to_owned())
    })
}
