//! The files of an instance.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};

use crate::testing::server::tasks::lock;
use crate::testing::shell;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeKind {
    File(Bytes),
    Directory,
    Symlink(String),
    Pipe,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
    pub(crate) modified: DateTime<Utc>,
}

impl Node {
    pub(crate) fn new(kind: NodeKind) -> Node {
        let mode = match kind {
            NodeKind::File(_) | NodeKind::Pipe => 0o644,
            NodeKind::Directory => 0o755,
            NodeKind::Symlink(_) => 0o777,
        };
        Node { kind, uid: 0, gid: 0, mode, modified: Utc::now() }
    }
}

/// Shared with the commands that run inside. Paths have one slash in front, none at the end, none doubled.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    nodes: Arc<Mutex<BTreeMap<String, Node>>>,
    /// Names that listings show beside the real ones.
    lies: Arc<Mutex<Vec<String>>>,
    /// Directories that are separate disks, with their size in bytes.
    disks: Arc<Mutex<Vec<(String, usize)>>>,
}

impl Tree {
    pub(crate) fn new() -> Tree {
        let directories = ["/", "/root", "/etc", "/tmp", "/bin", "/var", "/var/log"];
        let nodes = directories.map(|path| (path.to_owned(), Node::new(NodeKind::Directory)));
        Tree { nodes: Arc::new(Mutex::new(nodes.into())), lies: Arc::default(), disks: Arc::default() }
    }

    /// Adds a file that was last changed an hour ago, and its directories.
    pub(crate) fn add_old(&self, path: &str, content: Bytes) {
        let mut parent = path;
        while let Some((above, _)) = parent.rsplit_once('/').filter(|(above, _)| !above.is_empty()) {
            lock(&self.nodes).entry(above.to_owned()).or_insert_with(|| Node::new(NodeKind::Directory));
            parent = above;
        }
        let modified = Utc::now() - TimeDelta::hours(1);
        self.put(path, Node { modified, ..Node::new(NodeKind::File(content)) });
    }

    /// An independent copy of the files.
    pub(crate) fn copy(&self) -> Self {
        let nodes = Mutex::new(lock(&self.nodes).clone());
        Self { nodes: Arc::new(nodes), ..self.clone() }
    }

    /// The content of all files, one after the other.
    pub(crate) fn content(&self) -> Vec<u8> {
        let nodes = lock(&self.nodes);
        let files = nodes.values().filter_map(|node| match &node.kind {
            NodeKind::File(data) => Some(data.as_ref()),
            _ => None,
        });
        files.collect::<Vec<_>>().concat()
    }

    pub(crate) fn touch(&self, path: &str, ago: Duration) -> bool {
        let modified = Utc::now() - TimeDelta::from_std(ago).unwrap_or_default();
        self.change(path, |node| node.modified = modified).is_some()
    }

    pub(crate) fn lie(&self, name: &str) {
        lock(&self.lies).push(name.to_owned());
    }

    pub(crate) fn is_lie(&self, path: &str) -> bool {
        lock(&self.lies).iter().any(|name| path.ends_with(name.as_str()))
    }

    /// The node at a path. Links on the way are followed, a link at the path isn't.
    pub(crate) fn get(&self, path: &str) -> Option<Node> {
        let path = self.real(path);
        lock(&self.nodes).get(&path).cloned()
    }

    pub(crate) fn put(&self, path: &str, node: Node) {
        let path = self.real(path);
        lock(&self.nodes).insert(path, node);
    }

    /// The largest size of the file at a path, in bytes.
    pub(crate) fn room(&self, path: &str) -> usize {
        let path = self.real(path);
        let (disks, nodes) = (lock(&self.disks), lock(&self.nodes));
        let rooms = disks.iter().filter_map(|(disk, bytes)| {
            let below =
                |path: &str| path.strip_prefix(disk.as_str()).is_some_and(|rest| rest.starts_with('/'));
            let others = nodes.iter().filter(|(other, _)| below(other) && **other != path);
            let used = others.map(|(_, node)| match &node.kind {
                NodeKind::File(data) => data.len(),
                _ => 0,
            });
            below(&path).then(|| bytes.saturating_sub(used.sum()))
        });
        rooms.min().unwrap_or(usize::MAX)
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.real(path);
        lock(&self.nodes).remove(&path);
    }

    pub(crate) fn change<T>(&self, path: &str, change: impl FnOnce(&mut Node) -> T) -> Option<T> {
        let path = self.real(path);
        lock(&self.nodes).get_mut(&path).map(change)
    }

    pub(crate) fn has_parent(&self, path: &str) -> bool {
        let real = self.real(path);
        let parent = real.rsplit_once('/').map_or("/", |(parent, _)| parent);
        let parent = if parent.is_empty() { "/" } else { parent };
        lock(&self.nodes).get(parent).is_some_and(|node| node.kind == NodeKind::Directory)
    }

