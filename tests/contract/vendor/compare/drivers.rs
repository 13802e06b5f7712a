//! How a step is carried out: a line of a shell, or a line of Python in an interpreter that stays.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Longer than any step takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// Instead of an answer, where none came in time.
pub const NO_ANSWER: &str = "no answer";

/// The answer to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub refused: bool,
    pub text: String,
}

/// What carries steps out, on one server.
#[allow(async_fn_in_trait)]
pub trait Driver {
    async fn run(&mut self, step: &str) -> Answer;

    /// Texts that only this server has, and the words for them.
    fn own(&self) -> Vec<(String, &'static str)>;
}

/// An empty directory of this run; gone with the value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("windlass-{name}-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(path.join("work")).unwrap();
        Scratch(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs each step with `sh`, in a directory of its own.
#[derive(Debug)]
pub struct Shell {
    scratch: Scratch,
    environment: Vec<(String, String)>,
}

impl Shell {
    pub fn new(name: &str, environment: &[(&str, &str)]) -> Shell {
        let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Shell { scratch: Scratch::new(name), environment: pairs.collect() }
    }
}

impl Driver for Shell {
    async fn run(&mut self, step: &str) -> Answer {
        let mut command = Command::new("sh");
        command
            .args(["-c", step])
            .current_dir(self.scratch.path().join("work"))
            .env("HOME", self.scratch.path())
            .env("NO_PROXY", "127.0.0.1")
            .env("TZ", "UTC")
            // What the command keeps, such as the current project, is kept apart.
            .env("INCUS_CONF", self.scratch.path().join("incus"))
            .env_remove("INCUS_PROJECT")
            .env_remove("INCUS_REMOTE")
            .env_remove("INCUS_DIR")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let Ok(output) = timeout(LIMIT, command.output()).await else {
            return Answer { refused: true, text: NO_ANSWER.to_owned() };
        };
        let output = output.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let mut text = out.into_owned();
        for line in err.lines() {
            text.push_str(&format!("err: {line}\n"));
        }
        match output.status.code() {
            Some(0) => {}
            code => text.push_str(&format!("exit {}\n", code.unwrap_or(-1))),
        }
        Answer { refused: !output.status.success(), text }
    }

    fn own(&self) -> Vec<(String, &'static str)> {
        let mut own = vec![(self.scratch.path().display().to_string(), "<dir>")];
        // The directory of a socket, and addresses.
        for (_, value) in &self.environment {
            let parent = Path::new(value).parent().filter(|_| value.starts_with('/'));
            let text = parent.map_or_else(|| value.clone(), |parent| parent.display().to_string());
            own.push((text, "<server>"));
        }
        own
    }
}

/// An interpreter that runs one step after the other.
#[derive(Debug)]
pub struct Python {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    own: Vec<(String, &'static str)>,
    _scratch: Scratch,
}

impl Python {
    /// Starts it; `prelude` is a file of Python that connects to the server.
    pub fn start(python: &str, prelude: &str, environment: &[(&str, &str)]) -> Python {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/vendor");
        let scratch = Scratch::new("python");
        let mut child = Command::new(python)
            .arg(here.join("compare/steps.py"))
            .arg(here.join(prelude))
            .current_dir(scratch.path())
            .env_remove("PYTHONPATH")
            .env("NO_PROXY", "127.0.0.1")
            .env("HOME", scratch.path())
            .env("TZ", "UTC")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut own = vec![(scratch.path().display().to_string(), "<dir>")];
        let addresses = environment.iter().filter(|(_, value)| value.contains('/'));
        own.extend(addresses.map(|(_, value)| ((*value).to_owned(), "<server>")));
        Python { child, stdin, lines, own, _scratch: scratch }
    }

    async fn ask(&mut self, step: &str) -> Option<Value> {
        let line = format!("{}\n", json!(step));
        self.stdin.write_all(line.as_bytes()).await.ok()?;
        let line = timeout(LIMIT, self.lines.next_line()).await.ok()?.ok()??;
        serde_json::from_str(&line).ok()
    }
}

impl Driver for Python {
    async fn run(&mut self, step: &str) -> Answer {
        match self.ask(step).await {
            Some(said) => Answer {
                refused: said["raised"] == true,
                text: said["text"].as_str().unwrap_or_default().to_owned(),
            },
            // A lost or late answer would be taken for that of the next step.
            None => {
                let _ = self.child.start_kill();
                Answer { refused: true, text: NO_ANSWER.to_owned() }
            }
        }
    }

    fn own(&self) -> Vec<(String, &'static str)> {
        self.own.clone()
    }
}
