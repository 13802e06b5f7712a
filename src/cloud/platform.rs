//! A client of any platform.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

use crate::client::Client;
use crate::error::Error;
use crate::place::Place;
use crate::ticket::Ticket;
use crate::wait::checked::Check;
use crate::wait::poll::one_look;

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

    /// The same for the looks of a wait.
    pub(super) fn for_looks(&self) -> Self {
        let once = one_look();
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
    pub(super) fn label(&self, e: Error, verb: &str) -> Error {
        e.at(self.address()).with(|e| (e.api, e.verb) = (self.name(), verb.to_owned()))
    }

    /// The handle that goes on with what a ticket names, and what is to be checked before.
    pub(super) fn going_on(&self, ticket: &Ticket) -> Result<(Self, Option<Check>), Error> {
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

/// Two are equal if they lead to the same part of the same server.
impl PartialEq for Cloud {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Cloud {}

impl Hash for Cloud {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.place().hash(state);
    }
}

/// As the platform's name.
impl Serialize for Cloud {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
