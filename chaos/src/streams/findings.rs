//! What is wrong with a run of a scenario.

use crate::judge::Wrong;

/// Collects it.
#[derive(Debug, Default)]
pub struct Findings {
    /// Everything that is wrong.
    pub found: Vec<(Wrong, String)>,
    /// Bytes were replaced on the way: content can't be compared, as nothing protects it.
    pub is_garbled: bool,
    /// Something goes wrong on the way.
    pub is_harmed: bool,
    /// What goes wrong happens once, so that a stream must go on.
    pub heals: bool,
}

impl Findings {
    /// This must hold.
    pub fn check(&mut self, wrong: Wrong, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            self.found.push((wrong, why()));
        }
    }

    /// This content must have arrived, unless it was replaced on the way.
    pub fn same(&mut self, what: &str, got: &[u8], sent: &[u8]) {
        let same = got == sent || self.is_garbled;
        self.check(Wrong::Lied, same, || {
            format!("{what}: {} bytes of {} arrived, or others", got.len(), sent.len())
        });
    }

    /// No more than the beginning of this content may have arrived, unless it was replaced on the way.
    pub fn begins(&mut self, what: &str, got: &[u8], sent: &[u8]) {
        let begins = sent.starts_with(got) || self.is_garbled;
        self.check(Wrong::Lied, begins, || format!("{what}: other bytes arrived"));
    }
}
