//! `sh`, and scripts in files.

use super::interpreter::{Flow, Options, Ran, Shell, State};
use super::limits::Stop;
use super::parser::{Refusal, parse};
use super::plumbing::Plumbing;
use super::special::set_letter;

/// The longest command that may come line by line, in bytes.
const BY_LINES: usize = 16 * 1024;

/// Where the commands of a guest are.
const DIRECTORIES: [&str; 5] = ["/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin"];

/// What a name with a slash stands for.
pub(super) enum Named<'a> {
    Command(&'a str),
    File(String),
}

impl Shell {
    pub(super) fn named<'a>(&self, name: &'a str) -> Named<'a> {
        match name.rsplit_once('/') {
            None => Named::Command(name),
            Some((directory, base)) if DIRECTORIES.contains(&directory) => Named::Command(base),
            Some(_) => Named::File(self.absolute(name)),
        }
    }

    /// Runs a text in this shell.
    pub(super) async fn script(&mut self, name: &str, text: &str, to: &Plumbing) -> Ran {
        let list = parse(text).map_err(|why| stop(name, why))?;
        self.list(&list, to).await
    }

    /// `sh`, with its options.
    pub(super) async fn shell(&mut self, mut args: &[&str], to: &Plumbing) -> Ran {
        let (mut options, mut text) = (Options::default(), false);
        while let [first, rest @ ..] = args
            && let Some(letters) = first.strip_prefix('-')
        {
            for letter in letters.chars() {
                match letter {
                    'c' => text = true,
                    // There is no profile to read.
                    'l' => {}
                    letter if set_letter(&mut options, letter, true) => {}
                    letter => return Err(Stop::unsupported(format!("`sh -{letter}`"))),
                }
            }
            args = rest;
        }
        let inside = self.inside(options);
        let outer = std::mem::replace(&mut self.state, inside);
        let flow = match args {
            [script, rest @ ..] if text => self.with_text(script, rest, to).await?,
            [] if text => return Err(Stop::Fault("-c needs a script".to_owned())),
            [file, rest @ ..] => self.with_file(file, rest, to).await?,
            [] => self.lines(to).await?,
        };
        self.state = outer;
        // The inner shell ended, not the one that called it.
        Ok(Flow::Next(flow.code()))
    }

    /// The state in which an inner shell begins.
    fn inside(&self, options: Options) -> State {
        State {
            variables: self.state.variables.exported(),
            options,
            arguments: Vec::new(),
            name: "sh".to_owned(),
            last: 0,
            guarded: 0,
            loops: 0,
            ..self.state.clone()
        }
    }

    fn called(&mut self, name: &str, arguments: &[&str]) {
        self.state.name = name.to_owned();
        self.state.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    }

    async fn with_text(&mut self, script: &str, rest: &[&str], to: &Plumbing) -> Ran {
        if let [name, arguments @ ..] = rest {
            self.called(name, arguments);
        }
        self.script("sh", script, to).await
    }

    async fn with_file(&mut self, file: &str, arguments: &[&str], to: &Plumbing) -> Ran {
        match self.script_in(file)? {
            Some(text) => {
                self.called(file, arguments);
                self.script(file, &text, to).await
            }
            None => {
                self.warn(to, &format!("sh: can't open '{file}': No such file or directory\n")).await?;
                Ok(Flow::Next(2))
            }
        }
    }

    fn script_in(&self, file: &str) -> Result<Option<String>, Stop> {
        let data = self.guest.files.read(&self.absolute(file));
        let text = data.map(|data| String::from_utf8(data.to_vec())).transpose();
        text.map_err(|_| Stop::unsupported(format!("{file}, which isn't text")))
    }

    /// `. file`: in this shell.
    pub(super) async fn source_file(&mut self, file: &str, to: &Plumbing) -> Ran {
        match self.script_in(file)? {
            Some(text) => self.script(file, &text, to).await,
            None => {
                self.warn(to, &format!("sh: .: can't open '{file}': No such file or directory\n")).await?;
                Ok(Flow::Leave(2))
            }
        }
    }

    /// A file that is called as a command.
    pub(super) async fn file(&mut self, path: &str, name: &str, args: &[&str], to: &Plumbing) -> Ran {
        let Some(text) = self.script_in(path)? else {
            return Ok(Flow::NotFound);
        };
        if !self.guest.files.is_executable(path) {
            return Ok(Flow::NotExecutable);
        }
        let mut inside = self.inside(Options::default());
        interpreter(name, &text, &mut inside.options)?;
        let outer = std::mem::replace(&mut self.state, inside);
        self.called(name, args);
        let flow = self.script(name, &text, to).await?;
        self.state = outer;
        Ok(Flow::Next(flow.code()))
    }

    /// A script on standard input, one line after the other.
    async fn lines(&mut self, to: &Plumbing) -> Ran {
        let mut script = String::new();
        while let Some((line, _)) = self.stdin.line().await? {
            self.budget.step().await?;
            script.push_str(&line);
            script.push('\n');
            let list = match parse(&script) {
                Err(Refusal::Unfinished) if script.len() < BY_LINES => continue,
                parsed => parsed.map_err(|why| stop("sh", why))?,
            };
            script.clear();
            if let Flow::Leave(code) = self.list(&list, to).await? {
                return Ok(Flow::Leave(code));
            }
        }
        match script.is_empty() {
            true => Ok(Flow::Next(self.state.last)),
            false => Err(stop("sh", Refusal::Unfinished)),
        }
    }
}

fn stop(name: &str, why: Refusal) -> Stop {
    let why = match why {
        Refusal::Unfinished => "syntax error: unexpected end of the script".to_owned(),
        Refusal::Because(why) => why,
    };
    Stop::Fault(match name {
        "sh" => why,
        name => format!("{name}: {why}"),
    })
}

/// What the first line of a script asks for, `#!/bin/sh -e`: it must be a shell.
fn interpreter(name: &str, text: &str, options: &mut Options) -> Result<(), Stop> {
    let Some(line) = text.lines().next().and_then(|line| line.strip_prefix("#!")) else {
        return Ok(());
    };
    let mut words = line.split_whitespace();
    let mut program = words.next().unwrap_or_default();
    if program.ends_with("/env") {
        program = words.next().unwrap_or_default();
    }
    let letters = words.next().map_or("", |word| word.trim_start_matches('-'));
    let shell = matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash"));
    if shell && words.next().is_none() && letters.chars().all(|letter| set_letter(options, letter, true)) {
        return Ok(());
    }
    Err(Stop::unsupported(format!("`#!{}`, which {name} asks for", line.escape_default())))
}
