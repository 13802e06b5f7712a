//! Plain scalars, by YAML's core schema.

/// A scalar without quotes.
#[derive(Debug, PartialEq)]
pub(crate) enum Plain<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
}

pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

pub(crate) fn plain(text: &str) -> Plain<'_> {
    match text {
        _ if is_null(text) => Plain::Null,
        "true" | "True" | "TRUE" => Plain::Bool(true),
        "false" | "False" | "FALSE" => Plain::Bool(false),
        _ => number(text).unwrap_or(Plain::Text(text)),
    }
}

fn number(text: &str) -> Option<Plain<'_>> {
    if let Some(digits) = text.strip_prefix("0x") {
        return digits_of(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return digits_of(digits, 8);
    }
    let magnitude = text.strip_prefix(['-', '+']).unwrap_or(text);
    // Modes and telephone numbers: `0644` stays text.
    let padded =
        magnitude.len() > 1 && magnitude.starts_with('0') && magnitude.bytes().all(|b| b.is_ascii_digit());
    if padded || !magnitude.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if magnitude.bytes().all(|b| b.is_ascii_digit()) {
        let whole = text.parse().map(Plain::Unsigned).or_else(|_| text.parse().map(Plain::Signed));
        if let Ok(whole) = whole {
            return Some(whole);
        }
    }
    match magnitude {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => Some(Plain::Float(f64::NEG_INFINITY)),
        ".inf" | ".Inf" | ".INF" => Some(Plain::Float(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if text == magnitude => Some(Plain::Float(f64::NAN)),
        _ if magnitude.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b)) => {
            text.parse().ok().filter(|float: &f64| float.is_finite()).map(Plain::Float)
        }
        _ => None,
    }
}

/// Only digits: `from_str_radix` would accept a sign.
fn digits_of(digits: &str, radix: u32) -> Option<Plain<'static>> {
    let whole = digits.chars().all(|digit| digit.is_digit(radix));
    u64::from_str_radix(digits, radix).ok().filter(|_| whole).map(Plain::Unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_those_of_the_core_schema() {
        for (text, is) in [
            ("~", Plain::Null),
            ("True", Plain::Bool(true)),
            ("0", Plain::Unsigned(0)),
            ("+7", Plain::Unsigned(7)),
            ("-7", Plain::Signed(-7)),
            ("18446744073709551615", Plain::Unsigned(u64::MAX)),
            ("-9223372036854775808", Plain::Signed(i64::MIN)),
            ("18446744073709551616", Plain::Float(18_446_744_073_709_551_616.0)),
            ("0x1F", Plain::Unsigned(31)),
            ("0o17", Plain::Unsigned(15)),
            ("1.5e3", Plain::Float(1500.0)),
            (".5", Plain::Float(0.5)),
            ("-.inf", Plain::Float(f64::NEG_INFINITY)),
        ] {
            assert_eq!(plain(text), is, "{text}");
        }
    }

    #[test]
    fn the_rest_is_text() {
        for text in [
            "yes", "0644", "-007", "1.2.3", "1e999", "0x", "0x-1", "+-5", "12ab", "-", ".", "..", "e5",
            "nan", "inf", "1_000",
        ] {
            assert_eq!(plain(text), Plain::Text(text));
        }
    }
}
