//! From words to arguments: variables, substitutions, and cutting at spaces.

use super::arithmetic;
use super::interpreter::Shell;
use super::limits::Stop;
use super::syntax::{Default, Kind, Piece, Word};

/// All arguments of a command together, in bytes.
const LIMIT: usize = 1 << 20;

/// The arguments that words become.
#[derive(Debug, Default)]
struct Fields {
    done: Vec<String>,
    /// The one that is being made; none if there is nothing of it yet, not even empty quotes.
    current: Option<String>,
    bytes: usize,
}

impl Fields {
    fn count(&mut self, text: &str) -> Result<(), Stop> {
        self.bytes += text.len() + 1;
        match self.bytes > LIMIT {
            true => Err(Stop::limit("arguments of more than 1 MiB")),
            false => Ok(()),
        }
    }

    fn whole(&mut self, text: &str) -> Result<(), Stop> {
        self.count(text)?;
        self.current.get_or_insert_default().push_str(text);
        Ok(())
    }

    /// Cuts at spaces, as is done with what isn't in quotes.
    fn cut(&mut self, text: &str) -> Result<(), Stop> {
        self.count(text)?;
        let blank = |c: char| matches!(c, ' ' | '\t' | '\n');
        if text.starts_with(blank) {
            self.end();
        }
        for (at, part) in text.split(blank).filter(|part| !part.is_empty()).enumerate() {
            if at > 0 {
                self.end();
            }
            self.current.get_or_insert_default().push_str(part);
        }
        if text.ends_with(blank) {
            self.end();
        }
        Ok(())
    }

    fn end(&mut self) {
        self.done.extend(self.current.take());
    }
}

impl Shell {
    pub(super) async fn words(&mut self, words: &[Word]) -> Result<Vec<String>, Stop> {
        let mut fields = Fields::default();
        for word in words {
            self.expand(word, &mut fields, true).await?;
            fields.end();
        }
        Ok(fields.done)
    }

    /// A word that stays one, for example the value of a variable.
    pub(super) async fn text(&mut self, word: &Word) -> Result<String, Stop> {
        let mut fields = Fields::default();
        self.expand(word, &mut fields, false).await?;
        Ok(fields.current.unwrap_or_default())
    }

    async fn expand(&mut self, word: &Word, fields: &mut Fields, cut: bool) -> Result<(), Stop> {
        // Quotes around `$@` are no argument if there is none.
        let all = Kind::Arguments { joined: false };
        let all = word.0.iter().any(|piece| piece.quoted && piece.kind == all);
        for piece in &word.0 {
            let cut = cut && !piece.quoted;
            if all && piece.kind == Kind::Text(String::new()) {
                continue;
            }
            if let Kind::Arguments { joined } = piece.kind {
                self.arguments(fields, joined || (!piece.quoted && !cut), cut)?;
                continue;
            }
            if let (Kind::Variable(name, Some(default)), true) = (&piece.kind, cut)
                && self.takes_default(name, default)
            {
                Box::pin(self.expand(&default.word, fields, true)).await?;
                continue;
            }
            let text = self.value(piece).await?;
            match cut && !matches!(piece.kind, Kind::Text(_)) {
                true => fields.cut(&text)?,
                false => fields.whole(&text)?,
            }
        }
        Ok(())
    }

    fn arguments(&self, fields: &mut Fields, joined: bool, cut: bool) -> Result<(), Stop> {
        let arguments = &self.state.arguments;
        if joined && !cut {
            return fields.whole(&arguments.join(" "));
        }
        for (at, argument) in arguments.iter().enumerate() {
            if at > 0 {
                fields.end();
            }
            if cut { fields.cut(argument)? } else { fields.whole(argument)? }
        }
        Ok(())
    }

    async fn value(&mut self, piece: &Piece) -> Result<String, Stop> {
        Ok(match &piece.kind {
            Kind::Text(text) => text.clone(),
            Kind::Variable(name, None) => self.variable(name)?,
            Kind::Variable(name, Some(default)) => match self.takes_default(name, default) {
                true => Box::pin(self.text(&default.word)).await?,
                false if default.if_set => String::new(),
                false => self.lookup(name).unwrap_or_default(),
            },
            Kind::Length(name) => self.variable(name)?.chars().count().to_string(),
            Kind::Arguments { .. } => self.state.arguments.join(" "),
            Kind::Command(list) => self.substitute(list).await?,
            Kind::Arithmetic(word) => {
                let text = Box::pin(self.text(word)).await?;
                arithmetic::evaluate(&text, &mut self.state.variables)?.to_string()
            }
        })
    }

    fn takes_default(&self, name: &str, default: &Default) -> bool {
        let value = self.lookup(name).filter(|value| !default.colon || !value.is_empty());
        value.is_some() == default.if_set
    }

    fn variable(&self, name: &str) -> Result<String, Stop> {
        match self.lookup(name) {
            None if self.state.options.nounset => Err(Stop::Fault(format!("{name}: parameter not set"))),
            value => Ok(value.unwrap_or_default()),
        }
    }

    fn lookup(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.state.last.to_string()),
            "#" => Some(self.state.arguments.len().to_string()),
            "0" => Some(self.state.name.clone()),
            "PWD" => Some(self.state.cwd.clone()),
            name => match name.parse::<usize>() {
                Ok(number) => self.state.arguments.get(number.checked_sub(1)?).cloned(),
                Err(_) => self.state.variables.get(name).map(str::to_owned),
            },
        }
    }
}
