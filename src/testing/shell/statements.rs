//! Lists, pipelines, compound and simple commands.

use super::parser::{Parsed, Parser, Refusal};
use super::syntax::{Command, Compound, Item, List, Pipeline, Redirect, Simple, Target, When, Word};

/// Words that mean something at the beginning of a command.
const RESERVED: [&str; 14] =
    ["if", "then", "elif", "else", "fi", "while", "until", "for", "do", "done", "case", "esac", "{", "}"];

/// How many commands one pipeline may have.
const STAGES: usize = 16;

fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
}

impl Parser<'_> {
    /// Up to one of these words, which stays, or up to the end.
    pub(super) fn list(&mut self, until: &[&str]) -> Parsed<List> {
        let mut list = List::new();
        let mut when = When::Always;
        loop {
            self.lines();
            if self.ends(until)? {
                return match when {
                    When::Always => Ok(list),
                    _ => Err(self.open_end()),
                };
            }
            let pipeline = self.pipeline()?;
            list.push(Item { when, pipeline });
            when = self.connector()?;
        }
    }

    fn lines(&mut self) {
        loop {
            self.blanks();
            if !self.take('\n') {
                return;
            }
        }
    }

    /// Whether a list ends here.
    fn ends(&mut self, until: &[&str]) -> Parsed<bool> {
        match self.peek() {
            None if until.is_empty() => return Ok(true),
            None => return Err(Refusal::Unfinished),
            Some(')') if until.contains(&")") => return Ok(true),
            _ => {}
        }
        Ok(self.reserved().is_some_and(|word| until.contains(&word)))
    }

    fn open_end(&mut self) -> Refusal {
        match self.peek() {
            None => Refusal::Unfinished,
            Some(c) => self.unexpected(&c.to_string()),
        }
    }

    /// What stands between two pipelines.
    fn connector(&mut self) -> Parsed<When> {
        self.blanks();
        match (self.peek(), self.second()) {
            (None | Some(')'), _) => Ok(When::Always),
            (Some(';'), Some(';')) => Err(self.unexpected(";;")),
            (Some(';' | '\n'), _) => Ok(self.after(1, When::Always)),
            (Some('&'), Some('&')) => Ok(self.after(2, When::Success)),
            (Some('|'), Some('|')) => Ok(self.after(2, When::Failure)),
            (Some('&'), Some('>')) => Err(self.unsupported("`&>`")),
            (Some('&'), _) => Err(self.unsupported("commands in the background (`&`)")),
            (Some(other), _) => Err(self.unexpected(&other.to_string())),
        }
    }

    fn after(&mut self, skipped: usize, when: When) -> When {
        for _ in 0..skipped {
            self.next();
        }
        when
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut negated = false;
        while self.peek() == Some('!') && self.second().is_none_or(ends_word) {
            self.next();
            self.blanks();
            negated = !negated;
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.peek() != Some('|') || self.second() == Some('|') {
                return Ok(Pipeline { negated, commands });
            }
            self.next();
            if self.peek() == Some('&') {
                return Err(self.unsupported("`|&`"));
            }
            if commands.len() == STAGES {
                return Err(self.unsupported("a pipeline of more than 16 commands"));
            }
            self.lines();
            commands.push(self.command()?);
        }
    }

    /// The reserved word that comes next. It stays.
    fn reserved(&self) -> Option<&'static str> {
        let word: String = self.ahead().take_while(|c| !ends_word(*c)).take(6).collect();
        RESERVED.into_iter().find(|reserved| *reserved == word)
    }

    fn skip(&mut self, word: &str) {
        for _ in word.chars() {
            self.next();
        }
    }

    fn keyword(&mut self, wanted: &str) -> Parsed<()> {
        self.lines();
        match self.reserved() {
            Some(word) if word == wanted => self.skip(word),
            _ if self.peek().is_none() => return Err(Refusal::Unfinished),
            _ => return Err(self.unexpected(&self.ahead().take(8).collect::<String>())),
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let compound = match self.reserved() {
            Some("case") => return Err(self.unsupported("`case`")),
            Some("if") => self.deeper(Self::branches)?,
            Some("while") => self.deeper(|it| it.looped("while"))?,
            Some("until") => self.deeper(|it| it.looped("until"))?,
            Some("for") => self.deeper(Self::each)?,
            Some("{") => self.deeper(Self::group)?,
            Some(word) => return Err(self.unexpected(word)),
            None if self.peek() == Some('(') => self.deeper(Self::subshell)?,
            None => return Ok(Command::Simple(self.simple()?)),
        };
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(Command::Compound(compound, redirects)),
            }
        }
    }

    fn branches(&mut self) -> Parsed<Compound> {
        let (mut branches, mut otherwise) = (Vec::new(), List::new());
        self.skip("if");
        loop {
            let condition = self.body(&["then"])?;
            self.keyword("then")?;
            branches.push((condition, self.body(&["elif", "else", "fi"])?));
            match self.reserved() {
                Some("elif") => self.skip("elif"),
                Some("else") => {
                    self.skip("else");
                    otherwise = self.body(&["fi"])?;
                    break;
                }
                _ => break,
            }
        }
        self.keyword("fi")?;
        Ok(Compound::If(branches, otherwise))
    }

    /// A list with at least one command.
    fn body(&mut self, until: &[&str]) -> Parsed<List> {
        let list = self.list(until)?;
        match list.is_empty() {
            true => Err(self.unexpected(until.first().unwrap_or(&""))),
            false => Ok(list),
        }
    }

    fn looped(&mut self, word: &str) -> Parsed<Compound> {
        self.skip(word);
        let condition = self.body(&["do"])?;
        let body = self.done()?;
        Ok(Compound::Loop { until: word == "until", condition, body })
    }

    /// `do …; done`.
    fn done(&mut self) -> Parsed<List> {
        self.keyword("do")?;
        let body = self.body(&["done"])?;
        self.keyword("done")?;
        Ok(body)
    }

    fn each(&mut self) -> Parsed<Compound> {
        self.skip("for");
        self.blanks();
        if self.peek() == Some('(') {
            return Err(self.unsupported("`for ((`"));
        }
        let name = self.name();
        if name.is_empty() {
            return Err(self.open_end());
        }
        self.lines();
        let words = match self.ahead().take(2).eq("in".chars()) {
            true => {
                self.skip("in");
                Some(self.words()?)
            }
            false => None,
        };
        self.blanks();
        self.take(';');
        Ok(Compound::For { name, words, body: self.done()? })
    }

    fn words(&mut self) -> Parsed<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None => return Err(Refusal::Unfinished),
                Some(';' | '\n') => return Ok(words),
                Some(c) if ends_word(c) => return Err(self.unexpected(&c.to_string())),
                Some(_) => words.push(self.word(true)?),
            }
        }
    }

    fn group(&mut self) -> Parsed<Compound> {
        self.skip("{");
        let list = self.body(&["}"])?;
        self.skip("}");
        Ok(Compound::Group(list))
    }

    fn subshell(&mut self) -> Parsed<Compound> {
        self.next();
        if self.peek() == Some('(') {
            return Err(self.unsupported("`((`"));
        }
        let list = self.body(&[")"])?;
        self.expect(')')?;
        Ok(Compound::Subshell(list))
    }

    fn simple(&mut self) -> Parsed<Simple> {
        let mut simple = Simple::default();
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
                continue;
            }
            match self.peek() {
                Some('(') if !simple.words.is_empty() => return Err(self.unsupported("functions")),
                Some(c) if !ends_word(c) => self.word_of(&mut simple)?,
                _ => break,
            }
        }
        let empty = simple.words.is_empty() && simple.assignments.is_empty() && simple.redirects.is_empty();
        if empty { Err(self.open_end()) } else { Ok(simple) }
    }

    /// One more word of a command, or an assignment before it.
    fn word_of(&mut self, simple: &mut Simple) -> Parsed<()> {
        if simple.words.is_empty() && self.is_assignment() {
            let name = self.name();
            self.next();
            simple.assignments.push((name, self.word(false)?));
            return Ok(());
        }
        simple.words.push(self.word(true)?);
        Ok(())
    }

    fn is_assignment(&self) -> bool {
        let mut name = self.ahead().take_while(|c| c.is_ascii_alphanumeric() || *c == '_');
        let named = name.next().is_some_and(|c| !c.is_ascii_digit());
        named && self.ahead().find(|c| !c.is_ascii_alphanumeric() && *c != '_') == Some('=')
    }

    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let fd = match (self.peek(), self.second()) {
            (Some('<'), _) => 0,
            (Some('>'), _) => 1,
            (Some(c @ '0'..='2'), Some('<' | '>')) => {
                self.next();
                c as u8 - b'0'
            }
            (Some('3'..='9'), Some('<' | '>')) => {
                return Err(self.unsupported("redirections of descriptors above 2"));
            }
            _ => return Ok(None),
        };
        let input = self.next() == Some('<');
        let target = if input { self.input()? } else { self.output()? };
        match (input, fd) {
            (true, 0) | (false, 1 | 2) => Ok(Some(Redirect { fd, target })),
            _ => Err(self.unsupported("redirections against their direction")),
        }
    }

    fn input(&mut self) -> Parsed<Target> {
        match self.peek() {
            Some('<') => Err(self.unsupported("here-documents (`<<`)")),
            Some('&' | '>' | '(') => Err(self.unsupported("`<&`, `<>` and `<(`")),
            _ => Ok(Target::Input(self.file()?)),
        }
    }

    fn output(&mut self) -> Parsed<Target> {
        let append = self.take('>');
        match self.peek() {
            Some('&') if !append => {
                self.next();
                match self.next() {
                    Some('1') => Ok(Target::Same(1)),
                    Some('2') => Ok(Target::Same(2)),
                    _ => Err(self.unsupported("`>&` with anything but 1 or 2")),
                }
            }
            Some('|' | '(') => Err(self.unsupported("`>|` and `>(`")),
            _ => Ok(Target::File { path: self.file()?, append }),
        }
    }

    fn file(&mut self) -> Parsed<Word> {
        self.blanks();
        match self.peek() {
            Some(c) if !ends_word(c) => self.word(true),
            _ => Err(self.open_end()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parser::{Refusal, parse};

    #[test]
    fn what_ends_too_early_is_unfinished() {
        for script in
            ["if true; then", "while true", "echo 'a", "echo \"a", "true &&", "(true", "echo $(", "{ a;"]
        {
            assert_eq!(parse(script), Err(Refusal::Unfinished), "{script}");
        }
    }

    #[test]
    fn what_it_can_not_do_is_named() {
        for (script, named) in [
            ("case a in b) ;; esac", "`case`"),
            ("f() { true; }", "functions"),
            ("cat <<EOF", "here-documents"),
            ("sleep 1 &", "background"),
            ("true\nls *", "line 2"),
            ("echo `a`", "backquotes"),
            ("echo ${a%b}", "${a%"),
            ("a 3> b", "descriptors above 2"),
            ("echo $$", "`$$`"),
            ("done", "unexpected \"done\""),
            ("a )", "unexpected \")\""),
            ("; a", "unexpected \";\""),
        ] {
            let refused = parse(script).map(drop);
            assert!(
                matches!(&refused, Err(Refusal::Because(why)) if why.contains(named)),
                "{script}: {refused:?}"
            );
        }
    }

    #[test]
    fn depth_and_length_have_limits() {
        for deep in
            ["(".repeat(100_000), "echo $(".repeat(100_000), "if ".repeat(100_000), "x=${a-".repeat(100_000)]
        {
            assert!(matches!(parse(&deep), Err(Refusal::Because(_))));
        }
        assert!(matches!(parse(&"a;".repeat(1_000_000)), Err(Refusal::Because(_))));
    }
}
