//! Background tasks with one owner, which can end them all.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;

/// Locks a mutex, also if a test panicked while it held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tasks that end together.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<JoinSet<()>>);

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = lock(&self.0);
        while set.try_join_next().is_some() {}
        set.spawn(task);
    }

    /// Ends them without waiting: for `Drop`.
    pub(crate) fn abort(&self) {
        lock(&self.0).abort_all();
    }

    /// Ends them, and returns when the last one has ended.
    pub(crate) async fn end(&self) {
        let mut set = std::mem::take(&mut *lock(&self.0));
        set.shutdown().await;
    }
}
