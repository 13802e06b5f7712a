//! The run: cells spread over processes, because file descriptors are counted for a whole process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::api::Api;
use crate::cell::Cell;
use crate::fault::Fault;
use crate::judge::Wrong;
use crate::origin::Address;
use crate::plan::{self, Verdict};
use crate::streams::{self, Scenario};
use crate::subject::{Real, Subject};
use crate::table::{self, Mark, Table};
use crate::trace;
use crate::world::rows;

/// A worker that says nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(120);

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    seed: u64,
    short: bool,
    api: Option<String>,
    operation: Option<String>,
    /// Only this column of the tables.
    class: Option<String>,
    /// Only waits, streams and transfers.
    streams: bool,
    /// What tables call the real server that takes the place of the fakes, and where it listens.
    real: Option<String>,
    at: Option<Address>,
    jobs: usize,
    /// This process is the worker with this number; after the last one, the worker with few file descriptors.
    worker: Option<usize>,
}

impl Options {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// It isn't understood.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self { seed: 1, jobs, ..Self::default() };
        let mut args = args.iter();
        while let Some(option) = args.next() {
            let mut value = || args.next().cloned().ok_or_else(|| format!("{option} needs a value"));
            let number = |text: String| text.parse::<usize>().map_err(|e| format!("{text}: {e}"));
            match option.as_str() {
                "--short" => options.short = true,
                "--streams" => options.streams = true,
                "--seed" => options.seed = number(value()?)? as u64,
                "--api" => options.api = Some(value()?),
                "--operation" => options.operation = Some(value()?),
                "--class" => options.class = Some(value()?),
                "--real" => options.real = Some(value()?),
                "--at" => options.at = Some(Address::parse(&value()?)?),
                "--jobs" => options.jobs = number(value()?)?.max(1),
                "--worker" => options.worker = Some(number(value()?)?),
                other => {
                    return Err(format!(
                        "it knows --short, --streams, --seed, --api, --operation, --class, --real, --at and --jobs, not {other}"
                    ));
                }
            }
        }
        Ok(options)
    }

    /// The operations, every one in the tables that isn't left out.
    fn subjects(&self, worker: usize) -> Vec<Subject> {
        if self.streams {
            return Vec::new();
        }
        let asked = |name: &Option<String>, is: &str| name.as_deref().is_none_or(|name| name == is);
        let apis = Api::ALL.into_iter().filter(|api| asked(&self.api, api.name()));
        let all = apis.flat_map(|api| self.subjects_of(api, worker));
        all.filter(|subject| asked(&self.operation, subject.endpoint.id)).collect()
    }

    fn subjects_of(&self, api: Api, worker: usize) -> Vec<Subject> {
        match self.real(worker) {
            None => api.endpoints().iter().map(|endpoint| Subject::on_fakes(api, endpoint)).collect(),
            Some(real) => rows(api).iter().map(|(id, verb)| Subject::on_real(api, id, verb, &real)).collect(),
        }
    }

    /// The scenarios that aren't left out.
    fn scenarios(&self, worker: usize) -> Vec<Scenario> {
        let asked = |name: &Option<String>, is: &str| name.as_deref().is_none_or(|name| name == is);
        let real = self.real(worker);
        let of = |api: Api| match &real {
            Some(real) => streams::on_real(api, real),
            None => streams::all().filter(|scenario| scenario.api == api).cloned().collect(),
        };
        let all = Api::ALL.into_iter().filter(|api| asked(&self.api, api.name())).flat_map(of);
        all.filter(|scenario| asked(&self.operation, scenario.name)).collect()
    }

    /// The worker's part of an operation. On a fake one worker plays all of it. A real server takes so much longer for some
    /// operations than for others that each is spread over all workers.
    fn share(&self, operation: usize, worker: usize) -> Option<(usize, usize)> {
        match self.real {
            None => (operation % self.jobs == worker).then_some((0, 1)),
            Some(_) => Some(((worker + operation) % self.jobs, self.jobs)),
        }
    }

    /// The real server, for this worker.
    fn real(&self, worker: usize) -> Option<Real> {
        Some(Real { title: self.real.clone()?, address: self.at.clone()?, worker })
    }

    fn args(&self, worker: usize) -> Vec<String> {
        let mut args = vec![
            "--worker".to_owned(),
            worker.to_string(),
            "--jobs".to_owned(),
            self.jobs.to_string(),
            "--seed".to_owned(),
            self.seed.to_string(),
        ];
        args.extend(self.short.then(|| "--short".to_owned()));
        args.extend(self.streams.then(|| "--streams".to_owned()));
        let at = self.at.as_ref().map(Address::to_string);
        let given = [("--api", &self.api), ("--operation", &self.operation), ("--class", &self.class)];
        let given = given.into_iter().chain([("--real", &self.real), ("--at", &at)]);
        for (name, value) in given {
            args.extend(value.iter().flat_map(|value| [name.to_owned(), value.clone()]));
        }
        args
    }
}

