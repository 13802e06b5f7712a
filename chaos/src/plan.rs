//! The cells of an operation.

use crate::answer::{Content, Injected};
use crate::cell::{Cell, Ending};
use crate::fault::{End, Fault, Part};
use crate::judge::{Wrong, judge};
use crate::random::Random;
use crate::subject::Subject;

/// The statuses that a server or a gateway has for failures of its own.
const STATUSES: [(u16, Option<u64>); 10] = [
    (408, None),
    (425, None),
    (429, None),
    (429, Some(1)),
    (500, None),
    (502, None),
    (503, None),
    (503, Some(1)),
    (504, None),
    (507, None),
];

/// More polls than any call needs.
const POLLS: usize = 200;

/// All cells of an operation, except for those in which the call is dropped.
pub fn cells(subject: &Subject, seed: u64, short: bool) -> Vec<Cell> {
    let name = subject.api.name().to_owned() + &subject.row();
    let mut random =
        Random::new(name.bytes().fold(seed, |mixed, byte| Random::new(mixed ^ u64::from(byte)).next()));
    let mut cells = Vec::new();
    for fault in faults(&mut random, short) {
        for once in rounds(subject, &fault, &mut random, short) {
            cells.push(Cell { subject: subject.clone(), fault: fault.clone(), once, seed: random.next() });
        }
    }
    cells
}

/// Whether it happens once or always: both, but in the short run only one of them for the many answers, and for everything
/// before a server that is slow.
fn rounds(subject: &Subject, fault: &Fault, random: &mut Random, short: bool) -> Vec<bool> {
    match fault {
        Fault::None | Fault::NoAddress | Fault::Twice | Fault::IdleClosed | Fault::IdleReset => vec![false],
        Fault::Answered(_) if short => vec![random.below(2) == 0],
        _ if short && subject.is_slow() => vec![random.below(2) == 0],
        _ => vec![true, false],
    }
}

fn faults(random: &mut Random, short: bool) -> Vec<Fault> {
    let mut all = vec![
        Fault::None,
        Fault::NoAddress,
        Fault::Refused,
        Fault::Silent,
        Fault::ResetAtOnce,
        Fault::ResetAfterRequest,
        Fault::Slow(Part::Head),
        Fault::Slow(Part::Body),
        Fault::SlowRefusal,
        Fault::Twice,
        Fault::IdleClosed,
        Fault::IdleReset,
    ];
    for end in [End::Reset, End::Close] {
        all.push(Fault::Lost(end));
        all.extend([Part::Head, Part::Body, Part::LastByte].map(|part| Fault::Cut(part, end)));
    }
    for (status, retry_after) in STATUSES {
        let bodies = match short {
            true => vec![Content::OF_REFUSALS[random.below(Content::OF_REFUSALS.len())]],
            false => Content::OF_REFUSALS.to_vec(),
        };
        all.extend(bodies.into_iter().map(|body| Fault::Answered(Injected { status, retry_after, body })));
    }
    all.push(Fault::Answered(Injected { status: 200, retry_after: None, body: Content::Foreign }));
    all
}

/// Which cells of an operation are played.
pub struct Asked<'a> {
    /// A random part of them.
    pub short: bool,
    /// Only these columns of the table.
    pub class: &'a dyn Fn(&str) -> bool,
    /// The n-th of so many shares.
    pub share: (usize, usize),
}

/// What is wrong with a cell that was played.
pub struct Verdict {
    /// The cell.
    pub cell: Cell,
    /// What is wrong.
    pub wrong: Vec<(Wrong, String)>,
    /// The call succeeded.
    pub good: bool,
    /// Why it was refused.
    pub refusal: Option<String>,
}

/// Plays an operation without file descriptors. Only in a process that may have few.
pub fn play_without_descriptors(subject: Subject, seed: u64, mut tell: impl FnMut(Verdict)) {
    tell(verdict(Cell { subject, fault: Fault::NoDescriptors, once: false, seed }).0);
}

/// Plays the other cells of an operation that are asked for, one after the other.
pub fn play(subject: &Subject, seed: u64, asked: &Asked<'_>, mut tell: impl FnMut(Verdict)) {
    let (share, of) = asked.share;
    for cell in cells(subject, seed, asked.short).into_iter().skip(share).step_by(of) {
        if (asked.class)(&cell.fault.class()) {
            tell(verdict(cell).0);
        }
    }
    if share > 0 || !(asked.class)("dropped") {
        return;
    }
    // Dropped at each poll, until the call has ended before that.
    for polls in 1..POLLS {
        let cell = Cell { subject: subject.clone(), fault: Fault::Dropped(polls), once: false, seed };
        let (verdict, dropped) = verdict(cell);
        tell(verdict);
        if !dropped {
            break;
        }
    }
}

/// Plays a cell; also says whether the call was dropped.
fn verdict(cell: Cell) -> (Verdict, bool) {
    let played = caught(|| {
        let seen = cell.play();
        let refusal = match &seen.ending {
            Ending::Result(Err(e)) => Some(e.message().to_owned()),
            _ => None,
        };
        let good = matches!(seen.ending, Ending::Result(Ok(())));
        (judge(&cell, &seen), good, refusal, matches!(seen.ending, Ending::Dropped))
    });
    let (wrong, good, refusal, dropped) =
        played.unwrap_or_else(|why| (vec![(Wrong::Hung, why)], false, None, false));
    (Verdict { cell, wrong, good, refusal }, dropped)
}

/// What a function returns, or why it panicked.
pub fn caught<T>(play: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(play)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("it panicked: {}", text.unwrap_or_default())
    })
}
