//! The form of the scripts: a line says what it is by its first character.
//!
//! ```text
//! # a comment
//! $ a step that the real server carries out
//!   and another line of it
//! ! a step that the real server refuses
//! ~ why the fake's answer may differ
//! ~ 6.0: the same, of one generation only
//! - the fake doesn't do this, and must say so
//! = the answer, where there is no real server to give it
//! ```

/// One step of a script, and what is known of its answers.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Step {
    pub text: String,
    /// Whether the real server refuses it.
    pub refused: bool,
    /// Why the answers differ.
    pub reason: Option<String>,
    /// What the fake doesn't do.
    pub lacking: Option<String>,
    /// The answer in writing.
    pub expected: Option<String>,
}

/// The steps of a script for one generation of servers.
pub fn parse(script: &str, generation: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in script.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (mark, rest) = line.split_at_checked(2).unwrap_or((line, ""));
        if let "$ " | "! " = mark {
            let step = Step { text: rest.to_owned(), refused: mark == "! ", ..Step::default() };
            steps.push(step);
            continue;
        }
        let step = steps.last_mut().unwrap_or_else(|| panic!("no step before '{line}'"));
        match mark {
            "  " => append(&mut step.text, rest),
            "= " => append(step.expected.get_or_insert_default(), rest),
            "~ " => note(&mut step.reason, rest, generation),
            "- " => note(&mut step.lacking, rest, generation),
            _ => panic!("no such line: '{line}'"),
        }
    }
    steps
}

fn append(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

/// Takes a reason, unless it is about another generation.
fn note(place: &mut Option<String>, text: &str, generation: &str) {
    match text.split_once(": ").filter(|(name, _)| name.contains('.') && !name.contains(' ')) {
        Some((name, reason)) if name == generation => *place = Some(reason.to_owned()),
        Some(_) => {}
        None => *place = Some(text.to_owned()),
    }
}

#[test]
fn scripts_are_read() {
    let script =
        "# about\n$ first\n  more\n~ 6.0: old\n~ 7.0: new\n\n! second\n- no such thing\n= one\n= two\n";
    let steps = parse(script, "7.0");
    assert_eq!((steps[0].text.as_str(), steps[0].reason.as_deref()), ("first\nmore", Some("new")));
    assert_eq!((steps[1].refused, steps[1].lacking.as_deref()), (true, Some("no such thing")));
    assert_eq!(steps[1].expected.as_deref(), Some("one\ntwo"));
}
