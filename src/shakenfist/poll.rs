//! How often to look while waiting: this API can only be polled.

use std::time::Duration;

use super::client::ShakenFist;
use crate::wait::poll::{Goal, Interval, Polled};
use crate::wait::poll_backoff::Pauses;
use crate::wait::{Operation, Progress, Until};

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(3);

/// Growing, jittered pauses.
pub(super) fn pauses() -> Pauses {
    Pauses::up_to(LONGEST)
}

const INTERVAL: Interval = Interval::Growing(LONGEST);

/// An operation that ends when the goal is reached.
pub(super) fn operation<G: Goal<ShakenFist>>(sf: &ShakenFist, goal: G) -> Operation<G::Output> {
    Polled::operation(sf.clone(), goal, &INTERVAL)
}

/// A wait for the goal, without a request that started anything.
pub(super) fn until<G: Goal<ShakenFist>>(sf: &ShakenFist, goal: G) -> Until<G::Output> {
    Until::new(Polled::new(sf.clone(), goal, &INTERVAL))
}

/// Progress of a wait: the state, and what is being done.
pub(super) fn progress(status: impl ToString, message: impl Into<String>) -> Progress {
    let message = message.into();
    let percent = percent(&message);
    Progress { status: status.to_string(), message, percent, ..Progress::default() }
}

/// `Fetching required blob …, 30% complete`.
fn percent(message: &str) -> Option<u8> {
    let (before, _) = message.split_once('%')?;
    let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    before[before.len() - digits..].parse().ok().filter(|percent| *percent <= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_from_words() {
        assert_eq!(percent("Fetching required blob ffdf, 30% complete"), Some(30));
        assert_eq!(percent("30 %"), None);
        assert_eq!(percent("1000% sure"), None);
        assert_eq!(percent("schedule complete"), None);
    }
}
