//! A day that passes in seconds: a stream with something new every second, and a cut every ten minutes.
//!
//! The client's clock stands still, and is moved on by it: ten seconds once all that belongs to them has come, and a little
//! while it waits for a connection.

pub mod tail;
pub mod watch;

use std::time::Duration;

use tokio::sync::mpsc;

use crate::meter;
use crate::numbers::Numbers;
use crate::talk::figure;

/// What happens between two steps of the clock.
const STEP: Duration = Duration::from_secs(10);
/// One a second.
const EACH: u64 = 10;
const STEPS: u64 = 24 * 360;
/// Ten minutes.
const CUT: u64 = 60;
/// After the first hour, memory has the size that it keeps.
const HOUR: u64 = 360;

/// How far the clock moves in a real millisecond, while something is awaited.
const MOMENT: Duration = Duration::from_millis(20);

/// Whether a cut is in this step.
fn is_cut(step: u64) -> bool {
    step % CUT == CUT - 1
}

/// Moves the clock. While it lives, the clock doesn't jump by itself.
struct Clock(mpsc::Receiver<()>);

impl Clock {
    fn start() -> Self {
        let (ticks, ticking) = mpsc::channel(1);
        // A paused clock waits for blocking work.
        tokio::task::spawn_blocking(move || {
            while !ticks.is_closed() {
                let _ = ticks.try_send(());
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self(ticking)
    }

    /// Awaits this while time passes.
    async fn during<T>(&mut self, awaited: impl Future<Output = T>) -> T {
        tokio::pin!(awaited);
        loop {
            tokio::select! {
                biased;
                done = &mut awaited => return done,
                Some(()) = self.0.recv() => tokio::time::advance(MOMENT).await,
            }
        }
    }
}

/// Memory after the first hour, to compare with.
#[derive(Default)]
struct Flat {
    hour: u64,
}

impl Flat {
    fn look(&mut self, step: u64) {
        if step == HOUR {
            self.hour = meter::resident();
        }
    }

    fn tell(&self) {
        let now = meter::resident();
        figure(
            "memory after an hour, after a day",
            format!("{}, {}", meter::mib(self.hour), meter::mib(now)),
        );
    }
}

/// The rows of the table about what came.
fn tell(numbers: &Numbers, what: &str) {
    let cuts = STEPS / CUT;
    figure(format!("{what} in 24 simulated hours, with {cuts} cuts"), numbers.next);
    figure("gaps told, and what is missing in them", format!("{}, {}", numbers.gaps, numbers.missed));
}
