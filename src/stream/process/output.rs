//! The exit status and the output of a command.

use std::fmt;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Sent};

/// The exit status of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExitStatus(i32);

impl ExitStatus {
    pub(crate) fn new(code: i32) -> Self {
        Self(code)
    }

    /// The exit code. A command killed by signal n has 128 + n.
    pub fn code(self) -> i32 {
        self.0
    }

    /// Whether the exit code is 0.
    pub fn is_success(self) -> bool {
        self.0 == 0
    }

    /// Converts a status other than 0 into an error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CommandFailed`] if the exit code is not 0; [`Error::code`] is the exit code.
    pub fn success(self) -> Result<(), Error> {
        if self.is_success() {
            return Ok(());
        }
        let code = self.0;
        Err(Error::new(ErrorKind::CommandFailed, format!("exit status {code}")).with(|e| {
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

/// The exit status and the collected output of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Returns itself, or an error if the exit code is not 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CommandFailed`] if the exit code is not 0. The message quotes the last line of standard error; the
    /// output is in [`Error::stdout`] and [`Error::stderr`].
    pub fn success(self) -> Result<Self, Error> {
        match self.status.success() {
            Ok(()) => Ok(self),
            Err(e) => Err(e.with(|inner| {
                let said = last_line(&self.stderr);
                if !said.is_empty() {
                    inner.message = format!("{}: {said}", inner.message);
                }
                let (stdout, stderr) = (Bytes::from(self.stdout), Bytes::from(self.stderr));
                inner.body = stderr.clone();
                inner.output = Some((stdout, stderr));
            })),
        }
    }

    /// Standard output as text. Invalid UTF-8 is replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text. Invalid UTF-8 is replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_quotes_the_last_words() {
        let output = Output {
            status: ExitStatus(7),
            stdout: b"out".to_vec(),
            stderr: b"a\nno such host\n\n".to_vec(),
        };
        let e = output.success().map_err(|e| {
            assert_eq!((e.stdout(), e.stderr()), (Some(&b"out"[..]), Some(&b"a\nno such host\n\n"[..])));
            (e.kind(), e.to_string(), e.code().map(str::to_owned))
        });
        let expected = "command failed: exit status 7: no such host".to_owned();
        assert_eq!(e, Err((ErrorKind::CommandFailed, expected, Some("7".to_owned()))));
    }
}
