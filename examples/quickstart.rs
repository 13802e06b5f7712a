//! One look at four clouds: launches on each, waits with a progress bar, runs a command, lists everything in one table,
//! and cleans up.
//!
//! ```sh
//! cargo run --example quickstart    # on built-in fake servers: no cloud, no root, a few seconds
//! cargo run --example quickstart -- --incus images:debian/13 --lambda-cloud    # on real ones
//! ```
//!
//! `--incus [IMAGE]`, `--shakenfist [BASE]`, `--lambda-cloud` and `--koyeb [SERVICE]` find the server and the credentials as
//! the vendor's own command does. Lambda Cloud and Koyeb cost money, so they are only listed; with `--launch`, Lambda Cloud
//! launches the cheapest instance that it has, and Koyeb scales SERVICE (an id) to one instance and then back to none.

use std::error::Error;
use std::time::Duration;

use comfy_table::{Table, presets};
use futures_util::future::join_all;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use windlass::cloud::{self, Cloud, Fleet, Instance, Listing, Native};
use windlass::koyeb::{self, InstanceStatus, ServiceRef};
use windlass::shakenfist::Disk;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist};
use windlass::{Incus, Koyeb, LambdaCloud, Operation, Output, ShakenFist};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The name of all instances made here; no other instance has it, so that only these are cleaned up.
fn name() -> String {
    format!("quickstart-{}", std::process::id())
}

#[tokio::main]
async fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.is_empty() {
        let fakes = Fakes::start().await?;
        return tour(fakes.places()?).await;
    }
    tour(discover(&args).await?).await
}

/// A cloud, and what to do there.
struct Place {
    cloud: Cloud,
    /// What to launch: an image, a base disk or the id of a service. Only listed if none.
    from: Option<String>,
    /// The id of what was launched, as soon as it is known: it must be cleaned up even if it never comes up.
    made: Option<String>,
}

impl Place {
    fn new(cloud: impl Into<Cloud>, from: Option<String>) -> Self {
        Self { cloud: cloud.into(), from, made: None }
    }
}

async fn tour(mut places: Vec<Place>) -> Outcome {
    let toured = look_around(&mut places).await;
    // Whatever went wrong: nothing stays behind.
    let cleaned = clean_up(&places).await;
    toured.and(cleaned)
}

async fn look_around(places: &mut [Place]) -> Outcome {
    let fleet: Fleet = places.iter().map(|place| place.cloud.clone()).collect();
    let (launched, failed) = launch_all(places).await;

    let report = cloud::each(launched, 8, |instance| async move { run("echo hello", &instance).await }).await;
    for (instance, outcome) in &report.results {
        match outcome {
            cloud::Outcome::Done(Some(done)) => {
                println!(
                    "{:12} says {:?} ({})",
                    instance.cloud(),
                    done.stdout_text().trim_end(),
                    done.status
                );
            }
            cloud::Outcome::Done(None) => println!("{:12} has no exec: use SSH", instance.cloud()),
            cloud::Outcome::Failed(e) | cloud::Outcome::Unknown(e) => println!("{:12} {e}", instance.cloud()),
        }
    }

    show(&fleet.instances().timeout(Duration::from_secs(20)).await);
    match failed == 0 && report.is_success() {
        true => Ok(()),
        false => Err(format!("{failed} launches failed; commands: {report}").into()),
    }
}

/// Launches on all clouds at once, with a bar for each; gives what runs, and how many failed.
async fn launch_all(places: &mut [Place]) -> (Vec<Instance>, usize) {
    let bars = MultiProgress::new();
    let launches = places.iter_mut().filter(|place| place.from.is_some()).map(|place| {
        let bar = bars.add(bar(place.cloud.name()));
        async move {
            let launched = launch(place, &bar).await;
            match &launched {
                Ok(instance) => bar.finish_with_message(format!("{} is {}", instance.name, instance.state)),
                Err(e) => bar.abandon_with_message(e.to_string()),
            }
            launched
        }
    });
    let (launched, failed): (Vec<_>, Vec<_>) = join_all(launches).await.into_iter().partition(Result::is_ok);
    for e in failed.iter().filter_map(|result| result.as_ref().err()) {
        eprintln!("{e}");
    }
    (launched.into_iter().flatten().collect(), failed.len())
}

