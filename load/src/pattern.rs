//! Bytes of which any lost, doubled or changed piece shows.

/// A prime: no buffer has this size.
const PERIOD: usize = 1_048_573;

/// A period of bytes, and enough of the next one for any piece.
pub struct Pattern(Vec<u8>);

impl Pattern {
    pub fn new() -> Self {
        let mut state = 1_u32;
        let period: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(PERIOD)
        .collect();
        Self([period.as_slice(), period.as_slice()].concat())
    }

    /// The bytes at this place, up to `most` of them.
    pub fn piece(&self, at: u64, most: usize) -> &[u8] {
        let from = (at % PERIOD as u64) as usize;
        &self.0[from..from + most.min(PERIOD)]
    }

    /// Whether these are the bytes at this place.
    pub fn is(&self, mut at: u64, bytes: &[u8]) -> bool {
        bytes.chunks(PERIOD).all(|bytes| {
            let same = self.piece(at, bytes.len()) == bytes;
            at += bytes.len() as u64;
            same
        })
    }

    /// So many bytes from the beginning.
    pub fn bytes(&self, size: u64) -> Vec<u8> {
        let mut all = Vec::with_capacity(size as usize);
        while (all.len() as u64) < size {
            let left = (size - all.len() as u64) as usize;
            all.extend_from_slice(self.piece(all.len() as u64, left));
        }
        all
    }
}
