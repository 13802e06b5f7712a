//! The agent in a guest. A small shell runs the commands.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::answer::{Answer, Failure, data, failure, not_found, options, text};
use super::asked::Asked;
use super::release::Release;
use super::state::{Tree, World, is_visible, must_be_created, uuid};
use crate::testing::server::reply::Reply;
use crate::testing::shell::{Addresses, Files, Guest, Stream};

/// More output than this goes into a blob.
const INLINE: usize = 10 * 1024;

/// `POST …/agent/execute`.
pub(super) fn execute(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceAgentExecuteEndpoint", &["command_line"])?;
    let line = text(&options, "command_line").unwrap_or_default().to_owned();
    let commands = json!([{ "command": "execute", "commandline": line, "block-for-result": true }]);
    enqueue(asked, reference, "execute", commands)
}

/// `POST …/agent/get`.
pub(super) fn get(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceAgentGetEndpoint", &["path"])?;
    let path = text(&options, "path").unwrap_or_default();
    enqueue(asked, reference, "get-file", json!([{ "command": "get-file", "path": path }]))
}

/// `POST …/agent/put`.
pub(super) fn put(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceAgentPutEndpoint", &["blob_uuid", "path", "mode"])?;
    let path = text(&options, "path").unwrap_or_default();
    let mode = match options.get("mode") {
        Some(Value::Number(mode)) => json!(mode),
        Some(Value::String(mode)) if mode.parse::<i64>().is_ok() => json!(mode),
        Some(Value::String(mode)) => return Err(failure(406, format!("invalid mode: {mode}"))),
        _ => {
            return Err(failure(
                400,
                "int() argument must be a string, a bytes-like object or a real number",
            ));
        }
    };
    let blob = text(&options, "blob_uuid").unwrap_or_default();
    {
        let mut all = asked.world.data();
        let uuid = all.find(reference, &asked.namespace)?;
        must_be_created(&all.instance(&uuid)?.document)?;
        must_be_ready(asked.world.release, &all.instance(&uuid)?.document)?;
        if !all.blobs.contains_key(blob) {
            // A bug of the server.
            let text = "server error: AttributeError(\"'InstanceAgentPutEndpoint' object has no attribute 'api_error'\")";
            return Err(failure(500, text));
        }
    }
    let commands = json!([
        { "command": "put-blob", "blob_uuid": blob, "path": path },
        { "command": "chmod", "path": path, "mode": mode },
    ]);
    enqueue(asked, reference, "put-blob", commands)
}

fn must_be_ready(release: Release, document: &Value) -> Result<(), Failure> {
    match document["agent_state"].as_str() {
        // 0.7 knows no other word.
        state if release == Release::V0_7 && state != Some("ready") => {
            Err(failure(400, "instance agent not ready"))
        }
        Some(state) if state.starts_with("ready") => Ok(()),
        Some(_) => Err(failure(400, "instance agent not ready")),
        // Another bug of the server.
        None => {
            let text = "server error: AttributeError(\"'NoneType' object has no attribute 'startswith'\")";
            Err(failure(500, text))
        }
    }
}

fn enqueue(asked: &Asked<'_>, reference: &str, what: &str, commands: Value) -> Answer {
    let state = if what == "put-blob" { "preflight" } else { "queued" };
    let mut all = asked.world.data();
    let instance = all.find(reference, &asked.namespace)?;
    let document = &all.instance(&instance)?.document;
    must_be_created(document)?;
    must_be_ready(asked.world.release, document)?;
    let operation = uuid();
    let document = json!({
        "uuid": operation, "state": state, "metadata": {}, "version": 1, "namespace": document["namespace"],
        "instance_uuid": instance, "commands": commands, "results": {}
    });
    all.operations.insert(operation.clone(), document.clone());
    let extra = json!({ "agentoperation": operation, "commands": document["commands"] });
    let preflight = if state == "preflight" { "" } else { "not " };
    let said = format!("queued agent command {preflight}requiring preflight");
    let target = all.instance(&instance)?;
    asked.note(target, &format!("agent operation {what}"), json!({}));
    target.audit(&said, extra, &asked.id);
    let status = all.knobs.accepted;
    drop(all);
    let world = asked.world.clone();
    asked.world.work.spawn(async move { run(&world, &operation).await });
    Ok(Reply { status, ..data(&document) })
}

fn state(world: &World, operation: &str) -> String {
    world.data().operations.get(operation).and_then(|it| it["state"].as_str()).unwrap_or_default().to_owned()
}

fn change(world: &World, operation: &str, change: impl FnOnce(&mut Value)) {
    if let Some(document) = world.data().operations.get_mut(operation) {
        change(document);
    }
}

