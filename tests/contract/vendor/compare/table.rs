//! The printed table.

use std::io::Write;

use super::{Answer, Row, Script, Verdict};

/// Prints a line for each row, then what differs in those that are wrong.
pub fn print(script: &Script<'_>, rows: &[Row]) {
    let mut lines = vec![format!("\n{} {}: step | fake | real | verdict", script.title, script.generation)];
    lines.extend(rows.iter().map(line));
    for row in rows {
        if let Verdict::Wrong(what) = row.verdict() {
            lines.push(format!("\n{what}: {}", row.step.text));
            lines.extend(differences(&row.fake.text, &row.real.text));
        }
    }
    lines.push(format!("{} {}: {}", script.title, script.generation, counts(rows)));
    // Past the harness, which would show it of failed tests only, and beside its own lines, which are read.
    let text = lines.join("\n") + "\n";
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

fn line(row: &Row) -> String {
    let verdict = match row.verdict() {
        Verdict::Same => "same".to_owned(),
        Verdict::Differs(reason) => format!("differs ({reason})"),
        Verdict::Wrong(what) => format!("WRONG: {what}"),
    };
    let step = row.step.text.lines().next().unwrap_or_default();
    format!("{} | {} | {} | {verdict}", short(step, 90), brief(&row.fake), brief(&row.real))
}

fn counts(rows: &[Row]) -> String {
    let count = |wanted: fn(&Verdict) -> bool| rows.iter().filter(|row| wanted(&row.verdict())).count();
    let same = count(|verdict| matches!(verdict, Verdict::Same));
    let differs = count(|verdict| matches!(verdict, Verdict::Differs(_)));
    let wrong = count(|verdict| matches!(verdict, Verdict::Wrong(_)));
    format!("{} rows: {same} same, {differs} differ with a reason, {wrong} wrong", rows.len())
}

fn brief(answer: &Answer) -> String {
    let text = answer.text.lines().next().unwrap_or_default();
    let more = if answer.text.lines().nth(1).is_some() { " …" } else { "" };
    short(text, 40) + more
}

fn short(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Lines that only one of them has.
fn differences(fake: &str, real: &str) -> Vec<String> {
    let (fake, real) = (pieces(fake), pieces(real));
    let only = |word: &str, these: &[String], those: &[String]| {
        let lines = these.iter().filter(|line| !those.contains(line));
        lines.map(|line| format!("    {word}: {line}")).collect::<Vec<_>>()
    };
    let found = [only("fake", &fake, &real), only("real", &real, &fake)].concat();
    if found.is_empty() && fake != real {
        vec!["    the same lines in another order".to_owned()]
    } else {
        found
    }
}

/// The members of a JSON text stand on one line.
fn pieces(text: &str) -> Vec<String> {
    let json = text.starts_with(['{', '[']);
    let text = if json { text.replace(", \"", ",\n\"").replace(",\"", ",\n\"") } else { text.to_owned() };
    text.lines().map(str::to_owned).collect()
}
