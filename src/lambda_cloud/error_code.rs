//! The vendor's words for what went wrong.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorKind};
use crate::printable::Shown;

/// Lambda Cloud's word for why a request was refused. Match on it rather than on statuses and texts, which vary.
///
/// ```
/// # use windlass::{Error, lambda_cloud::ErrorCode};
/// fn next_region(e: &Error) -> bool {
///     e.code_is(ErrorCode::InsufficientCapacity)
/// }
/// fn describe(e: &Error) -> &'static str {
///     match ErrorCode::of(e) {
///         Some(ErrorCode::QuotaExceeded) => "ask for more",
///         Some(ErrorCode::Unknown(_)) => "a word that this version doesn't know",
///         _ => "something else",
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The key is missing, wrong or revoked.
    InvalidApiKey,
    /// The account is not active.
    AccountInactive,
    /// The account has no valid billing address.
    InvalidAddress,
    /// The key doesn't have the right.
    Forbidden,
    /// An argument can't be right.
    InvalidParameters,
    /// The account may not have more of these.
    QuotaExceeded,
    /// Something that the request names doesn't exist: an instance, a key, an image, a file system, a type.
    ObjectDoesNotExist,
    /// There is nothing at this path.
    NotFound,
    /// There already is one of that name.
    Duplicate,
    /// The thing is in a state that doesn't allow this.
    Conflict,
    /// The service failed.
    InternalError,
    /// The service doesn't say.
    Unspecified,
    /// No free machine of that type in that region.
    InsufficientCapacity,
    /// The file system is in another region than the instance.
    FileSystemInWrongRegion,
    /// Instances of that type can't have file systems.
    FileSystemsNotSupported,
    /// An instance has the file system mounted.
    FileSystemInUse,
    /// An instance has the firewall ruleset.
    FirewallRulesetInUse,
    /// An instance has the key.
    SshKeyInUse,
    /// What this version doesn't know, as it came.
    Unknown(String),
}

const CODES: &[(&str, ErrorCode, ErrorKind)] = &[
    ("global/invalid-api-key", ErrorCode::InvalidApiKey, ErrorKind::Unauthenticated),
    ("global/account-inactive", ErrorCode::AccountInactive, ErrorKind::PermissionDenied),
    ("global/invalid-address", ErrorCode::InvalidAddress, ErrorKind::PermissionDenied),
    ("global/forbidden", ErrorCode::Forbidden, ErrorKind::PermissionDenied),
    ("global/invalid-parameters", ErrorCode::InvalidParameters, ErrorKind::InvalidInput),
    ("global/quota-exceeded", ErrorCode::QuotaExceeded, ErrorKind::QuotaExceeded),
    ("global/object-does-not-exist", ErrorCode::ObjectDoesNotExist, ErrorKind::NotFound),
    ("global/not-found", ErrorCode::NotFound, ErrorKind::NotFound),
    ("global/duplicate", ErrorCode::Duplicate, ErrorKind::AlreadyExists),
    ("global/conflict", ErrorCode::Conflict, ErrorKind::Conflict),
    ("global/internal-error", ErrorCode::InternalError, ErrorKind::Server),
    ("global/unknown", ErrorCode::Unspecified, ErrorKind::Rejected),
    (
        "instance-operations/launch/insufficient-capacity",
        ErrorCode::InsufficientCapacity,
        ErrorKind::InsufficientCapacity,
    ),
    (
        "instance-operations/launch/file-system-in-wrong-region",
        ErrorCode::FileSystemInWrongRegion,
        ErrorKind::InvalidInput,
    ),
    (
        "instance-operations/launch/file-systems-not-supported",
        ErrorCode::FileSystemsNotSupported,
        ErrorKind::InvalidInput,
    ),
    ("filesystems/filesystem-in-use", ErrorCode::FileSystemInUse, ErrorKind::Conflict),
    ("firewall-rulesets/firewall-ruleset-in-use", ErrorCode::FirewallRulesetInUse, ErrorKind::Conflict),
    ("ssh-keys/key-in-use", ErrorCode::SshKeyInUse, ErrorKind::Conflict),
];

impl ErrorCode {
    /// The code of an error of this API; `None` if the service gave none.
    pub fn of(e: &Error) -> Option<Self> {
        (e.api() == "lambda-cloud").then(|| e.code().map(Self::from))?
    }

    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown(word) => word,
            known => CODES.iter().find(|(_, code, _)| is_variant(code, known)).map_or("", |(word, ..)| word),
        }
    }

    /// The kind of a code. The status matters only for unknown ones.
    pub(super) fn kind(word: &str, status: u16) -> ErrorKind {
        match CODES.iter().find(|(known, ..)| *known == word) {
            Some((_, _, kind)) => *kind,
            // Trouble behind the API, which is temporary.
            None if word.starts_with("provider/") => ErrorKind::Unavailable,
            // Refused, but nothing says that the arguments are to blame.
            None if status == 400 => ErrorKind::Rejected,
            None => ErrorKind::of_status(status),
        }
    }
}

fn is_variant(one: &ErrorCode, other: &ErrorCode) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

crate::open_enum::equal_by_word! { ErrorCode: as_str }

impl From<&str> for ErrorCode {
    fn from(word: &str) -> Self {
        let known = CODES.iter().find(|(known, ..)| *known == word);
        known.map_or_else(|| Self::Unknown(word.to_owned()), |(_, code, _)| code.clone())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl AsRef<str> for ErrorCode {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(self.as_str()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_acts_on_a_terminal() {
        assert_eq!(ErrorCode::from("a\u{1b}[2Jb").to_string(), "a\\u{1b}[2Jb");
    }

    #[test]
    fn every_code_there_and_back() {
        for (word, code, _) in CODES {
            assert_eq!(ErrorCode::from(*word), *code);
            assert_eq!(code.as_str(), *word);
        }
        assert_eq!(
            ErrorCode::Unknown("global/quota-exceeded".into()),
            ErrorCode::from("global/quota-exceeded")
        );
        let new = ErrorCode::from("global/on-fire");
        assert_eq!((new.as_str(), &new), ("global/on-fire", &ErrorCode::Unknown("global/on-fire".into())));
    }

    #[test]
    fn the_code_counts_and_not_the_status() {
        for status in [400, 404, 409, 500] {
            assert_eq!(ErrorCode::kind("global/object-does-not-exist", status), ErrorKind::NotFound);
            assert_eq!(ErrorCode::kind("global/internal-error", status), ErrorKind::Server);
            assert_eq!(ErrorCode::kind("provider/internal-unavailable", status), ErrorKind::Unavailable);
        }
        assert_eq!(ErrorCode::kind("global/on-fire", 400), ErrorKind::Rejected);
        assert_eq!(ErrorCode::kind("global/on-fire", 503), ErrorKind::Unavailable);
    }
}
