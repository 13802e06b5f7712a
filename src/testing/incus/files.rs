//! The files of an instance, and `/1.0/instances/{name}/files`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::envelope::{self, Answer, Failure, failure};
use super::state::{Key, World};
use super::{Generation, not_implemented};
use crate::testing::reply::Reply;
use crate::testing::request::Request;
use crate::testing::shell;
use crate::testing::tasks::lock;

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    File(Bytes),
    Directory,
    Symlink(String),
}

#[derive(Debug, Clone)]
struct Node {
    kind: Kind,
    uid: String,
    gid: String,
    mode: String,
    modified: DateTime<Utc>,
}

impl Node {
    fn new(kind: Kind, mode: &str) -> Node {
        Node { kind, uid: "0".to_owned(), gid: "0".to_owned(), mode: mode.to_owned(), modified: Utc::now() }
    }

    /// Owner and mode as the request wants them; what it leaves out stays.
    fn dress(&mut self, request: &Request) {
        let given = |name: &str| request.header(name).map(str::to_owned);
        let number = |text: &String| text.parse::<u32>().is_ok();
        let octal = |text: &String| u32::from_str_radix(text, 8).is_ok();
        self.uid = given("x-incus-uid").filter(number).unwrap_or_else(|| self.uid.clone());
        self.gid = given("x-incus-gid").filter(number).unwrap_or_else(|| self.gid.clone());
        if let Some(mode) = given("x-incus-mode").filter(octal) {
            self.mode = format!("{:0>4}", mode.trim_start_matches("0o"));
        }
        self.modified = Utc::now();
    }

    fn label(&self, reply: Reply) -> Reply {
        let kind = match self.kind {
            Kind::File(_) => "file",
            Kind::Directory => "directory",
            Kind::Symlink(_) => "symlink",
        };
        reply
            .header("X-Incus-Uid", &self.uid)
            .header("X-Incus-Gid", &self.gid)
            .header("X-Incus-Mode", &self.mode)
            .header("X-Incus-Type", kind)
            .header("X-Incus-Modified", self.modified.format("%Y-%m-%d %H:%M:%S +0000 UTC").to_string())
    }
}

/// Shared with the commands that run inside.
#[derive(Debug, Clone)]
pub(super) struct Tree(Arc<Mutex<BTreeMap<String, Node>>>);

impl Tree {
    pub(super) fn new() -> Tree {
        let directories = ["/", "/root", "/etc", "/tmp", "/bin", "/var", "/var/log"];
        let nodes = directories.map(|path| (path.to_owned(), Node::new(Kind::Directory, "0755")));
        Tree(Arc::new(Mutex::new(nodes.into())))
    }

    /// The same files once more, to go their own way.
    pub(super) fn copy(&self) -> Tree {
        Tree(Arc::new(Mutex::new(lock(&self.0).clone())))
    }

    /// Everything that is in files, one after the other.
    pub(super) fn content(&self) -> Vec<u8> {
        let nodes = lock(&self.0);
        let files = nodes.values().filter_map(|node| match &node.kind {
            Kind::File(data) => Some(data.as_ref()),
            _ => None,
        });
        files.collect::<Vec<_>>().concat()
    }

    fn get(&self, path: &str) -> Option<Node> {
        lock(&self.0).get(path).cloned()
    }

    fn has_parent(&self, path: &str) -> bool {
        let parent = path.rsplit_once('/').map_or("/", |(parent, _)| parent);
        let parent = if parent.is_empty() { "/" } else { parent };
        self.get(parent).is_some_and(|node| node.kind == Kind::Directory)
    }

    fn children(&self, path: &str) -> Vec<String> {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let nodes = lock(&self.0);
        let names = nodes.keys().filter_map(|child| child.strip_prefix(&prefix));
        names.filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned).collect()
    }

    fn put(&self, path: &str, node: Node) {
        lock(&self.0).insert(path.to_owned(), node);
    }

    /// A file that nobody has touched for an hour; its directories come with it.
    pub(super) fn add_old(&self, path: &str, content: Bytes) {
        let mut parent = path;
        while let Some((above, _)) = parent.rsplit_once('/').filter(|(above, _)| !above.is_empty()) {
            lock(&self.0).entry(above.to_owned()).or_insert_with(|| Node::new(Kind::Directory, "0755"));
            parent = above;
        }
        let modified = Utc::now() - chrono::TimeDelta::hours(1);
        self.put(path, Node { modified, ..Node::new(Kind::File(content), "0644") });
    }

    pub(super) fn touch(&self, path: &str, ago: std::time::Duration) -> bool {
        let modified = Utc::now() - chrono::TimeDelta::from_std(ago).unwrap_or_default();
        lock(&self.0).get_mut(path).map(|node| node.modified = modified).is_some()
    }

    /// Follows one symbolic link, which is as far as tests go.
    fn resolve(&self, path: &str) -> Option<Node> {
        match self.get(path)?.kind {
            Kind::Symlink(target) => self.get(&absolute(path, &target)),
            _ => self.get(path),
        }
    }
}

impl shell::Files for Tree {
    fn read(&self, path: &str) -> Option<Bytes> {
        match self.resolve(path)?.kind {
            Kind::File(data) => Some(data),
            _ => None,
        }
    }

    fn write(&self, path: &str, data: &[u8], append: bool) -> bool {
        let Some(old) = self.get(path) else {
            let new = Node::new(Kind::File(Bytes::copy_from_slice(data)), "0644");
            return self.has_parent(path).then(|| self.put(path, new)).is_some();
        };
        let Kind::File(before) = &old.kind else {
            return false;
        };
        let kind = Kind::File(joined(before, data, append));
        self.put(path, Node { kind, ..old });
        true
    }
}

