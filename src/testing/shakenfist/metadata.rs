//! Metadata of instances.

use serde_json::{Value, json};

use super::answer::{Answer, Failure, data, failure, nothing, options, text};
use super::asked::Asked;

/// `GET …/metadata`.
pub(super) fn get(asked: &Asked<'_>, reference: &str) -> Answer {
    options(asked.request, "InstanceMetadatasEndpoint", &[])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    Ok(data(&Value::Object(all.instance(&uuid)?.metadata().clone())))
}

/// `POST …/metadata`.
pub(super) fn add(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceMetadatasEndpoint", &["key", "value"])?;
    let key = text(&options, "key").ok_or_else(|| failure(400, "no key specified"))?;
    write(asked, reference, key, options.get("value"))
}

/// `PUT …/metadata/{key}`.
pub(super) fn set(asked: &Asked<'_>, reference: &str, key: &str) -> Answer {
    let options = options(asked.request, "InstanceMetadataEndpoint", &["value"])?;
    write(asked, reference, key, options.get("value"))
}

fn write(asked: &Asked<'_>, reference: &str, key: &str, value: Option<&Value>) -> Answer {
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let value = check(key, value)?;
    let instance = all.instance(&uuid)?;
    asked.note(instance, "set metadata key", json!({ "key": key, "value": value }));
    instance.metadata().insert(key.to_owned(), value);
    Ok(nothing())
}

/// Checks a value as the server does.
pub(super) fn check(key: &str, value: Option<&Value>) -> Result<Value, Failure> {
    let nothing = match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(members)) => members.is_empty(),
        Some(Value::Bool(true)) => false,
    };
    let value = value.cloned().unwrap_or_default();
    match key {
        _ if nothing => Err(failure(400, "no value specified")),
        "tags" if !value.is_array() => Err(failure(400, "value for \"tags\" key should be a JSON list")),
        "affinity" if !value.is_object() => {
            Err(failure(400, "value for \"affinity\" key should be a valid JSON dictionary"))
        }
        "affinity" if value.as_object().is_some_and(|all| !all.values().all(Value::is_i64)) => {
            Err(failure(400, "affinity dictionary values should be integers"))
        }
        _ => Ok(value),
    }
}

/// `DELETE …/metadata/{key}`: it is no error if there is none.
pub(super) fn remove(asked: &Asked<'_>, reference: &str, key: &str) -> Answer {
    options(asked.request, "InstanceMetadataEndpoint", &["value"])?;
    let mut all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let instance = all.instance(&uuid)?;
    asked.note(instance, "delete metadata key", json!({ "key": key }));
    instance.metadata().remove(key);
    Ok(nothing())
}
