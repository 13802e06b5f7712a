//! Waiting until a command succeeds inside an instance.

use std::time::Duration;

use super::Exec;
use crate::error::{Error, ErrorKind, Sent};
use crate::instant;
use crate::stream::process::{Output, StdinSource};
use crate::wait::into_future;

/// A wait until a command succeeds; from [`Exec::until_success`]. `.await` it.
#[derive(Debug, Clone)]
#[must_use = "nothing runs before `.await`"]
pub struct UntilSuccess {
    exec: Exec,
    limit: Duration,
    pause: Duration,
}

/// The first pause between two runs; it doubles up to the longest.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(3);

impl Exec {
    /// Runs the command repeatedly until it succeeds: a wait for anything that a command can test.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
    /// let web = incus.launch("web").image("images:ubuntu/24.04/cloud").await?;
    /// // Wait for cloud-init …
    /// web.exec(["cloud-init", "status", "--wait"]).until_success().timeout(Duration::from_secs(900)).await?;
    /// // … and for the service.
    /// web.exec(["curl", "-fs", "http://localhost/health"]).until_success().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Success is exit status 0. An instance that isn't running yet, or whose agent isn't, a program that isn't there
    /// yet, and a server out of reach are waited for as well. It gives up after ten minutes, or after
    /// [`timeout`](UntilSuccess::timeout); then the error is of [`ErrorKind::Timeout`] and quotes the last run, which
    /// is killed if it still goes on. An instance that doesn't exist ends the wait at once, and so does any other
    /// permanent error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] when time is up, [`ErrorKind::NotFound`] if there is no such instance.
    pub fn until_success(self) -> UntilSuccess {
        UntilSuccess { exec: self, limit: Duration::from_secs(600), pause: LONGEST }
    }
}

impl UntilSuccess {
    /// How long to try.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The longest pause between two runs; three seconds if not set.
    pub fn every(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    async fn run(self) -> Result<Output, Error> {
        if matches!(self.exec.stdin, Some(StdinSource::Pipe)) {
            return Err(Error::invalid("stdin", "a writer can't be read by every run"));
        }
        let end = instant::from_now(self.limit);
        let (mut pause, mut last) = (FIRST, None);
        loop {
            let run = self.exec.clone().output();
            let ended = tokio::time::timeout_at(end, run).await;
            match ended.map(|ended| ended.and_then(Output::success)) {
                Ok(Ok(output)) => return Ok(output),
                Ok(Err(e)) if !may_pass(&e) => return Err(e),
                Ok(Err(e)) => last = Some(e),
                Err(_) => return Err(out_of_time(self.limit, last)),
            }
            pause = pause.min(self.pause);
            if instant::from_now(pause) >= end {
                return Err(out_of_time(self.limit, last));
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
    }
}

into_future!(UntilSuccess => Output: |it| it.exec.label().watch(it.run()).await);

/// Whether a later run may succeed.
fn may_pass(e: &Error) -> bool {
    match e.kind() {
        // A program that doesn't exist yet: this error has no HTTP status.
        ErrorKind::NotFound => e.status() != Some(404),
        ErrorKind::CommandFailed
        | ErrorKind::Conflict
        | ErrorKind::Connect
        | ErrorKind::Interrupted
        | ErrorKind::Timeout
        | ErrorKind::Unavailable
        | ErrorKind::RateLimited
        | ErrorKind::Server
        | ErrorKind::OperationFailed
        | ErrorKind::OperationGone
        | ErrorKind::BadReply => true,
        _ => false,
    }
}

fn out_of_time(limit: Duration, last: Option<Error>) -> Error {
    let seen = last.as_ref().map_or_else(|| "the first run goes on".to_owned(), Error::to_string);
    Error::new(ErrorKind::Timeout, format!("no success within {limit:?} ({seen})")).with(|e| {
        e.sent = Sent::Yes;
        e.source = last.map(Into::into);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_may_cure() {
        let with_status = |kind, status| Error::new(kind, "").with(|e| e.status = status);
        let table = [
            (ErrorKind::CommandFailed, None, true),
            (ErrorKind::Conflict, Some(400), true),
            (ErrorKind::NotFound, None, true),
            (ErrorKind::NotFound, Some(202), true),
            (ErrorKind::NotFound, Some(404), false),
            (ErrorKind::InvalidInput, None, false),
            (ErrorKind::PermissionDenied, Some(403), false),
            (ErrorKind::Unavailable, Some(503), true),
        ];
        for (kind, status, expected) in table {
            assert_eq!(may_pass(&with_status(kind, status)), expected, "{kind:?} {status:?}");
        }
    }
}
