//! The digest that ties a generated file to its document.

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// A short, stable hash of a document: FNV-1a, 64 bits, in hexadecimal.
///
/// Carriage returns don't count, so that a checkout with `\r\n` has the same digest. Simple on purpose: `build.rs`
/// repeats it without this crate.
#[must_use]
pub fn digest(text: &str) -> String {
    let bytes = text.bytes().filter(|byte| *byte != b'\r');
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}
