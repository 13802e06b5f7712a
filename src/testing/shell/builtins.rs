//! The commands that guests have.

use std::time::Duration;

use bytes::Bytes;

use super::interpreter::{Flow, Ran, Shell};
use super::limits::Stop;
use super::planted::CommandResult;
use super::plumbing::Plumbing;
use super::script::Named;
use super::special::wrong;
use crate::testing::server::tasks::lock;

const BLOCK: usize = 16 * 1024;

impl Shell {
    pub(super) async fn command(&mut self, argv: Vec<String>, to: &Plumbing) -> Ran {
        if let Some(planned) = self.guest.commands.take(&argv) {
            return self.planned(planned, to).await;
        }
        let args: Vec<&str> = argv.iter().map(String::as_str).collect();
        let [name, args @ ..] = args.as_slice() else {
            return Ok(Flow::Next(0));
        };
        match self.named(name) {
            Named::File(path) => self.file(&path, name, args, to).await,
            Named::Command(name) => match self.special(name, args, to).await? {
                Some(flow) => Ok(flow),
                None => self.builtin(name, args, to).await,
            },
        }
    }

    /// What a test planted for a command.
    async fn planned(&self, planned: CommandResult, to: &Plumbing) -> Ran {
        self.say(to, planned.stdout).await?;
        self.complain(to, planned.stderr).await?;
        Ok(Flow::Next(planned.code.into()))
    }

    async fn builtin(&mut self, name: &str, args: &[&str], to: &Plumbing) -> Ran {
        match name {
            "true" | ":" => Ok(Flow::Next(0)),
            "false" => Ok(Flow::Next(1)),
            "test" => self.test(args),
            "[" => self.bracket(args),
            "echo" => self.echo(args, to).await,
            "printf" => self.printf(args, to).await,
            "cat" => self.cat(args, to).await,
            "head" => self.head(args, to).await,
            "yes" => self.yes(args, to).await,
            "sleep" => sleep(args).await,
            "pwd" if args.is_empty() => self.line(to, &self.state.cwd).await,
            "env" if args.is_empty() => {
                self.say(to, self.state.variables.exported().lines()).await?;
                Ok(Flow::Next(0))
            }
            "id" => self.id(args, to).await,
            "stty" => self.stty(args, to).await,
            "hostname" if args.is_empty() => self.line(to, &self.guest.hostname).await,
            "uname" => self.uname(args, to).await,
            "ip" => self.ip(args),
            "mkfifo" => Ok(self.pipes(args)),
            "mount" => self.mount(args),
            "pwd" | "env" | "hostname" => Err(wrong(name, args)),
            _ => Ok(Flow::NotFound),
        }
    }

    async fn line(&self, to: &Plumbing, text: &str) -> Ran {
        self.say(to, format!("{text}\n")).await?;
        Ok(Flow::Next(0))
    }

    /// `ip addr add ADDRESS/LENGTH dev NAME`. Links are always up.
    fn ip(&self, args: &[&str]) -> Ran {
        match args {
            ["addr", "add", address, "dev", name] => {
                let mut all = lock(&self.guest.addresses);
                all.entry((*name).to_owned()).or_default().push((*address).to_owned());
                Ok(Flow::Next(0))
            }
            ["link", "set", _, "up"] => Ok(Flow::Next(0)),
            _ => Err(wrong("ip", args)),
        }
    }

    fn pipes(&self, args: &[&str]) -> Flow {
        let made =
            !args.is_empty() && args.iter().all(|path| self.guest.files.make_pipe(&self.absolute(path)));
        Flow::Next(i32::from(!made))
    }

    /// `mount -t tmpfs -o size=64k tmpfs PATH`: only limits the size of its contents.
    fn mount(&self, args: &[&str]) -> Ran {
        let mounted = match args {
            ["-t", "tmpfs", "-o", options, _, path] => {
                let bytes =
                    options.strip_prefix("size=").and_then(size).ok_or_else(|| wrong("mount", args))?;
                self.guest.files.mount(&self.absolute(path), bytes)
            }
            _ => return Err(wrong("mount", args)),
        };
        Ok(Flow::Next(i32::from(!mounted)))
    }

    async fn echo(&self, args: &[&str], to: &Plumbing) -> Ran {
        let (args, end) = match args {
            ["-n", rest @ ..] => (rest, ""),
            [option, ..]
                if option.starts_with('-')
                    && option.len() > 1
                    && option.chars().skip(1).all(|c| "neE".contains(c)) =>
            {
                return Err(wrong("echo", args));
            }
            all => (all, "\n"),
        };
        self.say(to, format!("{}{end}", args.join(" "))).await?;
        Ok(Flow::Next(0))
    }

