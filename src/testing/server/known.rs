//! The routes that a fake has, so that a mistyped one is noticed at once.

use super::route::Route;
use crate::raw::Endpoint;

/// The table of an API, and routes that a fake answers beyond it, such as `GET /1.0/projects`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) table: &'static [Endpoint],
    pub(crate) beyond: &'static [&'static str],
}

impl Known {
    /// Panics if no request could ever match the pattern.
    #[track_caller]
    #[allow(clippy::panic)] // a test that waits for nothing must fail
    pub(crate) fn check(self, pattern: &str) {
        let route = Route::new(pattern);
        if self.all().any(|known| Route::new(&known).meets(&route)) {
            return;
        }
        let nearest = self.all().min_by_key(|known| distance(&plain(known), &plain(pattern)));
        panic!("there is no route `{pattern}`; did you mean `{}`?", nearest.unwrap_or_default());
    }

    fn all(self) -> impl Iterator<Item = String> {
        let table = self.table.iter().map(|endpoint| format!("{} {}", endpoint.method, endpoint.route()));
        table.chain(self.beyond.iter().map(|&route| route.to_owned()))
    }
}

/// Parameters without their names.
fn plain(route: &str) -> Vec<char> {
    let parts = route.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/").to_lowercase().chars().collect()
}

/// How many characters must be added, removed or replaced to get from one to the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, a) in from.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (next, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[next + 1];
            row[next + 1] = replaced.min(diagonal + 1).min(row[next] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, plain};

    #[test]
    fn distances() {
        for (from, to, steps) in
            [("a", "a", 0), ("abc", "", 3), ("POST /a/{x}", "POST /a/{y}", 0), ("ab", "ba", 2)]
        {
            assert_eq!(distance(&plain(from), &plain(to)), steps, "{from} {to}");
        }
    }
}
