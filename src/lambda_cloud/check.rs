//! The vendor's rules for input, checked before anything is sent; errors name the field.

use super::types::{self, FirewallRule, NetworkProtocol};
use crate::error::Error;

/// In bytes.
const MOST_USER_DATA: usize = 1024 * 1024;
/// Where file systems may be mounted.
const MOUNTS: [&str; 3] = ["/home", "/lambda/nfs", "/data"];

pub(super) fn name(field: &str, name: &str) -> Result<(), Error> {
    match name.chars().count() {
        0 => Err(Error::invalid(field, "is empty")),
        1..=64 => Ok(()),
        long => Err(Error::invalid(field, format!("has {long} characters; 64 are the most"))),
    }
}

fn hostname(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if matches!(name.len(), 1..=63) && name.chars().all(fits) && !name.starts_with('-') {
        return Ok(());
    }
    Err(Error::invalid(
        "hostname",
        format!("{name:?}: up to 63 of a-z, 0-9 and \"-\", not beginning with \"-\""),
    ))
}

fn tag(tag: &types::Tag) -> Result<(), Error> {
    let types::Tag { key, value, .. } = tag;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | ':');
    let starts = key.starts_with(|c: char| c.is_ascii_lowercase());
    if !(starts && matches!(key.len(), 2..=55) && key.chars().all(fits)) {
        let rule = "2 to 55 of a-z, 0-9, \"-\" and \":\", beginning with a letter";
        return Err(Error::invalid("tags", format!("the key {key:?}: {rule}")));
    }
    match value.chars().count() {
        ..=128 => Ok(()),
        long => Err(Error::invalid(
            "tags",
            format!("the value of {key:?} has {long} characters; 128 are the most"),
        )),
    }
}

fn mount(mount: &types::FileSystemMount) -> Result<(), Error> {
    let point = mount.mount_point.as_str();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/');
    let below = MOUNTS.iter().any(|place| point.starts_with(place));
    if point.len() > 256 || !below || !point.chars().all(fits) {
        let rule = "below /home, /lambda/nfs or /data, of letters, digits, \"-\" and \"/\", up to 256";
        return Err(Error::invalid("file_system_mounts", format!("{point:?}: {rule}")));
    }
    if mount.file_system_id.is_empty() {
        return Err(Error::invalid("file_system_mounts", format!("no file system for {point}")));
    }
    Ok(())
}

fn ssh_keys(names: &[String]) -> Result<(), Error> {
    match names {
        [only] if !only.is_empty() => Ok(()),
        [] | [_] => Err(Error::invalid("ssh_key_names", "is missing: without a key you can't log in")),
        several => {
            Err(Error::invalid("ssh_key_names", format!("{} are given; it must be one", several.len())))
        }
    }
}

pub(super) fn given(field: &str, value: &str) -> Result<(), Error> {
    if value.is_empty() { Err(Error::invalid(field, "is missing")) } else { Ok(()) }
}

fn image(image: &types::LaunchImage) -> Result<(), Error> {
    match (&image.id, &image.family) {
        (Some(_), Some(_)) => Err(Error::invalid("image", "is given twice, by id and by family")),
        (Some(one), None) | (None, Some(one)) => given("image", one),
        (None, None) => Err(Error::invalid("image", "is empty")),
    }
}

/// The rules for a set of firewall rules.
pub(super) fn rules(rules: impl IntoIterator<Item = FirewallRule>) -> Result<Vec<FirewallRule>, Error> {
    let rules: Vec<_> = rules.into_iter().collect();
    rules.iter().try_for_each(rule)?;
    Ok(rules)
}

fn rule(rule: &FirewallRule) -> Result<(), Error> {
    let FirewallRule { protocol, port_range, source_network, .. } = rule;
    let wrong =
        |what: &str| Err(Error::invalid("rules", format!("{protocol} from {source_network}: {what}")));
    if source_network.is_empty() {
        return wrong("the source is missing");
    }
    match (protocol, port_range.as_slice()) {
        (NetworkProtocol::Icmp, []) => Ok(()),
        (NetworkProtocol::Icmp, _) => wrong("icmp has no ports"),
        (NetworkProtocol::Tcp | NetworkProtocol::Udp, []) => wrong("the ports are missing"),
        (_, []) => Ok(()),
        (_, [first, last]) if (0..=65_535).contains(first) && first <= last && *last <= 65_535 => Ok(()),
        _ => wrong("the ports are no range"),
    }
}

