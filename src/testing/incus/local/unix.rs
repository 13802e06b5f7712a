//! Over a unix socket.

use std::path::Path;

use crate::incus::{Connect, Incus};
use crate::testing::incus::fake::FakeIncus;

impl FakeIncus {
    /// The unix socket. It exists while the server runs. On Unix only.
    pub fn socket(&self) -> &Path {
        self.0.doors.local.socket()
    }
}

pub(in crate::testing::incus) fn connect(fake: &FakeIncus) -> Connect {
    Incus::unix(fake.socket())
}
