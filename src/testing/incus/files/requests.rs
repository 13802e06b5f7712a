//! `/1.0/instances/{name}/files`.

use bytes::Bytes;
use serde_json::Value;

use super::raw::raw;
use crate::testing::incus::common::not_implemented;
use crate::testing::incus::envelope::{self, Answer, Failure, failure};
use crate::testing::incus::generation::Generation;
use crate::testing::incus::world::{Key, Node, NodeKind, Tree, World, absolute, append_to, is_full};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;

/// What a request says about a file.
#[derive(Clone, Copy)]
struct Said<'a> {
    request: &'a Request,
    /// Clients of LXD use older names, which 6.0 takes as well.
    older: bool,
}

impl<'a> Said<'a> {
    fn of(self, what: &str) -> Option<&'a str> {
        let named = |prefix: &str| self.request.header(&format!("{prefix}{what}"));
        named("x-incus-").or_else(|| if self.older { named("x-lxd-") } else { None })
    }
}

/// Sets owner and mode as the request says.
fn dress(node: &mut Node, said: Said<'_>) {
    let number = |name: &str| said.of(name).and_then(|text| text.parse::<u32>().ok());
    node.uid = number("uid").unwrap_or(node.uid);
    node.gid = number("gid").unwrap_or(node.gid);
    // Without a leading zero it is decimal. Only permissions are kept.
    let mode = said.of("mode").and_then(|mode| match mode.strip_prefix('0') {
        Some(octal) => u32::from_str_radix(octal.trim_start_matches('o'), 8).ok(),
        None => mode.parse().ok(),
    });
    node.mode = mode.map_or(node.mode, |mode| mode & 0o777);
}

fn label(node: &Node, reply: Reply) -> Reply {
    let kind = match node.kind {
        // The server doesn't distinguish pipes from files.
        NodeKind::File(_) | NodeKind::Pipe => "file",
        NodeKind::Directory => "directory",
        NodeKind::Symlink(_) => "symlink",
    };
    reply
        .header("X-Incus-Uid", node.uid.to_string())
        .header("X-Incus-Gid", node.gid.to_string())
        .header("X-Incus-Mode", format!("{:04o}", node.mode))
        .header("X-Incus-Type", kind)
        .header("X-Incus-Modified", node.modified.format("%Y-%m-%d %H:%M:%S +0000 UTC").to_string())
}

pub(crate) fn files(world: &World, request: &Request, key: &Key) -> Answer {
    let tree = world.with(key, |instance| instance.files.clone())?;
    let path = clean(&request.param("path").unwrap_or_default())?;
    match request.method.as_str() {
        "GET" => get(&tree, request, &path),
        "HEAD" => head(&tree, &path),
        "POST" => {
            let older = world.generation == Generation::V6_0;
            post(&tree, Said { request, older }, &path)
        }
        "DELETE" => {
            let force = request.header("x-incus-force").is_some_and(|force| matches!(force, "true" | "1"));
            delete(&tree, world.generation, &path, force)
        }
        _ => not_implemented(),
    }
}

