//! Errors with their line.

use std::fmt;

/// The error of a document that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    line: Option<usize>,
    message: String,
}

impl Error {
    pub(crate) fn at(line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into() }
    }

    /// Sets the line, unless a deeper one is known already.
    pub(crate) fn or_at(self, line: usize) -> Self {
        Self { line: self.line.or(Some(line)), ..self }
    }

    /// The message without the line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of the problem, from 1.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { line: None, message: message.to_string() }
    }
}