fn bar(name: &'static str) -> ProgressBar {
    let template = "{prefix:12} {spinner} [{bar:20}] {elapsed:>3} {wide_msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(100).with_style(style).with_prefix(name);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Launches in the platform's own way; everything after that is the same everywhere.
async fn launch(place: &mut Place, bar: &ProgressBar) -> Outcome<Instance> {
    let from = place.from.as_deref().unwrap_or_default();
    let running = match &place.cloud {
        Cloud::Incus(incus) => {
            let operation = incus.launch(name()).image(from).config("user.role", "demo").send().await?;
            place.made = Some(name());
            watch(operation, bar).await?.name.clone()
        }
        Cloud::LambdaCloud(lambda) => {
            let (kind, region) = cheapest(lambda).await?;
            let keys = lambda.ssh_keys().await?;
            let key = keys.first().ok_or("Lambda Cloud: the account has no SSH key")?;
            let launch =
                lambda.launch(kind).region(region).ssh_key(&key.name).name(name()).tag("role", "demo");
            let operation = launch.send().await?;
            place.made = Some(operation.ticket().id().to_owned());
            watch(operation, bar).await?.id().to_owned()
        }
        Cloud::Koyeb(koyeb) => {
            let service = koyeb.service(from);
            if !healthy(&service).await?.is_empty() {
                return Err("Koyeb: the service is in use, so it is left alone".into());
            }
            let operation = service.scale(1).send().await?;
            place.made = Some(from.to_owned());
            watch(operation, bar).await?;
            let instances = healthy(&service).await?;
            instances.first().ok_or("Koyeb: no instance is healthy")?.id.clone()
        }
        Cloud::ShakenFist(sf) => {
            let disk = if from.is_empty() { Disk::blank(8) } else { Disk::from_base(from).size_gb(20) };
            let operation = sf.launch(name()).disk(disk).metadata("role", "demo").send().await?;
            place.made = Some(operation.ticket().id().to_owned());
            watch(operation, bar).await?.uuid.clone()
        }
        other => return Err(format!("{other} is new here").into()),
    };
    Ok(place.cloud.instance(&running).get().await?)
}

async fn healthy(service: &ServiceRef) -> windlass::Result<Vec<koyeb::Instance>> {
    service.instances().status(InstanceStatus::Healthy).await
}

/// The cheapest type that is available, and where.
async fn cheapest(lambda: &LambdaCloud) -> Outcome<(String, String)> {
    let mut offers = lambda.instance_types().await?;
    offers.sort_by_key(|offer| offer.instance_type.price());
    let mut listed = offers.into_iter().filter_map(|offer| {
        Some((offer.instance_type.name, offer.regions_with_capacity_available.first()?.name.clone()))
    });
    Ok(listed.next().ok_or("Lambda Cloud: no capacity anywhere")?)
}

/// Waits for the end, which comes in any case, and shows the way there.
async fn watch<T: Send + 'static>(operation: Operation<T>, bar: &ProgressBar) -> windlass::Result<T> {
    let shown = bar.clone();
    let operation = operation.on_progress(move |progress| {
        shown.set_message(progress.to_string());
        match progress.percent {
            Some(percent) => shown.set_position(percent.into()),
            // Not every server tells how far it is.
            None => shown.set_position((shown.position() + 20).min(90)),
        }
    });
    let result = operation.timeout(Duration::from_secs(900)).await?;
    bar.set_position(100);
    Ok(result)
}

/// Runs a command where that can be done; Lambda Cloud has no such call.
async fn run(command: &'static str, instance: &Instance) -> windlass::Result<Option<Output>> {
    let shell = ["sh", "-c", command];
    Ok(match &instance.native {
        Native::Incus(web) => Some(web.exec(shell).output().await?),
        Native::Koyeb(web) => Some(web.exec(shell).output().await?),
        Native::ShakenFist(web) => Some(web.exec(command).output().await?),
        _ => None,
    })
}

