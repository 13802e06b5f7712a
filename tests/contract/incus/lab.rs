//! What a test does to a server beside talking to it. A real server takes its time; a fake is told.

use std::any::Any;
use std::process::Command;
use std::time::Duration;

use windlass::Error;
use windlass::incus::Instance;
use windlass::testing::FakeIncus;

use super::{Caught, SOON};

pub trait Lab {
    /// Keeps a graceful stop of this instance from ending until the result is dropped.
    async fn hold(&self, web: &Instance) -> Result<Box<dyn Any>, Caught>;

    /// After it, no finished operation is known any more.
    async fn forget_operations(&self);
}

/// Waits until the guest would obey a graceful stop: before its init has a handler, the signal is lost. `sleep` is what
/// that init starts once it has one. Any other command runs earlier.
pub async fn booted(web: &Instance) -> Result<(), Error> {
    web.exec(["pidof", "sleep"]).until_success().timeout(3 * SOON).await.map(drop)
}

impl Lab for FakeIncus {
    async fn hold(&self, _: &Instance) -> Result<Box<dyn Any>, Caught> {
        Ok(Box::new(self.hold_operations()))
    }

    async fn forget_operations(&self) {
        self.forget_finished_operations();
    }
}

/// A private daemon of `cargo xtask live`.
pub struct Daemon;

/// The first process of a container, stopped by a signal.
struct Stopped(i64);

impl Stopped {
    fn signal(pid: i64, signal: &str) -> Result<(), Caught> {
        let of = |name| {
            std::env::var(name).map_err(|_| format!("{name} is not set: run `cargo xtask live incus`"))
        };
        let (recipe, directory) = (of("WINDLASS_LIVE_INCUS_CONTROL")?, of("WINDLASS_LIVE_INCUS_DIR")?);
        // The process is numbered as in the daemon's own namespace.
        let mut command = Command::new("bash");
        command.arg(recipe).args(["inside", &directory, "sh", "-c", &format!("kill {signal} {pid}")]);
        let status = command.status()?;
        status.success().then_some(()).ok_or_else(|| format!("kill {signal} {pid}: {status}").into())
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        Self::signal(self.0, "-CONT").unwrap();
    }
}

impl Lab for Daemon {
    async fn hold(&self, web: &Instance) -> Result<Box<dyn Any>, Caught> {
        booted(web).await?;
        let pid = web.get_state().await?.pid;
        Stopped::signal(pid, "-STOP")?;
        Ok(Box::new(Stopped(pid)))
    }

    // Five seconds after their end.
    async fn forget_operations(&self) {
        tokio::time::sleep(Duration::from_millis(6_500)).await;
    }
}
