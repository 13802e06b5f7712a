//! Conditions, loops, subshells and pipes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::mpsc;

use super::interpreter::{Flow, Ran, Shell};
use super::limits::Stop;
use super::plumbing::{Input, Plumbing};
use super::syntax::{Command, Compound, List, Word};

/// How many shells one command may have at the same time.
const SHELLS: usize = 64;

/// What a turn of a loop leads to.
enum Turn {
    Again(i32),
    End(Flow),
}

impl Turn {
    fn after(flow: Flow) -> Turn {
        match flow {
            Flow::Next(code) => Turn::Again(code),
            Flow::Continue(1) => Turn::Again(0),
            Flow::Break(1) => Turn::End(Flow::Next(0)),
            Flow::Break(more) => Turn::End(Flow::Break(more - 1)),
            Flow::Continue(more) => Turn::End(Flow::Continue(more - 1)),
            other => Turn::End(other),
        }
    }
}

impl Shell {
    pub(super) async fn compound(&mut self, compound: &Compound, to: &Plumbing) -> Ran {
        match compound {
            Compound::If(branches, otherwise) => self.branch(branches, otherwise, to).await,
            Compound::Group(list) => self.list(list, to).await,
            Compound::Subshell(list) => self.subshell(list, to).await,
            Compound::Loop { until, condition, body } => {
                self.state.loops += 1;
                let flow = self.repeat(*until, condition, body, to).await;
                self.state.loops -= 1;
                flow
            }
            Compound::For { name, words, body } => {
                self.state.loops += 1;
                let flow = self.each(name, words.as_deref(), body, to).await;
                self.state.loops -= 1;
                flow
            }
        }
    }

    async fn branch(&mut self, branches: &[(List, List)], otherwise: &List, to: &Plumbing) -> Ran {
        for (condition, body) in branches {
            match self.condition(condition, to).await? {
                Flow::Next(0) => return self.list(body, to).await,
                Flow::Next(_) => {}
                other => return Ok(other),
            }
        }
        match otherwise.is_empty() {
            true => Ok(Flow::Next(0)),
            false => self.list(otherwise, to).await,
        }
    }

    /// A list whose failure doesn't end the shell.
    async fn condition(&mut self, list: &List, to: &Plumbing) -> Ran {
        self.state.guarded += 1;
        let flow = self.list(list, to).await;
        self.state.guarded -= 1;
        flow
    }

    async fn repeat(&mut self, until: bool, condition: &List, body: &List, to: &Plumbing) -> Ran {
        let mut last = 0;
        loop {
            self.budget.step().await?;
            match Turn::after(self.condition(condition, to).await?) {
                Turn::Again(code) if (code == 0) == until => return Ok(Flow::Next(last)),
                Turn::Again(_) => {}
                Turn::End(flow) => return Ok(flow),
            }
            match Turn::after(self.list(body, to).await?) {
                Turn::Again(code) => last = code,
                Turn::End(flow) => return Ok(flow),
            }
        }
    }

    async fn each(&mut self, name: &str, words: Option<&[Word]>, body: &List, to: &Plumbing) -> Ran {
        let values = match words {
            Some(words) => self.words(words).await?,
            None => self.state.arguments.clone(),
        };
        let mut last = 0;
        for value in values {
            self.budget.step().await?;
            self.state.variables.set(name, value)?;
            match Turn::after(self.list(body, to).await?) {
                Turn::Again(code) => last = code,
                Turn::End(flow) => return Ok(flow),
            }
        }
        Ok(Flow::Next(last))
    }

    /// A shell with the same state, which this one doesn't see changes of.
    fn fork(&self, stdin: Input) -> Result<Shell, Stop> {
        if Arc::strong_count(&self.budget) > SHELLS {
            return Err(Stop::limit("more than 64 shells at the same time"));
        }
        let mut state = self.state.clone();
        state.loops = 0;
        Ok(Shell { guest: self.guest.clone(), state, stdin, budget: self.budget.clone() })
    }

    /// A fork that has this shell's input.
    fn fork_with_input(&mut self) -> Result<Shell, Stop> {
        let fork = self.fork(Input::of(Vec::new()))?;
        Ok(Shell { stdin: std::mem::replace(&mut self.stdin, Input::of(Vec::new())), ..fork })
    }

    async fn subshell(&mut self, list: &List, to: &Plumbing) -> Ran {
        let mut inner = self.fork_with_input()?;
        let flow = inner.list(list, to).await?;
        self.stdin = inner.stdin;
        Ok(Flow::Next(flow.code()))
    }

    /// Runs commands at the same time, each reading what the one before writes.
    pub(super) async fn stages(&mut self, commands: &[Command], to: &Plumbing) -> Ran {
        let mut stages = Vec::new();
        let mut shell = self.fork_with_input()?;
        for (at, command) in commands.iter().enumerate() {
            let (pipe, next) = mpsc::channel::<Bytes>(8);
            let following = self.fork(Input::new(next))?;
            let to = if at + 1 == commands.len() { to.clone() } else { to.with_pipe(pipe) };
            stages.push(stage(std::mem::replace(&mut shell, following), command, to, at == 0));
        }
        // It belongs to no command; with it goes the end of a pipe that nothing writes to.
        drop(shell);
        let mut codes = Vec::new();
        for ended in join_all(stages).await {
            let (code, stdin) = ended?;
            codes.push(code);
            self.stdin_back(stdin);
        }
        let failed = codes.iter().rev().find(|code| self.state.options.pipefail && **code != 0);
        Ok(Flow::Next(failed.or(codes.last()).copied().unwrap_or(0)))
    }

    /// The standard output of a list, without line ends at its end.
    pub(super) async fn substitute(&mut self, list: &List) -> Result<String, Stop> {
        let mut inner = self.fork_with_input()?;
        let (pipe, mut output) = mpsc::channel::<Bytes>(8);
        let to = Plumbing::plain().with_pipe(pipe);
        let run = async move {
            let flow = inner.list(list, &to).await;
            (flow, inner.stdin)
        };
        let collect = async move {
            let mut all = Vec::new();
            while let Some(piece) = output.recv().await {
                all.extend_from_slice(&piece);
                if all.len() > super::parser::LONGEST {
                    return Err(Stop::limit("more than 1 MiB of output in `$(…)`"));
                }
            }
            Ok(all)
        };
        let ((flow, stdin), all) = futures_util::future::join(run, collect).await;
        let text = String::from_utf8_lossy(&all?).into_owned();
        self.stdin = stdin;
        self.state.substituted = Some(flow?.code());
        Ok(text.trim_end_matches('\n').to_owned())
    }
}

/// Runs one command of a pipeline. What it had of the pipes is gone when it ends, which its neighbours notice; only the
/// input of the first one is needed again.
async fn stage(
    mut shell: Shell,
    command: &Command,
    to: Plumbing,
    first: bool,
) -> Result<(i32, Option<Input>), Stop> {
    let code = match shell.one(command, &to).await {
        Ok(flow) => flow.code(),
        Err(Stop::Broken) => 141,
        Err(fault) => return Err(fault),
    };
    Ok((code, first.then_some(shell.stdin)))
}
