//! Calls without streams: one instance, many, and a launch.

use std::cell::Cell;
use std::time::Instant;

use futures_util::future::try_join_all;

use crate::Bench;
use crate::measure::{Cost, Side, command, compare, here};
use windlass::Result;

const INSTANCES: usize = 200;

pub(crate) fn get(bench: &Bench) {
    let url = "http://incus/1.0/instances/bench";
    let mut sides: Vec<Side<'_>> = vec![
        ("windlass", Box::new(|| here(|| drop(bench.runtime.block_on(bench.web.get()).unwrap())))),
        ("incus query", Box::new(|| command(|| bench.incus(&["query", "/1.0/instances/bench"])))),
        ("curl", Box::new(|| command(|| drop(bench.curl(&[url]))))),
    ];
    sides.extend(bench.go("get".to_owned()));
    compare("get", 40, sides);
}

pub(crate) fn list(bench: &Bench) {
    bench.runtime.block_on(many(bench)).unwrap();
    let url = "http://incus/1.0/instances?recursion=1";
    let ours = || {
        let list = bench.runtime.block_on(bench.incus.instances().into_future()).unwrap();
        assert!(list.len() > INSTANCES);
    };
    let mut sides: Vec<Side<'_>> = vec![
        ("windlass", Box::new(|| here(ours))),
        ("incus query", Box::new(|| command(|| bench.incus(&["query", "/1.0/instances?recursion=1"])))),
        ("incus list", Box::new(|| command(|| bench.incus(&["list", "--fast", "-f", "csv"])))),
        ("curl", Box::new(|| command(|| drop(bench.curl(&[url]))))),
    ];
    sides.extend(bench.go("list".to_owned()));
    compare(&format!("list of {INSTANCES}"), 15, sides);
}

/// Many instances, created and awaited together.
async fn many(bench: &Bench) -> Result<()> {
    let started = Instant::now();
    let make = |number| async move { bench.incus.create(format!("many-{number}")).empty().await };
    try_join_all((0..INSTANCES).map(make)).await?;
    println!("{INSTANCES} instances made and awaited together in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

pub(crate) fn launch(bench: &Bench) {
    let count = Cell::new(0);
    // Each launch is a new instance, which is deleted before the next one.
    let fresh = |launch: &dyn Fn(&str) -> Cost| {
        count.set(count.get() + 1);
        let name = format!("new-{}", count.get());
        let cost = launch(&name);
        bench.runtime.block_on(bench.incus.instance(name).delete().force().into_future()).unwrap();
        cost
    };
    let ours = |name: &str| {
        let launch = bench.incus.launch(name).image("busybox");
        here(|| drop(bench.runtime.block_on(launch.into_future()).unwrap()))
    };
    let theirs = |name: &str| command(|| bench.incus(&["launch", "-q", "busybox", name]));
    let mut sides: Vec<Side<'_>> =
        vec![("windlass", Box::new(|| fresh(&ours))), ("incus launch", Box::new(|| fresh(&theirs)))];
    if let Some(go) = bench.clients.go() {
        let fresh = &fresh;
        sides
            .push(("the vendor's Go client", Box::new(move || fresh(&|name| go(&format!("launch {name}"))))));
    }
    compare("launch", 9, sides);
}
