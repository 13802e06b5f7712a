//! What is wrong, where, and how to cure it.

use std::fmt;

/// One thing wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// The document's file name.
    pub file: String,
    /// Where in the document: `paths./1.0/instances.get.responses.200`.
    pub place: String,
    /// The rule that was broken.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub cure: String,
}

impl Finding {
    /// A finding that doesn't know its file yet: [`Finding::in_file`] adds it.
    pub(crate) fn new(
        rule: &'static str,
        place: impl Into<String>,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { file: String::new(), place: place.into(), rule, message: message.into(), cure: cure.into() }
    }

    pub(crate) fn in_file(mut self, file: &str) -> Self {
        self.file = file.to_owned();
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place, rule, message, cure } = self;
        write!(f, "{file}: {place}: {message}; {cure} [{rule}]")
    }
}

/// Why nothing was generated: at least one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    findings: Vec<Finding>,
}

impl Errors {
    /// Everything that is wrong, in the order of the document.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl From<Vec<Finding>> for Errors {
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings }
    }
}

impl From<Finding> for Errors {
    fn from(finding: Finding) -> Self {
        Self { findings: vec![finding] }
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}
