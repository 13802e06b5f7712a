//! `cargo xtask live`: the live suites, each against a private daemon of each generation.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::suite::{self, Choice, Suite};
use crate::versions::chosen;
use crate::{Outcome, pypi, workspace};

/// The supported generations of Incus.
pub(crate) const GENERATIONS: [&str; 2] = ["6.0", "7.0"];
/// The suites, in order, for each generation.
const SUITES: &[Suite<'_>] = &[
    // The vendor's command and pylxd against the fake server, and compared with the daemon while that is new.
    of("vendor::incus"),
    // The contract, over the unix socket and over HTTPS.
    of("live::incus"),
    of("live::incus_https"),
    // Tokens of OpenID Connect.
    of("live::incus_oidc"),
    // Discovery, compared with the vendor's command.
    of("live::incus_discover"),
    // Images of remotes: a simplestreams server, and another daemon.
    of("live::incus_images"),
    // Many commands at once.
    of("live::incus_exec"),
    // Even more on the fake server, as waits.
    Suite { program: "promises", module: "incus::exec", features: &[] },
    Suite { program: "promises", module: "limits::in_flight", features: &[] },
    // Many containers at once.
    of("live::incus_many"),
    // Large transfers.
    of("live::incus_transfer"),
    // Tests that kill a daemon.
    of("live::incus_restart"),
];
/// The Python client that is compared, and the variable with the interpreter that has it.
const PYLXD: (&str, &str) = ("pylxd==2.4.2", "WINDLASS_PYLXD_PYTHON");
/// The suite that needs a cluster.
const CLUSTER_SUITE: Suite<'_> = of("live::incus_cluster");
/// The variable with the directory of the cluster's members.
const CLUSTER: &str = "WINDLASS_LIVE_INCUS_CLUSTER";
/// The variable with the directory that `session.sh` made and will remove.
pub(crate) const SESSION: &str = "WINDLASS_LIVE_SESSION";
/// The variable with the host and port where a daemon listens for remote clients.
const HTTPS: &str = "WINDLASS_LIVE_INCUS_HTTPS";
/// The variable with the path of the Debian 13 tree with Incus 7.0.
const TREE: &str = "WINDLASS_INCUS7_TREE";
/// The default path of the tree.
const DEFAULT_TREE: &str = "/var/cache/windlass/incus-7";

/// One run of this command.
struct Lab {
    /// The server recipe.
    control: PathBuf,
    /// Holds one directory for each daemon.
    session: PathBuf,
    /// Which tests to run.
    choice: Choice,
    /// The interpreter with pylxd.
    python: PathBuf,
}

/// A running daemon.
struct Daemon<'a> {
    generation: &'a str,
    directory: &'a Path,
    https: &'a str,
}

const fn of(module: &str) -> Suite<'_> {
    Suite { program: "contract", module, features: &[] }
}

/// Runs itself again below `session.sh`, which always cleans up. There, runs the suites.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let rest = args.strip_prefix(&["incus"]).unwrap_or(args);
    let (generations, rest) = chosen(&GENERATIONS, rest);
    let choice = Choice::read(rest)?;
    need_root()?;
    let Some(session) = std::env::var_os(SESSION) else { return Err(enter_session("live", args)) };
    let (control, python) = (servers().join("incus.sh"), pypi::python_with(PYLXD.0)?);
    all(&Lab { control, session: session.into(), choice, python }, &generations)
}

/// Containers, mounts and namespaces all need root.
pub(crate) fn need_root() -> Outcome {
    match std::fs::metadata("/proc/self") {
        Ok(process) if process.uid() == 0 => Ok(()),
        _ => Err("the live suites start Incus daemons: run this as root, on Linux".to_owned()),
    }
}

/// The directory of the server recipes.
pub(crate) fn servers() -> PathBuf {
    workspace::root().join("xtask/servers")
}

/// Runs this beside a private daemon in this directory of the session, and takes the daemon down.
pub(crate) fn with_daemon(directory: &Path, generation: &str, run: impl FnOnce() -> Outcome) -> Outcome {
    let recipe = servers().join("incus.sh");
    let control = |args: &[&str]| {
        let mut command = Command::new("bash");
        command.arg(&recipe).args(args).env("WINDLASS_LIVE_INCUS_GENERATION", generation);
        workspace::run(&mut command)
    };
    install(generation)?;
    let path = directory.display().to_string();
    control(&["up", &path])?;
    let outcome = run();
    outcome.and(control(&["down", &path]))
}

