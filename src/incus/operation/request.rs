//! The requests about one operation.

use std::time::Duration;

use crate::incus::{Incus, types};
use crate::transport::Call;

pub(in crate::incus) fn get(incus: &Incus, id: &str) -> Call<types::Operation> {
    incus.raw().operation_get().id(id).send()
}

/// A long poll of up to `patience`, in whole seconds.
pub(in crate::incus) fn wait(incus: &Incus, id: &str, patience: Duration) -> Call<types::Operation> {
    let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
    incus.raw().operation_wait().id(id).timeout(seconds).send()
}

pub(in crate::incus) fn cancel(incus: &Incus, id: &str) -> Call<()> {
    incus.raw().operation_cancel().id(id).send()
}
