//! A stream of numbered items, and whether anything is missing in it.

use super::findings::Findings;
use crate::judge::Wrong;

/// What came out of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// The item with this number.
    Number(usize),
    /// The stream says that items may be missing here.
    Gap,
}

/// Whether a stream that must begin with `first` is whole, but for gaps that it told, and repeats nothing.
pub fn check(items: &[Item], first: usize, findings: &mut Findings) {
    if findings.is_garbled {
        return;
    }
    let numbers: Vec<usize> = items.iter().filter_map(|item| number(*item)).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    let count = sorted.len();
    sorted.dedup();
    findings.check(Wrong::Lied, sorted.len() == count, || format!("something came twice: {items:?}"));
    let last = sorted.last().copied().unwrap_or_default();
    let holes: Vec<usize> =
        (first..last).filter(|missing| !numbers.contains(missing) && !is_told(items, *missing)).collect();
    findings.check(Wrong::SilentGap, holes.is_empty(), || format!("{holes:?} are missing in {items:?}"));
}

fn number(item: Item) -> Option<usize> {
    if let Item::Number(number) = item { Some(number) } else { None }
}

/// Whether there is a gap between the last item before the missing one, and the first one after it.
fn is_told(items: &[Item], missing: usize) -> bool {
    let is = |item: &Item, test: &dyn Fn(usize) -> bool| number(*item).is_some_and(test);
    let Some(after) = items.iter().position(|item| is(item, &|number| number > missing)) else { return true };
    let before = items[..after].iter().rposition(|item| is(item, &|number| number < missing));
    items[before.map_or(0, |before| before + 1)..after].contains(&Item::Gap)
}
