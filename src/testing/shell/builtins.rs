//! The commands that the small shell knows.

use std::time::Duration;

use bytes::Bytes;

use super::interpreter::{Broken, Flow, Plumbing, Ran, Shell};
use super::planted::Planned;
use crate::testing::server::tasks::lock;

const BLOCK: usize = 16 * 1024;

impl Shell {
    pub(super) async fn command(&mut self, argv: Vec<String>, to: &Plumbing) -> Ran {
        match self.commands.take(&argv) {
            Some(planned) => self.planned(planned, to).await,
            None => self.builtin(argv, to).await,
        }
    }

    /// What a test planted for a command.
    async fn planned(&self, planned: Planned, to: &Plumbing) -> Ran {
        self.say(to, planned.stdout).await?;
        self.complain(to, planned.stderr).await?;
        Ok(Flow::Next(planned.code))
    }

    async fn builtin(&mut self, argv: Vec<String>, to: &Plumbing) -> Ran {
        let args: Vec<&str> = argv.iter().map(String::as_str).collect();
        let [name, args @ ..] = args.as_slice() else {
            return Ok(Flow::Next(0));
        };
        match name.rsplit('/').next().unwrap_or(name) {
            "true" | ":" => Ok(Flow::Next(0)),
            "false" => Ok(Flow::Next(1)),
            "exit" => Ok(Flow::Leave(self.exit_code(args))),
            "echo" => self.echo(args, to).await,
            "printf" => self.printf(args, to).await,
            "cat" => self.cat(args, to).await,
            "head" => self.head(args, to).await,
            "yes" => self.yes(args, to).await,
            "sleep" => sleep(args).await,
            "pwd" => self.line(to, &self.cwd).await,
            "cd" => Ok(self.cd(args)),
            "env" => self.environment(to).await,
            "export" => Ok(self.export(args)),
            "id" => self.id(args, to).await,
            "stty" => self.stty(args, to).await,
            "hostname" => self.line(to, &self.hostname).await,
            "uname" => self.line(to, "Linux").await,
            "ip" => Ok(self.ip(args)),
            "mkfifo" => Ok(self.pipes(args)),
            "mount" => Ok(self.mount(args)),
            "sh" | "bash" => self.shell(args, to).await,
            assignment if assignment.contains('=') => Ok(self.export(&[name])),
            _ => Ok(Flow::NotFound),
        }
    }

    async fn line(&self, to: &Plumbing, text: &str) -> Ran {
        self.say(to, format!("{text}\n")).await?;
        Ok(Flow::Next(0))
    }

    /// `ip addr add ADDRESS/LENGTH dev NAME`. Links are always up.
    fn ip(&self, args: &[&str]) -> Flow {
        match args {
            ["addr", "add", address, "dev", name] => {
                let mut all = lock(&self.addresses);
                all.entry((*name).to_owned()).or_default().push((*address).to_owned());
                Flow::Next(0)
            }
            ["link", "set", ..] => Flow::Next(0),
            _ => Flow::Next(1),
        }
    }

    fn pipes(&self, args: &[&str]) -> Flow {
        let made = !args.is_empty() && args.iter().all(|path| self.files.make_pipe(&self.absolute(path)));
        Flow::Next(i32::from(!made))
    }

    /// `mount -t tmpfs -o size=64k tmpfs PATH`: only limits the size of its contents.
    fn mount(&self, args: &[&str]) -> Flow {
        let mounted = match args {
            ["-t", "tmpfs", "-o", options, _, path] => {
                let bytes = options.strip_prefix("size=").and_then(size);
                bytes.is_some_and(|bytes| self.files.mount(&self.absolute(path), bytes))
            }
            _ => false,
        };
        Flow::Next(i32::from(!mounted))
    }

    fn exit_code(&self, args: &[&str]) -> i32 {
        let given = args.first().and_then(|arg| arg.parse::<i32>().ok());
        given.map_or(self.last, |code| code & 0xff)
    }

    async fn echo(&self, args: &[&str], to: &Plumbing) -> Ran {
        let (args, end) = match args {
            ["-n", rest @ ..] => (rest, ""),
            all => (all, "\n"),
        };
        self.say(to, format!("{}{end}", args.join(" "))).await?;
        Ok(Flow::Next(0))
    }