fn show(listing: &Listing) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["cloud", "name", "state", "region", "role", "price"]);
    for instance in &listing.instances {
        let price = instance.price.map(|price| price.to_string()).unwrap_or_default();
        let region = instance.region.clone().unwrap_or_default();
        let role = instance.labels.get("role").cloned().unwrap_or_default();
        let (cloud, state) = (instance.cloud().to_string(), instance.state.to_string());
        table.add_row([cloud, instance.name.clone(), state, region, role, price]);
    }
    println!("{table}");
    for e in &listing.errors {
        println!("not listed: {e}");
    }
    let totals = listing.totals();
    let states: Vec<_> = totals.by_state.iter().map(|(state, count)| format!("{count} {state}")).collect();
    println!("{}, {}", states.join(", "), totals.price);
}
async fn clean_up(places: &[Place]) -> Outcome {
    let made = places.iter().filter_map(|place| Some((&place.cloud, place.made.as_deref()?)));
    let removals = made.map(|(cloud, id)| async move { (cloud, id, remove(cloud, id).await) });
    let mut left = 0;
    for (cloud, id, removed) in join_all(removals).await {
        match removed {
            Ok(()) => println!("{cloud:12} cleaned up"),
            Err(e) => {
                left += 1;
                eprintln!("{cloud:12} {id} may still be there: {e}");
            }
        }
    }
    if left == 0 { Ok(()) } else { Err(format!("{left} left behind").into()) }
}

async fn remove(cloud: &Cloud, id: &str) -> windlass::Result<()> {
    match cloud {
        Cloud::Incus(incus) => {
            let web = incus.instance(id);
            if web.get().await?.status == windlass::incus::Status::Running {
                web.stop().force().await?;
            }
            web.delete().await
        }
        Cloud::LambdaCloud(lambda) => lambda.instance(id).terminate().await,
        Cloud::Koyeb(koyeb) => koyeb.service(id).scale(0).await,
        Cloud::ShakenFist(sf) => sf.instance(id).delete().await,
        _ => Ok(()),
    }
}

/// Four servers in this process.
struct Fakes {
    incus: FakeIncus,
    lambda: FakeLambdaCloud,
    koyeb: FakeKoyeb,
    sf: FakeShakenFist,
}

impl Fakes {
    /// In a hurry, but slow enough to be watched.
    async fn start() -> Outcome<Self> {
        let (incus, lambda) = (FakeIncus::start().await?, FakeLambdaCloud::start().await?);
        let (koyeb, sf) = (FakeKoyeb::start().await?, FakeShakenFist::start().await?);
        incus.operation_delay(Duration::from_millis(600));
        lambda.boot_time(Duration::from_secs(8));
        koyeb.step(Duration::from_millis(300));
        sf.pace(Duration::from_millis(300));
        Ok(Self { incus, lambda, koyeb, sf })
    }

    fn places(&self) -> Outcome<Vec<Place>> {
        // A second goes by on the fake with each look.
        let lambda = self.lambda.connect().poll_interval(Duration::from_millis(150)).client()?;
        let service = self.koyeb.add_service("shop", 0);
        Ok(vec![
            Place::new(self.incus.client()?, Some("busybox".into())),
            Place::new(lambda, Some(String::new())),
            Place::new(self.koyeb.client()?, Some(service)),
            Place::new(self.sf.client()?, Some(String::new())),
        ])
    }
}

/// What the command line names, found as the vendors' own commands find it.
async fn discover(args: &[String]) -> Outcome<Vec<Place>> {
    let pay = args.iter().any(|arg| arg == "--launch");
    let mut places = Vec::new();
    let mut args = args.iter().filter(|arg| *arg != "--launch").peekable();
    while let Some(arg) = args.next() {
        let value = args.next_if(|next| !next.starts_with("--")).cloned();
        places.push(match arg.as_str() {
            "--incus" => {
                Place::new(Incus::discover().await?, Some(value.unwrap_or("images:debian/13".into())))
            }
            "--shakenfist" => {
                Place::new(ShakenFist::discover().await?, Some(value.unwrap_or("debian:12".into())))
            }
            "--lambda-cloud" => Place::new(LambdaCloud::discover().await?, pay.then(String::new)),
            "--koyeb" => Place::new(Koyeb::discover().await?, value.filter(|_| pay)),
            _ => return Err(USAGE.into()),
        });
    }
    if places.is_empty() { Err(USAGE.into()) } else { Ok(places) }
}

const USAGE: &str =
    "usage: quickstart [--incus [IMAGE]] [--shakenfist [BASE]] [--lambda-cloud] [--koyeb [SERVICE]] [--launch]
--lambda-cloud and --koyeb cost money and are only listed unless --launch is given";