/// Runs it, as a worker or with workers.
pub fn run(options: &Options) -> ExitCode {
    match options.worker {
        Some(worker) => work(options, worker),
        None => lead(options),
    }
}

/// Plays its share of the operations and scenarios, and writes a line for each cell.
fn work(options: &Options, worker: usize) -> ExitCode {
    // What panics is told as a verdict.
    std::panic::set_hook(Box::new(|_| {}));
    trace::keep();
    let asked = |class: &str| options.class.as_deref().is_none_or(|asked| asked == class);
    if worker == options.jobs {
        let subjects = if asked("no-fds") { options.subjects(worker) } else { Vec::new() };
        for subject in subjects {
            plan::play_without_descriptors(subject, options.seed, |verdict| tell(&verdict));
        }
        return ExitCode::SUCCESS;
    }
    for scenario in options.scenarios(worker).iter().skip(worker).step_by(options.jobs) {
        let tell = |verdict: &_| tell_trial(scenario, verdict);
        streams::run(scenario, options.seed, options.short, asked, tell);
    }
    for (number, subject) in options.subjects(worker).iter().enumerate() {
        let Some(share) = options.share(number, worker) else { continue };
        let asked = plan::Asked { short: options.short, class: &asked, share };
        plan::play(subject, options.seed, &asked, |verdict| tell(&verdict));
    }
    ExitCode::SUCCESS
}

fn tell(verdict: &Verdict) {
    let Verdict { cell, wrong, good, refusal } = verdict;
    let mark = match refusal {
        _ if cell.fault != Fault::None => Mark::None,
        Some(why) => Mark::Refused(why.clone()),
        None if *good => Mark::Good,
        None => Mark::None,
    };
    let once = if cell.once { ", once" } else { "" };
    let cause = format!("{}{once} (seed {})", cell.fault, cell.seed);
    let Cell { subject, fault, .. } = cell;
    line([subject.section(), &subject.row(), &fault.class()], &mark, &cause, wrong);
}

fn tell_trial(scenario: &Scenario, verdict: &streams::Verdict) {
    let streams::Verdict { trouble, seed, shown } = verdict;
    let section = format!("{}{}", scenario.section(), table::STREAMS);
    let mark = if shown.is_harmed { Mark::Harmed } else { Mark::None };
    line(
        [&section, scenario.name, trouble.class()],
        &mark,
        &format!("{trouble} (seed {seed})"),
        &shown.wrong,
    );
}

/// Fields between tabs: section, operation, class, mark, and what is wrong.
fn line(cell: [&str; 3], mark: &Mark, cause: &str, wrong: &[(Wrong, String)]) {
    let mut line = format!("{}\t{}", cell.join("\t"), flat(&mark.to_string()));
    for (wrong, why) in wrong {
        line += &format!("\t{}\t{}", wrong.word(), flat(&format!("{cause}: {why}")));
    }
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn flat(text: &str) -> String {
    text.replace(['\t', '\n'], " ")
}

/// Starts the workers, and counts what they tell.
fn lead(options: &Options) -> ExitCode {
    println!("seed {}{}", options.seed, if options.short { ", short" } else { "" });
    let (lines, told) = mpsc::channel();
    let mut workers: Vec<_> =
        (0..=options.jobs).map(|worker| start(options, worker, lines.clone())).collect();
    drop(lines);
    let mut table = Table::default();
    loop {
        match told.recv_timeout(SILENCE) {
            Ok(line) => count(&mut table, &line),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                println!("hung: a worker says nothing any more");
                table.count_wrong(Wrong::Hung);
                workers.iter_mut().for_each(|worker| _ = worker.kill());
                break;
            }
        }
    }
    let ended = workers.iter_mut().all(|worker| worker.wait().is_ok_and(|status| status.success()));
    table.print();
    if ended && table.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn start(options: &Options, worker: usize, lines: mpsc::Sender<String>) -> std::process::Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = match worker == options.jobs {
        true => few_descriptors(&program),
        false => Command::new(&program),
    };
    command.args(options.args(worker)).stdout(Stdio::piped());
    let mut child = command.spawn().expect("a worker");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    std::thread::spawn(move || {
        output.lines().map_while(Result::ok).for_each(|line| _ = lines.send(line));
    });
    child
}

/// The program, with room for no more than a cell needs.
fn few_descriptors(program: &std::path::Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""]).arg(program);
    command
}

fn count(table: &mut Table, line: &str) {
    let mut fields = line.split('\t');
    let mut next = || fields.next().unwrap_or_default();
    let (section, id, class, mark) = (next(), next(), next(), next());
    let wrong: Vec<&str> = fields.collect();
    table.count(section, id, class, !wrong.is_empty());
    table.mark(section, id, &Mark::read(mark));
    for pair in wrong.chunks(2) {
        let [word, why] = pair else { continue };
        if let Some(wrong) = Wrong::ALL.into_iter().find(|wrong| wrong.word() == *word) {
            table.count_wrong(wrong);
        }
        println!("{word}: {section} {id}: {why}");
    }
}
