//! `POST /1.0/instances/{name}/exec`: the command, and the two modes without websockets.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::common::{body, not_implemented};
use super::envelope::{Answer, failure};
use super::job::Job;
use super::world::{Draft, Key, Session, World, path};
use crate::testing::server::request::Request;
use crate::testing::shell::Stream;

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
    let (session, secrets) = Session::of_command(job.interactive);
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
        // Nothing writes to this stdin: the command sees its end at once.
        let (_, stdin) = mpsc::channel(1);
        let (output, chunks) = mpsc::channel(8);
        let (_window, window) = watch::channel(job.window);
        let running = world.start(&job, stdin, output, window)?;
        let (code, (out, err)) = tokio::join!(running, collect(chunks, job.record));
        if job.record {
            world.keep_output(&operation, &job.key, out, err)?;
        }
        world.ended(&operation, code)
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
