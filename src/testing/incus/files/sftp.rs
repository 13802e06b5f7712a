//! `/1.0/instances/{name}/sftp`: version 3 of the protocol over an upgraded connection.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::Utc;
use russh_sftp::protocol::{Attrs, Data, File, FileAttributes, Handle, Name, OpenFlags, Status, StatusCode};
use russh_sftp::server::StatusReply;

use crate::testing::incus::common::not_implemented;
use crate::testing::incus::envelope::{Answer, failure};
use crate::testing::incus::generation::Generation;
use crate::testing::incus::world::{Key, Node, NodeKind, Tree, World, is_full, write_at};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;

pub(crate) fn sftp(world: &World, request: &Request, key: &Key) -> Answer {
    if request.method != "GET" {
        return not_implemented();
    }
    if request.header("upgrade") != Some("sftp") {
        return Err(failure(400, "Missing or invalid upgrade header"));
    }
    let tree = world.with(key, |instance| instance.files.clone())?;
    // Older servers silently drop set-user-id and the like.
    let mask = if world.generation == Generation::V6_0 { 0o777 } else { 0o7777 };
    Ok(Reply::tunnel("sftp", move |mut stream| async move {
        // The session runs in its own task. It ends with this one, because the pipe closes.
        let (mut near, far) = tokio::io::duplex(256 << 10);
        russh_sftp::server::run(far, Session { tree, mask, handles: HashMap::new(), next: 0 }).await;
        // A cut connection is expected.
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut near).await;
    }))
}

/// How far a file may be extended, in bytes: it is in memory.
const LARGEST: usize = 1 << 30;

struct Session {
    tree: Tree,
    /// Which bits of a mode can be set.
    mask: u32,
    handles: HashMap<String, Open>,
    next: u32,
}

enum Open {
    File(String),
    /// What a listing still has to show.
    Directory(Option<Vec<File>>),
}

type Result<T> = std::result::Result<T, StatusReply>;

fn done(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: String::new(), language_tag: String::new() }
}

fn missing() -> StatusReply {
    StatusCode::NoSuchFile.with_message("file does not exist")
}

fn failed(message: String) -> StatusReply {
    StatusCode::Failure.with_message(message)
}

fn attributes(node: &Node) -> FileAttributes {
    let (kind, size) = match &node.kind {
        NodeKind::File(data) => (0o100_000, data.len()),
        NodeKind::Directory => (0o040_000, 4_096),
        NodeKind::Symlink(target) => (0o120_000, target.len()),
        NodeKind::Pipe => (0o010_000, 0),
    };
    let time = u32::try_from(node.modified.timestamp()).ok();
    FileAttributes {
        size: Some(size as u64),
        uid: Some(node.uid),
        gid: Some(node.gid),
        permissions: Some(kind | node.mode),
        atime: time,
        mtime: time,
        ..FileAttributes::empty()
    }
}

impl Session {
    fn keep(&mut self, id: u32, open: Open) -> Handle {
        self.next += 1;
        let handle = self.next.to_string();
        self.handles.insert(handle.clone(), open);
        Handle { id, handle }
    }

    fn file(&self, handle: &str) -> Result<&str> {
        match self.handles.get(handle) {
            Some(Open::File(path)) => Ok(path),
            _ => Err(failed("no such handle".to_owned())),
        }
    }

    fn entry(&self, directory: &str, name: &str) -> Option<File> {
        let node = self.tree.get(&format!("{}/{name}", directory.trim_end_matches('/')));
        let lie = || self.tree.is_lie(name).then(|| Node::new(NodeKind::File(Bytes::from_static(b"lie"))));
        node.or_else(lie).map(|node| File::new(name, attributes(&node)))
    }

    fn set(&self, path: &str, wanted: &FileAttributes) -> Result<()> {
        if wanted.size.is_some_and(|size| size > LARGEST as u64) {
            return Err(failed(format!("truncate {path}: file too large")));
        }
        let changed = self.tree.change(&self.tree.followed(path), |node| {
            node.uid = wanted.uid.unwrap_or(node.uid);
            node.gid = wanted.gid.unwrap_or(node.gid);
            node.mode = wanted.permissions.map_or(node.mode, |mode| mode & self.mask);
            if let (Some(size), NodeKind::File(data)) = (wanted.size, &node.kind) {
                let mut data = data.to_vec();
                data.resize(usize::try_from(size).unwrap_or(data.len()), 0);
                node.kind = NodeKind::File(data.into());
            }
        });
        changed.ok_or_else(missing)
    }

    fn remove_one(&self, path: &str) -> Result<()> {
        if self.tree.get(path).is_none() {
            return Err(missing());
        }
        if is_full(&self.tree, path) {
            return Err(failed(format!("remove {path}: directory not empty")));
        }
        self.tree.remove(path);
        Ok(())
    }
}

impl russh_sftp::server::Handler for Session {
    type Error = StatusReply;

    fn unimplemented(&self) -> StatusReply {
        StatusCode::OpUnsupported.into()
    }