    /// `%s`, `%d`, `%%` and the common escapes. The format repeats while there are arguments.
    async fn printf(&self, args: &[&str], to: &Plumbing) -> Ran {
        let Some((format, mut rest)) = args.split_first() else {
            return Ok(Flow::Next(2));
        };
        let format = unescape(format);
        loop {
            let before = rest.len();
            self.say(to, fill(&format, &mut rest)).await?;
            if rest.is_empty() || rest.len() == before {
                return Ok(Flow::Next(0));
            }
        }
    }

    async fn cat(&mut self, args: &[&str], to: &Plumbing) -> Ran {
        if args.is_empty() || args == ["-"] {
            while let Some(data) = self.read().await {
                self.say(to, data).await?;
            }
            return Ok(Flow::Next(0));
        }
        let mut code = 0;
        for path in args {
            if !self.cat_file(path, to).await? {
                code = 1;
            }
        }
        Ok(Flow::Next(code))
    }

    async fn cat_file(&self, path: &str, to: &Plumbing) -> Result<bool, Broken> {
        let Some(data) = self.files.read(&self.absolute(path)) else {
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
            self.warn(to, "head: only `head -c N /dev/zero` works here\n").await?;
            return Ok(Flow::Next(1));
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

    fn cd(&mut self, args: &[&str]) -> Flow {
        let home = self.env.get("HOME").map_or("/", String::as_str);
        self.cwd = self.absolute(args.first().copied().unwrap_or(home));
        Flow::Next(0)
    }

    async fn environment(&self, to: &Plumbing) -> Ran {
        for (name, value) in &self.env {
            self.say(to, format!("{name}={value}\n")).await?;
        }
        Ok(Flow::Next(0))
    }

    fn export(&mut self, args: &[&str]) -> Flow {
        for (name, value) in args.iter().filter_map(|arg| arg.split_once('=')) {
            self.env.insert(name.to_owned(), value.to_owned());
        }
        Flow::Next(0)
    }

    async fn id(&self, args: &[&str], to: &Plumbing) -> Ran {
        let (uid, gid) = (self.uid, self.gid);
        match args {
            ["-u"] => self.line(to, &uid.to_string()).await,
            ["-g"] => self.line(to, &gid.to_string()).await,
            _ => self.line(to, &format!("uid={uid} gid={gid}")).await,
        }
    }

    /// `stty size`: rows first, as the real one.
    async fn stty(&self, args: &[&str], to: &Plumbing) -> Ran {
        let (columns, rows) = *self.window.borrow();
        match args {
            ["size"] => self.line(to, &format!("{rows} {columns}")).await,
            _ => Ok(Flow::Next(1)),
        }
    }

    async fn shell(&mut self, args: &[&str], to: &Plumbing) -> Ran {
        let flow = match args {
            ["-c" | "-ec" | "-lc", script, ..] => self.script(script, to).await?,
            _ => self.lines(to).await?,
        };
        // The inner shell ended, not the one that called it.
        Ok(match flow {
            Flow::Leave(code) => Flow::Next(code),
            other => other,
        })
    }

    async fn lines(&mut self, to: &Plumbing) -> Ran {
        while let Some(line) = self.read_line().await {
            if let Flow::Leave(code) = self.script(&line, to).await? {
                return Ok(Flow::Leave(code));
            }
        }
        Ok(Flow::Next(self.last))
    }
}

async fn sleep(args: &[&str]) -> Ran {
    let seconds = args.first().and_then(|arg| arg.parse::<f64>().ok());
    let duration = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
    match duration {
        Some(duration) => {
            tokio::time::sleep(duration).await;
            Ok(Flow::Next(0))
        }
        None => Ok(Flow::Next(1)),
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

fn fill(format: &str, args: &mut &[&str]) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => match chars.next() {
                Some('s' | 'd' | 'i') => out.push_str(take(args)),
                Some('%') | None => out.push('%'),
                Some(other) => out.extend(['%', other]),
            },
            c => out.push(c),
        }
    }
    out
}

fn take<'a>(args: &mut &[&'a str]) -> &'a str {
    let Some((first, rest)) = args.split_first() else {
        return "";
    };
    *args = rest;
    first
}