/// All rules for a launch except those for the type and the region, which may not be chosen yet.
pub(super) fn launch(request: &types::LaunchRequest) -> Result<(), Error> {
    ssh_keys(&request.ssh_key_names)?;
    request.name.as_deref().map_or(Ok(()), |text| name("name", text))?;
    request.hostname.as_deref().map_or(Ok(()), hostname)?;
    request.image.as_ref().map_or(Ok(()), image)?;
    request.tags.iter().try_for_each(tag)?;
    request.file_system_mounts.iter().try_for_each(mount)?;
    let keys: Vec<&str> = request.tags.iter().map(|tag| tag.key.as_str()).collect();
    if let Some(twice) = keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key)) {
        return Err(Error::invalid("tags", format!("the key {:?} is given twice", twice.1)));
    }
    if request.file_system_names.len() > 1 {
        return Err(Error::invalid("file_system_names", "at most one can be mounted in its usual place"));
    }
    request.file_system_names.iter().try_for_each(|name| given("file_system_names", name))?;
    request.firewall_rulesets.iter().try_for_each(|ruleset| given("firewall_rulesets", &ruleset.id))?;
    match request.user_data.as_ref().map_or(0, |data| data.expose().len()) {
        ..=MOST_USER_DATA => Ok(()),
        size => Err(Error::invalid("user_data", format!("has {size} bytes; {MOST_USER_DATA} are the most"))),
    }
}

/// The rules for the type and the region of a launch.
pub(super) fn place(request: &types::LaunchRequest) -> Result<(), Error> {
    given("instance_type_name", &request.instance_type_name)?;
    given("region_name", &request.region_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn field(checked: Result<(), Error>) -> Option<String> {
        let e = checked.err()?;
        assert_eq!(e.kind(), ErrorKind::InvalidInput);
        e.fields().first().cloned()
    }

    #[test]
    fn names_and_hosts() {
        assert_eq!(field(name("name", &"ü".repeat(64))), None);
        assert_eq!(field(name("name", &"a".repeat(65))).as_deref(), Some("name"));
        assert!(field(name("name", "")).is_some());
        for good in ["a", "0a", "my-host", &"a".repeat(63), "a-"] {
            assert_eq!(field(hostname(good)), None, "{good}");
        }
        for bad in ["", "-a", "A", "a.b", "ä", &"a".repeat(64)] {
            assert_eq!(field(hostname(bad)).as_deref(), Some("hostname"), "{bad}");
        }
    }

    #[test]
    fn tags() {
        let checked = |key: &str, value: &str| {
            field(tag(&types::Tag { key: key.into(), value: value.into(), extra: Default::default() }))
        };
        for good in ["ab", "team:ml", "a-1", &"a".repeat(55)] {
            assert_eq!(checked(good, ""), None, "{good}");
        }
        for bad in ["", "a", "1a", "-a", "Ab", "a_b", "a b", &"a".repeat(56)] {
            assert_eq!(checked(bad, "v").as_deref(), Some("tags"), "{bad}");
        }
        assert_eq!(checked("ab", &"ü".repeat(128)), None);
        assert!(checked("ab", &"ü".repeat(129)).is_some());
    }

    #[test]
    fn firewall_rules() {
        let tcp = || FirewallRule {
            protocol: NetworkProtocol::Tcp,
            source_network: "0.0.0.0/0".to_owned(),
            port_range: vec![22, 22],
            description: String::new(),
            extra: Default::default(),
        };
        let icmp = || FirewallRule { protocol: NetworkProtocol::Icmp, port_range: vec![], ..tcp() };
        assert!(rules([tcp(), FirewallRule { port_range: vec![0, 65_535], ..tcp() }, icmp()]).is_ok());
        let ports = |port_range| FirewallRule { port_range, ..tcp() };
        let nowhere = FirewallRule { source_network: String::new(), ..icmp() };
        let ping_to_a_port = FirewallRule { port_range: vec![1, 1], ..icmp() };
        for bad in [ports(vec![]), ports(vec![1]), ports(vec![9, 1]), nowhere, ping_to_a_port] {
            assert_eq!(field(rules([bad]).map(drop)).as_deref(), Some("rules"));
        }
    }

    #[test]
    fn mounts() {
        let checked = |point: &str, id: &str| {
            let (mount_point, file_system_id) = (point.to_owned(), id.to_owned());
            field(mount(&types::FileSystemMount { mount_point, file_system_id, extra: Default::default() }))
        };
        for good in ["/home", "/home/me/x-1", "/lambda/nfs/big", "/data"] {
            assert_eq!(checked(good, "fs"), None, "{good}");
        }
        for bad in ["", "home", "/mnt", "/home/../etc", "/home/a_b", &format!("/home/{}", "a".repeat(260))] {
            assert_eq!(checked(bad, "fs").as_deref(), Some("file_system_mounts"), "{bad}");
        }
        assert!(checked("/data", "").is_some());
    }
}
