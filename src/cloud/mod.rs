//! One view over all platforms: what they truly share, and no more.
//!
//! A [`Cloud`] is any of the clients; an [`Instance`] says in common terms what it is and how it is, and keeps the
//! platform's own document. A [`Fleet`] lists several clouds at once. What only some platforms have is reached by `match`:
//! nothing here fails with "unsupported" at run time.
//!
#![cfg_attr(all(feature = "incus", feature = "lambda-cloud", feature = "testing"), doc = "```")]
#![cfg_attr(not(all(feature = "incus", feature = "lambda-cloud", feature = "testing")), doc = "```ignore")]
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let fake_incus = windlass::testing::FakeIncus::start().await?;
//! # let fake_lambda = windlass::testing::FakeLambdaCloud::start().await?;
//! # let (incus, lambda) = (fake_incus.client()?, fake_lambda.client()?);
//! # fake_lambda.add_instance();
//! use windlass::cloud::{Fleet, Native, State};
//!
//! let fleet = Fleet::new([incus.into(), lambda.into()]);
//! let listing = fleet.instances().state(State::Running).await;
//! for instance in &listing.instances {
//!     println!("{} {} {}", instance.cloud(), instance.name, instance.state);
//!     if let Native::LambdaCloud(gpu) = &instance.native {
//!         println!("  {}", gpu.instance_type.name);
//!     }
//! }
//! for e in &listing.errors {
//!     eprintln!("{e}"); // one that doesn't answer doesn't hide the others
//! }
//! println!("{}", listing.totals().price);
//! # assert_eq!((listing.instances.len(), listing.totals().price.cents_per_hour()), (1, 75));
//! # Ok(()) }
//! ```

mod cleanup;
mod cleanup_launch;
mod filter;
mod fleet;
#[cfg(feature = "incus")]
mod from_incus;
#[cfg(feature = "koyeb")]
mod from_koyeb;
#[cfg(feature = "lambda-cloud")]
mod from_lambda_cloud;
#[cfg(feature = "shakenfist")]
mod from_shakenfist;
mod instance;
mod instance_ref;
mod instances;
mod owned;
mod platform;
mod report;
mod state;
mod totals;
mod until;

pub use cleanup::{Cleanup, CleanupReport, OwnedLaunch};
pub use cleanup_launch::Launching;
pub use fleet::{CloudError, Fleet, FleetInstances, FleetStream, Listing};
pub use instance::{Instance, Native};
pub use instance_ref::InstanceRef;
pub use instances::Instances;
pub use platform::Cloud;
pub use report::{Outcome, Report, each};
pub use state::State;
pub use totals::Totals;
