//! Arithmetic on times without overflow.

use std::time::Duration;

use tokio::time::Instant;

/// Thirty years: longer than any wait, and within the range of every clock.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// `wait` after `from`, however long it is.
pub(crate) fn after(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait.min(FAR)).unwrap_or(from)
}

/// `wait` from now, however long it is.
pub(crate) fn from_now(wait: Duration) -> Instant {
    after(Instant::now(), wait)
}

/// The time multiplied by a random factor around 1 or below.
pub(crate) fn scaled(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes() {
        let now = Instant::now();
        assert_eq!(after(now, Duration::ZERO), now);
        assert_eq!(after(now, Duration::from_secs(7)), now + Duration::from_secs(7));
        assert!(after(now, Duration::MAX) > now + Duration::from_secs(20 * 365 * 86_400));
        assert!(from_now(Duration::MAX) >= after(now, Duration::MAX));
        assert_eq!(scaled(Duration::from_secs(10), 0.5), Duration::from_secs(5));
        assert_eq!(scaled(Duration::MAX, 1.2), Duration::MAX);
        assert!(scaled(Duration::MAX, 0.5) > Duration::from_secs(1 << 62));
        for odd in [f64::NAN, f64::NEG_INFINITY, -1.0] {
            assert_eq!(scaled(Duration::from_secs(1), odd), Duration::ZERO, "{odd}");
        }
    }
}
