//! What is on the server, for one worker.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::direct::Direct;
use super::super::{Failure, until};
use crate::subject::Real;

/// The states of a command that hasn't ended.
const OPEN: [&str; 4] = ["initial", "preflight", "queued", "executing"];

/// The lab of this process, and when it was made. A login and lists of everything take long, so cells share it.
static KEPT: Mutex<Option<(Instant, Lab)>> = Mutex::new(None);
/// Its token is good for longer than this.
const FRESH: Duration = Duration::from_secs(600);

/// The server, and what belongs to the worker.
#[derive(Clone)]
pub struct Lab {
    direct: Direct,
    /// The instance and the network that the operation is about, by their ids.
    pub instance: String,
    pub network: String,
    /// A name that comes and goes.
    pub new: String,
    /// Where the stand-ins of the hypervisor and of the guests keep their files.
    domains: PathBuf,
    guests: PathBuf,
}

impl Lab {
    /// With an instance and a network that stay.
    pub fn open(real: &Real) -> Result<Self, Failure> {
        let mut kept = KEPT.lock().unwrap();
        if let Some((made, lab)) = &*kept
            && made.elapsed() < FRESH
        {
            return Ok(lab.clone());
        }
        let lab = Self::new(real)?;
        *kept = Some((Instant::now(), lab.clone()));
        Ok(lab)
    }

    fn new(real: &Real) -> Result<Self, Failure> {
        let folder = |name: &str| std::env::var_os(name).ok_or_else(|| format!("{name} isn't set"));
        let mut lab = Self {
            direct: Direct::new(&real.address),
            instance: String::new(),
            network: String::new(),
            new: format!("new-{}", real.worker),
            domains: folder("WINDLASS_DOMAINS")?.into(),
            guests: folder("WINDLASS_GUESTS")?.into(),
        };
        let token = lab.change("POST", "/auth", &json!({"namespace": "demo", "key": "demokey"}))?;
        let token = token["access_token"].as_str().ok_or("no token")?;
        lab.direct.head = format!("Authorization: Bearer {token}\r\n");
        lab.instance = lab.make_instance(&format!("web-{}", real.worker))?;
        lab.network = lab.make_network(&format!("net-{}", real.worker))?;
        Ok(lab)
    }

    /// A document. `None` if there is none.
    fn get(&self, path: &str) -> Result<Option<Value>, Failure> {
        let reply = self.direct.ask("GET", path, "")?;
        match reply.status {
            404 => Ok(None),
            _ => Ok(Some(reply.good(path)?.json())),
        }
    }

    fn change(&self, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        Ok(self.direct.ask(method, path, &body.to_string())?.good(&format!("{method} {path}"))?.json())
    }

    /// The ids of all with this name that aren't deleted.
    fn named(&self, kind: &str, name: &str) -> Result<Vec<String>, Failure> {
        let all = self.get(&format!("/{kind}"))?.unwrap_or_default();
        let all = all.as_array().into_iter().flatten();
        let named = all.filter(|one| one["name"] == name && one["state"] != "deleted");
        Ok(named.filter_map(|one| one["uuid"].as_str().map(str::to_owned)).collect())
    }

    fn state(&self, kind: &str, uuid: &str) -> Result<String, Failure> {
        let one = self.get(&format!("/{kind}/{uuid}"))?.unwrap_or_default();
        Ok(one["state"].as_str().unwrap_or("deleted").to_owned())
    }

    /// Returns when it exists, and is no longer being made.
    fn created(&self, kind: &str, uuid: &str) -> Result<(), Failure> {
        until("a creation", || Ok(self.state(kind, uuid)? == "created"))
    }

    /// The instance with this name, which it makes unless it is there.
    pub fn make_instance(&self, name: &str) -> Result<String, Failure> {
        let body = json!({
            "name": name, "cpus": 1, "memory": 1024, "disk": [{"size": 1, "type": "disk"}], "network": [],
        });
        self.make("instances", name, &body)
    }

    /// The network with this name, which it makes unless it is there.
    pub fn make_network(&self, name: &str) -> Result<String, Failure> {
        self.make("networks", name, &json!({"name": name, "netblock": "10.2.0.0/24"}))
    }

    fn make(&self, kind: &str, name: &str, body: &Value) -> Result<String, Failure> {
        if let [one, ..] = self.named(kind, name)?.as_slice() {
            return Ok(one.clone());
        }
        let made = self.change("POST", &format!("/{kind}"), body)?;
        let uuid = made["uuid"].as_str().ok_or("no id")?.to_owned();
        self.created(kind, &uuid)?;
        Ok(uuid)
    }

    pub fn remove_instances(&self) -> Result<(), Failure> {
        self.remove("instances")
    }

    pub fn remove_networks(&self) -> Result<(), Failure> {
        self.remove("networks")
    }

