//! Figures: how many cells there were, and what was wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::judge::Wrong;

/// The end of a section's name, behind that of the API.
pub const STREAMS: &str = ", waits, streams and transfers";

/// What else is to be said of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// Without a fault the call succeeded.
    Good,
    /// Without a fault it was refused, with these words.
    Refused(String),
    /// What should go wrong went wrong.
    Harmed,
}

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Table {
    /// By section, operation and class of fault: cells, and cells with something wrong.
    cells: BTreeMap<(String, String), BTreeMap<String, (usize, usize)>>,
    /// The classes of each kind of section in the order in which they came: of operations, and of streams.
    classes: [Vec<String>; 2],
    wrong: BTreeMap<&'static str, usize>,
    good: usize,
    harmed: usize,
    refused: BTreeMap<(String, String), String>,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Good => f.write_str("good"),
            Self::Refused(why) => write!(f, "refused {why}"),
            Self::Harmed => f.write_str("harmed"),
        }
    }
}

impl Mark {
    /// A mark as it was written.
    pub fn read(text: &str) -> Self {
        match text.split_once(' ') {
            Some(("refused", why)) => Self::Refused(why.to_owned()),
            _ if text == "good" => Self::Good,
            _ if text == "harmed" => Self::Harmed,
            _ => Self::None,
        }
    }
}

fn is_of_streams(section: &str) -> bool {
    section.ends_with(STREAMS)
}

impl Table {
    /// Counts a cell.
    pub fn count(&mut self, section: &str, id: &str, class: &str, is_wrong: bool) {
        let classes = &mut self.classes[usize::from(is_of_streams(section))];
        if !classes.iter().any(|known| known == class) {
            classes.push(class.to_owned());
        }
        let row = self.cells.entry((section.to_owned(), id.to_owned())).or_default();
        let (cells, wrong) = row.entry(class.to_owned()).or_default();
        *cells += 1;
        *wrong += usize::from(is_wrong);
    }

    /// Counts what else is to be said of it.
    pub fn mark(&mut self, section: &str, id: &str, mark: &Mark) {
        match mark {
            Mark::None => {}
            Mark::Good => self.good += 1,
            Mark::Harmed => self.harmed += 1,
            Mark::Refused(why) => {
                self.refused.insert((section.to_owned(), id.to_owned()), why.clone());
            }
        }
    }

    /// Counts something wrong.
    pub fn count_wrong(&mut self, wrong: Wrong) {
        *self.wrong.entry(wrong.word()).or_default() += 1;
    }

    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.wrong.values().all(|count| *count == 0)
    }

    /// Prints two tables for each API, and the totals.
    pub fn print(&self) {
        for end in ["", STREAMS] {
            for section in self.sections(end == STREAMS) {
                self.print_section(section);
            }
        }
        self.print_refused();
        let (operations, cells) = self.size(false);
        println!("\noperations  {operations:>7}");
        println!("… that succeed without a fault {:>7}", self.good);
        println!("cells       {cells:>7}");
        let (scenarios, cells) = self.size(true);
        println!("waits, streams and transfers   {scenarios:>7}");
        println!("cells of them                  {cells:>7}");
        println!("… whose trouble came in time   {:>7}", self.harmed);
        for wrong in Wrong::ALL {
            println!("{:<11} {:>7}", wrong.word(), self.wrong.get(wrong.word()).copied().unwrap_or_default());
        }
    }

    /// The names of one kind of section.
    fn sections(&self, streams: bool) -> BTreeSet<&str> {
        let all = self.cells.keys().map(|(section, _)| section.as_str());
        all.filter(|section| is_of_streams(section) == streams).collect()
    }

    /// The rows and the cells of one kind of section.
    fn size(&self, streams: bool) -> (usize, usize) {
        let rows = self.cells.iter().filter(|((section, _), _)| is_of_streams(section) == streams);
        rows.fold((0, 0), |(count, cells), (_, row)| {
            (count + 1, cells + row.values().map(|(cells, _)| cells).sum::<usize>())
        })
    }

    fn print_refused(&self) {
        if !self.refused.is_empty() {
            println!("\n## Refused without a fault, so that only this refusal is played\n");
        }
        for ((section, id), why) in &self.refused {
            println!("{section} {id}: {why}");
        }
    }

    fn print_section(&self, section: &str) {
        let rows: Vec<_> = self.cells.iter().filter(|((of, _), _)| of == section).collect();
        if rows.is_empty() {
            return;
        }
        let classes = &self.classes[usize::from(is_of_streams(section))];
        println!("\n## {section}: cells, and after a colon those with something wrong\n");
        let head: Vec<String> = classes.iter().map(|class| width(class, class)).collect();
        println!("{:<32} {}", "operation", head.join(" "));
        for ((_, id), row) in rows {
            let figures = classes.iter().map(|class| {
                let figure = match row.get(class) {
                    None => String::new(),
                    Some((cells, 0)) => cells.to_string(),
                    Some((cells, wrong)) => format!("{cells}:{wrong}"),
                };
                width(&figure, class)
            });
            println!("{:<32} {}", id, figures.collect::<Vec<_>>().join(" "));
        }
    }
}

fn width(text: &str, class: &str) -> String {
    format!("{text:>width$}", width = class.len().max(4))
}
