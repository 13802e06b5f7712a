//! What an instance is made from, as it is sent.

use crate::error::Error;
use crate::incus::Incus;
use crate::incus::types;
use crate::incus::types::SourceType;
use crate::transport::checked;

/// An image, not chosen yet.
pub(in crate::incus) fn blank() -> types::InstanceSource {
    types::InstanceSource::new(SourceType::Image)
}

/// The alias of this server that a request names.
pub(in crate::incus) fn local_alias(source: &types::InstanceSource) -> Option<String> {
    (source.server.is_empty() && !source.alias.is_empty()).then(|| source.alias.clone())
}

/// An image that this server doesn't have: the error says how to write one that another has.
pub(in crate::incus) fn suggest_remote(e: Error, alias: Option<&str>) -> Error {
    // The words are the same for a new instance and for one that is rebuilt.
    match alias.filter(|_| e.message().starts_with("Image not provided for instance")) {
        Some(alias) => e.with(|e| {
            e.suggestion = Some(format!(
                "no local image has the alias {alias:?}; to fetch one, write `image({:?})`",
                format!("images:{alias}")
            ));
        }),
        None => e,
    }
}

pub(in crate::incus) fn check(source: &types::InstanceSource) -> Result<(), Error> {
    let given = [source.alias.is_empty(), source.fingerprint.is_empty(), source.properties.is_empty()];
    let images = given.into_iter().filter(|missing| !missing).count();
    match (&source.type_, images) {
        (SourceType::Image, 0) => {
            return Err(Error::invalid("image", "is missing; `.empty()` makes one from nothing"));
        }
        (SourceType::Image, 2..) => {
            return Err(Error::invalid("image", "is given twice, as by alias and by fingerprint"));
        }
        (SourceType::None, 1..) => return Err(Error::invalid("image", "doesn't go with `.empty()`")),
        (SourceType::Copy, 1..) => return Err(Error::invalid("image", "doesn't go with a copy")),
        (SourceType::Copy, 0) => check_original(&source.source)?,
        _ => {}
    }
    let copies = matches!(source.type_, SourceType::Copy | SourceType::Migration);
    if source.instance_only && !copies {
        return Err(Error::invalid("instance_only", "is only for copies"));
    }
    if source.allow_inconsistent && !copies {
        return Err(Error::invalid("allow_inconsistent", "is only for copies"));
    }
    Ok(())
}

/// Adds to a copy what its original has and the request doesn't say.
///
/// The server does that by itself, except for a copy that goes to another member of its cluster.
pub(in crate::incus) async fn inherit(
    incus: &Incus,
    create: &mut types::InstanceCreate,
) -> Result<(), Error> {
    let original = incus.project(create.source.project.as_str());
    let (name, snapshot) = match create.source.source.split_once('/') {
        Some((name, snapshot)) => (name, Some(snapshot)),
        None => (create.source.source.as_str(), None),
    };
    let mut found = original.instance(name).get().await?.into_data();
    if let Some(snapshot) = snapshot {
        let then = original.instance(name).snapshot(snapshot).get().await?.into_data();
        (found.config, found.devices, found.profiles) = (then.config, then.devices, then.profiles);
    }
    let set = std::mem::take(&mut create.config);
    create.config = found.config.into_iter().filter(|(key, _)| goes_along(key, false)).chain(set).collect();
    let set = std::mem::take(&mut create.devices);
    create.devices = found.devices.into_iter().chain(set).collect();
    create.profiles.get_or_insert(found.profiles);
    create.type_.get_or_insert(found.type_);
    if create.architecture.is_empty() {
        create.architecture = found.architecture;
    }
    if create.description.is_empty() {
        create.description = found.description;
    }
    Ok(())
}

/// Whether a configuration key goes along to another instance: what identifies one only if it moves.
pub(in crate::incus) fn goes_along(key: &str, moves: bool) -> bool {
    match key.strip_prefix("volatile.") {
        None | Some("base_image") => true,
        Some(volatile) => moves && !volatile.starts_with("last_state."),
    }
}

/// `web`, or `web/snapshot`.
fn check_original(source: &str) -> Result<(), Error> {
    let (instance, snapshot) = source.split_once('/').unwrap_or((source, "-"));
    checked("copy_of", instance)?;
    checked("copy_of", snapshot).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incus::ImageSource;
    use crate::incus::types::ImageProtocol;

    fn applied(image: ImageSource) -> types::InstanceSource {
        let mut source = blank();
        image.apply(&mut source, &mut false);
        source
    }

    #[test]
    fn a_remote_image_is_pulled() {
        let source = applied(ImageSource::alias("debian/13").server("https://images.example"));
        assert_eq!((source.mode.as_str(), source.protocol), ("pull", Some(ImageProtocol::Simplestreams)));
        let source =
            applied(ImageSource::alias("a").protocol(ImageProtocol::Oci).server("https://oci.example"));
        assert_eq!((source.mode.as_str(), source.protocol), ("pull", Some(ImageProtocol::Oci)));
        assert_eq!(applied(ImageSource::from("a")).mode, "");
    }

    #[test]
    fn one_source_and_not_two() {
        let good =
            [ImageSource::from("a"), ImageSource::fingerprint("f"), ImageSource::newest([("os", "x")])];
        for image in good {
            assert!(check(&applied(image.clone())).is_ok(), "{image:?}");
            for type_ in [SourceType::None, SourceType::Copy] {
                let mut source = applied(image.clone());
                source.type_ = type_;
                assert!(check(&source).is_err(), "{source:?}");
            }
        }
        assert!(check(&blank()).is_err());
        let mut twice = applied(ImageSource::from("a"));
        ImageSource::fingerprint("f").apply(&mut twice, &mut false);
        assert!(check(&twice).is_err());
    }

    #[test]
    fn identity_stays_with_the_original() {
        let keys = [
            "limits.cpu",
            "volatile.base_image",
            "volatile.uuid",
            "volatile.eth0.hwaddr",
            "volatile.last_state.power",
        ];
        assert_eq!(keys.map(|key| goes_along(key, false)), [true, true, false, false, false]);
        assert_eq!(keys.map(|key| goes_along(key, true)), [true, true, true, true, false]);
    }

    #[test]
    fn originals_that_lead_elsewhere() {
        for good in ["web", "web/snap"] {
            assert!(check_original(good).is_ok(), "{good}");
        }
        for bad in ["", "/", "web/", "/snap", "web/a/b", "..", "web/..", "a\\b"] {
            assert!(check_original(bad).is_err(), "{bad}");
        }
    }
}
