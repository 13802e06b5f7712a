//! An instance's metadata: JSON values by key.

use serde_json::{Map, Value};

use super::instance::Instance;
use super::types;
use crate::error::Error;
use crate::handle::Identified;
use crate::transport::checked;

impl<D: Identified> Instance<D> {
    /// Reads the instance's metadata: any JSON, by key.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// println!("{:?}", web.metadata().await?.get("tags"));
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://shakenfist.com/user_guide/metadata/>
    ///
    /// # Errors
    ///
    /// Those of [every request](crate::ShakenFist#errors).
    #[doc(alias = "label")]
    pub async fn metadata(&self) -> Result<Map<String, Value>, Error> {
        Ok(self.sf.raw().instance_metadata_get().instance_ref(self.segment()?).send().await?.0)
    }

    /// Sets a key of the metadata, to any JSON.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// web.set_metadata("tags", ["shop", "blue"]).await?;
    /// web.set_metadata("weight", 7).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A key that can't be a part of a path, for example one with `/`, can be set and overwritten, but not
    /// [removed](Self::remove_metadata).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a value that the server refuses: `null`, `false`, 0,
    /// anything empty, `tags` that aren't a list, `affinity` that isn't an object of integers. Also those of [every
    /// request](crate::ShakenFist#errors).
    pub async fn set_metadata(&self, key: &str, value: impl Into<Value>) -> Result<(), Error> {
        let value = value.into();
        check_value(key, &value)?;
        let (raw, reference) = (self.sf.raw(), self.segment()?);
        let call = match checked("key", key) {
            Ok(key) => {
                let request = types::MetadataValue::new(value);
                raw.instance_metadata_set().instance_ref(reference).key(key).body(request).send()
            }
            Err(_) => {
                let request = types::MetadataItem::new(key, value);
                raw.instance_metadata_add().instance_ref(reference).body(request).send()
            }
        };
        call.await.map(drop)
    }

    /// Removes a key of the metadata. It is no error if the key isn't there.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a key that can't be a part of a path, for example one with
    /// `/`: servers have no way to remove it. Also those of [every request](crate::ShakenFist#errors).
    #[doc(alias = "delete_metadata")]
    pub async fn remove_metadata(&self, key: &str) -> Result<(), Error> {
        self.sf.raw().instance_metadata_delete().instance_ref(self.segment()?).key(key).send().await.map(drop)
    }
}

/// What the server would refuse.
pub(super) fn check_value(key: &str, value: &Value) -> Result<(), Error> {
    let wrong = |why: &str| Err(Error::invalid("metadata", format!("{key:?} {why}")));
    match (key, value) {
        _ if key.is_empty() => wrong("is no key"),
        _ if is_nothing(value) => {
            wrong("has a value that the server takes for none: null, false, 0 or empty")
        }
        ("tags", value) if !value.is_array() => wrong("must be a list"),
        ("affinity", Value::Object(weights)) if weights.values().all(Value::is_i64) => Ok(()),
        ("affinity", _) => wrong("must be an object of integers"),
        _ => Ok(()),
    }
}

/// What Python considers false.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::check_value;
    use serde_json::json;

    #[test]
    fn values_that_servers_take() {
        for (key, value) in [
            ("a", json!("b")),
            ("a", json!({"b": null})),
            ("tags", json!(["x"])),
            ("affinity", json!({"x": -5})),
        ] {
            assert!(check_value(key, &value).is_ok(), "{key} {value}");
        }
        for (key, value) in [
            ("", json!("b")),
            ("a", json!(null)),
            ("a", json!(false)),
            ("a", json!(0)),
            ("a", json!("")),
            ("a", json!([])),
            ("a", json!({})),
            ("tags", json!("x")),
            ("affinity", json!({"x": "y"})),
            ("affinity", json!(["x"])),
        ] {
            assert!(check_value(key, &value).is_err(), "{key} {value}");
        }
    }
}
