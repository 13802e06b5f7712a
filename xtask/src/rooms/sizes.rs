//! The sizes of files and functions.

use std::fs;
use std::path::Path;

use crate::workspace;

/// The limit on lines of a file, including its tests.
const LONGEST_FILE: usize = 400;
/// The limit on lines of a function, including its head.
const LONGEST_FUNCTION: usize = 40;
/// The limit on lines of an example. The quickstart is longer: it uses all four APIs.
const LONGEST_EXAMPLE: usize = 119;
const QUICKSTART: &str = "quickstart.rs";

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// The files and functions over the limits.
pub(super) fn too_long(source: &Path) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    for (file, text) in texts(source)? {
        for Function { name, line, lines } in functions(&text) {
            if lines > LONGEST_FUNCTION {
                findings
                    .push(format!("{file}:{line}: `{name}` has {lines} lines, more than {LONGEST_FUNCTION}"));
            }
        }
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            findings.push(format!("{file} has {lines} lines, more than {LONGEST_FILE}"));
        }
    }
    Ok(findings)
}

/// The examples over the limit.
pub(super) fn long_examples(examples: &Path) -> Result<Vec<String>, String> {
    let programs = texts(examples)?.into_iter().filter(|(file, _)| file != QUICKSTART);
    let lines = programs.map(|(file, text)| (file, text.lines().count()));
    let long = lines.filter(|(_, lines)| *lines > LONGEST_EXAMPLE);
    Ok(long
        .map(|(file, lines)| format!("examples/{file} has {lines} lines, more than {LONGEST_EXAMPLE}"))
        .collect())
}

/// A summary in numbers.
pub(super) fn summary(source: &Path) -> Result<String, String> {
    let texts = texts(source)?;
    let mut functions: Vec<usize> =
        texts.iter().flat_map(|(_, text)| functions(text)).map(|function| function.lines).collect();
    functions.sort_unstable();
    let lines: usize = texts.iter().map(|(_, text)| text.lines().count()).sum();
    let fakes = texts.iter().filter(|(file, _)| file.starts_with("testing/"));
    let fakes: usize = fakes.map(|(_, text)| text.lines().count()).sum();
    let median = functions.get(functions.len() / 2).copied().unwrap_or_default();
    let longest = functions.last().copied().unwrap_or_default();
    Ok(format!(
        "{} files, {lines} lines ({fakes} of them fakes), {} functions: median {median} lines, longest {longest}",
        texts.len(),
        functions.len(),
    ))
}

fn texts(source: &Path) -> Result<Vec<(String, String)>, String> {
    let read = |path: &std::path::PathBuf| {
        let file = path.strip_prefix(source).unwrap_or(path).to_string_lossy().into_owned();
        fs::read_to_string(path).map(|text| (file.clone(), text)).map_err(|e| format!("{file}: {e}"))
    };
    workspace::rust_files(source)?.iter().map(read).collect()
}

/// The functions of a formatted file: each ends with a brace indented like its head.
fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = head(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let rest = lines.get(index..).unwrap_or_default();
        let end = rest.iter().position(|line| {
            let after = line.strip_prefix(indent).unwrap_or_default();
            after == "}"
                || (after.ends_with([';', '}']) && !after.starts_with(' ') && !after.starts_with('}'))
        });
        if let Some(end) = end {
            found.push(Function { name, line: index + 1, lines: end + 1 });
        }
    }
    found
}

/// The name of a function that begins on this line.
fn head(line: &str) -> Option<String> {
    let line = line.trim_start();
    let before = line.split("fn ").next()?;
    let words = ["pub", "pub(crate)", "pub(super)", "async", "const", "unsafe", "extern"];
    let is_head = before.split_whitespace().all(|word| words.contains(&word) || word.starts_with("pub(in"));
    let after = line.get(before.len()..)?.strip_prefix("fn ")?;
    let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (is_head && !name.is_empty()).then_some(name)
}
