//! The launches that a cleanup can look after.

use super::Cloud;
use crate::error::Error;
#[cfg(feature = "incus")]
use crate::incus;
#[cfg(feature = "lambda-cloud")]
use crate::lambda_cloud;
#[cfg(feature = "shakenfist")]
use crate::shakenfist;
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation};

/// The label that names the owner.
pub(super) const OWNER: &str = "windlass-owner";

/// A launch that a [`Cleanup`](super::Cleanup) can look after: `Launch` of Incus, Lambda Cloud and Shaken Fist,
/// `LaunchWhenAvailable` and `Burst` of Lambda Cloud.
pub trait Launching: sealed::Sealed {
    /// What sending it gives.
    type Sent: Send + 'static;
    /// What awaiting it gives.
    type Output: Send + 'static;

    #[doc(hidden)]
    fn cloud(&self) -> Cloud;

    #[doc(hidden)]
    fn owned_by(self, owner: &str) -> Self;

    #[doc(hidden)]
    fn send_it(self) -> BoxFuture<'static, Result<Self::Sent, Error>>;

    #[doc(hidden)]
    fn tickets(sent: &Self::Sent) -> Vec<Ticket>;

    #[doc(hidden)]
    fn wait(sent: Self::Sent) -> BoxFuture<'static, Result<Self::Output, Error>>;
}

mod sealed {
    pub trait Sealed: Send + 'static {}
}

/// A launch is what is sent and what that ends in, how it is labelled, its tickets, and the wait for its end.
macro_rules! launching {
    ($($feature:literal $launch:path => $sent:ty, $output:ty,
        |$it:ident, $owner:ident| $owned:expr, $tickets:expr, $wait:expr;)*) => {$(
        #[cfg(feature = $feature)]
        impl sealed::Sealed for $launch {}

        #[cfg(feature = $feature)]
        impl Launching for $launch {
            type Sent = $sent;
            type Output = $output;

            fn cloud(&self) -> Cloud {
                self.client().clone().into()
            }

            fn owned_by(self, $owner: &str) -> Self {
                let $it = self;
                $owned
            }

            fn send_it(self) -> BoxFuture<'static, Result<$sent, Error>> {
                Box::pin(self.send())
            }

            fn tickets(sent: &$sent) -> Vec<Ticket> {
                ($tickets)(sent)
            }

            fn wait(sent: $sent) -> BoxFuture<'static, Result<$output, Error>> {
                Box::pin(($wait)(sent))
            }
        }
    )*};
}

fn ticket<T>(operation: &Operation<T>) -> Vec<Ticket> {
    vec![operation.ticket()]
}

async fn wait<T: Send + 'static>(operation: Operation<T>) -> Result<T, Error> {
    Ok(operation.await?)
}

#[cfg(feature = "lambda-cloud")]
fn tickets(burst: &lambda_cloud::BurstWait) -> Vec<Ticket> {
    burst.operations.iter().map(Operation::ticket).collect()
}

#[cfg(feature = "lambda-cloud")]
async fn wait_for_all(burst: lambda_cloud::BurstWait) -> Result<lambda_cloud::BurstReport, Error> {
    Ok(burst.await)
}

launching! {
    "incus" incus::Launch => Operation<incus::Instance>, incus::Instance,
        |launch, owner| launch.label(OWNER, owner), ticket, wait;
    "lambda-cloud" lambda_cloud::Launch => Operation<lambda_cloud::Instance>, lambda_cloud::Instance,
        |launch, owner| launch.label(OWNER, owner), ticket, wait;
    "lambda-cloud" lambda_cloud::LaunchWhenAvailable => Operation<lambda_cloud::Instance>, lambda_cloud::Instance,
        |search, owner| search.launch(|launch| launch.label(OWNER, owner)), ticket, wait;
    "lambda-cloud" lambda_cloud::Burst => lambda_cloud::BurstWait, lambda_cloud::BurstReport,
        |burst, owner| burst.launch(|launch| launch.label(OWNER, owner)), tickets, wait_for_all;
    "shakenfist" shakenfist::Launch => Operation<shakenfist::Instance>, shakenfist::Instance,
        |launch, owner| launch.label(OWNER, owner), ticket, wait;
}
