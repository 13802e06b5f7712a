//! `POST /1.0/instances/{name}/exec`: what is asked for, and the two modes without websockets.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};

use super::console::Inside;
use super::envelope::{Answer, Failure, failure};
use super::instances::path;
use super::operations::{Draft, Operation};
use super::sessions::Session;
pub(super) use super::sessions::Sessions;
use super::state::{Key, World};
use super::{body, not_implemented};
use crate::testing::server::request::Request;
use crate::testing::shell::{Exit, Shell, Stream, Window};

/// A command as asked for.
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
    record: bool,
}

impl Job {
    fn parse(key: &Key, asked: &Value) -> Job {
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

pub(super) fn exec(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    if request.method != "POST" {
        return not_implemented();
    }
    let asked = body(request)?;
    match world.with(key, |instance| instance.status().to_owned())?.as_str() {
        "Stopped" => return Err(failure(400, "Instance is not running")),
        "Frozen" => return Err(failure(400, "Instance is frozen")),
        _ => {}
    }
    let job = Job::parse(key, &asked);
    Ok(match asked["wait-for-websocket"] == true {
        true => connected(world, job),
        false => detached(world, job),
    })
}

fn draft(job: &Job) -> Draft {
    Draft {
        description: "Executing command",
        project: job.key.0.clone(),
        resources: json!({"instances": [path(&job.key)]}),
        socket: None,
    }
}

fn connected(world: &Arc<World>, job: Job) -> crate::testing::server::reply::Reply {
    let (session, secrets) = Session::new(job.interactive);
    let metadata = json!({
        "command": job.command, "environment": job.environment, "interactive": job.interactive,
        "fds": secrets,
    });
    let draft = Draft { socket: Some(metadata), ..draft(&job) };
    world.launch(draft, move |world, operation| {
        world.sessions.open(&operation.id, &session);
        async move {
            let result = session.run(&world, &operation, job).await;
            world.sessions.close(&operation.id);
            result
        }
    })
}

fn detached(world: &Arc<World>, job: Job) -> crate::testing::server::reply::Reply {
    let mut draft = draft(&job);
    draft.resources["containers"] = draft.resources["instances"].clone();
    world.launch(draft, move |world, operation| async move {
        // Nobody writes to this stdin: the command sees its end at once.
        let (_, stdin) = mpsc::channel(1);
        let (output, chunks) = mpsc::channel(8);
        let (_window, window) = watch::channel(job.window);
        let running = world.start(&job, stdin, output, window)?;
        let (exit, (out, err)) = tokio::join!(running, collect(chunks, job.record));
        if job.record {
            world.keep_output(&operation, &job.key, out, err)?;
        }
        world.ended(&operation, exit)
    })
}

async fn collect(mut chunks: mpsc::Receiver<(Stream, Bytes)>, keep: bool) -> (Bytes, Bytes) {
    let (mut out, mut err) = (BytesMut::new(), BytesMut::new());
    while let Some((stream, data)) = chunks.recv().await {
        match stream {
            _ if !keep => {}
            Stream::Out => out.extend_from_slice(&data),
            Stream::Err => err.extend_from_slice(&data),
        }
    }
    (out.freeze(), err.freeze())
}

impl World {
    /// The command, until it ends by itself or its instance is stopped.
    pub(super) fn start(
        &self,
        job: &Job,
        stdin: mpsc::Receiver<Bytes>,
        output: mpsc::Sender<(Stream, Bytes)>,
        window: watch::Receiver<Window>,
    ) -> Result<impl Future<Output = Exit> + Send + use<>, Failure> {
        let (inside, addresses, mut power) = self.with(&job.key, |instance| {
            let inside = Inside { files: instance.files.clone(), console: instance.console.clone() };
            (inside, instance.addresses.clone(), instance.power.subscribe())
        })?;
        let shell = Shell {
            env: job.environment.clone(),
            cwd: job.cwd.clone(),
            uid: job.uid,
            gid: job.gid,
            files: Arc::new(inside),
            addresses,
            stdin,
            output,
            window,
            hostname: job.key.1.clone(),
            ahead: Vec::new(),
            last: 0,
        };
        let command = job.command.clone();
        Ok(async move {
            // A lost sender means that the instance is gone: killed as well.
            let killed = power.wait_for(|on| !on);
            tokio::select! {
                exit = shell.run(command) => exit,
                _ = killed => Exit::Code(137),
            }
        })
    }

    fn keep_output(&self, operation: &Operation, key: &Key, out: Bytes, err: Bytes) -> Result<(), Failure> {
        let mut urls = Map::new();
        for (fd, stream, data) in [("1", "stdout", out), ("2", "stderr", err)] {
            let name = format!("exec_{}.{stream}", operation.id);
            urls.insert(fd.into(), format!("{}/logs/exec-output/{name}", path(key)).into());
            self.with(key, |instance| instance.outputs.insert(name, data))?;
        }
        self.set_metadata(operation, "output", urls.into());
        Ok(())
    }

    pub(super) fn ended(&self, operation: &Operation, exit: Exit) -> Result<(), Failure> {
        let code = match exit {
            Exit::Code(code) => code,
            Exit::NotFound => 127,
        };
        self.set_metadata(operation, "return", code.into());
        // The real server knows only the status, and takes these two for what a shell means by them.
        match code {
            126 => Err(failure(400, "Command not executable")),
            127 => Err(failure(400, "Command not found")),
            _ => Ok(()),
        }
    }
}
