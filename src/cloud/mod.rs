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
//! let listing = fleet.list().state(State::Running).all().await;
//! for instance in &listing.instances {
//!     println!("{} {} {}", instance.cloud(), instance.name, instance.state);
//!     if let Native::LambdaCloud(gpu) = &instance.native {
//!         println!("  {}", gpu.instance_type.name);
//!     }
//! }
//! for e in &listing.errors {
//!     eprintln!("{e}"); // one that doesn't answer doesn't hide the others
//! }
//! println!("{} cents per hour", listing.totals().price_cents_per_hour);
//! # assert_eq!((listing.instances.len(), listing.totals().price_cents_per_hour), (1, 75));
//! # Ok(()) }
//! ```

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
mod report;
mod state;
mod totals;
mod until;

use std::fmt;
use std::time::Duration;

pub use fleet::{CloudError, Fleet, FleetList, Instances, Listing};
pub use instance::{Instance, Native};
pub use report::{Outcome, Report, each};
pub use state::State;
pub use totals::Totals;

use crate::client::Client;
use crate::error::Error;
use crate::place::Place;
use crate::stream::list::List;
use crate::ticket::Ticket;
use crate::transport::retry::Retry;
use crate::wait::checked::Check;
use crate::wait::until::Until;

/// A client of any platform. Cheap to clone.
///
/// `match` gives the typed client back.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Cloud {
    /// [Incus](https://linuxcontainers.org/incus/)
    #[cfg(feature = "incus")]
    Incus(crate::Incus),
    /// [Lambda Cloud](https://docs.lambda.ai/public-cloud/)
    #[cfg(feature = "lambda-cloud")]
    LambdaCloud(crate::LambdaCloud),
    /// [Koyeb](https://www.koyeb.com/docs)
    #[cfg(feature = "koyeb")]
    Koyeb(crate::Koyeb),
    /// [Shaken Fist](https://shakenfist.com/)
    #[cfg(feature = "shakenfist")]
    ShakenFist(crate::ShakenFist),
}

macro_rules! from_client {
    ($($feature:literal $variant:ident)*) => {$(
        #[cfg(feature = $feature)]
        impl From<crate::$variant> for Cloud {
            fn from(client: crate::$variant) -> Self {
                Self::$variant(client)
            }
        }
    )*};
}

from_client! { "incus" Incus "lambda-cloud" LambdaCloud "koyeb" Koyeb "shakenfist" ShakenFist }

