//! All that the service knows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use super::documents;
use super::limit::Limit;
use super::quirk::Quirk;
use crate::testing::server::tasks::{Tasks, lock};
use crate::testing::shell::{Commands, Files};

/// Between two lines of a log at least.
pub(super) const TICK: TimeDelta = TimeDelta::microseconds(1);

#[derive(Debug)]
pub(super) struct World {
    pub(super) token: String,
    pub(super) state: Mutex<State>,
    pub(super) pace: Mutex<Duration>,
    pub(super) work: Tasks,
    pub(super) limit: Limit,
    pub(super) quirks: Mutex<VecDeque<Quirk>>,
    pub(super) commands: Count,
    pub(super) planted: Commands,
    pub(super) followers: Count,
    pub(super) lines: broadcast::Sender<Value>,
    pub(super) closing: watch::Sender<u64>,
    pub(super) tail_closing: watch::Sender<u64>,
}

impl Default for World {
    fn default() -> World {
        World {
            token: format!("fake-{:032x}", rand::random::<u128>()),
            state: Mutex::default(),
            pace: Mutex::new(Duration::from_millis(20)),
            work: Tasks::default(),
            limit: Limit::default(),
            quirks: Mutex::default(),
            commands: Count::default(),
            planted: Commands::default(),
            followers: Count::default(),
            lines: broadcast::channel(1024).0,
            closing: watch::channel(0).0,
            tail_closing: watch::channel(0).0,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) services: Vec<Value>,
    pub(super) deployments: Vec<Value>,
    pub(super) instances: Vec<Value>,
    pub(super) snapshots: Vec<Value>,
    pub(super) events: Vec<Value>,
    /// With their times, so that they need not be parsed again.
    pub(super) logs: Vec<(DateTime<Utc>, Value)>,
    pub(super) crowd: u64,
    /// By service: what was scaled by hand.
    pub(super) scalings: BTreeMap<String, Value>,
    pub(super) organizations: Vec<String>,
    /// Tokens of organizations that were given out.
    pub(super) tokens: Vec<String>,
    /// Deployments to come that will fail.
    pub(super) doomed: Vec<String>,
    disks: BTreeMap<String, Disk>,
    numbers: u64,
    last_line: Option<DateTime<Utc>>,
}

/// Those that are there now.
#[derive(Debug, Clone, Default)]
pub(super) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(super) fn now(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn enter(&self) -> Guest {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guest(self.clone())
    }
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Guest(Count);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The files of one instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Files for Disk {
    /// Directories are where files are.
    fn is_directory(&self, path: &str) -> bool {
        let below = format!("{}/", path.trim_end_matches('/'));
        lock(&self.0).keys().any(|file| file.starts_with(&below))
    }

    /// There is no way to set modes.
    fn is_executable(&self, _path: &str) -> bool {
        true
    }

    fn read(&self, path: &str) -> Option<Bytes> {
        lock(&self.0).get(path).map(|data| Bytes::copy_from_slice(data))
    }

    fn write(&self, path: &str, data: &[u8], append: bool) -> bool {
        let mut files = lock(&self.0);
        let file = files.entry(path.to_owned()).or_default();
        if !append {
            file.clear();
        }
        file.extend_from_slice(data);
        true
    }
}

impl State {
    /// In the shape of a UUID, in the order of their making.
    pub(super) fn id(&mut self) -> String {
        self.numbers += 1;
        format!("{:08x}-0000-4000-8000-{:012x}", rand::random::<u32>(), self.numbers)
    }

    pub(super) fn find(&self, id: &str) -> Option<&Value> {
        let all = [&self.services, &self.deployments, &self.instances, &self.snapshots, &self.events];
        all.into_iter().flatten().find(|document| document["id"] == id)
    }

    pub(super) fn find_mut(&mut self, id: &str) -> Option<&mut Value> {
        let Self { services, deployments, instances, snapshots, events, .. } = self;
        let all = [services, deployments, instances, snapshots, events];
        all.into_iter().flatten().find(|document| document["id"] == id)
    }

    /// From one status to the next, unless it has another one by now.
    pub(super) fn advance(&mut self, id: &str, from: &str, to: &str) -> bool {
        let as_expected = self.status(id) == from;
        if as_expected {
            self.set_status(id, to);
        }
        as_expected
    }

    pub(super) fn set_status(&mut self, id: &str, status: &str) {
        if let Some(document) = self.find_mut(id) {
            document["status"] = status.into();
            document["updated_at"] = documents::now().into();
        }
        if self.instances.iter().any(|instance| instance["id"] == id) {
            self.add_event(id, &status.to_lowercase());
        } else if self.snapshots.iter().any(|snapshot| snapshot["id"] == id) {
            let event = self.id();
            self.events.push(documents::snapshot_event(&event, id, &status.to_lowercase()));
        }
    }

    pub(super) fn status(&self, id: &str) -> String {
        self.find(id).and_then(|document| document["status"].as_str()).unwrap_or_default().to_owned()
    }

    pub(super) fn add_event(&mut self, instance: &str, event_type: &str) -> String {
        let id = self.id();
        self.events.push(documents::event(&id, instance, event_type));
        id
    }

    pub(super) fn add_instance(&mut self, service: &str, region: &str, status: &str) -> String {
        let id = self.id();
        let replica = self.instances.iter().filter(|one| one["service_id"] == service).count() as u64;
        self.instances.push(documents::instance(&id, service, region, replica, status));
        self.add_event(&id, &status.to_lowercase());
        id
    }

    /// Instances of a service in one of some states.
    pub(super) fn of_service(&self, service: &str, statuses: &[&str]) -> Vec<String> {
        let mine = self.instances.iter().filter(|one| one["service_id"] == service);
        let wanted =
            mine.filter(|one| one["status"].as_str().is_some_and(|status| statuses.contains(&status)));
        wanted.filter_map(|one| Some(one["id"].as_str()?.to_owned())).collect()
    }

    pub(super) fn add_deployment(&mut self, service: &str) -> String {
        let id = self.id();
        let parent = self.find(service).map(|service| service["latest_deployment_id"].clone());
        let parent = parent.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let version = self.deployments.len() as u64 + 1;
        self.deployments.push(documents::deployment(&id, service, &parent, version));
        if let Some(service) = self.find_mut(service) {
            service["latest_deployment_id"] = id.clone().into();
        }
        id
    }

    pub(super) fn disk(&mut self, instance: &str) -> Disk {
        self.disks.entry(instance.to_owned()).or_default().clone()
    }

    /// Of each line its own, in microseconds: the vendor's Python SDK can't tell less apart.
    fn moment(&mut self) -> DateTime<Utc> {
        let now = Utc::now().trunc_subsecs(6);
        let next = self.last_line.map_or(now, |last| now.max(last + TICK));
        self.last_line = Some(next);
        next
    }
}

impl World {
    pub(super) fn add_service(&self, name: &str, instances: u32) -> String {
        let mut state = lock(&self.state);
        let id = state.id();
        state.services.push(documents::service(&id, name));
        let deployment = state.add_deployment(&id);
        state.set_status(&deployment, "HEALTHY");
        if let Some(service) = state.find_mut(&id) {
            service["active_deployment_id"] = deployment.into();
        }
        for _ in 0..instances {
            state.add_instance(&id, "fra", "HEALTHY");
        }
        id
    }

    pub(super) fn add_instance(&self, service: &str, region: &str, status: &str) -> String {
        lock(&self.state).add_instance(service, region, status)
    }

    /// As of a moment, or of now.
    pub(super) fn add_log(&self, instance: &str, stream: &str, message: &str, at: Option<DateTime<Utc>>) {
        let service = lock(&self.state).find(instance).map(|one| one["service_id"].clone());
        let service = service.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        self.write(at, |at| documents::log_line("runtime", stream, &service, instance, message, at));
    }

    pub(super) fn add_build_log(&self, service: &str, message: &str) {
        self.write(None, |at| documents::log_line("build", "stdout", service, "", message, at));
    }

    fn write(&self, at: Option<DateTime<Utc>>, line: impl FnOnce(&str) -> Value) {
        let mut state = lock(&self.state);
        let at = at.unwrap_or_else(|| state.moment());
        let line = line(&at.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true));
        state.logs.push((at, line.clone()));
        // Under the lock, so that a new follower sees each line once. There may be no followers.
        let _ = self.lines.send(line);
    }

    /// A token of an organization.
    pub(super) fn switch(&self, id: &str) -> Option<Value> {
        let mut state = lock(&self.state);
        if !state.organizations.iter().any(|known| known == id) {
            return None;
        }
        let token = format!("org-{:032x}", rand::random::<u128>());
        state.tokens.push(token.clone());
        let ends = Utc::now() + TimeDelta::hours(1);
        Some(
            json!({"token": {"id": token, "user_id": "u", "organization_id": id, "expires_at": ends.to_rfc3339()}}),
        )
    }
}
