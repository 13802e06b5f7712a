//! Findings: the problem, its place, and how to fix it.

use std::fmt;

use windlass_yaml::{Node, Yaml};

/// A problem in a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// The document's file name.
    pub file: String,
    /// The line, from 1. `None` for a problem in the generated code.
    pub line: Option<usize>,
    /// The place in the document: `paths./1.0/instances.get.responses.200`.
    pub place: String,
    /// The rule that was broken.
    pub rule: &'static str,
    /// The problem.
    pub message: String,
    /// How to fix it.
    pub cure: String,
}

impl Finding {
    /// A finding without a file. [`Finding::located`] adds it.
    pub(crate) fn new(
        rule: &'static str,
        place: impl Into<String>,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            file: String::new(),
            line: None,
            place: place.into(),
            rule,
            message: message.into(),
            cure: cure.into(),
        }
    }

    /// Adds the file, and the line of the place.
    pub(crate) fn located(self, file: &str, tree: &Yaml) -> Self {
        let line = line_of(tree, &self.place);
        self.on_line(file, line)
    }

    pub(crate) fn on_line(mut self, file: &str, line: Option<usize>) -> Self {
        (self.file, self.line) = (file.to_owned(), line);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, place, rule, message, cure } = self;
        let line = line.map(|line| format!("{line}:")).unwrap_or_default();
        write!(f, "{file}:{line} {place}: {message}; {cure} [{rule}]")
    }
}

/// The line of a place, or of its deepest ancestor in the document.
fn line_of(tree: &Yaml, place: &str) -> Option<usize> {
    match place {
        "(document)" => Some(tree.line),
        other => deepest(tree, other).map(|(_, line)| line),
    }
}

/// The unmatched rest of the steps, and the line of the last matched one. Steps may hold dots, for example
/// `/1.0/instances`, so this takes the reading with the shortest rest.
fn deepest(node: &Yaml, steps: &str) -> Option<(usize, usize)> {
    let found = members(node).filter_map(|(step, child)| {
        let rest = steps.strip_prefix(step.as_str())?;
        match rest.strip_prefix('.') {
            Some(further) => Some(deepest(child, further).unwrap_or((further.len(), child.key_line))),
            None => rest.is_empty().then_some((0, child.key_line)),
        }
    });
    found.min()
}

fn members(node: &Yaml) -> Box<dyn Iterator<Item = (String, &Yaml)> + '_> {
    match &node.node {
        Node::Map(entries) => Box::new(entries.iter().map(|(key, child)| (key.clone(), child))),
        Node::List(items) => Box::new(items.iter().enumerate().map(|(at, child)| (at.to_string(), child))),
        Node::Scalar { .. } => Box::new(std::iter::empty()),
    }
}

/// Why nothing was generated: at least one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    findings: Vec<Finding>,
}

impl Errors {
    /// All findings, in the order of the document.
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
