//! Makes a client of the fake. Only this file and `local/` know the client.

use super::fake::FakeIncus;
use super::local;
use crate::error::Error;
use crate::incus::Incus;

impl FakeIncus {
    /// A client of this server, over its unix socket (Windows: its loopback port).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use windlass::testing::FakeIncus;
    ///
    /// let fake = FakeIncus::start().await?;
    /// fake.on("POST /1.0/instances").drop_after();
    /// fake.client()?.launch("web").image("busybox").await?;
    /// assert_eq!(fake.instances(), ["web"]); // lost answer or not: one instance
    /// # Ok(()) }
    /// ```
    pub fn client(&self) -> Result<Incus, Error> {
        local::connect(self).client()
    }
}
