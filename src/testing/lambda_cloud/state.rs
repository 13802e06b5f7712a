//! Everything the fake service knows, on its own clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::catalog;

/// Type and region.
pub(super) type Place = (String, String);

/// What becomes of an instance at some time.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// It gets this state, and when that is `active`, its address so much later.
    Status(String, Duration),
    Address,
    Vanish,
}

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) document: Value,
    /// From when on it can be seen.
    pub(super) visible: Duration,
    pub(super) due: Vec<(Duration, Step)>,
    pub(super) number: u32,
    pub(super) vanished: bool,
}

impl Machine {
    pub(super) fn status(&self) -> &str {
        self.document["status"].as_str().unwrap_or_default()
    }

    /// Whether it costs money.
    pub(super) fn is_billed(&self) -> bool {
        !self.vanished && !matches!(self.status(), "terminating" | "terminated" | "preempted")
    }

    pub(super) fn set_status(&mut self, status: &str) {
        self.document["status"] = status.into();
        self.document["actions"] = actions(status);
    }

    fn take(&mut self, at: Duration, step: Step) {
        match step {
            Step::Status(status, address_after) => {
                if status == "active" {
                    self.due.push((at + address_after, Step::Address));
                }
                self.set_status(&status);
            }
            Step::Address => {
                let (number, id) = (self.number, self.document["id"].as_str().unwrap_or_default().to_owned());
                let ip = format!("198.51.{}.{}", 100 + number / 250, 1 + number % 250);
                self.document["private_ip"] = format!("10.19.{}.{}", number / 250, 1 + number % 250).into();
                self.document["hostname"] = format!("{}.cloud.lambda.ai", ip.replace('.', "-")).into();
                self.document["jupyter_token"] = format!("jupyter-{id}").into();
                self.document["jupyter_url"] = format!("https://jupyter.example/?token=jupyter-{id}").into();
                self.document["ip"] = ip.into();
            }
            Step::Vanish => self.vanished = true,
        }
    }

    /// Carries out everything due by now, in order.
    fn advance(&mut self, now: Duration) {
        while let Some(at) =
            self.due.iter().enumerate().filter(|(_, due)| due.0 <= now).min_by_key(|(_, due)| due.0)
        {
            let (at, step) = self.due.remove(at.0);
            self.take(at, step);
        }
    }
}

/// What can be done in which state.
fn actions(status: &str) -> Value {
    let reason = match status {
        "active" | "unhealthy" => None,
        "booting" => Some("vm-has-not-launched"),
        _ => Some("vm-is-terminating"),
    };
    let action = |open: bool| match reason.filter(|_| !open) {
        None => json!({"available": true}),
        Some(code) => json!({"available": false, "reason_code": code, "reason_description": "Not now."}),
    };
    let ending = status == "booting";
    json!({
        "migrate": action(false), "rebuild": action(false), "restart": action(false),
        "cold_reboot": action(false), "terminate": action(ending),
    })
}

/// How long things take, in the time of the fake.
#[derive(Debug, Clone)]
pub(super) struct Times {
    pub(super) boot: Duration,
    pub(super) address: Duration,
    pub(super) visible: Duration,
    pub(super) shutdown: Duration,
    /// How long a terminated instance stays in the list.
    pub(super) linger: Duration,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) now: Duration,
    /// How much time each request takes.
    pub(super) tick: Duration,
    pub(super) times: Times,
    pub(super) machines: BTreeMap<String, Machine>,
    pub(super) launched: u32,
    /// What the next boots end in; `active` when empty.
    pub(super) fates: Vec<String>,
    /// How many are left; no entry: none.
    pub(super) capacity: BTreeMap<Place, u32>,
    pub(super) capacity_due: Vec<(Duration, Place, u32)>,
    /// Listed although there is nothing, and hidden although there is something.
    pub(super) listed: BTreeMap<Place, bool>,
    pub(super) quota: usize,
    pub(super) limits: bool,
    pub(super) last_request: Option<Duration>,
    pub(super) last_launch: Option<Duration>,
    pub(super) account: Account,
    pub(super) ssh_keys: BTreeMap<String, Value>,
    pub(super) file_systems: BTreeMap<String, Value>,
    pub(super) rules: Value,
    pub(super) global_rules: Value,
    pub(super) rulesets: BTreeMap<String, Value>,
    pub(super) odd_types: BTreeSet<String>,
    /// US cents an hour, where a test set them.
    pub(super) prices: BTreeMap<String, u32>,
}

