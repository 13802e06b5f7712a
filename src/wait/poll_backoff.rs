//! Pauses between two looks.

use std::time::Duration;

use crate::deadline;

/// Longer and longer while nothing happens, and jittered: many waits must not look all at once.
#[derive(Debug, Clone)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    /// The first one.
    pub(crate) const FIRST: Duration = Duration::from_millis(200);

    /// From [`FIRST`](Self::FIRST) on, up to `longest`.
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self { next: Self::FIRST, longest }
    }

    /// The longest pause.
    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }

    /// How long to pause now.
    pub(crate) fn next(&mut self) -> Duration {
        self.draw(rand::random())
    }

    /// Something happened: more may follow soon.
    pub(crate) fn restart(&mut self) {
        self.next = Self::FIRST;
    }

    /// `dice` is drawn from 0..1.
    fn draw(&mut self, dice: f64) -> Duration {
        let pause = self.next;
        self.next = deadline::scaled(pause, 1.5).min(self.longest);
        deadline::scaled(pause, 0.8 + 0.4 * dice.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_until_something_happens() {
        let mut pauses = Pauses::up_to(Duration::from_secs(5));
        assert_eq!(pauses.draw(0.5), Duration::from_millis(200));
        assert_eq!(pauses.draw(0.5), Duration::from_millis(300));
        assert_eq!(pauses.draw(0.0), Duration::from_millis(360));
        for _ in 0..50 {
            pauses.next();
        }
        assert_eq!(pauses.draw(0.5), Duration::from_secs(5));
        assert_eq!(pauses.draw(1.0), Duration::from_secs(6));
        pauses.restart();
        assert_eq!(pauses.draw(0.5), Duration::from_millis(200));
    }

    #[test]
    fn many_waits_dont_look_all_at_once() {
        let drawn: Vec<_> = (0..20).map(|_| Pauses::up_to(Duration::from_secs(5)).next()).collect();
        assert!(drawn.iter().any(|pause| pause != &drawn[0]), "{drawn:?}");
    }
}
