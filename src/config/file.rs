//! Reading configuration files. All APIs use this module.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

#[cfg(any(feature = "incus", feature = "koyeb"))]
use serde::Deserialize as _;
use serde::de::DeserializeOwned;

use crate::secret::Secret;

/// The largest size of a configuration file, in bytes.
const LARGEST: u64 = 1 << 20;
/// The deepest nesting. Parsers spend much time, or stack, on deeper input.
const DEEPEST: usize = 64;

/// Reads a small regular file. Pipes and devices are refused, so reading never blocks on them.
///
/// The text may be secret: it is wiped from memory on drop.
pub(crate) fn text(path: &Path) -> io::Result<Secret> {
    // Check first: opening a pipe would block until its other end is opened.
    regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    // Check again: the file may have been replaced.
    let size = regular(&file.metadata()?)?;
    // Reserved at once, so that growing leaves no copies behind.
    let mut text = String::with_capacity(usize::try_from(size.min(LARGEST)).unwrap_or_default() + 2);
    let read = file.take(LARGEST + 1).read_to_string(&mut text);
    let (text, read) = (Secret::from(text), read?);
    if read as u64 > LARGEST { Err(too_large()) } else { Ok(text) }
}

/// The size of the file, if it is a regular file and not too large.
fn regular(file: &Metadata) -> io::Result<u64> {
    match file.len() {
        _ if file.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ if !file.is_file() => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
        size if size > LARGEST => Err(too_large()),
        size => Ok(size),
    }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {LARGEST} bytes"))
}

/// Why a text could not be parsed. It quotes nothing of the text, which may be secret.
#[derive(Debug)]
pub(crate) enum Malformed {
    /// Line and column, from 1; line 0 if the parser gives none.
    At(usize, Option<usize>),
    TooDeep,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(0, _) => f.write_str("is malformed"),
            Self::At(line, None) => write!(f, "is malformed (line {line})"),
            Self::At(line, Some(column)) => {
                write!(f, "is malformed (line {line}, column {column})")
            }
            Self::TooDeep => write!(f, "nests more than {DEEPEST} levels deep"),
        }
    }
}

/// Parses YAML. `None` if the text is empty.
#[allow(dead_code)] // not every API has such a file
#[cfg(any(feature = "incus", feature = "koyeb"))]
pub(crate) fn yaml<T: DeserializeOwned>(text: &str) -> Result<Option<T>, Malformed> {
    not_deep(text)?;
    let at = |e: windlass_yaml::Error| Malformed::At(e.line().unwrap_or_default(), None);
    let found = windlass_yaml::read(text).map_err(at)?;
    // serde would take the items of a list for the fields, in order.
    if found.items().is_some() {
        return Err(Malformed::At(found.line, None));
    }
    Option::deserialize(found).map_err(at)
}

/// Parses JSON.
#[allow(dead_code)] // not every API has such a file
pub(crate) fn json<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    not_deep(text)?;
    serde_json::from_str(text).map_err(|e| Malformed::At(e.line(), Some(e.column())))
}

/// Counts every opening bracket, also in strings: no honest configuration comes near the limit.
fn not_deep(text: &str) -> Result<(), Malformed> {
    let mut open = 0_usize;
    for line in text.lines() {
        // `- - - x` is a list in a list in a list.
        let marks = line.split_ascii_whitespace().take_while(|word| matches!(*word, "-" | "?" | ":")).count();
        if marks > DEEPEST {
            return Err(Malformed::TooDeep);
        }
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > DEEPEST {
                return Err(Malformed::TooDeep);
            }
        }
    }
    Ok(())
}

/// Files that must neither delay nor break a search for settings.
#[cfg(test)]
pub(crate) mod hostile {
    use std::path::Path;
    use std::sync::mpsc;
    use std::time::Duration;

    use crate::system;

    /// Puts each of them at `path` and expects an error from `find`. Fails if `find` hangs. `malformed`: the expected
    /// message for text that can't be parsed. The directory must exist.
    pub(crate) fn try_each(
        path: &Path,
        malformed: &str,
        find: impl Fn() -> Option<String> + Clone + Send + 'static,
    ) {
        let write = |path: &Path, text: String| assert!(std::fs::write(path, text).is_ok());
        type Put<'a> = &'a dyn Fn(&Path);
        let odd = system::odd_files();
        let odd = odd.iter().map(|(what, put)| (*what, put as Put<'_>, "not a regular file"));
        let all: [(&str, Put<'_>, &str); 4] = [
            ("a directory", &|path| assert!(std::fs::create_dir(path).is_ok()), "directory"),
            ("brackets", &|path| write(path, "[".repeat(10_000)), malformed),
            ("lists", &|path| write(path, "- ".repeat(10_000)), malformed),
            ("two mebibytes", &|path| write(path, "#".repeat(2 << 20)), "larger than"),
        ];
        for (what, put, says) in odd.chain(all) {
            let _ = std::fs::remove_file(path);
            put(path);
            let (told, answer) = mpsc::channel();
            let find = find.clone();
            std::thread::spawn(move || told.send(find()));
            let found = answer.recv_timeout(Duration::from_secs(60));
            let Ok(Some(e)) = found else { unreachable!("{what}: {found:?}") };
            assert!(e.contains(says) && e.contains(&path.display().to_string()), "{what}: {e}");
            let _ = std::fs::remove_dir(path);
        }
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_in_every_style() {
        for shallow in ["a: [[1], [2], {b: 3}]", "- - - x", &"[]".repeat(1000), &"- x\n".repeat(1000)] {
            assert!(not_deep(shallow).is_ok(), "{shallow}");
        }
        for deep in ["[".repeat(65), "{a: ".repeat(65), "- ".repeat(65), "? ".repeat(65), "[\n".repeat(65)] {
            assert!(not_deep(&deep).is_err(), "{deep}");
        }
    }
}
