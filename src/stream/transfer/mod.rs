//! Pulls and pushes of large content, in bounded memory.

// Each API uses a different part of this.
#![cfg_attr(not(feature = "incus"), allow(unused_imports))]

mod atomic_file;
mod blocking;
mod content;
mod draft;
mod multipart;
mod patience;
mod pull;
mod push;
mod read_ahead;
mod resuming;
mod source;

use std::fmt;
use std::time::Duration;

pub(crate) use atomic_file::{Links, put, put_link};
pub(crate) use blocking::{blocking, local};
pub use content::Content;
pub(crate) use content::Pieces;
pub(crate) use draft::Draft;
pub(crate) use multipart::Multipart;
pub use pull::Pull;
pub(crate) use push::Upload;
pub use resuming::Download;
pub(crate) use source::{Opened, Source, ranged};

/// The progress of a transfer.
///
/// `Display` gives one line: `3.5 MiB of 20.0 MiB (17 %)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transferred {
    /// The bytes transferred so far.
    pub bytes: u64,
    /// The size in bytes, if known.
    pub total: Option<u64>,
}

impl Transferred {
    /// Percent, 0 to 100, if the size is known.
    pub fn percent(&self) -> Option<u8> {
        match self.total? {
            0 => Some(100),
            total => u8::try_from(u128::from(self.bytes.min(total)) * 100 / u128::from(total)).ok(),
        }
    }
}

impl fmt::Display for Transferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&size(self.bytes))?;
        if let (Some(total), Some(percent)) = (self.total, self.percent()) {
            write!(f, " of {} ({percent} %)", size(total))?;
        }
        Ok(())
    }
}

#[allow(clippy::cast_precision_loss)] // one decimal is shown
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let (mut shown, mut unit) = (bytes as f64 / 1_024.0, 0);
    while shown >= 1_024.0 && unit + 1 < UNITS.len() {
        (shown, unit) = (shown / 1_024.0, unit + 1);
    }
    format!("{shown:.1} {}", UNITS[unit])
}

/// The callback for progress.
pub(crate) type Tell = Box<dyn FnMut(Transferred) + Send>;

/// The default limit on the silence of a connection.
pub(crate) const IDLE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_for_people() {
        let line = |bytes, total| Transferred { bytes, total }.to_string();
        assert_eq!(line(0, None), "0 B");
        assert_eq!(line(1_023, None), "1023 B");
        assert_eq!(line(3_670_016, Some(20_971_520)), "3.5 MiB of 20.0 MiB (17 %)");
        assert_eq!(line(5 << 30, None), "5.0 GiB");
        assert_eq!(line(u64::MAX, Some(u64::MAX)), "16384.0 PiB of 16384.0 PiB (100 %)");
        assert_eq!(line(0, Some(0)), "0 B of 0 B (100 %)");
    }
}
