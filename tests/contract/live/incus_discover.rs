//! `Incus::discover` and the `incus` command in the same surroundings: run by `cargo xtask live incus`, which owns the
//! daemon and has installed the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use windlass::incus::Incus;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Tells the child what to do; see [`discovered_in_a_child`].
const CHILD: &str = "WINDLASS_TEST_DISCOVERS";

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run `cargo xtask live incus`"))
}

/// Surroundings of a child process: nothing of ours but these.
struct Place {
    root: PathBuf,
    variables: Vec<(String, String)>,
}

impl Place {
    /// With a home directory, which the command has used before, and its `config.yml`.
    fn new(
        name: &str,
        config: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let root = std::env::temp_dir().join(format!("windlass-like-{name}-{}", std::process::id()));
        let own = root.join(".config/incus");
        std::fs::create_dir_all(&own)?;
        if let Some(config) = config {
            std::fs::write(own.join("config.yml"), config)?;
        }
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Self { root, variables: variables.collect() })
    }

    fn run(&self, program: &Path, args: &[&str]) -> Result<Option<String>, Box<dyn std::error::Error>> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let output = Command::new(program)
            .args(args)
            .env_clear()
            .envs([("HOME", self.root.as_os_str()), ("PATH", &path), (CHILD, "1".as_ref())])
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let names = text.lines().filter(|line| line.starts_with("like-")).collect::<Vec<_>>().join(" ");
        if !output.status.success() {
            println!("{program:?} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output.status.success().then_some(names))
    }

    /// The names of the instances that the command sees.
    fn command(&self) -> Result<Option<String>, Box<dyn std::error::Error>> {
        self.run("incus".as_ref(), &["list", "-f", "csv", "-c", "n"])
    }

    /// Those that a discovered client sees.
    fn ours(&self) -> Result<Option<String>, Box<dyn std::error::Error>> {
        let test = "live::incus_discover::discovered_in_a_child";
        self.run(&std::env::current_exe()?, &["--exact", test, "--ignored", "--nocapture"])
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// A process of its own, for its surroundings: does nothing in any other.
#[tokio::test]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn discovered_in_a_child() -> Outcome {
    if std::env::var_os(CHILD).is_none() {
        return Ok(());
    }
    println!();
    for instance in Incus::discover().await?.instances().names().await? {
        println!("{}", instance.name());
    }
    Ok(())
}

/// The server's directory is taken for one without a server, by way of a socket on which nothing listens.
fn dead_socket() -> Result<PathBuf, std::io::Error> {
    let path = std::env::temp_dir().join(format!("windlass-dead-{}.socket", std::process::id()));
    drop(std::os::unix::net::UnixListener::bind(&path)?);
    Ok(path)
}

async fn project(incus: &Incus, name: &str) -> Outcome {
    let body = serde_json::json!({
        "name": name, "config": {"features.images": "false", "features.profiles": "false"}
    });
    let socket = variable("WINDLASS_LIVE_INCUS_SOCKET")?;
    let made = Command::new("curl")
        .args(["-fs", "--unix-socket", &socket, "-d", &body.to_string(), "http://incus/1.0/projects"])
        .stdout(Stdio::null())
        .status()?;
    if !made.success() {
        return Err("no project".into());
    }
    incus.project(name).create(format!("like-{name}")).image("busybox").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn the_server_and_the_project_are_those_of_the_command() -> Outcome {
    let (socket, dir) = (variable("WINDLASS_LIVE_INCUS_SOCKET")?, variable("WINDLASS_LIVE_INCUS_DIR")?);
    let incus = Incus::unix(&socket).await?;
    incus.create("like-default").image("busybox").await?;
    project(&incus, "blue").await?;
    project(&incus, "green").await?;
    let dead = dead_socket()?.display().to_string();
    let local = |project: &str| {
        format!("remotes:\n  local:\n    addr: unix://\n    project: {project}\n    public: false\n")
    };
    let near = format!(
        "default-remote: near\nremotes:\n  near:\n    addr: unix://{socket}\n    project: green\n    protocol: incus\n    \
         public: false\n"
    );
    let this = [("INCUS_SOCKET", socket.as_str())];
    let with = |name: &'static str, value: &'static str| [("INCUS_SOCKET", socket.as_str()), (name, value)];
    type Case<'a> = (&'a str, Option<String>, Vec<(&'a str, &'a str)>, Option<&'a str>);
    let table: Vec<Case<'_>> = vec![
        ("socket", Some(String::new()), this.to_vec(), Some("like-default")),
        ("directory", Some(String::new()), vec![("INCUS_DIR", &dir)], Some("like-default")),
        ("both", Some(String::new()), vec![("INCUS_SOCKET", &socket), ("INCUS_DIR", "/nowhere")], Some("like-default")),
        ("switched", Some(local("blue")), this.to_vec(), Some("like-blue")),
        ("switched-dir", Some(local("blue")), vec![("INCUS_DIR", &dir)], Some("like-blue")),
        ("switched-back", Some(local("default")), this.to_vec(), Some("like-default")),
        ("variable", Some(local("blue")), with("INCUS_PROJECT", "green").to_vec(), Some("like-green")),
        ("variable-default", Some(local("blue")), with("INCUS_PROJECT", "default").to_vec(), Some("like-default")),
        ("remote", Some(near.clone()), vec![], Some("like-green")),
        ("remote-socket", Some(near.clone()), vec![("INCUS_SOCKET", &dead)], Some("like-green")),
        ("remote-dir", Some(near.clone()), vec![("INCUS_DIR", "/nowhere")], Some("like-green")),
        ("named-local", Some(near.clone()), with("INCUS_REMOTE", "local").to_vec(), Some("like-default")),
        ("named-near", Some(local("blue") + near.split_once("remotes:\n").ok_or("no remotes")?.1), with("INCUS_REMOTE", "near").to_vec(), Some("like-green")),
        ("dead", Some(String::new()), vec![("INCUS_SOCKET", &dead)], None),
        ("nobody", Some("default-remote: nobody\n".to_owned()), this.to_vec(), None),
        ("nobody-named", Some(near.clone()), with("INCUS_REMOTE", "nobody").to_vec(), None),
        ("images", Some("default-remote: images\nremotes:\n  images:\n    addr: https://127.0.0.1:9\n    protocol: simplestreams\n    public: true\n".to_owned()), this.to_vec(), None),
        ("broken", Some("remotes: [".to_owned()), this.to_vec(), None),
        ("a-list", Some("- a list".to_owned()), this.to_vec(), None),
    ];
    let mut wrong = Vec::new();
    for (name, config, variables, expected) in table {
        let place = Place::new(name, config.as_deref(), &variables)?;
        let (theirs, ours) = (place.command()?, place.ours()?);
        if (theirs.as_deref(), ours.as_deref()) != (expected, expected) {
            wrong.push(format!("{name}: the command {theirs:?}, we {ours:?}, expected {expected:?}"));
        }
    }
    // What the command itself writes.
    let place = Place::new("switching", Some(""), &this)?;
    place.run("incus".as_ref(), &["project", "switch", "blue"])?;
    if (place.command()?.as_deref(), place.ours()?.as_deref()) != (Some("like-blue"), Some("like-blue")) {
        wrong.push("after `incus project switch blue`".to_owned());
    }
    std::fs::remove_file(dead)?;
    for project in ["default", "blue", "green"] {
        incus.project(project).instance(format!("like-{project}")).delete().await?;
        if project != "default" {
            let url = format!("http://incus/1.0/projects/{project}");
            Command::new("curl").args(["-fs", "--unix-socket", &socket, "-X", "DELETE", &url]).output()?;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}
