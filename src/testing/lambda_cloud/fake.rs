//! A service that speaks Lambda Cloud's API.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::state::{Account, Place, State, Step};
use super::{api, catalog};
use crate::testing::server::common::common;
use crate::testing::server::doors::Doors;
use crate::testing::server::front::Front;
use crate::testing::server::tasks::lock;

/// A fake Lambda Cloud in this process, on its own loopback port, with one account.
///
/// It has the SSH key `laptop`, four instance types in four regions, and its own clock, which only moves by [one
/// second per request](Self::tick) and when a test [advances](Self::advance) it. Instances boot in three seconds of
/// that time. Nothing costs money. Clones are handles to the same service, which ends with the last of them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use windlass::testing::FakeLambdaCloud;
///
/// let fake = FakeLambdaCloud::start().await?;
/// let lambda = fake.client()?;
/// let gpu = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").await?;
/// assert_eq!(fake.instances(), [gpu.id.as_str()]);
/// gpu.terminate().await?;
/// assert!(fake.instances().is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct FakeLambdaCloud(Arc<Server>);

#[derive(Debug)]
struct Server {
    key: String,
    state: Arc<Mutex<State>>,
    doors: Doors,
}

/// Starting and stopping.
impl FakeLambdaCloud {
    /// A service with nothing running on it.
    ///
    /// # Errors
    /// If there is no free loopback port or no temporary directory.
    pub async fn start() -> io::Result<FakeLambdaCloud> {
        let state = Arc::new(Mutex::new(State::new()));
        // Never that of an earlier fake: clients with the same key and address share the queue of the rate limit, and
        // the system may give out the same port again.
        let key = format!("secret_fake-lambda_{:016x}", rand::random::<u64>());
        let front = Front::new(Arc::new(api::Api { state: state.clone(), key: key.clone() }), api::KNOWN);
        Ok(FakeLambdaCloud(Arc::new(Server { key, state, doors: Doors::open(front)? })))
    }

    /// The API key that it accepts, a different one for each fake.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// Stops: cuts connections and refuses new ones. Its data stay.
    pub async fn stop(&self) {
        self.0.doors.close().await;
    }
}

common! {
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fake = windlass::testing::FakeLambdaCloud::start().await?;
    /// fake.on("GET /api/v1/instances").times(2).reply(503, "<html>try again</html>");
    /// fake.client()?.instances().await?;
    /// assert_eq!(fake.requests("GET /api/v1/instances"), 3);
    /// # Ok(()) }
    /// ```
    FakeLambdaCloud
}

/// Instances.
impl FakeLambdaCloud {
    /// The ids of the instances that cost money: all but those that are ending or have ended.
    pub fn instances(&self) -> Vec<String> {
        let state = lock(&self.0.state);
        state.machines.iter().filter(|(_, machine)| machine.is_billed()).map(|(id, _)| id.clone()).collect()
    }

    /// How many launches took effect, ever.
    pub fn launches(&self) -> usize {
        lock(&self.0.state).launched as usize
    }

    /// An instance's current document, also if clients can't see the instance.
    pub fn instance(&self, id: &str) -> Option<Value> {
        lock(&self.0.state).machines.get(id).map(|machine| machine.document.clone())
    }

    /// The documents of all instances, including past ones.
    pub fn all_instances(&self) -> Vec<Value> {
        lock(&self.0.state).machines.values().map(|machine| machine.document.clone()).collect()
    }

    /// Changes an instance's document, for example to states that don't exist yet. False if there is no such instance.
    pub fn edit_instance(&self, id: &str, edit: impl FnOnce(&mut Value)) -> bool {
        let mut state = lock(&self.0.state);
        let machine = state.machines.get_mut(id);
        machine.map(|machine| edit(&mut machine.document)).is_some()
    }

    /// Removes an instance, as the service does with those that have ended. False if there is no such instance.
    pub fn vanish(&self, id: &str) -> bool {
        lock(&self.0.state).machines.remove(id).is_some()
    }

    /// Adds an active instance of the account, a `gpu_1x_a10` in `us-west-1`; returns its id.
    pub fn add_instance(&self) -> String {
        let mut state = lock(&self.0.state);
        let id = state.launch(&json!({"instance_type_name": "gpu_1x_a10", "region_name": "us-west-1",
            "ssh_key_names": ["laptop"], "name": "foreign"}));
        let now = state.now;
        if let Some(machine) = state.machines.get_mut(&id) {
            machine.visible = now;
            machine.due = vec![(now, Step::Status("active".to_owned(), Duration::ZERO))];
        }
        state.advance(Duration::ZERO);
        id
    }

    /// The state in which the next boot, of a launch or a restart, ends instead of `active`: for example `unhealthy` or
    /// `terminated`. Each call is for one boot.
    pub fn next_boot_ends(&self, status: &str) {
        lock(&self.0.state).fates.push(status.to_owned());
    }
}

