//! Sizes and limits as the server reads them: what it would refuse is refused before anything is sent.

use std::collections::BTreeMap;

use crate::error::Error;

type Options = BTreeMap<String, String>;

/// Checks the limits in a configuration, and the sizes of its disks. An empty text is none: that is how a setting is
/// taken away.
pub(in crate::incus) fn check<'a>(
    config: &Options,
    devices: impl IntoIterator<Item = (&'a String, &'a Options)>,
) -> Result<(), Error> {
    let set = |key: &str| config.get(key).map(String::as_str).filter(|value| !value.is_empty());
    if set("limits.cpu").is_some_and(|cpus| !is_cpus(cpus)) {
        return Err(Error::invalid("cpus", "must be a number from one up, or a set of processors as 0-1,3"));
    }
    if set("limits.memory").is_some_and(|size| !is_memory(size)) {
        return Err(Error::invalid("memory", "must be a size as 512MiB, more than zero, or a percentage"));
    }
    for (name, options) in devices {
        let is_disk = options.get("type").is_none_or(|kind| kind == "disk");
        for key in ["size", "size.state"] {
            if let Some(size) = options.get(key)
                && is_disk
                && !size.is_empty()
                && bytes(size).is_none()
            {
                return Err(Error::invalid("device", format!("the {key} of {name:?} is no size as 20GiB")));
            }
        }
    }
    Ok(())
}

/// `50%`, or a size; not zero.
pub(in crate::incus) fn is_memory(text: &str) -> bool {
    let number = match text.strip_suffix('%') {
        Some(percent) => number(percent),
        None => bytes(text),
    };
    number.is_some_and(|number| number > 0)
}

/// How many, or which. What is more than that, such as a topology, is the server's business.
fn is_cpus(text: &str) -> bool {
    if text.contains('=') {
        return true;
    }
    let part = |part: &str| part.split('-').all(|number| self::number(number).is_some());
    number(text) != Some(0) && text.split(',').all(part)
}

/// `1024`, `512MiB`, `2GB`: the units of the vendor's page, in its spelling.
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/reference/instance_units/>
pub(in crate::incus) fn bytes(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let (base, power) = match unit {
        "" | "B" | " bytes" => (1, 0),
        "kB" => (1000, 1),
        "MB" => (1000, 2),
        "GB" => (1000, 3),
        "TB" => (1000, 4),
        "PB" => (1000, 5),
        "EB" => (1000, 6),
        "KiB" => (1024, 1),
        "MiB" => (1024, 2),
        "GiB" => (1024, 3),
        "TiB" => (1024, 4),
        "PiB" => (1024, 5),
        "EiB" => (1024, 6),
        _ => return None,
    };
    number(count)?.checked_mul(i64::pow(base, power))
}

/// Digits alone: no sign.
fn number(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_the_server_reads_them() {
        for (text, expected) in [
            ("1024", Some(1024)),
            ("0", Some(0)),
            ("7B", Some(7)),
            ("7 bytes", Some(7)),
            ("2kB", Some(2000)),
            ("2KiB", Some(2048)),
            ("512MiB", Some(512 << 20)),
            ("3GB", Some(3_000_000_000)),
            ("2GiB", Some(2 << 30)),
            ("1TiB", Some(1 << 40)),
            ("1PiB", Some(1 << 50)),
            ("7EiB", Some(7 << 60)),
            ("9223372036854775807", Some(i64::MAX)),
            ("8EiB", None),
            ("10EB", None),
            ("9223372036854775808", None),
            ("2 gigs", None),
            ("2G", None),
            ("2gib", None),
            ("2kiB", None),
            ("1.5GiB", None),
            ("+5MiB", None),
            ("-5MiB", None),
            ("512MiB ", None),
            (" 512MiB", None),
            ("MiB", None),
            ("٥MiB", None),
            ("", None),
        ] {
            assert_eq!(bytes(text), expected, "{text:?}");
        }
    }

    #[test]
    fn memory_is_a_size_or_a_share() {
        for good in ["512MiB", "5%", "101%", "10B"] {
            assert!(is_memory(good), "{good}");
        }
        for bad in ["0", "0GiB", "0%", "-5%", "5 %", "%", "2 gigs", ""] {
            assert!(!is_memory(bad), "{bad}");
        }
    }

    #[test]
    fn processors_are_a_number_or_a_set() {
        for good in ["1", "64", "0-1", "0,1", "1-2,4", "sockets=1,cores=2,threads=1"] {
            assert!(is_cpus(good), "{good}");
        }
        for bad in ["0", "2 cpus", "-1", "2,", ",2", "1.5", "two", "50%"] {
            assert!(!is_cpus(bad), "{bad}");
        }
    }
}
