//! Figures: how many cells there were, and what was wrong.

use std::collections::BTreeMap;

use crate::api::Api;
use crate::judge::Wrong;

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Table {
    /// By API, operation and class of fault: cells, and cells with something wrong.
    cells: BTreeMap<(String, String), BTreeMap<String, (usize, usize)>>,
    /// The classes in the order in which they came.
    classes: Vec<String>,
    wrong: BTreeMap<&'static str, usize>,
    good: usize,
}

impl Table {
    /// Counts a cell.
    pub fn count(&mut self, api: &str, id: &str, class: &str, is_wrong: bool) {
        if !self.classes.iter().any(|known| known == class) {
            self.classes.push(class.to_owned());
        }
        let row = self.cells.entry((api.to_owned(), id.to_owned())).or_default();
        let (cells, wrong) = row.entry(class.to_owned()).or_default();
        *cells += 1;
        *wrong += usize::from(is_wrong);
    }

    /// Counts an operation that succeeds without a fault.
    pub fn count_good(&mut self) {
        self.good += 1;
    }

    /// Counts something wrong.
    pub fn count_wrong(&mut self, wrong: Wrong) {
        *self.wrong.entry(wrong.word()).or_default() += 1;
    }

    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.wrong.values().all(|count| *count == 0)
    }

    /// Prints a table for each API, and the totals.
    pub fn print(&self) {
        for api in Api::ALL {
            self.print_api(api.name());
        }
        let cells: usize = self.cells.values().flat_map(BTreeMap::values).map(|(cells, _)| cells).sum();
        println!("\noperations  {:>7}", self.cells.len());
        println!("… that succeed without a fault {:>7}", self.good);
        println!("cells       {cells:>7}");
        for wrong in Wrong::ALL {
            println!("{:<11} {:>7}", wrong.word(), self.wrong.get(wrong.word()).copied().unwrap_or_default());
        }
    }

    fn print_api(&self, api: &str) {
        let rows: Vec<_> = self.cells.iter().filter(|((of, _), _)| of == api).collect();
        if rows.is_empty() {
            return;
        }
        println!("\n## {api}: cells, and after a colon those with something wrong\n");
        let head: Vec<String> = self.classes.iter().map(|class| width(class, class)).collect();
        println!("{:<32} {}", "operation", head.join(" "));
        for ((_, id), row) in rows {
            let figures = self.classes.iter().map(|class| {
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
