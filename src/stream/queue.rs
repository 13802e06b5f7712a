//! A queue from a connection to its reader, bounded in items and in bytes.
//!
//! A full queue stops reading from the connection. Items vary in size, so a bound on their number alone would not bound
//! memory.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The sending end.
pub(crate) struct Put<T> {
    items: mpsc::Sender<Item<T>>,
    room: Arc<Semaphore>,
    most: u32,
}

/// The receiving end.
pub(crate) struct Take<T>(mpsc::Receiver<Item<T>>);

/// An item, and the room it takes until it is received.
struct Item<T>(T, #[allow(dead_code)] Option<OwnedSemaphorePermit>);

/// The receiving end is gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// Creates a queue of at most `items` items and `bytes` bytes. A larger item takes all the room.
pub(crate) fn queue<T>(items: usize, bytes: u32) -> (Put<T>, Take<T>) {
    let (sender, receiver) = mpsc::channel(items);
    let room = usize::try_from(bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(room));
    (Put { items: sender, room, most: bytes }, Take(receiver))
}

impl<T> Clone for Put<T> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone(), room: self.room.clone(), most: self.most }
    }
}

impl<T> Put<T> {
    /// Adds an item of `bytes` bytes once there is room.
    pub(crate) async fn put(&self, item: T, bytes: usize) -> Result<(), Closed> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.most);
        // An item gives its room back when it is received or dropped.
        let room = self.room.clone().acquire_many_owned(bytes).await.ok();
        self.items.send(Item(item, room)).await.map_err(|_| Closed)
    }
}

impl<T> Take<T> {
    /// The next item. `None` once all senders are gone. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<T> {
        self.0.recv().await.map(|Item(item, _)| item)
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(context).map(|next| next.map(|Item(item, _)| item))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn items_and_bytes_are_bounded() {
        let (put, mut take) = queue(2, 100);
        assert_eq!(put.put('a', 60).now_or_never(), Some(Ok(())));
        assert_eq!(put.put('b', 60).now_or_never(), None, "no bytes left");
        assert_eq!(put.put('c', 0).now_or_never(), Some(Ok(())));
        assert_eq!(put.put('d', 0).now_or_never(), None, "no place left");
        assert_eq!(take.next().await, Some('a'));
        assert_eq!(put.put('e', 100).now_or_never(), Some(Ok(())));
        assert_eq!((take.next().await, take.next().await), (Some('c'), Some('e')));
        drop(put);
        assert_eq!(take.next().await, None);
    }

    #[tokio::test]
    async fn what_is_larger_than_all_the_room_passes_alone() {
        let (put, mut take) = queue(8, 100);
        assert_eq!(put.put('a', 1).now_or_never(), Some(Ok(())));
        assert_eq!(put.put('b', usize::MAX).now_or_never(), None);
        assert_eq!(take.next().await, Some('a'));
        assert_eq!(put.put('b', usize::MAX).now_or_never(), Some(Ok(())));
        assert_eq!(put.put('c', 1).now_or_never(), None);
        assert_eq!(take.next().await, Some('b'));
    }

    #[tokio::test]
    async fn who_waits_for_room_learns_that_nobody_takes_any_more() {
        let (put, take) = queue(8, 100);
        assert_eq!(put.put('a', 100).now_or_never(), Some(Ok(())));
        let waiting = tokio::spawn({
            let put = put.clone();
            async move { put.put('b', 100).await }
        });
        tokio::task::yield_now().await;
        drop(take);
        assert_eq!(waiting.await.ok(), Some(Err(Closed)));
    }
}
