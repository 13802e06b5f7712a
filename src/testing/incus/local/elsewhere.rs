//! Over a loopback port.

use crate::incus::{Connect, Incus};
use crate::testing::incus::fake::FakeIncus;

pub(in crate::testing::incus) fn connect(fake: &FakeIncus) -> Connect {
    Incus::http(fake.url())
}
