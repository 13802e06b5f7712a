//! Lines between the two halves of a scenario, over the standard input and output of the client's process.
//!
//! A line of the client is a row of the table, or a word for the other half.

use std::io::Write;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::{Failure, Outcome};

const WORD: &str = "> ";

/// A row of the table. From the client it goes through the other half.
pub fn figure(what: impl std::fmt::Display, figure: impl std::fmt::Display) {
    println!("| {what} | {figure} |");
    let _ = std::io::stdout().flush();
}

/// The client says a word to the other half.
pub fn say(word: impl std::fmt::Display) {
    println!("{WORD}{word}");
    let _ = std::io::stdout().flush();
}

/// The client waits for a line of the other half. Nothing else in its process must need this thread meanwhile.
pub fn hear() -> String {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line).expect("the other half");
    assert!(read > 0, "the other half is gone");
    line.trim_end().to_owned()
}

/// The client, as the other half sees it.
pub struct Client {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Client {
    /// Starts it. It may open `files` files at the same time, if that is given.
    pub fn start(scenario: &str, address: &str, files: Option<u32>) -> std::io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = match files {
            None => Command::new(program),
            Some(files) => {
                let mut command = Command::new("sh");
                command.arg("-c").arg(format!("ulimit -n {files} && exec \"$0\" \"$@\"")).arg(program);
                command
            }
        };
        command.args([scenario, "--client", address]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn()?;
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Ok(Self { child, input, output })
    }

    /// The next word; rows of the table are passed on. None at the end.
    pub async fn word(&mut self) -> std::io::Result<Option<String>> {
        while let Some(line) = self.output.next_line().await? {
            match line.strip_prefix(WORD) {
                Some(word) => return Ok(Some(word.to_owned())),
                None => println!("{line}"),
            }
        }
        Ok(None)
    }

    /// Waits for a word that begins so, and returns its rest.
    pub async fn expect(&mut self, word: &str) -> Result<String, Failure> {
        let said = self.word().await?.ok_or_else(|| format!("the client ended before it said '{word}'"))?;
        let rest =
            said.strip_prefix(word).ok_or_else(|| format!("the client said '{said}', not '{word}'"))?;
        Ok(rest.trim().to_owned())
    }

    /// Says a line to it.
    pub async fn tell(&mut self, line: &str) -> Outcome {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(())
    }

    /// Waits for its good end.
    pub async fn end(mut self) -> Outcome {
        if let Some(word) = self.word().await? {
            return Err(format!("the client said '{word}' in the end").into());
        }
        match self.child.wait().await? {
            status if status.success() => Ok(()),
            status => Err(format!("the client: {status}").into()),
        }
    }
}
