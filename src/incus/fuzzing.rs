//! Doors for the fuzz targets.

use crate::incus::TrustToken;

pub use crate::incus::exec::fuzzing::streams;
pub use crate::incus::file::fuzzing::{file_info, sftp};
pub use crate::incus::image::fuzz as image;

/// A frame of the events connection.
pub fn event(frame: &[u8]) {
    let event = super::events::decode(frame);
    let _ = format!("{event:?}");
}

/// The `config.yml` of the `incus` command.
pub fn config(text: &str) {
    super::connect::remotes_config::fuzz(text);
}

/// A trust token, and the place of a server.
pub fn token(text: &str) {
    if let Ok(token) = text.parse::<TrustToken>() {
        let written = token.text().expose().parse::<TrustToken>();
        let same = written.is_ok_and(|written| written.fingerprint() == token.fingerprint());
        assert!(same, "a token changes when it is written");
    }
    let _ = super::connect::address::remote(text);
    let _ = super::connect::address::plain(text);
}
