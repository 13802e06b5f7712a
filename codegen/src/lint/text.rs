//! Descriptions become doc comments, so they must be valid in them.

use serde_json::Value;

use super::reference::children;
use crate::Finding;
use crate::document::Document;
use crate::rule::DOC_TEXT;

/// Keys that hold example data, not text.
const DATA: [&str; 4] = ["example", "examples", "default", "enum"];

pub(super) fn check(document: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    search(&document.root, String::new(), &mut findings);
    findings
}

fn search(node: &Value, place: String, findings: &mut Vec<Finding>) {
    for (step, child) in children(node) {
        let place = if place.is_empty() { step.clone() } else { format!("{place}.{step}") };
        match child.as_str().filter(|_| step == "description" || step == "summary") {
            Some(text) => {
                findings.extend(defect(text).map(|(what, cure)| Finding::new(DOC_TEXT, place, what, cure)))
            }
            None if DATA.contains(&step.as_str()) => {}
            None => search(child, place, findings),
        }
    }
}

fn defect(text: &str) -> Option<(String, &'static str)> {
    if text.contains("```") || text.lines().any(|line| line.starts_with("    ")) {
        let what = "a code block in a description would run as a documentation test".to_owned();
        return Some((what, "use a code span: `like this`"));
    }
    let prose = without_code(text);
    let link = bare_link(&prose).map(|link| {
        let what = format!("`{link}` in a description would be taken for a link to an item");
        (what, "write it as a link, [x](https://…), or as a code span")
    });
    link.or_else(|| {
        let what = format!("`<{}` in a description would be taken for HTML", tag(&prose)?);
        Some((what, "write it as a code span"))
    })
}

/// The text without code spans.
fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("_")
}

/// A `[word]` without a link target.
fn bare_link(prose: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(start) = prose[from..].find('[').map(|at| from + at) {
        let end = start + prose[start..].find(']')? + 1;
        let escaped = prose[..start].ends_with('\\');
        if !escaped && !prose[end..].starts_with('(') {
            return Some(&prose[start..end]);
        }
        from = end;
    }
    None
}

/// The start of something like a tag. `<https://…>` is a link.
fn tag(prose: &str) -> Option<String> {
    let starts = prose.split('<').skip(1).filter(|rest| !rest.starts_with("http"));
    let mut tags = starts.filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/'));
    tags.next().map(|rest| rest.chars().take(12).collect())
}
