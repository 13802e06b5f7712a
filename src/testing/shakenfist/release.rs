//! The releases of the server.

/// The server's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Release {
    /// 0.7: no hot plug, no screenshots, no list of addresses.
    V0_7,
    /// 0.8: no hot plug.
    V0_8,
    /// The development version after 0.8: everything.
    #[default]
    Develop,
}
