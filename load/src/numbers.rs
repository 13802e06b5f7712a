//! Numbers that come one after the other, unless something says that some are missing.

#[derive(Debug, Default)]
pub struct Numbers {
    /// The number that must come next.
    pub next: u64,
    pub gaps: u64,
    pub missed: u64,
    /// The last thing that came was a gap.
    in_gap: bool,
}

impl Numbers {
    pub fn gap(&mut self) {
        self.gaps += 1;
        self.in_gap = true;
    }

    pub fn take(&mut self, number: u64) {
        assert!(number == self.next || (self.in_gap && number > self.next), "{number}, not {}", self.next);
        self.missed += number - self.next;
        (self.next, self.in_gap) = (number + 1, false);
    }
}
