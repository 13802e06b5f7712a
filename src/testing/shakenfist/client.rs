//! Makes a client of the fake: the only place where the fake knows the client.

use super::fake::FakeShakenFist;
use crate::error::Error;
use crate::shakenfist::ShakenFist;

impl FakeShakenFist {
    /// A client of this server, for the namespace `demo`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use windlass::{shakenfist::Disk, testing::FakeShakenFist};
    ///
    /// let fake = FakeShakenFist::start().await?;
    /// fake.on("POST /instances").drop_after();
    /// fake.client()?.launch("web").disk(Disk::blank(8)).await?;
    /// assert_eq!(fake.instances().len(), 1); // the answer was lost, the instance was not
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if TLS or HTTP can't be set up.
    pub fn client(&self) -> Result<ShakenFist, Error> {
        ShakenFist::at(self.url()).namespace("demo").key("demokey").client()
    }
}
