//! What is on the daemon, for one worker.

use serde_json::{Value, json};

use super::super::direct::Direct;
use super::super::{Failure, until};
use crate::subject::Real;

/// Every start of the instance leaves a line in `/root/boots`.
const INITTAB: &str =
    "::sysinit:echo boot >>/root/boots\n::shutdown:/bin/true\n::respawn:/bin/sleep 1000000\n";
const BOOTS: &str = "/root/boots";

/// The daemon, and the names of the worker's instances.
pub struct Lab {
    direct: Direct,
    /// For files.
    files: Direct,
    /// An instance that stays.
    pub web: String,
    /// Names that come and go.
    pub new: String,
    pub other: String,
}

/// How often the instance was started, and its first process now: 0 if it is stopped.
#[derive(Debug, Clone, Copy, Default)]
pub struct Boots {
    lines: usize,
    pid: i64,
}

impl Lab {
    /// With its instance.
    pub fn open(real: &Real) -> Result<Self, Failure> {
        let name = |base: &str| format!("{base}-{}", real.worker);
        let direct = Direct::new(&real.address);
        let mut files = direct.clone();
        files.head = "X-Incus-type: file\r\n".to_owned();
        let lab = Self { direct, files, web: name("web"), new: name("new"), other: name("other") };
        if !lab.exists(&lab.web)? {
            lab.make(&lab.web)?;
            lab.write("/etc/inittab", INITTAB)?;
        }
        Ok(lab)
    }

    /// A document. `None` if there is none.
    fn get(&self, path: &str) -> Result<Option<Value>, Failure> {
        let reply = self.direct.ask("GET", path, "")?;
        match reply.status {
            404 => Ok(None),
            _ => Ok(Some(reply.good(path)?.json()["metadata"].take())),
        }
    }

    /// Changes something, and waits until it is done.
    fn change(&self, method: &str, path: &str, body: &Value) -> Result<(), Failure> {
        let what = format!("{method} {path} {body}");
        let reply = self.direct.ask(method, path, &body.to_string())?.good(&what)?.json();
        let Some(operation) = reply["operation"].as_str().filter(|url| !url.is_empty()) else {
            return Ok(());
        };
        // The server may have forgotten it, if it is done.
        let waited = self.get(&format!("{operation}/wait?timeout=60"))?;
        match waited.as_ref().map_or(200, |ended| ended["status_code"].as_u64().unwrap_or_default()) {
            200 => Ok(()),
            _ => Err(format!("{what}: {waited:?}").into()),
        }
    }

    /// Returns when nothing is done to the worker's instances any more.
    pub fn rest(&self) -> Result<(), Failure> {
        let mine = [&self.web, &self.new, &self.other].map(|name| format!("/1.0/instances/{name}"));
        let is_mine = |url: &Value| {
            let url = url.as_str().unwrap_or_default();
            mine.iter().any(|name| url == name || url.starts_with(&format!("{name}/")))
        };
        until("operations", || {
            let all = self.get("/1.0/operations?recursion=1")?.unwrap_or_default();
            let all = all.as_object().into_iter().flat_map(|by_status| by_status.values());
            let open = all.flat_map(|list| list.as_array().cloned().unwrap_or_default());
            let mut open = open.filter(|operation| operation["status_code"].as_u64() < Some(200));
            let resources =
                |operation: &Value| operation["resources"].as_object().cloned().unwrap_or_default();
            Ok(!open.any(|operation| {
                resources(&operation).values().any(|urls| urls.as_array().into_iter().flatten().any(is_mine))
            }))
        })
    }