/// The clock.
impl FakeLambdaCloud {
    /// Advances the clock.
    pub fn advance(&self, by: Duration) {
        lock(&self.0.state).advance(by);
    }

    /// How far each request advances the clock; a second if not set.
    pub fn tick(&self, by: Duration) {
        lock(&self.0.state).tick = by;
    }

    /// How long a boot takes from now on; three seconds if not set.
    pub fn boot_time(&self, time: Duration) {
        lock(&self.0.state).times.boot = time;
    }

    /// How long an active instance has no address; no time if not set.
    pub fn address_delay(&self, delay: Duration) {
        lock(&self.0.state).times.address = delay;
    }

    /// How long a launched instance can't be seen; no time if not set.
    pub fn visibility_delay(&self, delay: Duration) {
        lock(&self.0.state).times.visible = delay;
    }

    /// How long a terminated instance stays in the list; a minute if not set.
    pub fn linger_time(&self, time: Duration) {
        lock(&self.0.state).times.linger = time;
    }

    /// Enforces the published limits, one request a second and one launch in twelve, by this clock. Requests that come
    /// faster get an answer of the edge, in HTML.
    pub fn enforce_limits(&self) {
        lock(&self.0.state).limits = true;
    }
}

/// Capacity.
impl FakeLambdaCloud {
    /// The capacity for a type: unlimited in every region if not set. An unknown type is added.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// # let fake = windlass::testing::FakeLambdaCloud::start().await?;
    /// fake.capacity("gpu_1x_a10").in_region("us-west-1").is(2);
    /// fake.capacity("gpu_1x_a10").in_region("us-east-1").is(0).is_after(1, Duration::from_secs(60)).looks(true);
    /// # Ok(()) }
    /// ```
    pub fn capacity(&self, instance_type: &str) -> CapacityOf {
        if catalog::instance_type(instance_type).is_none() {
            lock(&self.0.state).odd_types.insert(instance_type.to_owned());
        }
        CapacityOf { fake: self.clone(), instance_type: instance_type.to_owned() }
    }

    /// The price of a type in US cents an hour, for the list of types and for launches from now on. An unknown type is
    /// added.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let fake = windlass::testing::FakeLambdaCloud::start().await?;
    /// fake.price("gpu_1x_a10", 129);
    /// let offers = fake.client()?.instance_types().await?;
    /// let a10 = offers.iter().map(|offer| &offer.instance_type).find(|kind| kind.name == "gpu_1x_a10");
    /// assert_eq!(a10.map(|kind| kind.price().cents_per_hour()), Some(129));
    /// # Ok(()) }
    /// ```
    pub fn price(&self, instance_type: &str, cents_per_hour: u32) {
        let mut state = lock(&self.0.state);
        if catalog::instance_type(instance_type).is_none() {
            state.odd_types.insert(instance_type.to_owned());
        }
        state.prices.insert(instance_type.to_owned(), cents_per_hour);
    }

    /// No capacity anywhere.
    pub fn no_capacity(&self) {
        lock(&self.0.state).capacity.values_mut().for_each(|left| *left = 0);
    }

    /// How many instances the account may have.
    pub fn quota(&self, most: usize) {
        lock(&self.0.state).quota = most;
    }

    /// Refuses everything with `global/account-inactive`.
    pub fn deactivate_account(&self) {
        lock(&self.0.state).account = Account::Inactive;
    }

    /// Refuses launches with `global/invalid-address`.
    pub fn invalidate_address(&self) {
        lock(&self.0.state).account = Account::NoAddress;
    }
}

/// The capacity for a type; from [`FakeLambdaCloud::capacity`].
#[derive(Debug, Clone)]
#[must_use = "nothing changes before a region and a number are named"]
pub struct CapacityOf {
    fake: FakeLambdaCloud,
    instance_type: String,
}

impl CapacityOf {
    /// In this region, which is added if it is unknown.
    pub fn in_region(self, name: &str) -> Capacity {
        Capacity { fake: self.fake, place: (self.instance_type, name.to_owned()) }
    }
}

/// The capacity for a type in a region.
#[derive(Debug, Clone)]
pub struct Capacity {
    fake: FakeLambdaCloud,
    place: Place,
}

impl Capacity {
    /// This many are available from now on.
    pub fn is(self, count: u32) -> Capacity {
        lock(&self.fake.0.state).capacity.insert(self.place.clone(), count);
        self
    }

    /// This many are available after this much time.
    pub fn is_after(self, count: u32, time: Duration) -> Capacity {
        let mut state = lock(&self.fake.0.state);
        let at = state.now + time;
        state.capacity_due.push((at, self.place.clone(), count));
        drop(state);
        self
    }

    /// Whether the list of types shows capacity, regardless of what is available.
    pub fn looks(self, available: bool) -> Capacity {
        lock(&self.fake.0.state).listed.insert(self.place.clone(), available);
        self
    }
}
