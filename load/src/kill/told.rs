//! What callers were told, compared with the daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use windlass::{Error, ErrorKind, Sent};

use super::Beliefs;
use crate::talk::figure;

/// What a caller knows of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belief {
    There,
    Absent,
    /// The error said that it isn't known, with the ticket or the marker to find out.
    Unknown(String),
}

impl Belief {
    /// After an error; `otherwise` if the call had no effect.
    pub fn after(e: &Error, otherwise: Belief) -> Belief {
        let cut_short = e.ticket().is_some() && e.kind() != ErrorKind::OperationFailed;
        match e.sent() {
            Sent::No if !cut_short => otherwise,
            _ if e.is_outcome_unknown() || cut_short || e.sent() == Sent::Unknown => {
                Belief::Unknown(e.to_string())
            }
            _ => otherwise,
        }
    }
}

/// Calls by verb and end, and what of it was wrong.
#[derive(Debug, Default)]
pub struct Told {
    pub instances: Beliefs,
    calls: BTreeMap<&'static str, BTreeMap<String, usize>>,
    longest: Duration,
    /// From the kill to the end of the last call.
    pub last: Duration,
    pub gaps: usize,
    unknown: (usize, usize),
    pub wrong: Vec<String>,
}

impl Told {
    /// A call has ended.
    pub fn call(&mut self, verb: &'static str, end: &str, took: Duration) {
        *self.calls.entry(verb).or_default().entry(end.to_owned()).or_default() += 1;
        self.longest = self.longest.max(took);
    }

    /// Adds the calls of another one, which keeps them.
    pub fn add_calls(&mut self, other: &Told) {
        for (verb, ends) in &other.calls {
            for (end, count) in ends {
                *self.calls.entry(verb).or_default().entry(end.clone()).or_default() += count;
            }
        }
    }

    /// Adds what another one was told.
    pub fn add(&mut self, other: Told) {
        self.add_calls(&other);
        self.instances.extend(other.instances);
        self.longest = self.longest.max(other.longest);
        self.last = self.last.max(other.last);
        self.gaps += other.gaps;
        self.unknown = (self.unknown.0 + other.unknown.0, self.unknown.1 + other.unknown.1);
        self.wrong.extend(other.wrong);
    }

    /// Compares with the names on the daemon.
    pub fn compare(&mut self, there: &BTreeSet<String>) {
        for (name, belief) in &self.instances {
            match (belief, there.contains(name)) {
                (Belief::Unknown(_), true) => self.unknown.0 += 1,
                (Belief::Unknown(_), false) => self.unknown.1 += 1,
                (Belief::There, true) | (Belief::Absent, false) => {}
                (belief, _) => self.wrong.push(format!("{name}: told {belief:?}, which is wrong")),
            }
        }
        let strange = there.iter().filter(|name| !self.instances.contains_key(*name));
        let strange: Vec<String> = strange.map(|name| format!("{name}: launched by no call")).collect();
        self.wrong.extend(strange);
    }

    /// Prints a row for each verb.
    pub fn print_calls(&self, which: &str) {
        for (verb, ends) in &self.calls {
            let ends: Vec<String> = ends.iter().map(|(end, count)| format!("{end} {count}")).collect();
            figure(format!("{which}: {verb}"), ends.join(", "));
        }
    }

    /// Prints the other rows of the table.
    pub fn print(&self) {
        figure("instances that were launched", self.instances.len());
        let (there, absent) = self.unknown;
        figure("told that it isn't known: there, not there", format!("{there}, {absent}"));
        figure("longest call", format!("{:.1} s", self.longest.as_secs_f64()));
        figure(
            "from the kill to the end of the last call, at most",
            format!("{:.1} s", self.last.as_secs_f64()),
        );
        figure("told wrong", self.wrong.len());
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (instances, wrong) = (self.instances.len(), &self.wrong);
        write!(
            f,
            "{instances} instances, unknown {:?}, last call {:?}, wrong {wrong:?}",
            self.unknown, self.last
        )
    }
}
