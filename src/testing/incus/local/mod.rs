//! How clients on this machine reach the fake: see `unix` and `elsewhere`.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use elsewhere::connect;
#[cfg(unix)]
pub(super) use unix::connect;
