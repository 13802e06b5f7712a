//! Fake servers in this process, to test code without a cloud. Needs the feature `testing`.
//!
//! [`FakeIncus`] speaks HTTP on loopback, and shares no code with the client, so the two can't share a mistake. It
//! counts what arrives, and breaks when a test says so:
//!
#![cfg_attr(feature = "incus", doc = "```")]
#![cfg_attr(not(feature = "incus"), doc = "```ignore")]
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use windlass::testing::FakeIncus;
//!
//! let fake = FakeIncus::start().await?;
//! fake.on("POST /1.0/instances").drop_after();
//! fake.client()?.launch("web").image("busybox").await?;
//! // The answer was lost, but the launch wasn't, and it wasn't sent again.
//! assert_eq!((fake.instances().as_slice(), fake.requests("POST /1.0/instances")), (["web".to_owned()].as_slice(), 1));
//! # Ok(()) }
//! ```

#[cfg(feature = "incus")]
mod incus;
#[cfg(feature = "koyeb")]
mod koyeb;
#[cfg(feature = "lambda-cloud")]
mod lambda_cloud;
mod server;
#[cfg(feature = "shakenfist")]
mod shakenfist;
mod shell;

#[cfg(feature = "incus")]
pub use incus::{FakeIncus, FakeIncusBuilder, Generation, Hold};
#[cfg(feature = "koyeb")]
pub use koyeb::FakeKoyeb;
#[cfg(feature = "lambda-cloud")]
pub use lambda_cloud::{Capacity, CapacityOf, FakeLambdaCloud};
pub use server::fault::{Planting, Rule};
pub use server::request::Request;
#[cfg(feature = "shakenfist")]
pub use shakenfist::{FakeShakenFist, Held, Release};
pub use shell::{CommandResult, PlantedCommand, PlantedProgram};
