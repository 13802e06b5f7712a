//! The one place where this fake uses the client: to make one.

use std::time::Duration;

use super::fake::FakeLambdaCloud;
use crate::error::Error;
use crate::lambda_cloud::{Connect, LambdaCloud};
use crate::transport::pacing::Pacing;
use crate::transport::retry::Retry;

impl FakeLambdaCloud {
    /// A client of this service, without pacing and with short pauses.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use windlass::testing::FakeLambdaCloud;
    ///
    /// let fake = FakeLambdaCloud::start().await?;
    /// fake.on("POST /api/v1/instance-operations/launch").drop_after();
    /// fake.client()?.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").await?;
    /// assert_eq!(fake.launches(), 1); // lost answer or not: one instance
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if TLS or HTTP can't be set up.
    pub fn client(&self) -> Result<LambdaCloud, Error> {
        self.connect().client()
    }

    /// The same, to be configured further.
    pub fn connect(&self) -> Connect {
        let pauses = Duration::from_millis(1);
        LambdaCloud::key(self.key())
            .url(self.url())
            .pacing(Pacing::none())
            .retry(Retry::default().backoff(pauses, pauses * 20))
            .poll_interval(Duration::from_millis(2))
    }
}
