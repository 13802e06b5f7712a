//! The four APIs and their tables of operations.

use windlass::raw::{self, Endpoint};

/// An API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Incus.
    Incus,
    /// Koyeb.
    Koyeb,
    /// Lambda Cloud.
    LambdaCloud,
    /// Shaken Fist.
    ShakenFist,
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Incus, Self::Koyeb, Self::LambdaCloud, Self::ShakenFist];

    /// The name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Incus => "incus",
            Self::Koyeb => "koyeb",
            Self::LambdaCloud => "lambda-cloud",
            Self::ShakenFist => "shakenfist",
        }
    }

    /// The generated table of its operations.
    pub fn endpoints(self) -> &'static [Endpoint] {
        match self {
            Self::Incus => raw::incus::ENDPOINTS,
            Self::Koyeb => raw::koyeb::ENDPOINTS,
            Self::LambdaCloud => raw::lambda_cloud::ENDPOINTS,
            Self::ShakenFist => raw::shakenfist::ENDPOINTS,
        }
    }

    /// A reading operation that needs nothing.
    pub fn simple(self) -> &'static str {
        match self {
            Self::Incus => "server_get",
            Self::Koyeb => "list_services",
            Self::LambdaCloud => "regions_list",
            Self::ShakenFist => "networks_list",
        }
    }
}
