//! Servers in this process, to test code against without a cloud: behind the feature `testing`.
//!
//! [`FakeIncus`] speaks HTTP on loopback and knows nothing of this crate's client, so the two can't share a mistake. It
//! counts what arrives, and breaks where a test tells it to:
//!
#![cfg_attr(feature = "incus", doc = "```")]
#![cfg_attr(not(feature = "incus"), doc = "```ignore")]
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use windlass::testing::FakeIncus;
//!
//! let fake = FakeIncus::start().await?;
//! fake.on("POST /1.0/instances").drop_after();
//! fake.client()?.launch("web").image("busybox").await?;
//! // The answer was lost, the launch was not, and was not sent again.
//! assert_eq!((fake.instances().as_slice(), fake.requests("POST /1.0/instances")), (["web".to_owned()].as_slice(), 1));
//! # Ok(()) }
//! ```

mod fault;
#[cfg(feature = "incus")]
mod incus;
#[cfg(feature = "koyeb")]
mod koyeb;
#[cfg(feature = "lambda-cloud")]
mod lambda_cloud;
mod listen;
mod reply;
mod request;
mod route;
mod server;
#[cfg(feature = "shakenfist")]
mod shakenfist;
mod shell;
mod socket;
mod tasks;
mod tls;
mod watched;
mod wire;

pub use fault::{Planting, Rule};
#[cfg(feature = "incus")]
pub use incus::{FakeIncus, FakeIncusBuilder, Generation, Hold};
#[cfg(feature = "koyeb")]
pub use koyeb::FakeKoyeb;
#[cfg(feature = "lambda-cloud")]
pub use lambda_cloud::{Capacity, CapacityOf, FakeLambdaCloud};
pub use request::Request;
#[cfg(feature = "shakenfist")]
pub use shakenfist::{FakeShakenFist, Held, Release};