/// One slash at the start, none at the end, none doubled.
fn clean(path: &str) -> Result<String, Failure> {
    if path.is_empty() {
        return Err(failure(400, "Missing path argument"));
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    Ok(format!("/{}", parts.join("/")))
}

fn not_found() -> Failure {
    failure(404, "Not Found")
}

fn get(tree: &Tree, request: &Request, path: &str) -> Answer {
    let node = tree.get(path).ok_or_else(not_found)?;
    let reply = match &node.kind {
        NodeKind::Directory => envelope::sync(&Value::from(tree.listing(path))),
        NodeKind::File(data) => raw(request, path, data.clone(), node.modified),
        NodeKind::Symlink(target) => raw(request, path, absolute(path, target).into(), node.modified),
        // Nothing writes to it.
        NodeKind::Pipe => return Ok(Reply::never()),
    };
    Ok(label(&node, reply))
}

fn head(tree: &Tree, path: &str) -> Answer {
    let node = tree.get(path).ok_or_else(not_found)?;
    let reply = Reply::new(200, "");
    let reply = match &node.kind {
        NodeKind::File(data) => reply
            .header("Content-Length", data.len().to_string())
            .header("Content-Type", "application/octet-stream"),
        NodeKind::Pipe => {
            reply.header("Content-Length", "0").header("Content-Type", "application/octet-stream")
        }
        _ => reply.header("Content-Type", "application/json"),
    };
    Ok(label(&node, reply))
}

fn post(tree: &Tree, said: Said<'_>, path: &str) -> Answer {
    let append = match said.of("write").unwrap_or("overwrite") {
        "append" => true,
        "overwrite" => false,
        other => return Err(failure(400, format!("Bad file write mode: {other}"))),
    };
    let data = content(said.request);
    if !tree.has_parent(path) {
        return Err(not_found());
    }
    let exists = tree.get(path).is_some();
    let mut node = match said.of("type").unwrap_or("file") {
        // Of any type.
        "directory" if exists => return Ok(envelope::done()),
        "directory" => Node::new(NodeKind::Directory),
        "symlink" if exists => {
            let target = String::from_utf8_lossy(&data);
            let text = format!("sftp: \"symlink {target} {path}: file exists\" (SSH_FX_FAILURE)");
            return Err(failure(500, text));
        }
        "symlink" => Node::new(NodeKind::Symlink(String::from_utf8_lossy(&data).into_owned())),
        "file" => return write(tree, said, &tree.followed(path), &data, append),
        other => return Err(failure(400, format!("Bad file type: {other}"))),
    };
    dress(&mut node, said);
    tree.put(path, node);
    Ok(envelope::done())
}

/// The server consumes the body of a form before it writes the file. Curl's default content type does that.
fn content(request: &Request) -> Bytes {
    let kind = request.header("content-type").unwrap_or_default();
    match kind.starts_with("application/x-www-form-urlencoded") {
        true => Bytes::new(),
        false => request.body.clone(),
    }
}

/// An existing file keeps owner and mode, whatever the request says.
fn write(tree: &Tree, said: Said<'_>, path: &str, data: &Bytes, append: bool) -> Answer {
    let mut node = match tree.get(path) {
        None if append => return Err(not_found()),
        None => {
            let mut node = Node::new(NodeKind::File(data.clone()));
            dress(&mut node, said);
            node
        }
        Some(Node { kind: NodeKind::File(mut content), uid, gid, mode, .. }) => {
            match append {
                true => append_to(&mut content, data),
                false => content = data.clone(),
            }
            Node { uid, gid, mode, ..Node::new(NodeKind::File(content)) }
        }
        // Nothing reads from it.
        Some(Node { kind: NodeKind::Pipe, .. }) => return Ok(Reply::never()),
        Some(_) => {
            let text = format!("sftp: \"open {path}: is a directory\" (SSH_FX_FAILURE)");
            return Err(failure(500, text));
        }
    };
    let lost = keep_what_fits(tree, path, &mut node);
    tree.put(path, node);
    // The server ignores a failure of the last piece.
    if lost < PIECE {
        return Ok(envelope::done());
    }
    let text = format!("sftp: \"write {path}: no space left on device\" (SSH_FX_FAILURE)");
    Err(failure(500, text))
}

/// How much the server writes at once.
const PIECE: usize = 32 << 10;

/// How many bytes don't fit on the disk.
fn keep_what_fits(tree: &Tree, path: &str, node: &mut Node) -> usize {
    let NodeKind::File(data) = &mut node.kind else {
        return 0;
    };
    let (all, room) = (data.len(), tree.room(path));
    data.truncate(room);
    all - data.len()
}

fn delete(tree: &Tree, generation: Generation, path: &str, force: bool) -> Answer {
    let newer = generation == Generation::V7_0;
    if tree.get(path).is_none() {
        return Err(match newer {
            true => failure(404, format!("remove {path}: file does not exist")),
            false => not_found(),
        });
    }
    if newer && force {
        tree.remove_all(path);
        return Ok(envelope::done());
    }
    if is_full(tree, path) {
        let prefix = if newer { format!("remove {path}: ") } else { String::new() };
        let text = format!("{prefix}sftp: \"remove {path}: directory not empty\" (SSH_FX_FAILURE)");
        return Err(failure(500, text));
    }
    tree.remove(path);
    Ok(envelope::done())
}
