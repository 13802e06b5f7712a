//! `cargo xtask coverage`: which typed method offers each operation of a source document.

use std::collections::BTreeMap;
use std::path::Path;

use windlass_yaml::Yaml;

use crate::{Outcome, methods, workspace};

/// The public methods of an API: their place, or why they don't count.
type Found = BTreeMap<String, Result<String, String>>;

/// One API of `specs/coverage.yaml`.
#[derive(Debug, PartialEq, Eq)]
struct Api {
    /// `incus`.
    name: String,
    /// The document whose operations these are.
    source: String,
    /// In the document's order.
    operations: Vec<Operation>,
}

/// One operation, and the methods that offer it.
#[derive(Debug, PartialEq, Eq)]
struct Operation {
    name: String,
    /// Each a `Type::method`.
    methods: Vec<String>,
}

/// One line of the table.
struct Row<'a> {
    operation: &'a str,
    method: &'a str,
    /// `file:line`, or the problem.
    place: Result<String, String>,
}

/// Prints a table per API. Fails if one has a hole.
pub(crate) fn run() -> Outcome {
    let root = workspace::root();
    let apis = parse(&workspace::read(&root.join("specs/coverage.yaml"))?)?;
    let mut holes = 0;
    for api in &apis {
        holes += show(&root, api)?;
    }
    match holes {
        0 => Ok(()),
        1 => Err("there is a hole in the typed layer".to_owned()),
        n => Err(format!("there are {n} holes in the typed layer")),
    }
}

/// Prints the table of one API, and returns the number of holes.
fn show(root: &Path, api: &Api) -> Result<usize, String> {
    let module = workspace::module_name(&api.name);
    let directory = root.join("src").join(&module);
    if !directory.is_dir() {
        println!("{}: {}: not built yet\n", api.name, api.source);
        return Ok(0);
    }
    let mut found = Found::new();
    for file in workspace::rust_files(&directory)? {
        add(&mut found, root, &file)?;
    }
    let rows = rows(api, &found);
    println!("{}: {}\n{}", api.name, api.source, table(&rows));
    Ok(rows.iter().filter(|row| row.place.is_err()).count())
}

/// Adds the methods of a file.
fn add(found: &mut Found, root: &Path, file: &Path) -> Outcome {
    let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
    let methods =
        methods::public_methods(&workspace::read(file)?).map_err(|e| format!("can't parse {name}: {e}"))?;
    for method in methods {
        let place = format!("{name}:{}", method.line);
        let entry = match method.flaw {
            None => Ok(place),
            Some(flaw) => Err(format!("HOLE: {flaw} ({place})")),
        };
        keep_better(found, method.path, entry);
    }
    Ok(())
}

/// Two impls may have a method of the same name. One that counts is enough.
fn keep_better(found: &mut Found, path: String, entry: Result<String, String>) {
    if entry.is_ok() || !found.contains_key(&path) {
        found.insert(path, entry);
    }
}

/// One row for each method of each operation.
fn rows<'a>(api: &'a Api, found: &Found) -> Vec<Row<'a>> {
    let pairs = api.operations.iter().flat_map(|operation| {
        let methods = operation.methods.iter();
        methods.map(|method| (operation.name.as_str(), method.as_str()))
    });
    let row = |(operation, method)| Row {
        operation,
        method,
        place: found.get(method).cloned().unwrap_or_else(|| Err("HOLE".to_owned())),
    };
    pairs.map(row).collect()
}

/// The rows in columns.
fn table(rows: &[Row<'_>]) -> String {
    let operation = width("operation", rows.iter().map(|row| row.operation));
    let method = width("typed method", rows.iter().map(|row| row.method));
    let line = |a: &str, b: &str, c: &str| format!("  {a:operation$} | {b:method$} | {c}\n");
    let mut text = line("operation", "typed method", "where");
    for row in rows {
        let (Ok(place) | Err(place)) = &row.place;
        text.push_str(&line(row.operation, row.method, place));
    }
    text
}

/// The width of a column.
fn width<'a>(title: &'a str, cells: impl Iterator<Item = &'a str>) -> usize {
    cells.chain([title]).map(str::len).max().unwrap_or_default()
}

