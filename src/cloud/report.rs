//! The same verb for many instances.

use std::fmt;
use std::future::{Future, IntoFuture};

use futures_util::{StreamExt, stream};

use super::Instance;
use crate::error::{Error, ErrorKind, Sent};

/// What became of each.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report<T> {
    /// In the order in which they ended.
    pub results: Vec<(Instance, Outcome<T>)>,
}

/// What became of one.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)] // the three that there are; a caller must think of each
pub enum Outcome<T> {
    /// It worked.
    Done(T),
    /// It didn't, and the platform says so.
    Failed(Error),
    /// It can't be told: the request, or the wait for its end, was cut short.
    Unknown(Error),
}

impl<T> Report<T> {
    /// How many worked.
    pub fn done(&self) -> usize {
        self.results.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Done(_))).count()
    }

    /// Those that failed, and why.
    pub fn failed(&self) -> impl Iterator<Item = (&Instance, &Error)> {
        self.results.iter().filter_map(|(instance, outcome)| match outcome {
            Outcome::Failed(e) => Some((instance, e)),
            _ => None,
        })
    }

    /// Instances whose state is unknown, and why.
    pub fn unknown(&self) -> impl Iterator<Item = (&Instance, &Error)> {
        self.results.iter().filter_map(|(instance, outcome)| match outcome {
            Outcome::Unknown(e) => Some((instance, e)),
            _ => None,
        })
    }

    /// Whether all worked.
    pub fn is_success(&self) -> bool {
        self.done() == self.results.len()
    }
}

/// A line for people: `12 done, 1 failed, 0 unknown`.
impl<T> fmt::Display for Report<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, failed, unknown) = (self.done(), self.failed().count(), self.unknown().count());
        write!(f, "{done} done, {failed} failed, {unknown} unknown")
    }
}

impl<T> Outcome<T> {
    fn of(result: Result<T, Error>) -> Self {
        match result {
            Ok(value) => Self::Done(value),
            Err(e) if is_unknown(&e) => Self::Unknown(e),
            Err(e) => Self::Failed(e),
        }
    }
}

/// Whether it may have worked all the same.
fn is_unknown(e: &Error) -> bool {
    let unknown = match e.kind() {
        ErrorKind::OutcomeUnknown | ErrorKind::OperationGone => true,
        // The answer began, and broke off.
        ErrorKind::Interrupted | ErrorKind::Timeout => e.sent() != Sent::No,
        _ => false,
    };
    unknown || e.sent() == Sent::Unknown || e.is_wait_cut_short()
}

/// Does the same to each instance, at most `at_once` at a time, and never stops at a failure.
///
/// ```no_run
/// use windlass::cloud::{self, Instance, State};
/// # async fn demo(instances: Vec<Instance>) {
/// let report = cloud::each(instances, 8, |instance| async move { instance.until(State::Stopped).await }).await;
/// println!("{report}");
/// # }
/// ```
///
/// Instances of different platforms have different verbs: match on [`Instance::native`]. Dropping the future stops what is
/// under way on this side, and doesn't start the rest.
pub async fn each<T, E, A>(
    instances: impl IntoIterator<Item = Instance>,
    at_once: usize,
    verb: impl Fn(Instance) -> A,
) -> Report<T>
where
    A: IntoFuture<Output = Result<T, E>>,
    E: Into<Error>,
{
    let all = instances.into_iter().map(|instance| one(instance.clone(), verb(instance).into_future()));
    let results = stream::iter(all).buffer_unordered(at_once.max(1)).collect().await;
    Report { results }
}

async fn one<T, E: Into<Error>>(
    instance: Instance,
    verb: impl Future<Output = Result<T, E>>,
) -> (Instance, Outcome<T>) {
    let result = verb.await.map_err(Into::into);
    (instance, Outcome::of(result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown() {
        let error = |kind, sent, cut_short| {
            Error::new(kind, "").with(|e| (e.sent, e.wait_cut_short) = (sent, cut_short))
        };
        for (e, unknown) in [
            (error(ErrorKind::OutcomeUnknown, Sent::Yes, false), true),
            (error(ErrorKind::Interrupted, Sent::Unknown, false), true),
            (error(ErrorKind::Interrupted, Sent::Yes, false), true),
            (error(ErrorKind::Timeout, Sent::Yes, true), true),
            // The work was accepted; then the server failed for too long.
            (error(ErrorKind::Server, Sent::Yes, true), true),
            (error(ErrorKind::Connect, Sent::No, true), true),
            (error(ErrorKind::OperationGone, Sent::Yes, false), true),
            (error(ErrorKind::OperationFailed, Sent::Yes, false), false),
            (error(ErrorKind::Server, Sent::Yes, false), false),
            (error(ErrorKind::Connect, Sent::No, false), false),
            (error(ErrorKind::Conflict, Sent::Yes, false), false),
        ] {
            assert_eq!(is_unknown(&e), unknown, "{:?} {:?}", e.kind(), e.sent());
        }
    }
}
