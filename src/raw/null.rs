//! Values that may be `null`, and texts that may be empty instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// Servers written in Go send `null` for an empty list or map; others for a text that isn't set.
pub(crate) fn null_as_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The same in a map of lists, for the map and for each of the lists.
#[allow(dead_code)] // not every API has one
pub(crate) fn nulls_as_empty<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let lists: BTreeMap<String, Option<Vec<T>>> = null_as_empty(deserializer)?;
    Ok(lists.into_iter().map(|(key, list)| (key, list.unwrap_or_default())).collect())
}

/// Some servers send `""` for an id that isn't set.
#[allow(dead_code)] // as above
pub(crate) fn empty_as_absent<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}