/// Reads `specs/coverage.yaml`.
fn parse(text: &str) -> Result<Vec<Api>, String> {
    let wrong = |e| format!("specs/coverage.yaml: {e}");
    let document = windlass_yaml::read(text).map_err(|e| wrong(e.to_string()))?;
    let apis = document.entries().ok_or_else(|| wrong("isn't a map of APIs".to_owned()))?;
    let parsed = apis.iter().map(|(name, body)| parse_api(name, body).map_err(wrong));
    parsed.collect()
}

/// Reads one API. An API without operations would hide a hole.
fn parse_api(name: &str, body: &Yaml) -> Result<Api, String> {
    let source = body.get("source").and_then(Yaml::text);
    let operations = body.get("operations").and_then(Yaml::entries).unwrap_or_default();
    if operations.is_empty() {
        return Err(format!("{name} has no operations"));
    }
    let parsed = operations.iter().map(|(operation, methods)| {
        parse_operation(operation, methods)
            .ok_or_else(|| format!("{name}.{operation} needs Type::method, or a list"))
    });
    Ok(Api {
        name: name.to_owned(),
        source: source.ok_or_else(|| format!("{name} has no source"))?.to_owned(),
        operations: parsed.collect::<Result<_, _>>()?,
    })
}

/// Reads one operation.
fn parse_operation(name: &str, methods: &Yaml) -> Option<Operation> {
    let methods: Vec<String> = match methods.items() {
        Some(list) => list.iter().map(method_path).collect::<Option<_>>()?,
        None => vec![method_path(methods)?],
    };
    let name = name.to_owned();
    (!methods.is_empty()).then_some(Operation { name, methods })
}

/// Reads a `Type::method`.
fn method_path(value: &Yaml) -> Option<String> {
    let path = value.text()?;
    path.contains("::").then(|| path.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const YAML: &str = "
incus:
  source: A document
  operations:
    list: Incus::instances
    files: [Instance::read_file, Instance::write_file]
";

    fn found(entries: &[(&str, Result<&str, &str>)]) -> Found {
        let own = |entry: &Result<&str, &str>| entry.map(str::to_owned).map_err(str::to_owned);
        entries.iter().map(|(path, entry)| ((*path).to_owned(), own(entry))).collect()
    }

    #[test]
    fn reads_one_method_or_a_list() {
        let apis = parse(YAML).unwrap();
        assert_eq!(apis.len(), 1);
        assert_eq!(apis[0].source, "A document");
        assert_eq!(apis[0].operations[0].methods, ["Incus::instances"]);
        assert_eq!(apis[0].operations[1].methods.len(), 2);
    }

    #[test]
    fn refuses_what_would_hide_a_hole() {
        for (yaml, says) in [
            ("[]", "isn't a map"),
            ("incus: {source: A}", "incus has no operations"),
            ("incus: {operations: {list: Incus::list}}", "incus has no source"),
            ("incus: {source: A, operations: {list: }}", "incus.list needs"),
            ("incus: {source: A, operations: {list: []}}", "incus.list needs"),
            ("incus: {source: A, operations: {list: later}}", "incus.list needs"),
        ] {
            let error = parse(yaml).unwrap_err();
            assert!(error.contains(says), "{yaml}: {error}");
        }
    }

    #[test]
    fn each_method_of_a_list_must_be_there() {
        let apis = parse(YAML).unwrap();
        let found = found(&[
            ("Incus::instances", Ok("src/incus/mod.rs:7")),
            ("Instance::read_file", Err("HOLE: #[doc(hidden)] (src/incus/files.rs:2)")),
        ]);
        let rows = rows(&apis[0], &found);
        let expected = "  \
  operation | typed method         | where
  list      | Incus::instances     | src/incus/mod.rs:7
  files     | Instance::read_file  | HOLE: #[doc(hidden)] (src/incus/files.rs:2)
  files     | Instance::write_file | HOLE
";
        assert_eq!(table(&rows), expected);
    }

    #[test]
    fn a_method_that_counts_wins_over_one_that_does_not() {
        let mut all = found(&[("A::b", Err("HOLE"))]);
        keep_better(&mut all, "A::b".to_owned(), Ok("here".to_owned()));
        keep_better(&mut all, "A::b".to_owned(), Err("HOLE".to_owned()));
        assert_eq!(all, found(&[("A::b", Ok("here"))]));
    }

    #[test]
    fn the_committed_table_is_readable() {
        let text = workspace::read(&workspace::root().join("specs/coverage.yaml")).unwrap();
        assert!(!parse(&text).unwrap().is_empty());
    }
}
