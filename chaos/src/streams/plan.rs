//! The trials of a scenario.

use super::harm::Kind;
use super::scenario::Scenario;
use super::trial::{Shown, Trouble, play};
use crate::api::Api;
use crate::judge::Wrong;
use crate::plan::caught;
use crate::random::Random;

/// How often each kind of harm is done, at another byte each time: 200 times in all.
const SEEDS: usize = 40;
const SEEDS_REAL: usize = 10;
const SEEDS_SHORT: usize = 3;
const SEEDS_SLOW: usize = 2;
/// At how many polls the future is dropped, at most: all of them, or spread over all.
const DROPS: usize = 60;
const DROPS_SHORT: usize = 6;
const DROPS_SLOW: usize = 4;

/// What is wrong with a trial that was played.
pub struct Verdict {
    /// What went wrong in it.
    pub trouble: Trouble,
    /// For everything that is random in it.
    pub seed: u64,
    /// What it showed.
    pub shown: Shown,
}

/// Plays all trials of a scenario whose class is asked for, one after the other.
pub fn run(
    scenario: &Scenario,
    seed: u64,
    short: bool,
    asked: impl Fn(&str) -> bool,
    mut tell: impl FnMut(&Verdict),
) {
    let name = scenario.api.name().bytes().chain(scenario.name.bytes());
    let mut random = Random::new(name.fold(seed, |mixed, byte| Random::new(mixed ^ u64::from(byte)).next()));
    let mut verdict = |trouble, carried, seed| {
        let shown = caught(|| play(scenario, trouble, carried, seed)).unwrap_or_else(broken);
        let verdict = Verdict { trouble, seed, shown };
        tell(&verdict);
        verdict.shown
    };
    let whole = verdict(Trouble::None, [0; 2], random.next());
    let (kinds, seeds, most) = extent(scenario, short);
    for kind in kinds.iter().filter(|kind| asked(kind.word())) {
        for _ in 0..seeds {
            let harm = kind.somewhere(whole.carried, &mut random);
            verdict(Trouble::Harm(harm), whole.carried, random.next());
        }
    }
    if !asked("dropped") {
        return;
    }
    let step = whole.polls.div_ceil(most).max(1);
    for poll in (1..whole.polls).step_by(step) {
        verdict(Trouble::Dropped(poll), whole.carried, random.next());
    }
}

/// The kinds of harm, how often each is done, and at how many polls the future is dropped.
fn extent(scenario: &Scenario, short: bool) -> (&'static [Kind], usize, usize) {
    match (scenario.real(), short) {
        (None, false) => (&Kind::ALL, SEEDS, DROPS),
        (None, true) => (&Kind::ALL, SEEDS_SHORT, DROPS_SHORT),
        // On a real clock nothing can be slow, and a real server isn't given any bytes.
        (Some(_), false) => (&Kind::ENDS, SEEDS_REAL, SEEDS_REAL),
        // Each instance takes it long.
        (Some(_), true) if scenario.api == Api::ShakenFist => (&Kind::ENDS, SEEDS_SLOW, DROPS_SLOW),
        (Some(_), true) => (&Kind::ENDS, SEEDS_SHORT, DROPS_SHORT),
    }
}

/// A trial that panicked.
fn broken(why: String) -> Shown {
    let wrong = vec![(Wrong::Hung, why)];
    Shown { wrong, carried: [1; 2], polls: 1, is_harmed: false }
}
