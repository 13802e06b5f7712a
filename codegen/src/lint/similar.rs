//! Suggestions for misspelt words.

/// The known word at most two edits away.
pub(super) fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|known| (distance(word, known), known));
    near.filter(|(distance, known)| *distance <= 2 && *distance * 2 <= known.len())
        .min()
        .map(|(_, known)| known)
}

/// A suggestion for a misspelt word, or else another cure.
pub(super) fn or_similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, cure: &str) -> String {
    similar(word, known).map_or_else(|| cure.to_owned(), |known| format!("did you mean `{known}`?"))
}

/// The edit distance of two words.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let changed = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
