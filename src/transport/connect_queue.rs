//! Connects to a unix socket one connection at a time, and only for requests that still need one.
//!
//! hyper's pool starts a connection for each request that finds no idle one, and finishes it even if another connection
//! becomes idle first. In a burst, that makes up to twice as many connections as requests.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static WAITING: ();
}

/// Sends a request. A connector that is polled within is polled because the request waits for it.
pub(crate) fn waiting<F: Future>(request: F) -> impl Future<Output = F::Output> {
    WAITING.scope((), request)
}

fn is_waiting() -> bool {
    WAITING.try_with(|()| ()).is_ok()
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes one connection at a time.
#[derive(Debug, Clone)]
pub(crate) struct OneByOne(Arc<Semaphore>);

impl OneByOne {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl<S> Layer<S> for OneByOne {
    type Service = Connects<S>;

    fn layer(&self, inner: S) -> Connects<S> {
        Connects { inner: Arc::new(inner), turn: self.0.clone() }
    }
}

/// The wrapped connector. Shared, because hyper clones it for every request, even if that needs no connection, and a
/// clone of the inner one is a dozen allocations.
#[derive(Debug)]
pub(crate) struct Connects<S> {
    inner: Arc<S>,
    turn: Arc<Semaphore>,
}

impl<S> Clone for Connects<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), turn: self.turn.clone() }
    }
}

impl<S, D> Service<D> for Connects<S>
where
    S: Service<D, Error = BoxError> + Clone + Send + Sync + 'static,
    S::Future: Send,
    D: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    /// Always ready: the inner one is waited for when it connects.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: D) -> Self::Future {
        let Self { inner, turn } = self.clone();
        Box::pin(async move {
            let turn = next_turn(turn).await?;
            let mut inner = S::clone(&inner);
            poll_fn(|context| inner.poll_ready(context)).await?;
            let connected = inner.call(to).await;
            drop(turn);
            connected
        })
    }
}

/// Waits for the request's turn. Fails once the request no longer waits because it got another connection.
async fn next_turn(turn: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, BoxError> {
    // Polled by another request: it is unknown whether this one still waits.
    let ours = is_waiting();
    let mut turn = pin!(turn.acquire_owned());
    poll_fn(|context| match is_waiting() {
        false if ours => Poll::Ready(Err("another connection became free".into())),
        _ => Pin::new(&mut turn).as_mut().poll(context).map_err(Into::into),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_no_more_gives_up_the_turn() {
        let turn = OneByOne::new().0;
        let held = next_turn(turn.clone()).await;
        let mut second = Box::pin(next_turn(turn.clone()));
        let third = Box::pin(waiting(next_turn(turn.clone())));
        // Polled once within its request, and then from outside.
        let limit = std::time::Duration::from_secs(1);
        assert!(tokio::time::timeout(limit, waiting(second.as_mut())).await.is_err());
        let given_up = second.await.map(drop).map_err(|e| e.to_string());
        assert_eq!(given_up, Err("another connection became free".to_owned()));
        drop(held);
        assert!(third.await.is_ok());
        // A request outside of `waiting` waits like any other.
        assert!(next_turn(turn).await.is_ok());
    }
}
