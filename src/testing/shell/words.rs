//! Cuts a command line into commands, words and redirections.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Variable(String),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Word(pub(super) Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum When {
    Always,
    Success,
    Failure,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Same(u8),
    File(Word, bool),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Redirect {
    pub(super) fd: u8,
    pub(super) target: Target,
}

/// One command, and when it runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) when: When,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
}

impl Step {
    fn new(when: When) -> Step {
        Step { when, words: Vec::new(), redirects: Vec::new() }
    }
}

type Source<'a> = Peekable<Chars<'a>>;

pub(super) fn parse(text: &str) -> Vec<Step> {
    let mut source = text.chars().peekable();
    let mut steps = Vec::new();
    let mut step = Step::new(When::Always);
    while let Some(&c) = source.peek() {
        match c {
            ' ' | '\t' | '\r' => drop(source.next()),
            '#' => while source.next_if(|c| *c != '\n').is_some() {},
            ';' | '\n' | '&' | '|' => {
                let next = Step::new(connector(&mut source));
                steps.push(std::mem::replace(&mut step, next));
            }
            '>' => step.redirects.push(redirect(&mut source, 1)),
            '1' | '2' if leads_redirect(&source) => {
                source.next();
                step.redirects.push(redirect(&mut source, if c == '1' { 1 } else { 2 }));
            }
            _ => step.words.push(word(&mut source)),
        }
    }
    steps.push(step);
    steps.retain(|step| !step.words.is_empty());
    steps
}

fn leads_redirect(source: &Source<'_>) -> bool {
    source.clone().nth(1) == Some('>')
}

fn connector(source: &mut Source<'_>) -> When {
    let first = source.next();
    let doubled = source.next_if(|c| Some(*c) == first).is_some();
    match first {
        Some('&') if doubled => When::Success,
        Some('|') if doubled => When::Failure,
        _ => When::Always,
    }
}

fn redirect(source: &mut Source<'_>, fd: u8) -> Redirect {
    source.next();
    let append = source.next_if_eq(&'>').is_some();
    if source.next_if_eq(&'&').is_some() {
        let same = if source.next() == Some('1') { 1 } else { 2 };
        return Redirect { fd, target: Target::Same(same) };
    }
    while source.next_if_eq(&' ').is_some() {}
    let target = Target::File(word(source), append);
    Redirect { fd, target }
}

fn word(source: &mut Source<'_>) -> Word {
    let mut word = Word::default();
    while let Some(&c) = source.peek() {
        match c {
            ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '>' => break,
            '\'' => single(source, &mut word),
            '"' => double(source, &mut word),
            '$' => variable(source, &mut word),
            '\\' => {
                source.next();
                word.push(source.next().unwrap_or('\\'));
            }
            _ => {
                source.next();
                word.push(c);
            }
        }
    }
    word
}

impl Word {
    fn push(&mut self, c: char) {
        match self.0.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => self.0.push(Piece::Text(c.to_string())),
        }
    }
}

fn single(source: &mut Source<'_>, word: &mut Word) {
    source.next();
    word.0.push(Piece::Text(String::new()));
    while let Some(c) = source.next_if(|c| *c != '\'') {
        word.push(c);
    }
    source.next();
}

fn double(source: &mut Source<'_>, word: &mut Word) {
    source.next();
    word.0.push(Piece::Text(String::new()));
    while let Some(&c) = source.peek() {
        match c {
            '"' => break,
            '$' => variable(source, word),
            '\\' => {
                source.next();
                if let Some(c) = source.next() {
                    escaped(c, word);
                }
            }
            _ => {
                source.next();
                word.push(c);
            }
        }
    }
    source.next();
}

/// Inside double quotes, a backslash before most letters is kept.
fn escaped(c: char, word: &mut Word) {
    if !matches!(c, '"' | '\\' | '$' | '`') {
        word.push('\\');
    }
    word.push(c);
}

fn variable(source: &mut Source<'_>, word: &mut Word) {
    source.next();
    if source.next_if_eq(&'?').is_some() {
        word.0.push(Piece::Variable("?".to_owned()));
        return;
    }
    let braced = source.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(c) = source.next_if(|c| c.is_alphanumeric() || *c == '_') {
        name.push(c);
    }
    if braced {
        source.next();
    }
    match name.is_empty() {
        true => word.push('$'),
        false => word.0.push(Piece::Variable(name)),
    }
}
