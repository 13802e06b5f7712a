//! Words: quotes, and what `$` begins.

use super::parser::{Parsed, Parser, Refusal};
use super::syntax::{Default, Kind, Piece, Word};

impl Word {
    fn push(&mut self, c: char, quoted: bool) {
        match self.0.last_mut() {
            Some(Piece { kind: Kind::Text(text), quoted: same }) if *same == quoted => text.push(c),
            _ => self.0.push(Piece { kind: Kind::Text(c.to_string()), quoted }),
        }
    }

    fn add(&mut self, kind: Kind, quoted: bool) {
        self.0.push(Piece { kind, quoted });
    }
}

impl Parser<'_> {
    /// One word. Outside of assignments, `*`, `?` and `[` would be patterns of file names.
    pub(super) fn word(&mut self, patterns: bool) -> Parsed<Word> {
        let mut word = Word::default();
        self.tilde(&mut word)?;
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '*' | '?' if patterns => return Err(self.unsupported("patterns of file names")),
                '[' if patterns && !self.is_test(&word) => {
                    return Err(self.unsupported("patterns of file names, or `[[`"));
                }
                _ => self.part(&mut word)?,
            }
        }
        Ok(word)
    }

    /// `[` as the name of a command.
    fn is_test(&self, word: &Word) -> bool {
        word.0.is_empty() && matches!(self.second(), Some(' ' | '\t'))
    }

    /// `~` alone or before a slash is the home directory.
    fn tilde(&mut self, word: &mut Word) -> Parsed<()> {
        if self.peek() != Some('~') {
            return Ok(());
        }
        if self.second().is_some_and(|c| c.is_alphanumeric()) {
            return Err(self.unsupported("`~` with a name"));
        }
        self.next();
        word.add(Kind::Variable("HOME".to_owned(), None), true);
        Ok(())
    }

    /// A character, or what quotes or `$` begin.
    fn part(&mut self, word: &mut Word) -> Parsed<()> {
        match self.peek() {
            Some('\'') => self.single(word),
            Some('"') => self.double(word),
            Some('$') => self.dollar(word, false),
            Some('`') => Err(self.unsupported("backquotes; write `$(…)`")),
            Some('\\') => {
                self.next();
                match self.next() {
                    Some('\n') => {}
                    Some(c) => word.push(c, true),
                    None => return Err(Refusal::Unfinished),
                }
                Ok(())
            }
            Some(c) => {
                self.next();
                word.push(c, false);
                Ok(())
            }
            None => Err(Refusal::Unfinished),
        }
    }

    fn single(&mut self, word: &mut Word) -> Parsed<()> {
        self.next();
        word.add(Kind::Text(String::new()), true);
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some(c) => word.push(c, true),
                None => return Err(Refusal::Unfinished),
            }
        }
    }

    fn double(&mut self, word: &mut Word) -> Parsed<()> {
        self.next();
        word.add(Kind::Text(String::new()), true);
        loop {
            match self.peek() {
                Some('"') => {
                    self.next();
                    return Ok(());
                }
                _ => self.inside(word)?,
            }
        }
    }

    /// A character in double quotes, or what `$` begins there.
    fn inside(&mut self, word: &mut Word) -> Parsed<()> {
        match self.peek() {
            Some('$') => return self.dollar(word, true),
            Some('`') => return Err(self.unsupported("backquotes; write `$(…)`")),
            Some('\\') => {
                self.next();
                match self.next() {
                    Some('\n') => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c, true),
                    Some(c) => {
                        word.push('\\', true);
                        word.push(c, true);
                    }
                    None => return Err(Refusal::Unfinished),
                }
            }
            Some(c) => {
                self.next();
                word.push(c, true);
            }
            None => return Err(Refusal::Unfinished),
        }
        Ok(())
    }

    fn dollar(&mut self, word: &mut Word, quoted: bool) -> Parsed<()> {
        self.next();
        let kind = match self.peek() {
            Some('(') if self.second() == Some('(') => self.deeper(Self::arithmetic)?,
            Some('(') => self.deeper(Self::substitution)?,
            Some('{') => self.deeper(Self::braced)?,
            Some(c) if c.is_ascii_alphabetic() || c == '_' => Kind::Variable(self.name(), None),
            Some(c @ ('@' | '*')) => {
                self.next();
                Kind::Arguments { joined: c == '*' }
            }
            Some(c @ ('?' | '#' | '0'..='9')) => {
                self.next();
                Kind::Variable(c.to_string(), None)
            }
            Some(c @ ('$' | '!' | '-')) => return Err(self.unsupported(&format!("`${c}`"))),
            Some('\'' | '"') if !quoted => return Err(self.unsupported("`$'` and `$\"`")),
            _ => Kind::Text("$".to_owned()),
        };
        word.add(kind, quoted);
        Ok(())
    }

    /// Letters, digits and underscores.
    pub(super) fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
            self.next();
        }
        name
    }

    fn substitution(&mut self) -> Parsed<Kind> {
        self.next();
        let list = self.list(&[")"])?;
        self.expect(')')?;
        Ok(Kind::Command(list))
    }

    fn arithmetic(&mut self) -> Parsed<Kind> {
        self.next();
        self.next();
        let (mut word, mut open) = (Word::default(), 0_usize);
        loop {
            match self.peek() {
                Some(')') if open == 0 => break,
                Some('(') => open += 1,
                Some(')') => open -= 1,
                _ => {}
            }
            self.inside(&mut word)?;
        }
        self.next();
        self.expect(')')?;
        Ok(Kind::Arithmetic(word))
    }

    fn braced(&mut self) -> Parsed<Kind> {
        self.next();
        let length = self.peek() == Some('#') && self.second() != Some('}');
        if length {
            self.next();
        }
        let name = match self.peek() {
            Some(c @ ('?' | '#' | '@' | '*')) => {
                self.next();
                c.to_string()
            }
            _ => self.name(),
        };
        if self.take('}') {
            return Ok(match name.as_str() {
                _ if length => Kind::Length(name),
                "@" | "*" => Kind::Arguments { joined: name == "*" },
                _ => Kind::Variable(name, None),
            });
        }
        let colon = self.take(':');
        match self.peek() {
            Some(c @ ('-' | '+')) if !length && !name.is_empty() => {
                self.next();
                let default = Default { word: self.until_brace()?, if_set: c == '+', colon };
                Ok(Kind::Variable(name, Some(default)))
            }
            None => Err(Refusal::Unfinished),
            Some(c) => Err(self.unsupported(&format!("`${{{name}{}{c}…}}`", if colon { ":" } else { "" }))),
        }
    }

    fn until_brace(&mut self) -> Parsed<Word> {
        let mut word = Word::default();
        while !self.take('}') {
            self.part(&mut word)?;
        }
        Ok(word)
    }
}
