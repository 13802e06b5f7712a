//! Wall time and CPU time of sides that take turns.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// What one run took.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time of the client alone.
    pub(crate) cpu: Duration,
}

/// One way to do the same thing. It measures itself, so that preparing isn't counted.
pub(crate) type Side<'a> = (&'static str, Box<dyn FnMut() -> Cost + 'a>);

/// The cost of work in this process.
pub(crate) fn here(work: impl FnOnce()) -> Cost {
    cost(UsageWho::RUSAGE_SELF, work)
}

/// The cost of a command, which `work` runs to its end.
pub(crate) fn command(work: impl FnOnce()) -> Cost {
    cost(UsageWho::RUSAGE_CHILDREN, work)
}

fn cost(of: UsageWho, work: impl FnOnce()) -> Cost {
    let (started, before) = (Instant::now(), cpu_time(of));
    work();
    Cost { wall: started.elapsed(), cpu: cpu_time(of) - before }
}

fn cpu_time(of: UsageWho) -> Duration {
    let usage = getrusage(of).unwrap();
    [usage.user_time(), usage.system_time()]
        .map(|time| {
            let micros = time.tv_sec() * 1_000_000 + i64::from(time.tv_usec());
            Duration::from_micros(micros.unsigned_abs())
        })
        .into_iter()
        .sum()
}

/// Runs the sides in turns, and prints the medians and how the first side compares with the others.
pub(crate) fn compare(title: &str, rounds: usize, mut sides: Vec<Side<'_>>) {
    for (_, run) in &mut sides {
        run(); // warms the caches
    }
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); sides.len()];
    for round in 0..rounds {
        // Each side comes first as often as any other.
        for turn in 0..sides.len() {
            let which = (round + turn) % sides.len();
            costs[which].push(sides[which].1());
        }
    }
    println!("{title} (medians of {rounds} rounds; ratios are windlass to the other)");
    for ((name, _), other) in sides.iter().zip(&costs) {
        let wall = ratio(&costs[0], other, |cost| cost.wall);
        let cpu = ratio(&costs[0], other, |cost| cost.cpu);
        let [wall_time, cpu_time] = [|cost: &Cost| cost.wall, |cost: &Cost| cost.cpu]
            .map(|of| median(other.iter().map(|cost| of(cost).as_secs_f64() * 1e3).collect()));
        println!("  {name:28} {wall_time:9.2} ms {wall:5.2}x   {cpu_time:9.2} ms of CPU {cpu:5.2}x");
    }
}

/// The median of the ratios of the rounds: what slows a whole round down doesn't change it.
fn ratio(ours: &[Cost], theirs: &[Cost], of: fn(&Cost) -> Duration) -> f64 {
    let least = Duration::from_micros(1);
    let ratios = ours.iter().zip(theirs);
    median(
        ratios.map(|(ours, theirs)| of(ours).as_secs_f64() / of(theirs).max(least).as_secs_f64()).collect(),
    )
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
