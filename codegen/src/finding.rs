//! What is wrong, where, and how to cure it.

use std::fmt;

use windlass_yaml::{Node, Yaml};

/// One thing wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// The document's file name.
    pub file: String,
    /// The line in it, from 1; `None` for what is wrong with the generated code.
    pub line: Option<usize>,
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
    /// A finding that doesn't know its file yet: [`Finding::located`] adds it.
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

    /// With the file and the line of its place.
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

/// The line of a place, or of as much of it as the document has.
fn line_of(tree: &Yaml, place: &str) -> Option<usize> {
    match place {
        "(document)" => Some(tree.line),
        other => deepest(tree, other).map(|(_, line)| line),
    }
}

/// How much of the steps is left over, and the line of the last one that is there. Steps may have dots in them, as
/// `/1.0/instances` has: of all ways to read them, the one that leaves least counts.
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
