//! `cargo xtask drift`: what a vendor's own document has that our spec doesn't, and the other way round.

mod compare;
mod document;
mod shape;

use std::fs;
use std::path::Path;

use compare::Drift;
use document::Document;

use crate::{Outcome, workspace};

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    upstream: String,
    /// The spec's name; without one, the spec that has most in common with the document.
    api: Option<String>,
    /// Only operations whose path starts with one of these; all, if there is none.
    only: Vec<String>,
}

/// Prints the differences; fails when there are any.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let asked = Asked::parse(args)?;
    let upstream = read(Path::new(&asked.upstream))?;
    let (name, ours) = match &asked.api {
        Some(name) => (name.clone(), read(&spec(name))?),
        None => likest(&upstream)?,
    };
    let drift = compare::compare(&ours, &upstream, &asked.only);
    println!("specs/{name}.yaml, compared with {} ({})", asked.upstream, upstream.flavour());
    print!("{drift}");
    verdict(&drift)
}

fn verdict(drift: &Drift) -> Outcome {
    match drift.count() {
        0 => Ok(()),
        1 => Err("one difference".to_owned()),
        count => Err(format!("{count} differences")),
    }
}

impl Asked {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let mut asked = Self::default();
        let mut args = args.iter();
        while let Some(&option) = args.next() {
            let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
            match option {
                "--upstream" => (*value).clone_into(&mut asked.upstream),
                "--api" => asked.api = Some((*value).to_owned()),
                "--only" => asked.only.push((*value).to_owned()),
                _ => return Err(format!("drift knows --upstream, --api and --only, not '{option}'")),
            }
        }
        match asked.upstream.is_empty() {
            true => Err("drift needs --upstream FILE: the vendor's own document".to_owned()),
            false => Ok(asked),
        }
    }
}

fn read(path: &Path) -> Result<Document, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Document::parse(&text).map_err(|e| format!("{}: {e}", path.display()))
}

fn spec(name: &str) -> std::path::PathBuf {
    workspace::root().join(format!("specs/{name}.yaml"))
}

/// The spec that shares most operations with a document.
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
        assert_eq!(asked, Ok(Asked { upstream: "a.json".to_owned(), api: None, only }));
        assert!(Asked::parse(&[]).is_err());
        assert!(Asked::parse(&["--upstream"]).is_err());
        assert!(Asked::parse(&["--upstream", "a", "--strict", "b"]).is_err());
    }
}
