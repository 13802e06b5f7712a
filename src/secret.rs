//! Values that must not be printed.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroize;

/// A token, key or password. It is never printed, and is wiped from memory on drop.
///
/// ```
/// let secret = windlass::Secret::from("hunter2");
/// assert_eq!(format!("{secret:?}"), "Secret(…)");
/// assert_eq!(secret.expose(), "hunter2");
/// ```
///
/// There is no `Display`. `Serialize` gives the real value, because requests need it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value itself. Keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A JSON object with values that must not be printed.
///
/// ```
/// let map: windlass::SecretMap = serde_json::from_str(r#"{"return": 7, "fds": {"0": "hunter2"}}"#)?;
/// assert_eq!(map.get("return").and_then(|v| v.as_i64()), Some(7));
/// assert_eq!(format!("{map:?}"), r#"SecretMap {"fds": …, "return": …}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// `Debug` shows only the keys. The strings are wiped from memory on drop.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretMap(Map<String, Value>);

impl SecretMap {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// All keys, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether the map is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Map<String, Value>> for SecretMap {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl fmt::Debug for SecretMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretMap ")?;
        f.debug_map().entries(self.keys().map(|key| (key, format_args!("…")))).finish()
    }
}

impl Drop for SecretMap {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}

#[cfg(feature = "schemars")]
mod schema {
    use schemars::{JsonSchema, r#gen::SchemaGenerator, schema::Schema};

    impl JsonSchema for super::Secret {
        fn schema_name() -> String {
            "Secret".to_owned()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            String::json_schema(generator)
        }
    }

    impl JsonSchema for super::SecretMap {
        fn schema_name() -> String {
            "SecretMap".to_owned()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            serde_json::Map::<String, serde_json::Value>::json_schema(generator)
        }
    }
}
