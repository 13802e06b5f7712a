//! The one place where this fake uses the client: to make one.

use super::fake::FakeKoyeb;
use crate::error::Error;
use crate::koyeb::Koyeb;

impl FakeKoyeb {
    /// A client of this service.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use windlass::testing::FakeKoyeb;
    ///
    /// let fake = FakeKoyeb::start().await?;
    /// let shop = fake.add_service("shop", 1);
    /// fake.on("GET /v1/instances").drop_before();           // cured by asking again
    /// let instances = fake.client()?.service(shop).instances().await?;
    /// let done = instances[0].exec(["echo", "hello"]).output().await?;
    /// assert_eq!(done.stdout_text(), "hello\n");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if TLS or HTTP can't be set up.
    pub fn client(&self) -> Result<Koyeb, Error> {
        Koyeb::token(self.token()).url(self.url()).client()
    }
}