/// Whether the account may do anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    Active,
    Inactive,
    NoAddress,
}

impl State {
    pub(super) fn new() -> State {
        let places = catalog::type_names()
            .flat_map(|kind| catalog::region_names().map(move |region| (kind.to_owned(), region.to_owned())));
        let rule = json!({"protocol": "tcp", "port_range": [22, 22], "source_network": "0.0.0.0/0",
            "description": "Allow SSH from any IP"});
        let mut state = State {
            now: Duration::ZERO,
            tick: Duration::from_secs(1),
            times: Times {
                boot: Duration::from_secs(3),
                address: Duration::ZERO,
                visible: Duration::ZERO,
                shutdown: Duration::from_secs(2),
                linger: Duration::from_secs(60),
            },
            machines: BTreeMap::new(),
            launched: 0,
            fates: Vec::new(),
            capacity: places.map(|place| (place, u32::MAX)).collect(),
            capacity_due: Vec::new(),
            listed: BTreeMap::new(),
            quota: usize::MAX,
            limits: false,
            last_request: None,
            last_launch: None,
            account: Account::Active,
            ssh_keys: BTreeMap::new(),
            file_systems: BTreeMap::new(),
            rules: json!([rule]),
            global_rules: json!([rule]),
            rulesets: BTreeMap::new(),
            odd_types: BTreeSet::new(),
            prices: BTreeMap::new(),
        };
        state.add_ssh_key("laptop", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFake laptop", None);
        state
    }

    /// Time goes on.
    pub(super) fn advance(&mut self, by: Duration) {
        self.now += by;
        let now = self.now;
        self.machines.values_mut().for_each(|machine| machine.advance(now));
        self.capacity_due.sort_by_key(|(at, ..)| *at);
        let later = self.capacity_due.split_off(self.capacity_due.partition_point(|(at, ..)| *at <= now));
        for (_, place, count) in std::mem::replace(&mut self.capacity_due, later) {
            self.capacity.insert(place, count);
        }
    }

    /// An instance as clients see it.
    pub(super) fn seen(&self, id: &str) -> Option<&Machine> {
        self.machines.get(id).filter(|machine| machine.visible <= self.now && !machine.vanished)
    }

    pub(super) fn billed(&self) -> usize {
        self.machines.values().filter(|machine| machine.is_billed()).count()
    }

    /// A new instance, from the body of a request.
    pub(super) fn launch(&mut self, asked: &Value) -> String {
        let id = catalog::id();
        let text = |key: &str| asked[key].as_str().unwrap_or_default();
        let kind = self.kind(text("instance_type_name"));
        let or_empty = |key: &str| if asked[key].is_null() { json!([]) } else { asked[key].clone() };
        let mut document = json!({
            "id": id, "status": "booting", "ssh_key_names": or_empty("ssh_key_names"),
            "file_system_names": or_empty("file_system_names"), "region": catalog::region(text("region_name")),
            "instance_type": kind, "actions": actions("booting"), "is_reserved": false,
        });
        for key in ["name", "hostname", "tags", "file_system_mounts", "firewall_rulesets"] {
            if !asked[key].is_null() {
                document[key] = asked[key].clone();
            }
        }
        self.launched += 1;
        let fate = self.fate();
        let machine = Machine {
            document,
            visible: self.now + self.times.visible,
            due: vec![(self.now + self.times.boot, Step::Status(fate, self.times.address))],
            number: self.launched,
            vanished: false,
        };
        self.machines.insert(id.clone(), machine);
        id
    }

    /// The state in which the next boot ends.
    pub(super) fn fate(&mut self) -> String {
        if self.fates.is_empty() { "active".to_owned() } else { self.fates.remove(0) }
    }

    /// An instance type, at its price of now.
    pub(super) fn kind(&self, name: &str) -> Value {
        let made_up = || json!({"name": name, "price_cents_per_hour": 1, "specs": {}});
        let mut kind = catalog::instance_type(name).unwrap_or_else(made_up);
        if let Some(price) = self.prices.get(name) {
            kind["price_cents_per_hour"] = (*price).into();
        }
        kind
    }

    pub(super) fn add_ssh_key(&mut self, name: &str, public: &str, private: Option<&str>) -> Value {
        let id = catalog::id();
        let stored = json!({"id": id, "name": name, "public_key": public});
        let mut shown = stored.clone();
        if let Some(private) = private {
            shown["private_key"] = private.into();
        }
        self.ssh_keys.insert(id, stored);
        shown
    }
}
