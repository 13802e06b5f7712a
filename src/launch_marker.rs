//! What marks an instance as made by one launch: a random text, or the caller's key.

use crate::error::{Error, ErrorKind, Sent};

/// The marker of a launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    text: String,
    is_key: bool,
}

impl Marker {
    /// The longest key, in characters: what a tag of Lambda Cloud can hold. The same everywhere, so that a key fits on
    /// each platform.
    const LONGEST: usize = 128;

    /// A marker that no other launch has.
    pub(crate) fn random() -> Self {
        Self { text: format!("{:032x}", rand::random::<u128>()), is_key: false }
    }

    /// The random marker of an earlier launch.
    #[allow(dead_code)] // only Incus needs it
    pub(crate) fn given(marker: impl Into<String>) -> Self {
        Self { text: marker.into(), is_key: false }
    }

    /// The caller's key. Another launch may have the same one.
    pub(crate) fn key(key: impl Into<String>) -> Self {
        Self { text: key.into(), is_key: true }
    }

    /// The marker of one of several launches with the same key; another random one if there is no key.
    #[allow(dead_code)] // not every API launches several
    pub(crate) fn numbered(&self, number: usize) -> Self {
        if self.is_key { Self::key(format!("{}/{number}", self.text)) } else { Self::random() }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether an instance may be there before the launch.
    pub(crate) fn is_key(&self) -> bool {
        self.is_key
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_key { check_text("key", &self.text) } else { Ok(()) }
    }

    /// The instance with this marker among those found. With more than one, nothing tells which is meant.
    #[allow(dead_code)] // on Incus the oldest is meant
    pub(crate) fn only<T>(marker: &str, found: Vec<T>, id: impl Fn(&T) -> &str) -> Result<Option<T>, Error> {
        if found.len() > 1 {
            let ids: Vec<&str> = found.iter().map(id).collect();
            let message = format!("{} instances have the marker {marker:?}: {}", ids.len(), ids.join(", "));
            return Err(Error::new(ErrorKind::Conflict, message).with(|e| {
                e.sent = Sent::Yes;
                e.marker = Some(marker.to_owned());
            }));
        }
        Ok(found.into_iter().next())
    }
}

/// Checks a text that every platform must be able to keep, and that people read in errors.
pub(crate) fn check_text(field: &str, text: &str) -> Result<(), Error> {
    let length = text.chars().count();
    match () {
        () if length == 0 => Err(Error::invalid(field, "is empty")),
        () if length > Marker::LONGEST => {
            let most = Marker::LONGEST;
            Err(Error::invalid(field, format!("has {length} characters; {most} are the most")))
        }
        () if text.chars().any(char::is_control) => Err(Error::invalid(field, "has a control character")),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fit_on_every_platform() {
        for good in ["a", "job-17", "größe 1/2", &"ü".repeat(128)] {
            assert!(Marker::key(good).check().is_ok(), "{good}");
        }
        for bad in ["", "a\nb", "\0", "a\u{85}b", &"ü".repeat(129)] {
            let e = Marker::key(bad).check().map_err(|e| (e.kind(), e.fields().to_vec()));
            assert_eq!(e, Err((ErrorKind::InvalidInput, vec!["key".to_owned()])), "{bad:?}");
        }
    }

    #[test]
    fn several_launches_have_several_markers() {
        let random = Marker::random();
        assert!(random.check().is_ok() && random.numbered(1) != random);
        assert_eq!(Marker::key("job").numbered(2), Marker::key("job/2"));
    }

    #[test]
    fn one_of_two_is_not_guessed() {
        let only = |found: &[&str]| {
            let found = found.iter().map(|id| (*id).to_owned()).collect();
            Marker::only("job", found, |id: &String| id).map_err(|e| (e.kind(), e.message().to_owned()))
        };
        assert_eq!(only(&[]), Ok(None));
        assert_eq!(only(&["a"]), Ok(Some("a".to_owned())));
        let said = "2 instances have the marker \"job\": a, b".to_owned();
        assert_eq!(only(&["a", "b"]), Err((ErrorKind::Conflict, said)));
    }
}