    /// `%s`, `%d`, `%%` and the common escapes. The format repeats while there are arguments.
    async fn printf(&self, args: &[&str], to: &Plumbing) -> Ran {
        let Some((format, mut rest)) = args.split_first() else {
            return Err(wrong("printf", args));
        };
        let format = unescape(format);
        loop {
            let before = rest.len();
            let text = fill(&format, &mut rest).ok_or_else(|| wrong("printf", args))?;
            self.say(to, text).await?;
            if rest.is_empty() || rest.len() == before {
                return Ok(Flow::Next(0));
            }
        }
    }

    async fn cat(&mut self, args: &[&str], to: &Plumbing) -> Ran {
        if args.is_empty() || args == ["-"] {
            while let Some(data) = self.stdin.read().await {
                self.say(to, data).await?;
            }
            return Ok(Flow::Next(0));
        }
        if args.iter().any(|arg| arg.starts_with('-')) {
            return Err(wrong("cat", args));
        }
        let mut code = 0;
        for path in args {
            if !self.cat_file(path, to).await? {
                code = 1;
            }
        }
        Ok(Flow::Next(code))
    }

    async fn cat_file(&self, path: &str, to: &Plumbing) -> Result<bool, Stop> {
        let Some(data) = self.guest.files.read(&self.absolute(path)) else {
            let text = format!("cat: can't open '{path}': No such file or directory\n");
            self.warn(to, &text).await?;
            return Ok(false);
        };
        self.say(to, data).await?;
        Ok(true)
    }

    /// `head -c N /dev/zero`: output of any size.
    async fn head(&mut self, args: &[&str], to: &Plumbing) -> Ran {
        let count = match args {
            ["-c", count, "/dev/zero"] => size(count),
            _ => None,
        };
        let Some(mut left) = count else {
            return Err(wrong("head", args));
        };
        let zeros = Bytes::from(vec![0; BLOCK]);
        while left > 0 {
            let piece = zeros.slice(..left.min(BLOCK));
            left -= piece.len();
            self.say(to, piece).await?;
        }
        Ok(Flow::Next(0))
    }

    async fn yes(&self, args: &[&str], to: &Plumbing) -> Ran {
        let line = format!("{}\n", args.first().unwrap_or(&"y"));
        let block = Bytes::from(line.repeat(BLOCK / line.len() + 1));
        loop {
            self.say(to, block.clone()).await?;
        }
    }

    async fn id(&self, args: &[&str], to: &Plumbing) -> Ran {
        let (uid, gid) = (self.guest.uid, self.guest.gid);
        match args {
            ["-u"] => self.line(to, &uid.to_string()).await,
            ["-g"] => self.line(to, &gid.to_string()).await,
            [] => self.line(to, &format!("uid={uid} gid={gid}")).await,
            _ => Err(wrong("id", args)),
        }
    }

    /// `stty size`: rows first, as the real one.
    async fn stty(&self, args: &[&str], to: &Plumbing) -> Ran {
        let (columns, rows) = *self.guest.window.borrow();
        match args {
            ["size"] => self.line(to, &format!("{rows} {columns}")).await,
            _ => Err(wrong("stty", args)),
        }
    }

    async fn uname(&self, args: &[&str], to: &Plumbing) -> Ran {
        match args {
            [] | ["-s"] => self.line(to, "Linux").await,
            ["-r"] => self.line(to, "6.12.0-fake").await,
            ["-m"] => self.line(to, "x86_64").await,
            ["-n"] => self.line(to, &self.guest.hostname).await,
            _ => Err(wrong("uname", args)),
        }
    }
}

async fn sleep(args: &[&str]) -> Ran {
    let seconds = match args {
        [seconds] => seconds.parse::<f64>().ok(),
        _ => None,
    };
    let duration = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
    match duration {
        Some(duration) => {
            tokio::time::sleep(duration).await;
            Ok(Flow::Next(0))
        }
        None => Err(wrong("sleep", args)),
    }
}

/// `12`, `4k`, `8M`, `1G`.
fn size(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(['k', 'K', 'M', 'G']);
    let unit = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('0') => out.push('\0'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

/// None if the format has anything else.
fn fill(format: &str, args: &mut &[&str]) -> Option<String> {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => match chars.next() {
                Some('s' | 'd' | 'i') => out.push_str(take(args)),
                Some('%') => out.push('%'),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    Some(out)
}

fn take<'a>(args: &mut &[&'a str]) -> &'a str {
    let Some((first, rest)) = args.split_first() else {
        return "";
    };
    *args = rest;
    first
}
