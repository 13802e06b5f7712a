//! The latest news of one thing, for the waits that listen to it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// A value that some change and others wait for. Thousands may exist at the same time, so it is small: a watch channel
/// takes four times as much.
#[derive(Debug, Default)]
pub(super) struct Latest<V> {
    state: Mutex<State<V>>,
    changed: Notify,
}

/// The number of a change, from 1 on.
pub(super) type Change = u64;

#[derive(Debug, Default)]
struct State<V> {
    value: V,
    last: Change,
}

/// Hears every change since it was made, but only the last of several.
#[derive(Debug)]
pub(super) struct Listener<V> {
    latest: Arc<Latest<V>>,
    /// The last change that it knows of.
    heard: Change,
}

impl<V> Latest<V> {
    /// Changes the value; `change` gets the number of this change. No listener hears of it if that returns false.
    pub(super) fn change(&self, change: impl FnOnce(&mut V, Change) -> bool) {
        let changed = self.with(|state| {
            let changed = change(&mut state.value, state.last + 1);
            state.last += Change::from(changed);
            changed
        });
        if changed {
            self.changed.notify_waiters();
        }
    }

    pub(super) fn listen(self: &Arc<Self>) -> Listener<V> {
        Listener { latest: self.clone(), heard: self.with(|state| state.last) }
    }

    /// How many listen.
    pub(super) fn listeners(self: &Arc<Self>) -> usize {
        Arc::strong_count(self) - 1
    }

    fn with<T>(&self, work: impl FnOnce(&mut State<V>) -> T) -> T {
        // No code panics while it holds this lock.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<V: Clone> Listener<V> {
    /// The value now.
    pub(super) fn value(&self) -> V {
        self.latest.with(|state| state.value.clone())
    }

    /// The value after the next change that it doesn't know of yet, and the last change that it knew of.
    pub(super) async fn next(&mut self) -> (V, Change) {
        loop {
            // Made before the look: it is woken by what comes in between.
            let changed = self.latest.changed.notified();
            let heard = self.heard;
            let news =
                self.latest.with(|state| (state.last != heard).then(|| (state.value.clone(), state.last)));
            if let Some((value, last)) = news {
                self.heard = last;
                return (value, heard);
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    fn set(latest: &Latest<u32>, new: u32) {
        latest.change(|value, _| {
            *value = new;
            true
        });
    }

    #[tokio::test]
    async fn each_listener_hears_the_last_of_the_changes_once() {
        let latest = Arc::new(Latest::default());
        set(&latest, 1);
        let (mut one, mut other) = (latest.listen(), latest.listen());
        assert_eq!((latest.listeners(), one.value()), (2, 1));
        assert_eq!(one.next().now_or_never(), None);
        set(&latest, 2);
        set(&latest, 3);
        latest.change(|_, _| false);
        for listener in [&mut one, &mut other] {
            let heard = [listener.next().now_or_never(), listener.next().now_or_never()];
            assert_eq!(heard, [Some((3, 1)), None]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_waits_is_woken() {
        let latest = Arc::new(Latest::default());
        let (mut one, mut other) = (latest.listen(), latest.listen());
        let change = async {
            tokio::task::yield_now().await;
            set(&latest, 1);
        };
        let heard = async { tokio::join!(one.next(), other.next(), change) };
        assert_eq!(tokio::time::timeout(Duration::from_secs(1), heard).await, Ok(((1, 0), (1, 0), ())));
    }
}
