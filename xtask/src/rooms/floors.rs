//! The floors: no file imports from one that isn't below it.

use super::imports::Imports;

/// From the ground up. Rooms on one floor know nothing of each other; files at the root that aren't named are on the
/// ground floor.
const FLOORS: [&[&str]; 7] = [
    &["config", "error"],
    &["transport"],
    &["wait"],
    &["stream"],
    &["raw"],
    &["incus", "koyeb", "lambda_cloud", "shakenfist"],
    &["cloud"],
];
/// What stands outside: the fakes hand out clients, the crate's root and the guide show everything.
const OUTSIDE: [&str; 4] = ["testing", "lib.rs", "guide", "fuzzing.rs"];

/// The imports that lead up, or to a neighbour.
pub(super) fn upward(imports: &Imports) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, needed) in imports {
        for other in needed.iter().filter(|other| !may(file, other)) {
            findings.push(format!("{file} imports {other}, which is no floor below it"));
        }
    }
    findings
}

fn may(file: &str, other: &str) -> bool {
    let (from, to) = (room(file), room(other));
    if OUTSIDE.contains(&from) {
        return true;
    }
    if OUTSIDE.contains(&to) {
        return false;
    }
    from == to || floor(to) < floor(from) || (floor(from) == 0 && floor(to) == 0)
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

fn floor(room: &str) -> usize {
    let room = room.trim_end_matches(".rs");
    FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or(0)
}
