//! `cargo xtask drift`: compares a vendor's document with our spec, or with an older edition of itself.

mod compare;
mod document;
mod memory;
#[cfg(test)]
mod planted;
mod security;
mod shape;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use compare::{Drift, EDITIONS, SPEC};
use document::Document;
use memory::{Memory, News, count};

use crate::{Outcome, workspace};

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    upstream: String,
    /// An older edition of the vendor's document, to compare with instead of our spec.
    against: Option<String>,
    /// The spec's name. By default, the spec that has most operations in common with the document.
    api: Option<String>,
    /// Only operations whose path starts with one of these. By default, all.
    only: Vec<String>,
    /// Only differences that contain this text.
    about: Option<String>,
    /// Accepts new differences, for this reason.
    accept: Option<String>,
}

/// Prints the differences that aren't accepted, and the accepted ones that no longer occur. Fails if there are any.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let asked = Asked::parse(args)?;
    let upstream = read(Path::new(&asked.upstream))?;
    if let Some(old) = &asked.against {
        let drift = compare::compare(EDITIONS, &read(Path::new(old))?, &upstream, &asked.only);
        let news = Memory::default().news(&asked.chosen(drift), |_| true);
        return tell(&format!("{old}, compared with {}", asked.upstream), &news);
    }
    let (name, ours) = match &asked.api {
        Some(name) => (name.clone(), read(&spec(name))?),
        None => likest(&upstream)?,
    };
    let drift = asked.chosen(compare::compare(SPEC, &ours, &upstream, &asked.only));
    let memory = Memory::of(&name)?;
    let news = memory.news(&drift, |place| asked.looks_at(place));
    match &asked.accept {
        Some(reason) => accept(&name, reason, &news.new),
        None => {
            let flavour = upstream.flavour();
            tell(&format!("specs/{name}.yaml, compared with {} ({flavour})", asked.upstream), &news)
        }
    }
}

fn accept(api: &str, reason: &str, new: &Drift) -> Outcome {
    if new.is_empty() {
        return Err("there is nothing new to accept".to_owned());
    }
    memory::accept(api, reason, new)?;
    println!("written to specs/{api}.accepted.yaml: {}", differences(count(new)));
    Ok(())
}

fn tell(what: &str, news: &News) -> Outcome {
    if news.new.is_empty() && news.gone.is_empty() {
        println!("{what}: nothing new ({} accepted)", differences(news.accepted));
        return Ok(());
    }
    println!("{what}:");
    print!("{}", listed("new", &news.new));
    print!("{}", listed("accepted, but no longer so (take it out of the accepted ones)", &news.gone));
    let gone = count(&news.gone);
    let also = if gone == 0 { String::new() } else { format!(", {gone} accepted that no longer occur") };
    Err(format!("{} new{also}", differences(count(&news.new))))
}

fn differences(count: usize) -> String {
    if count == 1 { "one difference".to_owned() } else { format!("{count} differences") }
}

fn listed(title: &str, drift: &Drift) -> String {
    let lines: String =
        drift.iter().map(|(what, places)| format!("  {}\n", everywhere(what, places))).collect();
    if lines.is_empty() { lines } else { format!("{title}:\n{lines}") }
}

/// One line for a difference that several operations share.
fn everywhere(what: &str, places: &BTreeSet<String>) -> String {
    let first = places.first().map(String::as_str).unwrap_or_default();
    match places.len() {
        0 | 1 => format!("{what} [{first}]"),
        count => format!("{what} [{first} and {} more]", count - 1),
    }
}

impl Asked {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let mut asked = Self::default();
        let mut args = args.iter();
        while let Some(&option) = args.next() {
            let value = args.next().map(|value| (*value).to_owned());
            let value = value.ok_or_else(|| format!("{option} needs a value"))?;
            match option {
                "--upstream" => asked.upstream = value,
                "--against" => asked.against = Some(value),
                "--api" => asked.api = Some(value),
                "--only" => asked.only.push(value),
                "--about" => asked.about = Some(value),
                "--accept" => asked.accept = Some(value),
                _ => return Err(format!("drift has no option '{option}'")),
            }
        }
        if asked.upstream.is_empty() {
            Err("drift needs --upstream FILE: the vendor's own document".to_owned())
        } else if asked.against.is_some() && asked.accept.is_some() {
            Err("--accept is for differences from our spec, not for those from --against".to_owned())
        } else {
            Ok(asked)
        }
    }

    /// The requested differences.
    fn chosen(&self, mut drift: Drift) -> Drift {
        drift.retain(|what, _| self.about.as_ref().is_none_or(|about| what.contains(about)));
        drift
    }

    /// Whether an operation such as `GET /1.0` was compared.
    fn looks_at(&self, place: &str) -> bool {
        let path = place.split_once(' ').map_or(place, |(_, path)| path);
        // An accepted difference is only missing if all were searched for.
        self.about.is_none()
            && (self.only.is_empty() || self.only.iter().any(|start| path.starts_with(start)))
    }
}

fn read(path: &Path) -> Result<Document, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Document::parse(&text).map_err(|e| format!("{}: {e}", path.display()))
}

fn spec(name: &str) -> std::path::PathBuf {
    workspace::root().join(format!("specs/{name}.yaml"))
}

/// The spec that has most operations in common with a document.
fn likest(upstream: &Document) -> Result<(String, Document), String> {
    let mut best: Option<(usize, String, Document)> = None;
    for name in workspace::apis()? {
        let ours = read(&spec(&name))?;
        let shared = compare::shared(&ours, upstream);
        if shared > best.as_ref().map_or(0, |(most, ..)| *most) {
            best = Some((shared, name, ours));
        }
    }
    let (_, name, ours) =
        best.ok_or("no spec has an operation in common with it; is it the right document?")?;
    Ok((name, ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line() {
        let asked =
            Asked::parse(&["--upstream", "a.json", "--only", "/1.0/instances", "--only", "/1.0/events"]);
        let only = vec!["/1.0/instances".to_owned(), "/1.0/events".to_owned()];
        assert_eq!(asked, Ok(Asked { upstream: "a.json".to_owned(), only, ..Asked::default() }));
        assert!(Asked::parse(&[]).is_err());
        assert!(Asked::parse(&["--upstream"]).is_err());
        assert!(Asked::parse(&["--upstream", "a", "--strict", "b"]).is_err());
        assert!(Asked::parse(&["--upstream", "a", "--against", "b", "--accept", "c"]).is_err());
    }

    #[test]
    fn what_many_operations_share_is_one_line() {
        let places = ["GET /a", "GET /b", "GET /c"].map(str::to_owned).into();
        assert_eq!(everywhere("reply x: new", &places), "reply x: new [GET /a and 2 more]");
    }
}
