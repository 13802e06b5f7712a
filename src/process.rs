//! Commands that run in an instance, in the manner of `std::process`.

use std::fmt;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Error, Kind, Sent};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExitStatus(i32);

impl ExitStatus {
    pub(crate) fn new(code: i32) -> Self {
        Self(code)
    }

    /// The exit code; 128 + n for a command that signal n ended.
    pub fn code(self) -> i32 {
        self.0
    }

    /// Whether the code is 0.
    pub fn is_success(self) -> bool {
        self.0 == 0
    }

    /// An error of [`Kind::CommandFailed`] unless the code is 0.
    pub fn success(self) -> Result<(), Error> {
        if self.is_success() {
            return Ok(());
        }
        let code = self.0;
        Err(Error::new(Kind::CommandFailed, format!("exit status {code}")).with(|e| {
            e.code = Some(code.to_string());
            e.sent = Sent::Yes;
        }))
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit status {}", self.0)
    }
}

/// All that a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Itself, or an error of [`Kind::CommandFailed`] that quotes the end of standard error unless the exit code
    /// is 0.
    pub fn success(self) -> Result<Self, Error> {
        match self.status.success() {
            Ok(()) => Ok(self),
            Err(e) => Err(e.with(|inner| {
                let said = last_line(&self.stderr);
                if !said.is_empty() {
                    inner.message = format!("{}: {said}", inner.message);
                }
                inner.body = Bytes::from(self.stderr);
            })),
        }
    }

    /// Standard output as text; what isn't UTF-8 is replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text; what isn't UTF-8 is replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// A piece of a command's output.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // the two streams there are; a caller's match should need no third arm
pub enum Chunk {
    /// From standard output.
    Stdout(Bytes),
    /// From standard error.
    Stderr(Bytes),
}

/// A running command.
///
/// Read its output with [`next`](Self::next), then ask [`wait`](Self::wait) how it ended. Dropping it kills the
/// command.
pub struct Process {
    chunks: mpsc::Receiver<Result<Chunk, Error>>,
    driver: Driver,
}

/// The task that moves the bytes; it ends with the process.
struct Driver(JoinHandle<Result<ExitStatus, Error>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Process {
    /// `drive` is given where to put the output and returns how the command ended.
    pub(crate) fn new<F>(drive: impl FnOnce(mpsc::Sender<Result<Chunk, Error>>) -> F) -> Self
    where
        F: Future<Output = Result<ExitStatus, Error>> + Send + 'static,
    {
        // A slow reader holds the server back instead of filling memory.
        let (sink, chunks) = mpsc::channel(8);
        Self { chunks, driver: Driver(tokio::spawn(drive(sink))) }
    }

    /// The next piece of output; none when both streams have ended.
    pub async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        self.chunks.recv().await
    }

    /// How the command ended. Output that nobody has read is read and thrown away.
    pub async fn wait(mut self) -> Result<ExitStatus, Error> {
        while let Some(chunk) = self.next().await {
            chunk?;
        }
        self.ended().await
    }

    /// Everything at once.
    pub(crate) async fn output(mut self) -> Result<Output, Error> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(chunk) = self.next().await {
            match chunk? {
                Chunk::Stdout(bytes) => stdout.extend_from_slice(&bytes),
                Chunk::Stderr(bytes) => stderr.extend_from_slice(&bytes),
            }
        }
        Ok(Output { status: self.ended().await?, stdout, stderr })
    }

    async fn ended(&mut self) -> Result<ExitStatus, Error> {
        match (&mut self.driver.0).await {
            Ok(status) => status,
            Err(e) => {
                Err(Error::new(Kind::Interrupted, format!("the task that drives the command ended: {e}")))
            }
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_quotes_the_last_words() {
        let output =
            Output { status: ExitStatus(7), stdout: vec![], stderr: b"a\nno such host\n\n".to_vec() };
        let e = output.success().map_err(|e| (e.kind(), e.to_string(), e.code().map(str::to_owned)));
        let expected = "command failed: exit status 7: no such host".to_owned();
        assert_eq!(e, Err((Kind::CommandFailed, expected, Some("7".to_owned()))));
    }

    #[tokio::test]
    async fn wait_drains_first() {
        let process = Process::new(|sink| async move {
            for _ in 0..100 {
                let _ = sink.send(Ok(Chunk::Stdout(Bytes::from_static(b"x")))).await;
            }
            Ok(ExitStatus(3))
        });
        assert_eq!(process.wait().await.ok(), Some(ExitStatus(3)));
    }

    #[tokio::test]
    async fn a_broken_stream_is_no_success() {
        let process = Process::new(|sink| async move {
            let _ = sink.send(Err(Error::new(Kind::Interrupted, "cut"))).await;
            Ok(ExitStatus(0))
        });
        assert_eq!(process.output().await.map_err(|e| e.kind()), Err(Kind::Interrupted));
    }
}
