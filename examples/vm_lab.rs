//! A lab of virtual machines on Shaken Fist: a network, machines on it, commands in them, a snapshot, and nothing left
//! of it afterwards.
//!
//! ```sh
//! cargo run --example vm_lab                 # on a built-in fake server
//! cargo run --example vm_lab -- debian:12 3  # three machines on your cluster, which is found as `sf-client` finds it
//! ```
//!
//! The commands run through the agent in each machine, so the machines need no address that can be reached from here.

use futures_util::future::{join_all, try_join_all};
use windlass::ShakenFist;
use windlass::shakenfist::{Disk, Instance, Network, Nic};
use windlass::testing::FakeShakenFist;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => rehearse().await,
        [base, count] => {
            let disk = Disk::from_base(base).size_gb(20);
            run(&ShakenFist::discover().await?, &disk, count.parse()?).await
        }
        _ => Err("usage: vm_lab [BASE COUNT]".into()),
    }
}

/// Sets the lab up, works in it, and clears it away, however the work ended.
pub async fn run(sf: &ShakenFist, disk: &Disk, count: usize) -> Outcome {
    let network = sf.create_network("lab").netblock("10.77.0.0/24").await?;
    let worked = work(sf, &network, disk, count).await;
    let cleared = clear_away(sf, &network).await;
    Ok(worked.and(cleared)?)
}

async fn work(sf: &ShakenFist, network: &Network, disk: &Disk, count: usize) -> windlass::Result<()> {
    let launches = (1..=count).map(|number| launch(sf, network, format!("lab-{number}"), disk));
    let machines: Vec<Instance> = join_all(launches).await.into_iter().collect::<windlass::Result<_>>()?;
    try_join_all(machines.iter().map(greet)).await?;

    // A snapshot is a base for others, which begin where it was taken.
    let Some(first) = machines.first() else { return Ok(()) };
    for snapshot in first.create_snapshot().await? {
        println!("{}: its snapshot is blob {}", first.name, snapshot.blob_uuid);
        let disk = Disk::from_base(format!("sf://blob/{}", snapshot.blob_uuid));
        greet(&launch(sf, network, format!("{}-copy", first.name), &disk).await?).await?;
    }
    Ok(())
}

/// A machine of this lab. Its label names the network, so that all of them are found again.
async fn launch(sf: &ShakenFist, network: &Network, name: String, disk: &Disk) -> windlass::Result<Instance> {
    let nic = Nic::on(&network.uuid);
    let launch = sf.launch(&name).cpus(1).memory_mib(1024).disk(disk.clone()).nic(nic);
    let accepted = launch.label("lab", network.uuid.as_str()).send().await?;
    Ok(accepted.on_progress(move |progress| println!("{name}: {progress}")).await?)
}

/// Asks the machine for its name, as soon as its agent is ready.
async fn greet(machine: &Instance) -> windlass::Result<()> {
    let said = machine.exec("hostname").output().await?.success()?;
    let node = machine.node.as_deref().unwrap_or("no node");
    println!("{} on {node} says {:?}", machine.name, said.stdout_text().trim());
    Ok(())
}

/// Deletes the machines with their snapshots, then the network.
async fn clear_away(sf: &ShakenFist, network: &Network) -> windlass::Result<()> {
    for machine in sf.instances().label("lab", network.uuid.as_str()).await? {
        for snapshot in machine.snapshots().await? {
            snapshot.artifact().delete().await?;
        }
        machine.delete().await?;
        println!("{}: deleted", machine.name);
    }
    network.delete().await
}

/// Two machines and a copy, on a fake server.
pub async fn rehearse() -> Outcome {
    let fake = FakeShakenFist::start().await?;
    run(&fake.client()?, &Disk::blank(8), 2).await?;
    match fake.instances().as_slice() {
        [] => Ok(()),
        left => Err(format!("left behind: {left:?}").into()),
    }
}
