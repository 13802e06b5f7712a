//! `cargo xtask rooms`: which files of the crate import which, and how long they are.
//!
//! No file imports from a floor above it, no files import each other in a circle, and files and functions stay small.
//! Re-exports don't count: an import leads to the file that defines the name.

mod circles;
mod floors;
mod imports;
mod modules;
mod sizes;

use std::path::Path;

use crate::{Outcome, workspace};
use modules::Modules;

/// Checks the crate.
pub(crate) fn run() -> Outcome {
    let source = workspace::root().join("src");
    let mut findings = look_through(&source)?;
    findings.extend(sizes::long_examples(&workspace::root().join("examples"))?);
    println!("{}", sizes::summary(&source)?);
    if findings.is_empty() {
        println!("no upward import, no circle, nothing too long");
        return Ok(());
    }
    findings.iter().for_each(|finding| println!("{finding}"));
    Err(format!("{} findings", findings.len()))
}

/// The findings in a directory, one per line.
fn look_through(source: &Path) -> Result<Vec<String>, String> {
    let modules = Modules::read(source)?;
    let imports = imports::of_all(&modules);
    let mut findings = floors::upward(&imports);
    findings.extend(circles::circles(&imports));
    findings.extend(sizes::too_long(source)?);
    Ok(findings)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that fails says why
mod tests {
    use super::*;
    use std::fs;

    /// Findings in a small crate of these files.
    fn findings(name: &str, files: &[(&str, &str)]) -> Vec<String> {
        found_by(look_through, name, files)
    }

    fn found_by(
        look: impl Fn(&Path) -> Result<Vec<String>, String>,
        name: &str,
        files: &[(&str, &str)],
    ) -> Vec<String> {
        let root = std::env::temp_dir().join(format!("windlass-rooms-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = look(&root);
        fs::remove_dir_all(&root).unwrap();
        found.unwrap()
    }

    #[test]
    fn a_tidy_crate_is_left_alone() {
        let files = [
            ("lib.rs", "mod error; mod transport; mod incus; pub use error::Error;"),
            ("error.rs", "pub struct Error;"),
            ("transport/mod.rs", "mod call; pub use call::Call;"),
            ("transport/call.rs", "use crate::error::Error; pub struct Call(Error);"),
            ("incus/mod.rs", "mod client; mod launch; pub use client::Incus;"),
            ("incus/client.rs", "use crate::transport::Call; pub struct Incus(Call);"),
            (
                "incus/launch.rs",
                "use super::Incus; impl Incus { fn launch(&self) -> crate::Error { todo!() } }",
            ),
        ];
        assert_eq!(findings("tidy", &files), Vec::<String>::new());
    }

    #[test]
    fn an_import_from_above_is_found() {
        let files = [
            ("lib.rs", "mod transport; mod wait; mod incus; mod koyeb;"),
            ("transport/mod.rs", "fn f() -> crate::wait::Operation { todo!() }"),
            ("wait/mod.rs", "pub struct Operation;"),
            ("incus/mod.rs", "use crate::koyeb::Koyeb;"),
            ("koyeb/mod.rs", "pub struct Koyeb;"),
        ];
        let wanted = [
            "incus/mod.rs imports koyeb/mod.rs, which is no floor below it",
            "transport/mod.rs imports wait/mod.rs, which is no floor below it",
        ];
        assert_eq!(findings("above", &files), wanted);
    }

    #[test]
    fn a_circle_is_found_through_super_and_through_a_re_export() {
        let files = [
            ("lib.rs", "mod incus;"),
            ("incus/mod.rs", "mod a; mod b; mod c; pub use a::A;"),
            ("incus/a.rs", "use super::b::B; pub struct A(B);"),
            ("incus/b.rs", "fn f() { super::c::g() } pub struct B;"),
            ("incus/c.rs", "use super::A; pub fn g() {}"),
        ];
        assert_eq!(
            findings("circle", &files),
            ["a circle of 3 files: incus/a.rs → incus/b.rs → incus/c.rs → incus/a.rs"]
        );
    }

    #[test]
    fn a_module_and_its_child_are_a_circle_if_each_needs_what_the_other_defines() {
        let files = [
            ("lib.rs", "mod incus;"),
            ("incus/mod.rs", "mod a; pub struct Incus(a::A);"),
            ("incus/a.rs", "pub struct A; fn f(_: super::Incus) {}"),
        ];
        assert_eq!(
            findings("child", &files),
            ["a circle of 2 files: incus/a.rs → incus/mod.rs → incus/a.rs"]
        );
    }

    #[test]
    fn tests_may_import_what_they_like() {
        let files = [
            ("lib.rs", "mod transport; mod wait;"),
            ("transport/mod.rs", "#[cfg(test)] mod tests { use crate::wait::Operation; }"),
            ("wait/mod.rs", "pub struct Operation;"),
        ];
        assert_eq!(findings("tests", &files), Vec::<String>::new());
    }

    #[test]
    fn what_is_too_long_is_found() {
        let long = format!("fn long() {{\n{}}}\n", "    work();\n".repeat(39));
        let files = [("lib.rs", "\n".repeat(401)), ("a.rs", long)];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert_eq!(
            findings("long", &files),
            ["a.rs:1: `long` has 41 lines, more than 40", "lib.rs has 401 lines, more than 400"]
        );
    }

    #[test]
    fn a_long_example_is_found() {
        let (long, short) = ("\n".repeat(120), "\n".repeat(119));
        let files = [("tour.rs", &*long), ("quickstart.rs", &*long), ("short.rs", &*short)];
        assert_eq!(
            found_by(sizes::long_examples, "examples", &files),
            ["examples/tour.rs has 120 lines, more than 119"]
        );
    }
}
