//! Where the parser is in a script, and why it stops.

use std::iter::Peekable;
use std::str::Chars;

use super::syntax::List;

/// How deep lists, substitutions and parentheses may be nested.
const DEPTH: usize = 24;

/// The longest script, in bytes.
pub(super) const LONGEST: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Refusal {
    /// The script ends too early: the next line may complete it.
    Unfinished,
    /// It will never run.
    Because(String),
}

pub(super) type Parsed<T> = Result<T, Refusal>;

pub(super) struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    depth: usize,
}

/// Parses a whole script. Nothing of it runs if any part isn't supported.
pub(super) fn parse(text: &str) -> Parsed<List> {
    let mut parser = Parser { rest: text.chars().peekable(), line: 1, depth: 0 };
    if text.len() > LONGEST {
        return Err(parser.unsupported("a script of more than 1 MiB"));
    }
    parser.list(&[])
}

impl Parser<'_> {
    pub(super) fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    pub(super) fn second(&self) -> Option<char> {
        self.rest.clone().nth(1)
    }

    /// The same place, to look further ahead.
    pub(super) fn ahead(&self) -> impl Iterator<Item = char> {
        self.rest.clone()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.rest.next();
        self.line += usize::from(c == Some('\n'));
        c
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn expect(&mut self, wanted: char) -> Parsed<()> {
        match self.peek() {
            None => Err(Refusal::Unfinished),
            Some(_) if self.take(wanted) => Ok(()),
            Some(other) => Err(self.unexpected(&other.to_string())),
        }
    }

    /// Skips spaces, continued lines and a comment.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => drop(self.next()),
                Some('\\') if self.second() == Some('\n') => {
                    self.next();
                    self.next();
                }
                Some('#') => while self.peek().is_some_and(|c| c != '\n') && self.next().is_some() {},
                _ => return,
            }
        }
    }

    /// Runs a rule one level deeper.
    pub(super) fn deeper<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH {
            return Err(self.unsupported("more than 24 levels of nesting"));
        }
        self.depth += 1;
        let parsed = rule(self);
        self.depth -= 1;
        parsed
    }

    pub(super) fn unsupported(&self, what: &str) -> Refusal {
        Refusal::Because(format!("line {}: this fake's shell can't do {what}", self.line))
    }

    pub(super) fn unexpected(&self, what: &str) -> Refusal {
        let what = what.escape_default();
        Refusal::Because(format!("line {}: syntax error: unexpected \"{what}\"", self.line))
    }
}
