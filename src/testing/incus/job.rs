//! A command that runs in an instance.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};

use super::envelope::{Failure, failure};
use super::world::{Inside, Key, Operation, World, path};
use crate::testing::shell::{Guest, Stream, Window};

/// A requested command.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) key: Key,
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) interactive: bool,
    pub(super) window: Window,
    cwd: String,
    uid: u32,
    gid: u32,
    pub(super) record: bool,
}

impl Job {
    pub(super) fn parse(key: &Key, asked: &Value) -> Job {
        let words = asked["command"].as_array().into_iter().flatten();
        let number = |key: &str| asked[key].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let uid = number("user");
        let interactive = asked["interactive"] == true;
        Job {
            key: key.clone(),
            command: words.filter_map(Value::as_str).map(str::to_owned).collect(),
            environment: environment(asked, uid),
            interactive,
            window: (number("width"), number("height")),
            cwd: asked["cwd"].as_str().filter(|cwd| !cwd.is_empty()).unwrap_or("/root").to_owned(),
            uid,
            gid: number("group"),
            record: asked["record-output"] == true,
        }
    }
}

fn environment(asked: &Value, uid: u32) -> BTreeMap<String, String> {
    let user = [("HOME", "/root"), ("USER", "root")];
    let always =
        [("LANG", "C.UTF-8"), ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")];
    let defaults = user.iter().filter(|_| uid == 0).chain(&always);
    let defaults = defaults.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let given = asked["environment"].as_object().into_iter().flatten();
    let given = given.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    defaults.chain(given).collect()
}

impl World {
    /// Runs the command until it ends, or its instance is stopped.
    pub(super) fn start(
        &self,
        job: &Job,
        stdin: mpsc::Receiver<Bytes>,
        output: mpsc::Sender<(Stream, Bytes)>,
        window: watch::Receiver<Window>,
    ) -> Result<impl Future<Output = i32> + Send + use<>, Failure> {
        let (inside, addresses, mut power) = self.with(&job.key, |instance| {
            let inside = Inside { files: instance.files.clone(), console: instance.console.clone() };
            (inside, instance.addresses.clone(), instance.power.subscribe())
        })?;
        let guest = Guest {
            env: job.environment.clone(),
            cwd: job.cwd.clone(),
            uid: job.uid,
            gid: job.gid,
            files: Arc::new(inside),
            addresses,
            output,
            window,
            hostname: job.key.1.clone(),
            commands: self.commands.clone(),
        };
        let command = job.command.clone();
        Ok(async move {
            // If the sender is gone, so is the instance: that kills the command, too.
            let killed = power.wait_for(|on| !on);
            tokio::select! {
                code = guest.run(stdin, command) => code,
                _ = killed => 137,
            }
        })
    }

    pub(super) fn keep_output(
        &self,
        operation: &Operation,
        key: &Key,
        out: Bytes,
        err: Bytes,
    ) -> Result<(), Failure> {
        let mut urls = Map::new();
        for (fd, stream, data) in [("1", "stdout", out), ("2", "stderr", err)] {
            let name = format!("exec_{}.{stream}", operation.id);
            urls.insert(fd.into(), format!("{}/logs/exec-output/{name}", path(key)).into());
            self.with(key, |instance| instance.outputs.insert(name, data))?;
        }
        self.set_metadata(operation, "output", urls.into());
        Ok(())
    }

    pub(super) fn ended(&self, operation: &Operation, code: i32) -> Result<(), Failure> {
        self.set_metadata(operation, "return", code.into());
        // The real server knows only the status, and reads these two as a shell does.
        match code {
            126 => Err(failure(400, "Command not executable")),
            127 => Err(failure(400, "Command not found")),
            _ => Ok(()),
        }
    }
}
