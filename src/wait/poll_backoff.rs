//! Pauses between two looks.

use std::time::Duration;

use crate::instant;

/// Growing pauses with jitter, so that many waits don't look at the same time.
#[derive(Debug, Clone)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    /// The first pause.
    pub(crate) const FIRST: Duration = Duration::from_millis(200);

    /// Pauses from [`FIRST`](Self::FIRST) up to `longest`.
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self { next: Self::FIRST, longest }
    }

    /// The longest pause.
    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        self.draw(rand::random())
    }

    /// Something changed: start again with short pauses.
    pub(crate) fn restart(&mut self) {
        self.next = Self::FIRST;
    }

    /// `dice` is a random number in 0..1.
    fn draw(&mut self, dice: f64) -> Duration {
        let pause = self.next;
        self.next = instant::scaled(pause, 1.5).min(self.longest);
        instant::scaled(pause, 0.8 + 0.4 * dice.clamp(0.0, 1.0))
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