    async fn open(&mut self, id: u32, path: String, flags: OpenFlags, _: FileAttributes) -> Result<Handle> {
        let path = self.tree.followed(&path);
        match self.tree.get(&path).map(|node| node.kind) {
            // The vendor's command opens one to see what it is.
            Some(NodeKind::Directory) if !flags.intersects(OpenFlags::WRITE | OpenFlags::CREATE) => {}
            Some(NodeKind::Directory) => return Err(failed(format!("open {path}: is a directory"))),
            Some(_) if flags.contains(OpenFlags::TRUNCATE) => {
                self.tree.change(&path, |node| node.kind = NodeKind::File(Bytes::new()));
            }
            Some(_) => {}
            None if self.tree.is_lie(&path) => {}
            None if flags.contains(OpenFlags::CREATE) && self.tree.has_parent(&path) => {
                self.tree.put(&path, Node::new(NodeKind::File(Bytes::new())));
            }
            None => return Err(missing()),
        }
        Ok(self.keep(id, Open::File(path)))
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status> {
        self.handles.remove(&handle);
        Ok(done(id))
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Result<Data> {
        let path = self.file(&handle)?;
        let data = match self.tree.get(path).map(|node| node.kind) {
            Some(NodeKind::File(data)) => data,
            Some(NodeKind::Directory) => return Err(failed(format!("read {path}: is a directory"))),
            _ => Bytes::from_static(b"lie"),
        };
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
        let to = data.len().min(from + len as usize);
        if from == to {
            return Err(StatusCode::Eof.into());
        }
        Ok(Data { id, data: data[from..to].to_vec() })
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Result<Status> {
        let path = self.file(&handle)?;
        let Some(at) = usize::try_from(offset).ok().filter(|at| *at <= LARGEST) else {
            return Err(failed(format!("write {path}: file too large")));
        };
        let fits = self.tree.room(path).saturating_sub(at).min(data.len());
        self.tree.change(path, |node| {
            if let NodeKind::File(content) = &mut node.kind {
                write_at(content, at, &data[..fits]);
                node.modified = Utc::now();
            }
        });
        match fits == data.len() {
            true => Ok(done(id)),
            false => Err(failed(format!("write {path}: no space left on device"))),
        }
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs> {
        let node = self.tree.get(&path).ok_or_else(missing)?;
        Ok(Attrs { id, attrs: attributes(&node) })
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs> {
        self.lstat(id, self.tree.followed(&path)).await
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs> {
        let path = self.file(&handle)?.to_owned();
        self.lstat(id, path).await
    }

    async fn setstat(&mut self, id: u32, path: String, wanted: FileAttributes) -> Result<Status> {
        self.set(&path, &wanted).map(|()| done(id))
    }

    async fn fsetstat(&mut self, id: u32, handle: String, wanted: FileAttributes) -> Result<Status> {
        self.set(self.file(&handle)?, &wanted).map(|()| done(id))
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle> {
        let path = self.tree.followed(&path);
        match self.tree.get(&path).map(|node| node.kind) {
            Some(NodeKind::Directory) => {}
            Some(_) => return Err(failed(format!("open {path}: not a directory"))),
            None => return Err(missing()),
        }
        let names = self.tree.listing(&path);
        let files = names.iter().filter_map(|name| self.entry(&path, name)).collect();
        Ok(self.keep(id, Open::Directory(Some(files))))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name> {
        match self.handles.get_mut(&handle) {
            Some(Open::Directory(files)) => match files.take() {
                Some(files) => Ok(Name { id, files }),
                None => Err(StatusCode::Eof.into()),
            },
            _ => Err(failed("no such handle".to_owned())),
        }
    }

    async fn remove(&mut self, id: u32, path: String) -> Result<Status> {
        self.remove_one(&path).map(|()| done(id))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Result<Status> {
        self.remove_one(&path).map(|()| done(id))
    }

    async fn mkdir(&mut self, id: u32, path: String, _: FileAttributes) -> Result<Status> {
        if self.tree.get(&path).is_some() {
            return Err(failed(format!("mkdir {path}: file exists")));
        }
        if !self.tree.has_parent(&path) {
            return Err(missing());
        }
        self.tree.put(&path, Node::new(NodeKind::Directory));
        Ok(done(id))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name> {
        let path = self.tree.followed(&path);
        Ok(Name { id, files: vec![File::dummy(path)] })
    }

    async fn readlink(&mut self, id: u32, path: String) -> Result<Name> {
        match self.tree.get(&path).map(|node| node.kind) {
            Some(NodeKind::Symlink(target)) => Ok(Name { id, files: vec![File::dummy(target)] }),
            Some(_) => Err(failed(format!("readlink {path}: invalid argument"))),
            None => Err(missing()),
        }
    }

    /// The order of the arguments is OpenSSH's: the target comes first.
    async fn symlink(&mut self, id: u32, target: String, link: String) -> Result<Status> {
        if self.tree.get(&link).is_some() {
            return Err(failed(format!("symlink {target} {link}: file exists")));
        }
        if !self.tree.has_parent(&link) {
            return Err(missing());
        }
        self.tree.put(&link, Node::new(NodeKind::Symlink(target)));
        Ok(done(id))
    }
}