async fn run(world: &Arc<World>, operation: &str) {
    for next in ["queued", "executing"] {
        world.step().await;
        if state(world, operation) == "deleted" {
            return;
        }
        change(world, operation, |document| document["state"] = next.into());
    }
    world.while_agents_held().await;
    let document = world.data().operations.get(operation).cloned().unwrap_or_default();
    let instance = document["instance_uuid"].as_str().unwrap_or_default().to_owned();
    let Ok(files) = world.data().instance(&instance).map(|it| it.files.clone()) else { return };
    let mut ended = "complete";
    for (number, command) in document["commands"].as_array().into_iter().flatten().enumerate() {
        let result = match command["command"].as_str() {
            Some("execute") => run_command(world, &files, command).await,
            Some("get-file") => get_file(world, &files, command),
            Some("put-blob") => put_blob(world, &files, command),
            _ => chmod(&files, command),
        };
        if result["result"] == false {
            ended = "error";
        }
        change(world, operation, |document| document["results"][number.to_string()] = result);
    }
    if state(world, operation) != "deleted" {
        change(world, operation, |document| document["state"] = ended.into());
    }
}

fn path(command: &Value) -> String {
    command["path"].as_str().unwrap_or_default().to_owned()
}

async fn run_command(world: &World, files: &Tree, command: &Value) -> Value {
    let line = command["commandline"].as_str().unwrap_or_default();
    let (output, written) = mpsc::channel(16);
    let argv = ["sh", "-c", line].map(str::to_owned).to_vec();
    let (code, [out, err]) =
        tokio::join!(guest(world, files, output).run(mpsc::channel(1).1, argv), collect(written));
    let mut result = json!({ "command-line": line, "result": true, "return-code": code });
    for (name, bytes) in [("stdout", out), ("stderr", err)] {
        if bytes.len() > INLINE {
            let blob = world.data().add_blob(Bytes::from(bytes));
            result[format!("{name}_blob")] = blob.into();
        } else {
            result[name] = String::from_utf8_lossy(&bytes).into_owned().into();
        }
    }
    result
}

/// What a command finds in the guest.
fn guest(world: &World, files: &Tree, output: mpsc::Sender<(Stream, Bytes)>) -> Guest {
    Guest {
        env: BTreeMap::new(),
        cwd: "/".to_owned(),
        uid: 0,
        gid: 0,
        files: Arc::new(files.clone()),
        addresses: Addresses::default(),
        output,
        window: watch::channel((80, 25)).1,
        hostname: "guest".to_owned(),
        commands: world.commands.clone(),
    }
}

/// Standard output and standard error.
async fn collect(mut written: mpsc::Receiver<(Stream, Bytes)>) -> [Vec<u8>; 2] {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some((stream, piece)) = written.recv().await {
        match stream {
            Stream::Out => out.extend_from_slice(&piece),
            Stream::Err => err.extend_from_slice(&piece),
        }
    }
    [out, err]
}

fn get_file(world: &World, files: &Tree, command: &Value) -> Value {
    let path = path(command);
    match files.read(&path) {
        Some(bytes) => {
            let size = bytes.len();
            let blob = world.data().add_blob(bytes);
            json!({ "path": path, "content_blob": blob, "stat_result": { "size": size }, "result": true })
        }
        None => json!({ "path": path, "result": false, "message": format!("{path} does not exist") }),
    }
}

fn put_blob(world: &World, files: &Tree, command: &Value) -> Value {
    let path = path(command);
    let blob = world.data().blobs.get(command["blob_uuid"].as_str().unwrap_or_default()).cloned();
    match blob {
        Some(blob) => {
            files.write(&path, &blob.bytes, false);
            json!({ "path": path })
        }
        None => json!({ "path": path, "result": false, "message": "the blob is gone" }),
    }
}

fn chmod(files: &Tree, command: &Value) -> Value {
    let path = path(command);
    if let Some(file) = crate::testing::server::tasks::lock(&files.0).get_mut(&path) {
        file.1 = command["mode"].as_i64().unwrap_or_default() & 0o7777;
    }
    json!({ "path": path })
}

/// `GET …/agentoperations`: those that are still queued, or all on request.
pub(super) fn of_instance(asked: &Asked<'_>, reference: &str) -> Answer {
    let options = options(asked.request, "InstanceAgentOperationsEndpoint", &["all"])?;
    let everything = options.get("all").and_then(Value::as_bool).unwrap_or_default();
    let all = asked.world.data();
    let uuid = all.find(reference, &asked.namespace)?;
    let done = |operation: &Value| !["preflight", "queued"].iter().any(|state| operation["state"] == *state);
    let mine = all.operations.values().filter(|operation| operation["instance_uuid"] == *uuid);
    let shown: Vec<&Value> = mine.filter(|operation| everything || !done(operation)).collect();
    Ok(data(&json!(shown)))
}

/// `GET /agentoperations/{operation_uuid}`.
pub(super) fn operation(asked: &Asked<'_>, uuid: &str) -> Answer {
    options(asked.request, "AgentOperationEndpoint", &[])?;
    let all = asked.world.data();
    let found = all.operations.get(uuid).filter(|operation| is_visible(operation, &asked.namespace));
    Ok(data(found.ok_or_else(|| not_found("agent operation"))?))
}

/// `DELETE /agentoperations/{operation_uuid}`.
pub(super) fn delete(asked: &Asked<'_>, uuid: &str) -> Answer {
    options(asked.request, "AgentOperationEndpoint", &[])?;
    let mut all = asked.world.data();
    let found = all.operations.get_mut(uuid).filter(|operation| is_visible(operation, &asked.namespace));
    let found = found.ok_or_else(|| not_found("agent operation"))?;
    found["state"] = "deleted".into();
    Ok(data(found))
}
