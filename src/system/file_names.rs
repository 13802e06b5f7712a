//! The names that files can have on Windows. It takes others for paths, streams or devices.
//!
//! Microsoft's page: <https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>

use std::collections::HashSet;

/// Names of devices, with any extension and in any directory.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The first name in a directory of a server that no file here can have beside those before it: it isn't one, or
/// differs only in case.
pub(crate) fn unfit_name<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut taken = HashSet::new();
    names.find(|name| !is_file_name(name) || !taken.insert(folded(name)))
}

/// The same for names that differ only in case.
fn folded(name: &str) -> String {
    let upper = |c: char| {
        let mut upper = c.to_uppercase();
        if upper.len() == 1 { upper.next().unwrap_or(c) } else { c }
    };
    name.chars().map(upper).collect()
}

/// Whether a file can have this name, which is no path.
fn is_file_name(name: &str) -> bool {
    let odd = |c: char| c < ' ' || matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*');
    !name.is_empty() && !name.contains(odd) && !name.ends_with(['.', ' ']) && !is_device(name)
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    DEVICES.contains(&stem.as_str()) || is_port(&stem)
}

/// `COM1`, `LPT9`, also with a digit in superscript.
fn is_port(stem: &str) -> bool {
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let is_digit = |c: char| matches!(c, '0'..='9' | '¹' | '²' | '³');
    number.is_some_and(|number| number.chars().count() == 1 && number.chars().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_must_be_told_apart() {
        assert_eq!(unfit_name(["a", "b", "straße", "STRASSE"].into_iter()), None);
        assert_eq!(unfit_name(["a", "Ä", "b", "ä", "A"].into_iter()), Some("ä"));
        assert_eq!(unfit_name(["a", "b:", "A"].into_iter()), Some("b:"));
    }

    #[test]
    fn names_that_lead_elsewhere_are_none() {
        for good in ["a", ".bashrc", "a b", "a.b.c", "console", "com", "COM10", "nul2", "größe", "..a"] {
            assert!(is_file_name(good), "{good}");
        }
        for bad in [
            "", ".", "..", "a.", "a ", "a/b", "..\\a", "C:", "C:\\a", "a:stream", "a*", "a?", "a|b", "a\"b",
            "a\nb", "a\0", "NUL", "nul.txt", "Con", "aux .x", "COM1", "lpt9.log", "COM¹", "CONIN$",
        ] {
            assert!(!is_file_name(bad), "{bad:?}");
        }
    }
}
