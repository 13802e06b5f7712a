//! Runs the script of a vendor's client on the fake and on the real server, and compares the answers.

mod drivers;
mod normal;
mod script;
mod table;

pub use drivers::{Driver, Python, Shell};

use drivers::{Answer, NO_ANSWER};
use normal::normal;
use script::{Step, parse};

/// What the fakes say where they don't do what a real server does.
const LACKING: &str = "the fake doesn't do this";

/// A step and its answers.
#[derive(Debug)]
struct Row {
    step: Step,
    fake: Answer,
    /// The real server's, or the written one.
    real: Answer,
}

/// What a row's answers amount to.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    /// With the reason.
    Differs(String),
    /// With what is wrong.
    Wrong(&'static str),
}

impl Row {
    fn verdict(&self) -> Verdict {
        let step = &self.step;
        if self.real.refused != step.refused {
            return Verdict::Wrong(if step.refused {
                "the real server did it"
            } else {
                "the real server refused"
            });
        }
        if [&self.fake, &self.real].iter().any(|answer| answer.text == NO_ANSWER) {
            return Verdict::Wrong("no answer");
        }
        match (self.fake == self.real, &step.reason, &step.lacking) {
            (true, None, None) => Verdict::Same,
            (true, ..) => Verdict::Wrong("the same, so it needs no reason"),
            (false, _, Some(lacking)) if self.fake.refused && self.fake.text.contains(LACKING) => {
                Verdict::Differs(format!("not in the fake: {lacking}"))
            }
            (false, _, Some(_)) => Verdict::Wrong("the fake doesn't say that it doesn't do this"),
            (false, Some(reason), None) => Verdict::Differs(reason.clone()),
            (false, None, None) => Verdict::Wrong("differs without a reason"),
        }
    }
}

/// A script of a vendor's client.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// For the table.
    pub title: &'a str,
    /// A file in `tests/contract/vendor`.
    pub file: &'a str,
    pub generation: &'a str,
}

impl Script<'_> {
    fn steps(&self) -> Vec<Step> {
        let path = format!("{}/tests/contract/vendor/{}", env!("CARGO_MANIFEST_DIR"), self.file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let steps = parse(&text, self.generation);
        assert!(!steps.is_empty(), "{path} has no step");
        steps
    }

    /// On the fake and on the real server, which don't wait for each other.
    pub async fn compare(&self, fake: impl Driver, real: impl Driver) {
        let steps = self.steps();
        let (fakes, reals) = tokio::join!(answers(&steps, fake), answers(&steps, real));
        let rows = steps.into_iter().zip(fakes).zip(reals);
        self.judge(&rows.map(|((step, fake), real)| Row { step, fake, real }).collect::<Vec<_>>());
    }

    /// On the fake alone: the script has the answers.
    pub async fn compare_with_writing(&self, fake: impl Driver) {
        let steps = self.steps();
        let fakes = answers(&steps, fake).await;
        let rows = steps.into_iter().zip(fakes).map(|(step, fake)| {
            let text = step.expected.clone().unwrap_or_else(|| "null".to_owned());
            let real = Answer { refused: step.refused, text };
            Row { step, fake, real }
        });
        self.judge(&rows.collect::<Vec<_>>());
    }

    fn judge(&self, rows: &[Row]) {
        table::print(self, rows);
        let wrong = rows.iter().filter(|row| matches!(row.verdict(), Verdict::Wrong(_))).count();
        assert_eq!(wrong, 0, "{}: {wrong} of {} rows are wrong; the table is above", self.title, rows.len());
    }
}

async fn answers(steps: &[Step], mut driver: impl Driver) -> Vec<Answer> {
    let own = driver.own();
    let mut answers = Vec::new();
    for step in steps {
        let answer = driver.run(&step.text).await;
        // Trimmed last: the end of progress is a return, which wipes the line.
        let text = normal(&answer.text, &own).trim_end().to_owned();
        answers.push(Answer { text, ..answer });
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: Step, fake: &str, real: &str) -> Verdict {
        let answer = |text: &str| Answer { refused: text.contains("Error"), text: text.to_owned() };
        Row { step, fake: answer(fake), real: answer(real) }.verdict()
    }

    #[test]
    fn a_difference_needs_a_reason_and_a_reason_a_difference() {
        let with = |reason: Option<&str>| Step { reason: reason.map(str::to_owned), ..Step::default() };
        assert_eq!(row(with(None), "a", "a"), Verdict::Same);
        assert_eq!(row(with(Some("so")), "a", "b"), Verdict::Differs("so".to_owned()));
        assert!(matches!(row(with(None), "a", "b"), Verdict::Wrong(_)));
        assert!(matches!(row(with(Some("so")), "a", "a"), Verdict::Wrong(_)));
    }

    #[test]
    fn what_a_fake_lacks_it_must_refuse_in_words() {
        let step = Step { lacking: Some("pools".to_owned()), ..Step::default() };
        let refusal = format!("Error: {LACKING}");
        assert_eq!(
            row(step.clone(), &refusal, "done"),
            Verdict::Differs("not in the fake: pools".to_owned())
        );
        assert!(matches!(row(step.clone(), "done, too", "done"), Verdict::Wrong(_)));
        assert!(matches!(row(step, "Error: not found", "done"), Verdict::Wrong(_)));
    }

    #[test]
    fn a_step_that_the_real_server_refuses_unexpectedly_shows_nothing() {
        assert!(matches!(row(Step::default(), "Error", "Error"), Verdict::Wrong(_)));
        let refused = Step { refused: true, ..Step::default() };
        assert_eq!(row(refused.clone(), "Error", "Error"), Verdict::Same);
        let silent = || Answer { refused: true, text: NO_ANSWER.to_owned() };
        let both = Row { step: refused.clone(), fake: silent(), real: silent() };
        assert_eq!(both.verdict(), Verdict::Wrong("no answer"));
        assert!(matches!(row(refused, "done", "done"), Verdict::Wrong(_)));
    }
}