fn joined(before: &Bytes, data: &[u8], append: bool) -> Bytes {
    match append {
        true => [before.as_ref(), data].concat().into(),
        false => Bytes::copy_from_slice(data),
    }
}

pub(super) fn files(world: &World, request: &Request, key: &Key) -> Answer {
    let tree = world.with(key, |instance| instance.files.clone())?;
    let path = clean(&request.param("path").unwrap_or_default())?;
    match request.method.as_str() {
        "GET" => get(&tree, request, &path),
        "HEAD" => head(&tree, &path),
        "POST" => post(&tree, request, &path),
        "DELETE" => delete(&tree, world.generation, &path),
        _ => not_implemented(),
    }
}

/// One slash in front, none at the end, none doubled.
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
        Kind::Directory => envelope::sync(&Value::from(tree.children(path))),
        Kind::File(data) => raw(request, path, data.clone(), node.modified),
        Kind::Symlink(target) => raw(request, path, absolute(path, target).into(), node.modified),
    };
    Ok(node.label(reply))
}

/// Links are shown by the path that they lead to.
fn absolute(link: &str, target: &str) -> String {
    if target.starts_with('/') {
        return target.to_owned();
    }
    let directory = link.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A whole file or the range that was asked for.
pub(super) fn raw(request: &Request, path: &str, data: Bytes, modified: DateTime<Utc>) -> Reply {
    let size = data.len();
    let reply = match range(request, size) {
        None => Reply::new(200, data),
        Some(Some((from, to))) => Reply::new(206, data.slice(from..=to))
            .header("Content-Range", format!("bytes {from}-{to}/{size}")),
        Some(None) => {
            return Reply::new(416, "invalid range: failed to overlap\n")
                .header("Content-Type", "text/plain; charset=utf-8")
                .header("Content-Range", format!("bytes */{size}"));
        }
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    reply
        .header("Accept-Ranges", "bytes")
        .header("Content-Type", "application/octet-stream")
        .header("Content-Disposition", format!("inline;filename={name}"))
        .header("Last-Modified", modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n`; the inner nothing: outside of the file.
fn range(request: &Request, size: usize) -> Option<Option<(usize, usize)>> {
    let (from, to) = request.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
    let last = size.checked_sub(1);
    let (from, to) = match (from.parse::<usize>().ok(), to.parse::<usize>().ok()) {
        (Some(from), to) => (from, to.unwrap_or(usize::MAX)),
        (None, Some(tail)) => (size.saturating_sub(tail), usize::MAX),
        (None, None) => return None,
    };
    Some(last.filter(|last| from <= *last && from <= to).map(|last| (from, to.min(last))))
}

fn head(tree: &Tree, path: &str) -> Answer {
    let node = tree.get(path).ok_or_else(not_found)?;
    let reply = Reply::new(200, "");
    Ok(node.label(match &node.kind {
        Kind::File(data) => sized(reply, data.len()),
        Kind::Symlink(target) => sized(reply, target.len()),
        Kind::Directory => reply.header("Content-Type", "application/json"),
    }))
}

fn sized(reply: Reply, length: usize) -> Reply {
    reply.header("Content-Length", length.to_string()).header("Content-Type", "application/octet-stream")
}

fn post(tree: &Tree, request: &Request, path: &str) -> Answer {
    let append = match request.header("x-incus-write").unwrap_or("overwrite") {
        "append" => true,
        "overwrite" => false,
        other => return Err(failure(400, format!("Bad file write mode: {other}"))),
    };
    let data = content(request);
    let old = tree.get(path);
    let (kind, mode) = match request.header("x-incus-type").unwrap_or("file") {
        "directory" => (Kind::Directory, "0755"),
        "symlink" => (Kind::Symlink(String::from_utf8_lossy(&data).into_owned()), "0777"),
        "file" => (Kind::File(file(path, old.as_ref(), &data, append)?), "0644"),
        other => return Err(failure(400, format!("Bad file type: {other}"))),
    };
    if !tree.has_parent(path) {
        return Err(not_found());
    }
    let mut node = old.unwrap_or_else(|| Node::new(Kind::Directory, mode));
    node.kind = kind;
    node.dress(request);
    tree.put(path, node);
    Ok(envelope::done())
}

/// A form's body is eaten before the file is written: what curl's default content type does to one.
fn content(request: &Request) -> Bytes {
    let kind = request.header("content-type").unwrap_or_default();
    match kind.starts_with("application/x-www-form-urlencoded") {
        true => Bytes::new(),
        false => request.body.clone(),
    }
}

fn file(path: &str, old: Option<&Node>, data: &Bytes, append: bool) -> Result<Bytes, Failure> {
    match old.map(|old| &old.kind) {
        Some(Kind::File(before)) => Ok(joined(before, data, append)),
        Some(Kind::Directory) => {
            let text = format!("sftp: \"open {path}: is a directory\" (SSH_FX_FAILURE)");
            Err(failure(500, text))
        }
        _ => Ok(data.clone()),
    }
}

fn delete(tree: &Tree, generation: Generation, path: &str) -> Answer {
    let newer = generation == Generation::V7_0;
    if tree.get(path).is_none() {
        return Err(match newer {
            true => failure(404, format!("remove {path}: file does not exist")),
            false => not_found(),
        });
    }
    if !tree.children(path).is_empty() {
        let prefix = if newer { format!("remove {path}: ") } else { String::new() };
        let text = format!("{prefix}sftp: \"remove {path}: directory not empty\" (SSH_FX_FAILURE)");
        return Err(failure(500, text));
    }
    lock(&tree.0).remove(path);
    Ok(envelope::done())
}
