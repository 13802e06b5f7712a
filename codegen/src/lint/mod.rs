//! Rules against documents that would be generated wrong.

mod body;
mod combine;
mod extension;
mod field;
mod grammar;
mod kinds;
mod names;
mod object;
mod operation;
mod parameter;
mod promise;
mod reference;
mod secret;
mod similar;
mod sites;
mod text;

use crate::document::Document;
use crate::{Finding, Input};
use sites::Sites;

/// All findings in a document, not only the first.
#[must_use]
pub fn lint(input: &Input<'_>) -> Vec<Finding> {
    let document = match Document::parse(input) {
        Ok(document) => document,
        Err(errors) => return errors.findings().to_vec(),
    };
    let located = |finding: Finding| finding.located(input.file, &document.tree);
    let mut findings: Vec<_> = check(&document).into_iter().map(located).collect();
    findings.sort();
    findings.dedup();
    findings
}

fn check(document: &Document) -> Vec<Finding> {
    // The other rules can't follow broken references.
    let dangling = reference::check(document);
    if !dangling.is_empty() {
        return dangling;
    }
    let sites = Sites::gather(document);
    let mut findings = grammar::check(document);
    findings.extend(text::check(document));
    findings.extend(operation::check(document));
    findings.extend(promise::check(document, &sites));
    findings.extend(extension::check(document, &sites));
    findings.extend(body::check(document, &sites));
    findings.extend(parameter::check(document, &sites));
    findings.extend(names::check(document, &sites));
    findings.extend(secret::reserved(document));
    findings.extend(sites.spots.iter().flat_map(check_schema));
    findings
}

fn check_schema(spot: &sites::Spot<'_>) -> Vec<Finding> {
    let rules = [combine::RULES, field::RULES, object::RULES, secret::RULES];
    rules.into_iter().flatten().filter_map(|rule| rule(spot)).collect()
}