    fn remove(&self, kind: &str) -> Result<(), Failure> {
        for uuid in self.named(kind, &self.new)? {
            self.change("DELETE", &format!("/{kind}/{uuid}"), &json!({}))?;
            until("a deletion", || Ok(self.state(kind, &uuid)? == "deleted"))?;
        }
        Ok(())
    }

    pub fn instances(&self, asked: bool) -> Result<usize, Failure> {
        self.made("instances", asked)
    }

    pub fn networks(&self, asked: bool) -> Result<usize, Failure> {
        self.made("networks", asked)
    }

    /// How many there are, when all are made. The list has one that was asked for only after a moment.
    fn made(&self, kind: &str, asked: bool) -> Result<usize, Failure> {
        if asked {
            until("the list", || Ok(!self.named(kind, &self.new)?.is_empty()))?;
        }
        let all = self.named(kind, &self.new)?;
        all.iter().try_for_each(|uuid| self.created(kind, uuid))?;
        Ok(all.len())
    }

    pub fn is_instance_gone(&self, asked: bool) -> Result<bool, Failure> {
        self.is_gone("instances", &self.instance, asked)
    }

    pub fn is_network_gone(&self, asked: bool) -> Result<bool, Failure> {
        self.is_gone("networks", &self.network, asked)
    }

    /// Deletions are put into a queue: one that was asked for comes some time.
    fn is_gone(&self, kind: &str, uuid: &str, asked: bool) -> Result<bool, Failure> {
        if asked {
            until("a deletion", || Ok(self.state(kind, uuid)? == "deleted"))?;
        }
        Ok(self.state(kind, uuid)? == "deleted")
    }

    fn instance(&self) -> Result<Value, Failure> {
        Ok(self.get(&format!("/instances/{}", self.instance))?.unwrap_or_default())
    }

    pub fn is_on(&self) -> Result<bool, Failure> {
        Ok(self.instance()?["power_state"] == "on")
    }

    /// Turns the instance on or off.
    pub fn power(&self, on: bool) -> Result<(), Failure> {
        if self.is_on()? == on {
            return Ok(());
        }
        let verb = if on { "poweron" } else { "poweroff" };
        self.change("POST", &format!("/instances/{}/{verb}", self.instance), &json!({})).map(drop)
    }

    /// Returns when commands are obeyed.
    pub fn agent_ready(&self) -> Result<(), Failure> {
        self.power(true)?;
        let is_ready =
            |web: &Value| web["agent_state"].as_str().is_some_and(|state| state.starts_with("ready"));
        until("an agent", || Ok(is_ready(&self.instance()?)))
    }

    /// How often the domain was started.
    pub fn boots(&self) -> usize {
        let domain = std::fs::read(self.domains.join(format!("sf:{}", self.instance))).unwrap_or_default();
        let domain: Value = serde_json::from_slice(&domain).unwrap_or_default();
        domain["boots"].as_u64().and_then(|boots| boots.try_into().ok()).unwrap_or_default()
    }

    fn guest(&self, name: &str) -> PathBuf {
        self.guests.join(&self.instance).join(name)
    }

    /// A file at the top of the guest.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.guest(name)).ok()
    }

    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        std::fs::create_dir_all(self.guest(""))?;
        Ok(std::fs::write(self.guest(name), content)?)
    }

    pub fn unlink(&self, name: &str) -> Result<(), Failure> {
        match std::fs::remove_file(self.guest(name)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
            _ => Ok(()),
        }
    }

    /// The lines that commands left in the guest.
    pub fn runs(&self) -> usize {
        let lines = self.read("ran").unwrap_or_default();
        lines.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The lines since then, when as many commands have run as were asked for.
    pub fn runs_of(&self, before: usize, asked: usize) -> Result<usize, Failure> {
        until("a command", || Ok(self.runs() >= before + asked))?;
        Ok(self.runs() - before)
    }

    /// The lines since then, if it isn't known how many were asked for. One that was comes some time; none may be left in
    /// the queue.
    pub fn runs_after(&self, before: usize, asked: bool) -> Result<usize, Failure> {
        if asked {
            until("a command", || Ok(self.runs() > before))?;
        }
        let queue = format!("/instances/{}/agentoperations", self.instance);
        until("the queue", || {
            let all = self.direct.ask("GET", &queue, r#"{"all": true}"#)?.good(&queue)?.json();
            let mut states = all.as_array().into_iter().flatten().map(|one| &one["state"]);
            Ok(!states.any(|state| OPEN.iter().any(|open| state == open)))
        })?;
        Ok(self.runs() - before)
    }

    /// The number that the last change of the metadata left.
    pub fn round(&self) -> Result<usize, Failure> {
        let metadata = self.get(&format!("/instances/{}/metadata", self.instance))?.unwrap_or_default();
        Ok(metadata["round"].as_str().and_then(|round| round.parse().ok()).unwrap_or_default())
    }
}