    /// The real names in a directory.
    pub(crate) fn children(&self, path: &str) -> Vec<String> {
        let prefix = format!("{}/", self.real(path).trim_end_matches('/'));
        let nodes = lock(&self.nodes);
        let names = nodes.keys().filter_map(|child| child.strip_prefix(&prefix));
        names.filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned).collect()
    }

    /// The names that a listing shows.
    pub(crate) fn listing(&self, path: &str) -> Vec<String> {
        let lies = lock(&self.lies).clone();
        self.children(path).into_iter().chain(lies).collect()
    }

    /// Deletes a directory and everything in it.
    pub(crate) fn remove_all(&self, path: &str) {
        let (path, below) = (self.real(path), format!("{}/", self.real(path)));
        lock(&self.nodes).retain(|node, _| *node != path && !node.starts_with(&below));
    }

    /// The path that a path leads to. Links on the way are followed, a link at the path isn't.
    fn real(&self, path: &str) -> String {
        let nodes = lock(&self.nodes);
        let mut real = String::new();
        let mut left: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part.is_empty() {
                continue;
            }
            let next = format!("{real}/{part}");
            match nodes.get(&next).map(|node| &node.kind) {
                Some(NodeKind::Symlink(target)) if !left.is_empty() && links < 40 => {
                    links += 1;
                    let target = absolute(&next, target);
                    real.clear();
                    left.extend(target.split('/').rev().map(str::to_owned));
                }
                _ => real = next,
            }
        }
        if real.is_empty() { "/".to_owned() } else { real }
    }

    /// The path that a path leads to. All links are followed.
    pub(crate) fn followed(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for _ in 0..40 {
            match self.get(&path).map(|node| node.kind) {
                Some(NodeKind::Symlink(target)) => path = absolute(&path, &target),
                _ => break,
            }
        }
        path
    }
}

/// Links are shown by the path that they lead to.
pub(crate) fn absolute(link: &str, target: &str) -> String {
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

pub(crate) fn append_to(content: &mut Bytes, data: &[u8]) {
    write_at(content, content.len(), data);
}

/// Writes into the content of a file, which becomes longer if it must. Large files come in many pieces: only what others
/// still read is copied.
pub(crate) fn write_at(content: &mut Bytes, at: usize, data: &[u8]) {
    let own = std::mem::take(content).try_into_mut();
    let mut all = own.unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    let end = at + data.len();
    all.resize(all.len().max(end), 0);
    all[at..end].copy_from_slice(data);
    *content = all.freeze();
}

impl shell::Files for Tree {
    fn is_directory(&self, path: &str) -> bool {
        self.get(&self.followed(path)).is_some_and(|node| node.kind == NodeKind::Directory)
    }

    fn is_executable(&self, path: &str) -> bool {
        self.get(&self.followed(path)).is_some_and(|node| node.mode & 0o111 != 0)
    }

    fn make_pipe(&self, path: &str) -> bool {
        let new = self.get(path).is_none() && self.has_parent(path);
        new.then(|| self.put(path, Node::new(NodeKind::Pipe))).is_some()
    }

    fn mount(&self, path: &str, bytes: usize) -> bool {
        let directory = self.get(path).is_some_and(|node| node.kind == NodeKind::Directory);
        directory.then(|| lock(&self.disks).push((self.real(path), bytes))).is_some()
    }

    fn read(&self, path: &str) -> Option<Bytes> {
        match self.get(&self.followed(path))?.kind {
            NodeKind::File(data) => Some(data),
            _ => None,
        }
    }

    fn write(&self, path: &str, data: &[u8], append: bool) -> bool {
        let path = &self.followed(path);
        let written = self.change(path, |node| {
            let NodeKind::File(content) = &mut node.kind else { return false };
            match append {
                true => append_to(content, data),
                false => *content = Bytes::copy_from_slice(data),
            }
            node.modified = Utc::now();
            true
        });
        written.unwrap_or_else(|| {
            let new = Node::new(NodeKind::File(Bytes::copy_from_slice(data)));
            self.has_parent(path).then(|| self.put(path, new)).is_some()
        })
    }
}

/// Whether it is a directory that isn't empty.
pub(crate) fn is_full(tree: &Tree, path: &str) -> bool {
    let directory = tree.get(path).is_some_and(|node| node.kind == NodeKind::Directory);
    directory && !tree.children(path).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_file_are_written_in_place() {
        let (mut content, mut moves) = (Bytes::new(), 0);
        for piece in 0..1_000 {
            let before = content.as_ptr();
            write_at(&mut content, piece * 16, &[1; 16]);
            moves += usize::from(content.as_ptr() != before);
        }
        assert!(content.len() == 16_000 && content.iter().all(|byte| *byte == 1));
        assert!(moves < 30, "moved {moves} times");
    }

    #[test]
    fn a_reader_keeps_what_it_has() {
        let mut content = Bytes::from_static(b"abc");
        let reader = content.clone();
        write_at(&mut content, 5, b"z");
        write_at(&mut content, 0, b"x");
        assert_eq!((&reader[..], &content[..]), (&b"abc"[..], &b"xbc\0\0z"[..]));
    }
}
