//! Labels: configuration keys that start with `user.`.

use std::fmt::Write;

/// Where the label is kept.
pub(in crate::incus) fn config_key(label: &str) -> String {
    format!("user.{label}")
}

/// The label as a condition of the server's filter language; none if that can't express it.
///
/// The server splits conditions at white space, takes values for regular expressions and ignores case. So the value is
/// escaped, and the answer is to be checked for the exact value.
pub(in crate::incus) fn condition(label: &str, value: &str) -> Option<String> {
    // An empty value is the same as none. Keys can't be escaped.
    if value.is_empty() || label.contains(char::is_whitespace) {
        return None;
    }
    Some(format!("config.{} eq {}", config_key(label), escaped(value)))
}

/// A regular expression for exactly this text, without white space or quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => escaped.push(c),
            // Writing into a text can't fail.
            '\0'..='\x7f' => drop(write!(escaped, "\\x{:02x}", u32::from(c))),
            // Any one character: the answer is checked.
            _ if c.is_whitespace() => escaped.push('.'),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_values() {
        for (value, expected) in [
            ("db-1", "config.user.role eq db-1"),
            ("a b", "config.user.role eq a\\x20b"),
            ("a.*", "config.user.role eq a\\x2e\\x2a"),
            ("\"x", "config.user.role eq \\x22x"),
            ("a and b", "config.user.role eq a\\x20and\\x20b"),
            ("größe\u{a0}1", "config.user.role eq größe.1"),
        ] {
            assert_eq!(condition("role", value).as_deref(), Some(expected));
        }
        assert_eq!((condition("my role", "db"), condition("role", "")), (None, None));
    }
}