/// Runs this beside a private cluster in this directory of the session, and takes the cluster down. What it is made of must
/// be installed.
pub(crate) fn with_cluster<T>(
    members: &Path,
    generation: &str,
    run: impl FnOnce() -> Result<T, String>,
) -> Result<T, String> {
    let recipe = servers().join("incus-cluster.sh");
    let control = |verb: &str| {
        let mut command = Command::new("bash");
        command.arg(&recipe).arg(verb).arg(members).env("WINDLASS_LIVE_INCUS_GENERATION", generation);
        workspace::run(&mut command)
    };
    control("up")?;
    let outcome = run();
    control("down")?;
    outcome
}

/// Installs what a daemon of this generation is made of.
pub(crate) fn install(generation: &str) -> Outcome {
    let install =
        |args: &[&str]| workspace::run(Command::new("bash").arg(servers().join("incus.sh")).args(args));
    install(&["install-6"])?;
    if generation == GENERATIONS[0] { Ok(()) } else { install(&["install-7", &tree()]) }
}

/// Becomes `session.sh`. Returns only on failure, with the reason.
pub(crate) fn enter_session(chore: &str, args: &[&str]) -> String {
    let own = std::env::current_exe().unwrap_or_else(|_| "xtask".into());
    let error = Command::new("bash").arg(servers().join("session.sh")).arg(own).arg(chore).args(args).exec();
    format!("can't run bash: {error}")
}

/// Installs, builds, and runs every suite against every generation.
fn all(lab: &Lab, generations: &[&str]) -> Outcome {
    lab.control(&["install-6"])?;
    lab.control(&["install-7", &tree()])?;
    CLUSTER_SUITE.build()?;
    suite::all(generations.iter().map(|generation| lab.generation(generation)))
}

/// A free port of this machine.
fn free_address() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0");
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.to_string()).map_err(|e| format!("no free port: {e}"))
}

/// The path of the Debian 13 tree with Incus 7.0.
fn tree() -> String {
    std::env::var(TREE).unwrap_or_else(|_| DEFAULT_TREE.to_owned())
}

impl Lab {
    /// Runs one subcommand of the server recipe.
    fn control(&self, args: &[&str]) -> Outcome {
        workspace::run(Command::new("bash").arg(&self.control).args(args))
    }

    /// Runs the suites against one generation, then stops its daemon.
    fn generation(&self, generation: &str) -> Outcome {
        let directory = self.session.join(generation);
        let path = directory.display().to_string();
        println!("== Incus {generation}");
        let https = free_address()?;
        let up = Command::new("bash")
            .arg(&self.control)
            .args(["up", &path])
            .env("WINDLASS_LIVE_INCUS_GENERATION", generation)
            .env(HTTPS, &https)
            .status();
        if !up.is_ok_and(|status| status.success()) {
            return Err(format!("Incus {generation} didn't start"));
        }
        let daemon = Daemon { generation, directory: &directory, https: &https };
        let outcome = match (self.all_suites(&daemon), self.cluster(&daemon)) {
            (Ok(0), Ok(0)) => Err(format!("Incus {generation}: no test ran")),
            (alone, together) => suite::all([alone.map(drop), together.map(drop)]),
        };
        let down = self.control(&["down", &path]);
        outcome.and(down)
    }

    /// Runs the suites against a running daemon, and returns how many tests passed.
    fn all_suites(&self, daemon: &Daemon<'_>) -> Result<usize, String> {
        let mut passed = 0;
        // A failing suite doesn't stop the others.
        suite::all(SUITES.iter().map(|suite| self.suite(daemon, suite).map(|count| passed += count)))?;
        Ok(passed)
    }

    /// Runs the suite that needs a cluster, beside the running daemon.
    fn cluster(&self, daemon: &Daemon<'_>) -> Result<usize, String> {
        if !CLUSTER_SUITE.has_any(&self.choice)? {
            return Ok(0);
        }
        let members = self.session.join(format!("{}-cluster", daemon.generation));
        with_cluster(&members, daemon.generation, || self.suite(daemon, &CLUSTER_SUITE))
    }

    /// Runs one suite, and returns how many tests passed.
    fn suite(&self, daemon: &Daemon<'_>, suite: &Suite<'_>) -> Result<usize, String> {
        let Daemon { generation, directory, https } = *daemon;
        let tally = suite.run(&format!("Incus {generation}"), &self.choice, 2, |mut command| {
            command
                .env("WINDLASS_LIVE_INCUS_SOCKET", directory.join("unix.socket"))
                .env(HTTPS, https)
                .env(CLUSTER, self.session.join(format!("{generation}-cluster")))
                .env("WINDLASS_LIVE_INCUS_GENERATION", generation)
                .env("WINDLASS_LIVE_INCUS_DIR", directory)
                .env(PYLXD.1, &self.python)
                .env("WINDLASS_LIVE_INCUS_CONTROL", &self.control);
            command
        })?;
        Ok(tally.passed)
    }
}
