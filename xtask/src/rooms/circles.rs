//! Files that import each other in a circle.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::imports::Imports;

/// Each circle, with one way around it.
pub(super) fn circles(imports: &Imports) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for file in imports.keys() {
        if seen.contains(file.as_str()) {
            continue;
        }
        let Some(way) = way_around(imports, file) else { continue };
        let members: Vec<&str> = imports
            .keys()
            .map(String::as_str)
            .filter(|other| leads(imports, file, other) && leads(imports, other, file))
            .collect();
        findings.push(format!("a circle of {} files: {}", members.len(), way.join(" → ")));
        seen.extend(members);
    }
    findings
}

/// The shortest way from a file back to itself.
fn way_around<'a>(imports: &'a Imports, file: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from = BTreeMap::new();
    let mut open = VecDeque::from([file]);
    while let Some(at) = open.pop_front() {
        for next in imports.get(at).into_iter().flatten() {
            if next == file {
                return Some(back(&came_from, file, at));
            }
            if let Entry::Vacant(entry) = came_from.entry(next.as_str()) {
                entry.insert(at);
                open.push_back(next);
            }
        }
    }
    None
}

fn back<'a>(came_from: &BTreeMap<&'a str, &'a str>, file: &'a str, last: &'a str) -> Vec<&'a str> {
    let mut way = vec![file];
    let mut at = Some(last);
    while let Some(here) = at.filter(|here| *here != file) {
        way.push(here);
        at = came_from.get(here).copied();
    }
    way.push(file);
    way.reverse();
    way
}

fn leads(imports: &Imports, from: &str, to: &str) -> bool {
    reach(imports, from).contains(to)
}

/// The files reachable from a file.
fn reach<'a>(imports: &'a Imports, from: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for next in imports.get(file).into_iter().flatten() {
            if found.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    found
}
