//! The generations of the server.

/// The server's major versions, which answer differently in places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Generation {
    /// 6.0 LTS: `/wait` reports failures and timeouts as errors, and a taken name fails in the background.
    V6_0,
    /// 7.0 LTS: `/wait` always shows the operation, and a taken name is refused at once.
    #[default]
    V7_0,
}
