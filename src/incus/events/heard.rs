//! What the waits hear of an operation.

use std::sync::Arc;

use super::latest::{Change, Latest};
use crate::incus::operation::{is_final, told};
use crate::incus::types;
use crate::wait::Progress;

/// What a wait hears of its operation.
#[derive(Debug, Clone, Default)]
pub(in crate::incus) enum Heard {
    #[default]
    Nothing,
    /// Something may have been missed.
    Gap,
    /// It goes on. Many operations may be heard of for a long time, so nothing else of them is kept.
    Running(Arc<Progress>),
    Ended(Arc<types::Operation>),
}

/// What is known of an operation. Frames can arrive out of order: nothing overwrites an end, and nothing but an end
/// makes up for a gap.
#[derive(Debug, Clone, Default)]
pub(in crate::incus) struct Known {
    last: Heard,
    /// The last change that was a gap.
    gap: Change,
}

impl Known {
    /// What is new to a wait that knows of the changes up to this one.
    pub(super) fn since(self, change: Change) -> Heard {
        match self.last {
            Heard::Ended(_) => self.last,
            _ if self.gap > change => Heard::Gap,
            last => last,
        }
    }

    /// The operation, if it is known to have ended.
    pub(super) fn end(self) -> Option<Arc<types::Operation>> {
        match self.last {
            Heard::Ended(operation) => Some(operation),
            _ => None,
        }
    }

    /// Returns whether it could be changed.
    fn change(&mut self, change: impl FnOnce(&mut Self)) -> bool {
        let open = !matches!(self.last, Heard::Ended(_));
        if open {
            change(self);
        }
        open
    }
}

impl Latest<Known> {
    /// Something may have been missed.
    pub(super) fn gap(&self) {
        self.change(|known, number| known.change(|known| known.gap = number));
    }

    /// The operation was heard of.
    pub(super) fn hear(&self, operation: types::Operation) {
        self.change(|known, _| {
            known.change(|known| {
                known.last = match is_final(&operation) {
                    true => Heard::Ended(Arc::new(operation)),
                    false => Heard::Running(Arc::new(told(&operation))),
                };
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::incus::events::latest::Listener;

    fn operation(code: i64) -> types::Operation {
        let json = format!(r#"{{"id":"1","status":"x","status_code":{code}}}"#);
        serde_json::from_str(&json).unwrap_or_else(|e| unreachable!("{e}"))
    }

    fn heard(by: &mut Listener<Known>) -> Option<Heard> {
        by.next().now_or_never().map(|(known, before)| known.since(before))
    }

    #[test]
    fn nothing_overwrites_an_end() {
        for end in [200, 400, 401] {
            let latest = Arc::new(Latest::<Known>::default());
            let mut wait = latest.listen();
            for code in [103, end, 103] {
                latest.hear(operation(code));
                latest.gap();
            }
            let seen = heard(&mut wait);
            assert!(matches!(&seen, Some(Heard::Ended(last)) if last.status_code == end), "{end}: {seen:?}");
            assert!(latest.listen().value().end().is_some_and(|last| last.status_code == end));
        }
    }

    #[test]
    fn news_after_a_gap_do_not_hide_it_from_a_wait_that_has_not_heard_of_it() {
        let latest = Arc::new(Latest::<Known>::default());
        let (mut slow, mut quick) = (latest.listen(), latest.listen());
        latest.gap();
        assert!(matches!(heard(&mut quick), Some(Heard::Gap)));
        latest.hear(operation(103));
        assert!(matches!(heard(&mut slow), Some(Heard::Gap)));
        assert!(matches!(heard(&mut quick), Some(Heard::Running(_))));
        assert!(heard(&mut slow).is_none() && heard(&mut quick).is_none());
    }
}
