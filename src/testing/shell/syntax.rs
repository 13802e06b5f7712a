//! What a script consists of, once it is parsed.

/// A part of a word.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// In quotes: it stays one word whatever it expands to.
    pub(super) quoted: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text(String),
    /// `$name`, `${name}`, `${name:-word}`.
    Variable(String, Option<Default>),
    /// `${#name}`.
    Length(String),
    /// `$@`; `$*` if joined.
    Arguments {
        joined: bool,
    },
    /// `$(list)`.
    Command(List),
    /// `$((word))`.
    Arithmetic(Word),
}

/// What `${name-word}` and `${name+word}` put in place of a variable.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Default {
    pub(super) word: Word,
    /// `+`: used if the variable is set, otherwise if it isn't.
    pub(super) if_set: bool,
    /// `:`: an empty value counts as not set.
    pub(super) colon: bool,
}

#[derive(Debug, Clone, PartialEq, std::default::Default)]
pub(super) struct Word(pub(super) Vec<Piece>);

/// When a pipeline runs, by the status of the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum When {
    Always,
    Success,
    Failure,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Same(u8),
    File { path: Word, append: bool },
    Input(Word),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Redirect {
    pub(super) fd: u8,
    pub(super) target: Target,
}

pub(super) type List = Vec<Item>;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) when: When,
    pub(super) pipeline: Pipeline,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pipeline {
    pub(super) negated: bool,
    pub(super) commands: Vec<Command>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    Simple(Simple),
    Compound(Compound, Vec<Redirect>),
}

#[derive(Debug, Clone, PartialEq, std::default::Default)]
pub(super) struct Simple {
    pub(super) assignments: Vec<(String, Word)>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Compound {
    /// Conditions with what they lead to, and `else`.
    If(Vec<(List, List)>, List),
    Loop {
        until: bool,
        condition: List,
        body: List,
    },
    /// Without words: over the arguments.
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: List,
    },
    Group(List),
    Subshell(List),
}
