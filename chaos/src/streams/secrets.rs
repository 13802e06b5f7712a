//! The secrets in what a client sends.

/// What stands before a secret.
const BEFORE: [&str; 3] = ["authorization: bearer ", "authorization: basic ", "secret="];

/// Adds the secrets in these bytes to those that are known.
pub fn gather(bytes: &[u8], known: &mut Vec<String>) {
    let text = String::from_utf8_lossy(bytes);
    // Of the same length, so that places in one are places in the other.
    let lower = text.to_ascii_lowercase();
    for before in BEFORE {
        for (at, _) in lower.match_indices(before) {
            let rest = &text[at + before.len()..];
            let end = rest.find(|ch: char| ch.is_whitespace() || "&\",;".contains(ch)).unwrap_or(rest.len());
            let secret = rest[..end].to_owned();
            // Less than that is a piece of one, and might be in anything.
            if secret.len() >= 7 && !known.contains(&secret) {
                known.push(secret);
            }
        }
    }
}
