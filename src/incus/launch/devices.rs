//! Devices of an instance.

use std::collections::BTreeMap;

/// The options of a device.
pub(in crate::incus) fn device<K: Into<String>, V: Into<String>>(
    options: impl IntoIterator<Item = (K, V)>,
) -> BTreeMap<String, String> {
    options.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}
