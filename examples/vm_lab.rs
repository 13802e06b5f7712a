//! A lab of virtual machines on Shaken Fist: a network, machines on it, commands in them, a snapshot, and nothing left
//! of it afterwards, also after Ctrl-C.
//!
//! ```sh
//! cargo run --example vm_lab                 # on a built-in fake server
//! cargo run --example vm_lab -- debian:12 3  # three machines on your cluster, which is found as `sf-client` finds it
//! ```
//!
//! The commands run through the agent in each machine, so the machines need no address that can be reached from here.

use std::future::pending;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, try_join_all};
use windlass::ShakenFist;
use windlass::cloud::Cleanup;
use windlass::shakenfist::{Disk, Instance, Nic};
use windlass::testing::FakeShakenFist;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Ready when it is time to stop.
pub type Stop = Shared<BoxFuture<'static, ()>>;

#[tokio::main]
async fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => rehearse().await,
        [base, count] => {
            let disk = Disk::from_base(base).size_gb(20);
            // Heard from now on, so that a lab half made is cleared away, too.
            let interrupted = tokio::spawn(tokio::signal::ctrl_c()).map(drop).boxed().shared();
            run(&ShakenFist::discover().await?, &disk, count.parse()?, interrupted).await
        }
        _ => Err("usage: vm_lab [BASE COUNT]".into()),
    }
}

/// Sets the lab up, works in it, and clears it away, however the work ended.
pub async fn run(sf: &ShakenFist, disk: &Disk, count: usize, stop: Stop) -> Outcome {
    let network = sf.create_network("lab").netblock("10.77.0.0/24").await?;
    let cleanup = Cleanup::new(format!("lab-{}", network.uuid));
    let lab = Lab { sf, nic: Nic::on(&network.uuid), cleanup, stop };
    let (worked, report) = lab.cleanup.run(lab.work(disk, count)).await;
    println!("{report}");
    let cleared = network.delete().await;
    worked?;
    cleared?;
    if report.is_success() { Ok(()) } else { Err(report.to_string().into()) }
}

/// Where machines are launched, and what deletes them in the end.
struct Lab<'a> {
    sf: &'a ShakenFist,
    nic: Nic,
    cleanup: Cleanup,
    stop: Stop,
}

impl Lab<'_> {
    async fn work(&self, disk: &Disk, count: usize) -> Outcome {
        let launches = (1..=count).map(|number| self.launch(format!("lab-{number}"), disk));
        let machines = self.until_stopped(try_join_all(launches)).await?;
        self.until_stopped(try_join_all(machines.iter().map(greet))).await?;

        // A snapshot is a base for others, which begin where it was taken. It must be known to be deleted: no stop here.
        let Some(first) = machines.first() else { return Ok(()) };
        for snapshot in first.create_snapshot().await? {
            let base = Disk::from_base(format!("sf://blob/{}", snapshot.blob_uuid));
            let copy = async { greet(&self.launch("lab-copy".into(), &base).await?).await };
            let copied = self.until_stopped(copy).await;
            snapshot.artifact().delete().await?;
            copied?;
        }
        Ok(())
    }

    async fn until_stopped<T>(&self, work: impl Future<Output = windlass::Result<T>>) -> Outcome<T> {
        tokio::select! {
            worked = work => Ok(worked?),
            () = self.stop.clone() => Err("interrupted".into()),
        }
    }

    async fn launch(&self, name: String, disk: &Disk) -> windlass::Result<Instance> {
        let launch = self.sf.launch(&name).cpus(1).memory_mib(1024).disk(disk.clone()).nic(self.nic.clone());
        let accepted = self.cleanup.launch(launch).send().await?;
        Ok(accepted.on_progress(move |progress| println!("{name}: {progress}")).await?)
    }
}

/// Asks the machine for its name, as soon as its agent is ready.
async fn greet(machine: &Instance) -> windlass::Result<()> {
    let said = machine.exec("hostname").output().await?.success()?;
    let node = machine.node.as_deref().unwrap_or("no node");
    println!("{} on {node} says {:?}", machine.name, said.stdout_text().trim());
    Ok(())
}

/// Two machines and a copy, on a fake server.
pub async fn rehearse() -> Outcome {
    let fake = FakeShakenFist::start().await?;
    run(&fake.client()?, &Disk::blank(8), 2, pending().boxed().shared()).await?;
    match fake.instances().as_slice() {
        [] => Ok(()),
        left => Err(format!("left behind: {left:?}").into()),
    }
}
