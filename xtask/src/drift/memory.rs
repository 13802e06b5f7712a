//! Accepted differences: `specs/<api>.accepted.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use super::compare::Drift;
use super::document::{entries, list};
use crate::{Outcome, workspace};

/// The beginning of a new file.
const HEAD: &str = "\
# What the vendor's own document says otherwise, and why our spec stays as it is: read by `cargo xtask drift`, which tells
# only what isn't here. Each reason has differences, and each difference the operations that have it.
";

/// The accepted differences of one API.
#[derive(Debug, Default)]
pub(super) struct Memory {
    accepted: Drift,
}

/// The differences that are new, and the accepted ones that no longer occur.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) new: Drift,
    pub(super) gone: Drift,
    /// The number of accepted differences, counted per operation.
    pub(super) accepted: usize,
}

impl Memory {
    pub(super) fn of(api: &str) -> Result<Self, String> {
        let file = file(api);
        match file.exists() {
            true => {
                Self::parse(&workspace::read(&file)?).map_err(|e| format!("specs/{api}.accepted.yaml: {e}"))
            }
            false => Ok(Self::default()),
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let root: Value = windlass_yaml::from_str(text).map_err(|e| e.to_string())?;
        let mut memory = Self::default();
        for (at, entry) in list(&root).iter().enumerate() {
            if entry["reason"].as_str().is_none_or(|reason| reason.trim().is_empty()) {
                return Err(format!("entry {} has no reason", at + 1));
            }
            for (what, places) in entries(&entry["differences"]) {
                let places = list(places).iter().filter_map(Value::as_str).map(str::to_owned);
                memory.accepted.entry(what.to_owned()).or_default().extend(places);
            }
        }
        Ok(memory)
    }

    /// Compares with the accepted ones. Of those, only operations for which `looked_at` is true count.
    pub(super) fn news(&self, drift: &Drift, looked_at: impl Fn(&str) -> bool) -> News {
        let new = without(drift, &self.accepted);
        let mut expected = self.accepted.clone();
        expected.values_mut().for_each(|places| places.retain(|place| looked_at(place)));
        News { accepted: count(drift) - count(&new), gone: without(&expected, drift), new }
    }
}

/// Adds differences with a common reason.
pub(super) fn accept(api: &str, reason: &str, new: &Drift) -> Outcome {
    let file = file(api);
    let before = if file.exists() { workspace::read(&file)? } else { HEAD.to_owned() };
    workspace::write(&file, &format!("{before}{}", entry(reason, new)))
}

fn file(api: &str) -> PathBuf {
    workspace::root().join(format!("specs/{api}.accepted.yaml"))
}

fn entry(reason: &str, drift: &Drift) -> String {
    let mut text = format!("\n- reason: {}\n  differences:\n", quoted(reason));
    for (what, places) in drift {
        // Writing to a String can't fail.
        let _ = writeln!(text, "    {}:", quoted(what));
        for place in places {
            let _ = writeln!(text, "      - {}", quoted(place));
        }
    }
    text
}

/// A JSON string is also YAML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The items of the first that are not in the second.
fn without(one: &Drift, other: &Drift) -> Drift {
    let nowhere = BTreeSet::new();
    let left = |(what, places): (&String, &BTreeSet<String>)| {
        let left: BTreeSet<_> = places.difference(other.get(what).unwrap_or(&nowhere)).cloned().collect();
        (!left.is_empty()).then(|| (what.clone(), left))
    };
    one.iter().filter_map(left).collect::<BTreeMap<_, _>>()
}

pub(super) fn count(drift: &Drift) -> usize {
    drift.values().map(BTreeSet::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drift(differences: &[(&str, &[&str])]) -> Drift {
        let places = |places: &[&str]| places.iter().map(|&place| place.to_owned()).collect();
        differences.iter().map(|(what, of)| ((*what).to_owned(), places(of))).collect()
    }

    #[test]
    fn what_is_accepted_is_not_new() -> Result<(), String> {
        let all = drift(&[("a: \"x\"", &["GET /1", "GET /2"]), ("b", &["GET /1"])]);
        let memory = Memory::parse(&entry("It's so.", &all))?;
        let nothing = News { accepted: 3, ..News::default() };
        assert_eq!(memory.news(&all, |_| true), nothing);
        Ok(())
    }

    #[test]
    fn the_same_difference_elsewhere_is_new() -> Result<(), String> {
        let memory = Memory::parse(&entry("So.", &drift(&[("a", &["GET /1"])])))?;
        let news = memory.news(&drift(&[("a", &["GET /1", "GET /2"])]), |_| true);
        assert_eq!(news, News { new: drift(&[("a", &["GET /2"])]), gone: Drift::new(), accepted: 1 });
        Ok(())
    }

    #[test]
    fn what_is_no_longer_so_is_told_if_it_was_looked_at() -> Result<(), String> {
        let memory = Memory::parse(&entry("So.", &drift(&[("a", &["GET /1", "GET /2"])])))?;
        let news = memory.news(&Drift::new(), |place| place == "GET /1");
        assert_eq!(news, News { new: Drift::new(), gone: drift(&[("a", &["GET /1"])]), accepted: 0 });
        Ok(())
    }

    #[test]
    fn what_is_committed_can_be_read() -> Result<(), String> {
        let accepted = |api| Memory::of(api).map(|memory| count(&memory.accepted));
        for api in ["incus", "koyeb", "lambda-cloud", "shakenfist"] {
            assert_ne!(accepted(api)?, 0, "{api}");
        }
        Ok(())
    }

    #[test]
    fn a_reason_is_a_must() {
        let error = Memory::parse("- differences: {a: [GET /1]}\n").err();
        assert_eq!(error.as_deref(), Some("entry 1 has no reason"));
        assert!(Memory::parse("- reason: ''\n").is_err());
    }
}
