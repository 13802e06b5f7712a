//! The owner's own notes on an instance.

use serde_json::{Map, Value};

use super::{Instance, types};
use crate::Identified;
use crate::error::Error;
use crate::transport::checked;

impl<D: Identified> Instance<D> {
    /// The instance's metadata: any JSON, by key.
    ///
    /// Vendor's page: <https://shakenfist.com/user_guide/metadata/>
    pub async fn metadata(&self) -> Result<Map<String, Value>, Error> {
        Ok(self.sf.raw().instance_metadata_get().instance_ref(self.segment()?).send().await?.0)
    }

    /// Sets a key, to any JSON.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// web.set_metadata("tags", ["shop", "blue"]).await?;
    /// web.set_metadata("weight", 7).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The server refuses `null`, `false`, 0 and what is empty, so that is refused before it is sent. `tags` must be a
    /// list, `affinity` an object of integers. A key that no path can name, as one with `/`, can be set and overwritten, but
    /// not [removed](Self::remove_metadata).
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

    /// Removes a key; one that isn't there is no error. [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a key that no
    /// path can name, as one with `/`: servers have no way to remove it.
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

/// What Python takes for false.
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
