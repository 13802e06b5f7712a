//! Commands that change the shell itself.

use super::interpreter::{Flow, Options, Ran, Shell};
use super::limits::Stop;
use super::plumbing::Plumbing;

/// What a real shell has, and this one doesn't.
const ABSENT: [&str; 30] = [
    "trap", "local", "return", "alias", "unalias", "bg", "fg", "jobs", "wait", "kill", "umask", "ulimit",
    "getopts", "hash", "type", "command", "times", "readonly", "declare", "typeset", "let", "function",
    "select", "time", "[[", "pushd", "popd", "shopt", "coproc", "builtin",
];

/// Sets the option of a letter. False if there is none.
pub(super) fn set_letter(options: &mut Options, letter: char, on: bool) -> bool {
    match letter {
        'e' => options.errexit = on,
        'u' => options.nounset = on,
        _ => return false,
    }
    true
}

impl Shell {
    /// None if it isn't one of these.
    pub(super) async fn special(
        &mut self,
        name: &str,
        args: &[&str],
        to: &Plumbing,
    ) -> Result<Option<Flow>, Stop> {
        let flow = match name {
            "exit" => self.exit(args)?,
            "set" => self.set(args)?,
            "export" => self.export(args)?,
            "unset" => self.unset(args)?,
            "shift" => self.shift(args)?,
            "break" => self.leave_loops(args, Flow::Break)?,
            "continue" => self.leave_loops(args, Flow::Continue)?,
            "cd" => self.cd(args)?,
            "read" => self.read_into(args).await?,
            "eval" => self.script("sh", &args.join(" "), to).await?,
            "." | "source" => match args {
                [file] => self.source_file(file, to).await?,
                _ => return Err(wrong(name, args)),
            },
            "exec" => self.exec(args, to).await?,
            "sh" | "bash" | "ash" | "dash" => self.shell(args, to).await?,
            absent if ABSENT.contains(&absent) => return Err(Stop::unsupported(format!("`{absent}`"))),
            _ => return Ok(None),
        };
        Ok(Some(flow))
    }

    fn exit(&self, args: &[&str]) -> Ran {
        match args {
            [] => Ok(Flow::Leave(self.state.last)),
            [code] => code.parse().map(|code: i32| Flow::Leave(code & 0xff)).map_err(|_| wrong("exit", args)),
            _ => Err(wrong("exit", args)),
        }
    }

    /// `set -e`, `+u`, `-o pipefail`, and letters together.
    fn set(&mut self, args: &[&str]) -> Ran {
        let mut rest = args.iter();
        let options = &mut self.state.options;
        while let Some(arg) = rest.next() {
            let (on, letters) = match arg.split_at_checked(1) {
                Some(("-", letters)) if !letters.is_empty() => (true, letters),
                Some(("+", letters)) if !letters.is_empty() => (false, letters),
                _ => return Err(wrong("set", args)),
            };
            for letter in letters.chars() {
                let known = match letter {
                    'o' => match rest.next() {
                        Some(&"errexit") => set_letter(options, 'e', on),
                        Some(&"nounset") => set_letter(options, 'u', on),
                        Some(&"pipefail") => {
                            options.pipefail = on;
                            true
                        }
                        _ => false,
                    },
                    letter => set_letter(options, letter, on),
                };
                if !known {
                    return Err(wrong("set", args));
                }
            }
        }
        if args.is_empty() { Err(wrong("set", args)) } else { Ok(Flow::Next(0)) }
    }

    fn export(&mut self, args: &[&str]) -> Ran {
        for arg in args {
            let (name, value) = arg.split_once('=').map_or((*arg, None), |(name, value)| (name, Some(value)));
            if !is_name(name) {
                return Err(wrong("export", args));
            }
            if let Some(value) = value {
                self.state.variables.set(name, value.to_owned())?;
            }
            self.state.variables.export(name);
        }
        if args.is_empty() { Err(wrong("export", args)) } else { Ok(Flow::Next(0)) }
    }

    fn unset(&mut self, args: &[&str]) -> Ran {
        for name in args {
            if !is_name(name) {
                return Err(wrong("unset", args));
            }
            self.state.variables.unset(name);
        }
        Ok(Flow::Next(0))
    }

    fn shift(&mut self, args: &[&str]) -> Ran {
        let count = count("shift", args)?;
        let enough = count <= self.state.arguments.len();
        if enough {
            self.state.arguments.drain(..count);
        }
        Ok(Flow::Next(i32::from(!enough)))
    }

    fn leave_loops(&self, args: &[&str], flow: impl FnOnce(usize) -> Flow) -> Ran {
        match count("break", args)?.min(self.state.loops) {
            0 => Ok(Flow::Next(0)),
            count => Ok(flow(count)),
        }
    }

    /// The directory need not exist.
    fn cd(&mut self, args: &[&str]) -> Ran {
        let home = self.state.variables.get("HOME").unwrap_or("/");
        let path = match args {
            [] => home,
            ["-", ..] => return Err(wrong("cd", args)),
            [path] => path,
            _ => return Err(wrong("cd", args)),
        };
        self.state.cwd = self.absolute(path);
        Ok(Flow::Next(0))
    }

    /// `read -r NAME…`: a line from standard input; the last name gets what is left.
    async fn read_into(&mut self, args: &[&str]) -> Ran {
        let (raw, names) = match args {
            ["-r", names @ ..] => (true, names),
            names => (false, names),
        };
        if names.is_empty() || !names.iter().all(|name| is_name(name)) {
            return Err(wrong("read", args));
        }
        let (line, whole) = self.stdin.line().await?.unwrap_or_default();
        if !raw && line.contains('\\') {
            return Err(Stop::unsupported("backslashes in `read` without `-r`"));
        }
        let mut rest = line.trim();
        for (at, name) in names.iter().enumerate() {
            let end = match at + 1 == names.len() {
                true => rest.len(),
                false => rest.find([' ', '\t']).unwrap_or(rest.len()),
            };
            self.state.variables.set(name, rest[..end].to_owned())?;
            rest = rest[end..].trim_start();
        }
        Ok(Flow::Next(i32::from(!whole)))
    }

    /// `exec COMMAND`: the last one of this shell.
    async fn exec(&mut self, args: &[&str], to: &Plumbing) -> Ran {
        if args.is_empty() {
            return Err(Stop::unsupported("`exec` without a command"));
        }
        let argv = args.iter().map(|&arg| arg.to_owned()).collect();
        let flow = Box::pin(self.with(Vec::new(), argv, to)).await?;
        Ok(Flow::Leave(flow.code()))
    }
}

/// The one argument of `shift`, `break` and `continue`; 1 without.
fn count(name: &str, args: &[&str]) -> Result<usize, Stop> {
    match args {
        [] => Ok(1),
        [count] => count.parse().map_err(|_| wrong(name, args)),
        _ => Err(wrong(name, args)),
    }
}

fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A command that is called as this shell doesn't know it.
pub(super) fn wrong(name: &str, args: &[&str]) -> Stop {
    let call: String = [&[name], args].concat().join(" ").chars().take(200).collect();
    Stop::unsupported(format!("`{}`", call.escape_debug()))
}