impl Cloud {
    /// The platform's name: `incus`, `lambda-cloud`, `koyeb`, `shakenfist`.
    pub fn name(&self) -> &'static str {
        match self {
            #[cfg(feature = "incus")]
            Self::Incus(_) => "incus",
            #[cfg(feature = "lambda-cloud")]
            Self::LambdaCloud(_) => "lambda-cloud",
            #[cfg(feature = "koyeb")]
            Self::Koyeb(_) => "koyeb",
            #[cfg(feature = "shakenfist")]
            Self::ShakenFist(_) => "shakenfist",
        }
    }

    /// All instances, as a stream over all pages.
    ///
    /// Incus tells addresses only one instance at a time: [`get`](Self::get) has them, the list doesn't. Koyeb tells none.
    pub fn list(&self) -> List<Instance> {
        match self {
            #[cfg(feature = "incus")]
            Self::Incus(incus) => neutral(self, incus.instances().stream(), from_incus::instance),
            #[cfg(feature = "lambda-cloud")]
            Self::LambdaCloud(lambda) => {
                neutral(self, lambda.instances().stream(), from_lambda_cloud::instance)
            }
            #[cfg(feature = "koyeb")]
            Self::Koyeb(koyeb) => neutral(self, koyeb.instances().stream(), from_koyeb::instance),
            #[cfg(feature = "shakenfist")]
            Self::ShakenFist(sf) => neutral(self, sf.instances().stream(), from_shakenfist::instance),
        }
    }

    /// Reads one instance, by what [`Instance::id`] says: the name on Incus, the id elsewhere.
    pub async fn get(&self, id: &str) -> Result<Instance, Error> {
        match self {
            #[cfg(feature = "incus")]
            Self::Incus(incus) => from_incus::get(self, incus, id).await,
            #[cfg(feature = "lambda-cloud")]
            Self::LambdaCloud(lambda) => {
                Ok(from_lambda_cloud::instance(self, lambda.instance(id).get().await?))
            }
            #[cfg(feature = "koyeb")]
            Self::Koyeb(koyeb) => Ok(from_koyeb::instance(self, koyeb.instance(id).get().await?)),
            #[cfg(feature = "shakenfist")]
            Self::ShakenFist(sf) => Ok(from_shakenfist::instance(self, sf.instance(id).get().await?)),
        }
    }

    /// Goes on with a wait of [`Instance::until`], from its ticket.
    ///
    /// ```no_run
    /// # async fn demo(cloud: windlass::cloud::Cloud, saved: String) -> windlass::Result<()> {
    /// let instance = cloud.resume(&saved.parse()?)?.await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Where it waits for [`State::Gone`] and comes too late to see the instance at all, the result has no more than its
    /// id and name, and is [`Native::Gone`]. A ticket of another platform, server or part of it, or of
    /// another wait, is an error of [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
    pub fn resume(&self, ticket: &Ticket) -> Result<Until<Instance>, Error> {
        until::resume(self, ticket)
    }

    /// Each look of a waiting loop is one attempt: the loop goes on by itself, and must not wait inside a look.
    fn for_looks(&self) -> Self {
        let once = Retry::never().attempt_timeout(Duration::from_secs(9));
        match self {
            #[cfg(feature = "incus")]
            Self::Incus(incus) => Self::Incus(incus.with(once)),
            #[cfg(feature = "lambda-cloud")]
            Self::LambdaCloud(lambda) => Self::LambdaCloud(lambda.with(once)),
            #[cfg(feature = "koyeb")]
            Self::Koyeb(koyeb) => Self::Koyeb(koyeb.with(once)),
            #[cfg(feature = "shakenfist")]
            Self::ShakenFist(sf) => Self::ShakenFist(sf.with(once)),
        }
    }

    /// An error that no answer is behind.
    fn label(&self, e: Error, verb: &str) -> Error {
        e.at(self.address()).with(|e| (e.api, e.verb) = (self.name(), verb.to_owned()))
    }

    /// The handle that goes on with what a ticket names, and what is to be checked before.
    fn going_on(&self, ticket: &Ticket) -> Result<(Self, Option<Check>), Error> {
        match self {
            #[cfg(feature = "incus")]
            Self::Incus(incus) => incus.going_on(ticket).map(|(incus, check)| (Self::Incus(incus), check)),
            #[allow(unreachable_patterns)]
            other => ticket.check(&other.place()).map(|()| (other.clone(), None)),
        }
    }
}

impl Client for Cloud {
    /// Where the server is, for errors.
    fn address(&self) -> &str {
        match self {
            #[cfg(feature = "incus")]
            Self::Incus(incus) => incus.address(),
            #[cfg(feature = "lambda-cloud")]
            Self::LambdaCloud(lambda) => lambda.address(),
            #[cfg(feature = "koyeb")]
            Self::Koyeb(koyeb) => koyeb.address(),
            #[cfg(feature = "shakenfist")]
            Self::ShakenFist(sf) => sf.address(),
        }
    }

    /// Which server, and which part of it.
    fn place(&self) -> Place {
        match self {
            #[cfg(feature = "incus")]
            Self::Incus(incus) => incus.place(),
            #[cfg(feature = "lambda-cloud")]
            Self::LambdaCloud(lambda) => lambda.place(),
            #[cfg(feature = "koyeb")]
            Self::Koyeb(koyeb) => koyeb.place(),
            #[cfg(feature = "shakenfist")]
            Self::ShakenFist(sf) => sf.place(),
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A platform's list in common terms, page by page.
fn neutral<T: Send + 'static>(
    cloud: &Cloud,
    list: List<T>,
    common: fn(&Cloud, T) -> Instance,
) -> List<Instance> {
    let cloud = cloud.clone();
    list.map_items(move |native| common(&cloud, native))
}