    pub fn exists(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.get(&format!("/1.0/instances/{name}"))?.is_some())
    }

    /// Makes an instance, unless it is there.
    pub fn make(&self, name: &str) -> Result<(), Failure> {
        if self.exists(name)? {
            return Ok(());
        }
        let body = json!({"name": name, "source": {"type": "image", "alias": "busybox"}});
        self.change("POST", "/1.0/instances", &body)
    }

    /// Deletes an instance, if it is there.
    pub fn remove(&self, name: &str) -> Result<(), Failure> {
        if !self.exists(name)? {
            return Ok(());
        }
        self.power(name, false)?;
        self.change("DELETE", &format!("/1.0/instances/{name}"), &json!({}))
    }

    pub fn is_running(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.get(&format!("/1.0/instances/{name}"))?.is_some_and(|web| web["status"] == "Running"))
    }

    /// Starts an instance, or stops it.
    pub fn power(&self, name: &str, on: bool) -> Result<(), Failure> {
        if self.is_running(name)? == on {
            return Ok(());
        }
        let action = if on { "start" } else { "stop" };
        let path = format!("/1.0/instances/{name}/state");
        self.change("PUT", &path, &json!({"action": action, "force": true}))
    }

    fn file(&self, method: &str, path: &str, content: &str) -> Result<Option<Vec<u8>>, Failure> {
        let url = format!("/1.0/instances/{}/files?path={path}", self.web);
        let mut reply = self.files.ask(method, &url, content)?;
        // While the instance starts or stops, the daemon may lose its way to the files.
        until("files", || {
            if reply.status == 500 {
                reply = self.files.ask(method, &url, content)?;
            }
            Ok(reply.status != 500)
        })?;
        match reply.status {
            404 => Ok(None),
            _ => Ok(Some(reply.good(&url)?.body)),
        }
    }

    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.file("GET", path, "")
    }

    pub fn write(&self, path: &str, content: &str) -> Result<(), Failure> {
        self.file("POST", path, content).map(drop)
    }

    pub fn unlink(&self, path: &str) -> Result<(), Failure> {
        self.file("DELETE", path, "").map(drop)
    }

    /// The lines of a file.
    pub fn lines(&self, path: &str) -> Result<usize, Failure> {
        let content = self.read(path)?.unwrap_or_default();
        Ok(content.iter().filter(|byte| **byte == b'\n').count())
    }

    /// The starts until now.
    pub fn boots(&self) -> Result<Boots, Failure> {
        let state = self.get(&format!("/1.0/instances/{}/state", self.web))?.unwrap_or_default();
        Ok(Boots { lines: self.lines(BOOTS)?, pid: state["pid"].as_i64().unwrap_or_default() })
    }

    /// The starts since then. The line of a start comes a moment after the process.
    pub fn boots_after(&self, before: &Boots) -> Result<usize, Failure> {
        let mut now = self.boots()?;
        until("a start", || {
            now = self.boots()?;
            let is_another = now.pid > 0 && now.pid != before.pid;
            Ok(!is_another || now.lines > before.lines)
        })?;
        Ok(now.lines - before.lines)
    }

    fn snapshot_path(&self, snapshot: &str) -> String {
        format!("/1.0/instances/{}/snapshots/{snapshot}", self.web)
    }

    pub fn has_snapshot(&self, snapshot: &str) -> Result<bool, Failure> {
        Ok(self.get(&self.snapshot_path(snapshot))?.is_some())
    }

    pub fn snap(&self, snapshot: &str) -> Result<(), Failure> {
        if self.has_snapshot(snapshot)? {
            return Ok(());
        }
        let path = format!("/1.0/instances/{}/snapshots", self.web);
        self.change("POST", &path, &json!({"name": snapshot}))
    }

    pub fn unsnap(&self, snapshot: &str) -> Result<(), Failure> {
        match self.has_snapshot(snapshot)? {
            true => self.change("DELETE", &self.snapshot_path(snapshot), &json!({})),
            false => Ok(()),
        }
    }

    /// The number that the last change of the configuration left.
    pub fn round(&self) -> Result<usize, Failure> {
        let web = self.get(&format!("/1.0/instances/{}", self.web))?.unwrap_or_default();
        Ok(web["config"]["user.round"].as_str().and_then(|round| round.parse().ok()).unwrap_or_default())
    }
}
