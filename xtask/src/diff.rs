//! The first difference of two texts, in the format of `diff -u`.

use std::fmt::Write as _;

/// Lines shown around a difference.
const CONTEXT: usize = 3;
/// Lines shown of each side.
const LONGEST: usize = 12;
/// How far to search for the next common lines.
const WINDOW: usize = 400;

/// The first hunk in which `new` differs from `old`, if any.
pub(crate) fn first_hunk(old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (removed, added) = extent(&old[start..], &new[start..]);
    Some(render(&old, &new, start, removed, added))
}

/// The number of lines of each side in the difference: the fewest after which both agree again.
fn extent(old: &[&str], new: &[&str]) -> (usize, usize) {
    let furthest = WINDOW.min(old.len() + new.len());
    for distance in 1..=furthest {
        for removed in 0..=distance {
            if agree(old, new, removed, distance - removed) {
                return (removed, distance - removed);
            }
        }
    }
    (old.len(), new.len())
}

/// Whether both sides agree after that many lines.
fn agree(old: &[&str], new: &[&str], removed: usize, added: usize) -> bool {
    let (Some(old), Some(new)) = (old.get(removed..), new.get(added..)) else {
        return false;
    };
    // One equal line may be a lone brace. Both ends count as equal, too.
    let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    same >= CONTEXT || (same == old.len() && same == new.len())
}

/// The hunk as text.
fn render(old: &[&str], new: &[&str], start: usize, removed: usize, added: usize) -> String {
    let before = start.saturating_sub(CONTEXT);
    let after = (start + removed + CONTEXT).min(old.len());
    let mut hunk = format!(
        "@@ -{},{} +{},{} @@\n",
        before + 1,
        after - before,
        before + 1,
        after - before + added - removed,
    );
    push(&mut hunk, ' ', &old[before..start]);
    push(&mut hunk, '-', &old[start..start + removed]);
    push(&mut hunk, '+', &new[start..start + added]);
    push(&mut hunk, ' ', &old[start + removed..after]);
    hunk
}

/// Adds signed lines, up to the limit.
fn push(hunk: &mut String, sign: char, lines: &[&str]) {
    for line in lines.iter().take(LONGEST) {
        hunk.push(sign);
        hunk.push_str(line.trim_end_matches('\n'));
        hunk.push('\n');
    }
    if lines.len() > LONGEST {
        // Writing to a String can't fail.
        let _ = writeln!(hunk, "{sign}… {} more lines", lines.len() - LONGEST);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::first_hunk;

    #[test]
    fn equal_texts_have_no_hunk() {
        assert_eq!(first_hunk("a\nb\n", "a\nb\n"), None);
    }

    #[test]
    fn a_changed_line_is_shown_with_its_neighbours_and_number() {
        let hunk = first_hunk("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n");
        let expected = "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(hunk.as_deref(), Some(expected));
    }

    #[test]
    fn added_and_removed_lines_keep_the_rest_aligned() {
        let added = first_hunk("a\nb\nc\nd\n", "a\nx\nb\nc\nd\n");
        assert_eq!(added.as_deref(), Some("@@ -1,4 +1,5 @@\n a\n+x\n b\n c\n d\n"));
        let removed = first_hunk("a\nx\nb\nc\nd\n", "a\nb\nc\nd\n");
        assert_eq!(removed.as_deref(), Some("@@ -1,5 +1,4 @@\n a\n-x\n b\n c\n d\n"));
    }

    #[test]
    fn a_missing_file_shows_the_head_of_the_new_one() {
        let new: String = (0..30).map(|n| format!("{n}\n")).collect();
        let hunk = first_hunk("", &new).unwrap();
        assert!(hunk.starts_with("@@ -1,0 +1,30 @@\n+0\n"), "{hunk}");
        assert!(hunk.ends_with("+11\n+… 18 more lines\n"), "{hunk}");
    }

    #[test]
    fn a_missing_last_newline_is_a_difference() {
        assert!(first_hunk("a\n", "a").is_some());
    }
}
