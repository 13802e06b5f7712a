//! Tests of finding the server as the `incus` command does.

use std::os::unix::net::UnixListener;

use super::local;
use super::remotes::located;
use crate::config::file::hostile;
use crate::config::{self, Surroundings};
use crate::error::Error;
use crate::error::ErrorKind;
use crate::incus::{Connect, Incus};

fn find(surroundings: &Surroundings) -> Result<Connect, Error> {
    located(Incus::discover(), surroundings)
}

struct Place {
    root: std::path::PathBuf,
    listeners: Vec<UnixListener>,
}

impl Place {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("windlass-{name}-{}", std::process::id()));
        Self { root, listeners: Vec::new() }
    }

    fn socket(&mut self, path: &str) -> std::io::Result<()> {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        self.listeners.push(UnixListener::bind(path)?);
        Ok(())
    }

    fn origin(&self, variables: &[(&str, &str)]) -> Result<String, ErrorKind> {
        let found = find(&Surroundings::made(variables, &self.root)).map_err(|e| e.kind())?;
        found.client().map(|incus| incus.origin().to_owned()).map_err(|e| e.kind())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

#[test]
fn settings_win_and_are_meant() -> std::io::Result<()> {
    let mut place = Place::new("settings");
    place.socket("run/incus/unix.socket")?;
    place.socket("own/unix.socket")?;
    let own = place.root.join("own").display().to_string();
    let socket = format!("{own}/unix.socket");
    assert_eq!(place.origin(&[]), Ok("/run/incus".to_owned()));
    assert_eq!(place.origin(&[("INCUS_DIR", &own)]), Ok(format!("INCUS_DIR={own}")));
    let both = [("INCUS_DIR", own.as_str()), ("INCUS_SOCKET", &socket)];
    assert_eq!(place.origin(&both), Ok(format!("INCUS_SOCKET={socket}")));
    assert_eq!(place.origin(&[("INCUS_DIR", "/nowhere")]), Err(ErrorKind::Configuration));
    assert_eq!(place.origin(&[("INCUS_SOCKET", "")]), Ok("/run/incus".to_owned()));
    Ok(())
}

#[test]
fn the_users_own_socket_comes_with_its_project() -> std::io::Result<()> {
    let mut place = Place::new("user");
    place.socket("var/lib/incus/unix.socket.user")?;
    let found = find(&Surroundings::made(&[], &place.root)).and_then(Connect::client);
    let project = found.ok().and_then(|incus| incus.own_project().map(str::to_owned));
    assert_eq!(project, local::own_user().map(|uid| format!("user-{uid}")));
    let found =
        find(&Surroundings::made(&[("INCUS_PROJECT", "blue")], &place.root)).and_then(Connect::client);
    assert_eq!(found.ok().and_then(|incus| incus.own_project().map(str::to_owned)).as_deref(), Some("blue"));
    Ok(())
}

#[test]
fn the_error_names_all_that_was_tried() {
    let place = Place::new("nothing");
    let e = find(&Surroundings::made(&[], &place.root)).map(|_| ()).map_err(|e| e.to_string());
    let e = e.err().unwrap_or_default();
    for place in ["etc/incus/config.yml", "run/incus/unix.socket,", "var/lib/incus/unix.socket.user"] {
        assert!(e.contains(place), "{e}");
    }
}

/// A daemon whose queue is full takes no connection, and a blocking one would wait for it.
#[tokio::test]
async fn a_daemon_that_takes_no_connection_holds_nothing_up() -> std::io::Result<()> {
    let place = Place::new("full");
    let path = place.root.join("run/incus/unix.socket");
    std::fs::create_dir_all(place.root.join("run/incus"))?;
    let socket = tokio::net::UnixSocket::new_stream()?;
    socket.bind(&path)?;
    let _listener = socket.listen(1)?;
    let mut queue = Vec::new();
    while let Ok(waiting) = tokio::net::UnixStream::connect(&path).await {
        queue.push(waiting);
    }
    let (told, found) = std::sync::mpsc::channel();
    let surroundings = Surroundings::made(&[], &place.root);
    std::thread::spawn(move || {
        let _ = told.send(find(&surroundings));
    });
    let found = found.recv_timeout(std::time::Duration::from_secs(60));
    let Ok(Ok(found)) = found else { unreachable!("it waits: {found:?}") };
    let e = found.retry(crate::Retry::never()).await.map(|_| ()).map_err(|e| e.kind());
    assert_eq!(e, Err(ErrorKind::Connect));
    Ok(())
}

#[test]
fn what_is_no_file_of_settings_holds_nothing_up() -> std::io::Result<()> {
    for path in ["home/.config/incus/config.yml", "etc/incus/config.yml"] {
        let mut place = Place::new(&format!("hostile-{}", path.len()));
        place.socket("run/incus/unix.socket")?;
        let file = place.root.join(path);
        std::fs::create_dir_all(file.parent().unwrap_or(&place.root))?;
        let root = place.root.clone();
        hostile::try_each(&file, "nests", move || {
            let home = root.join("home").display().to_string();
            find(&Surroundings::made(&[("HOME", &home)], &root)).err().map(|e| e.to_string())
        });
    }
    Ok(())
}

#[tokio::test]
async fn settings_are_looked_for_beside_the_callers_thread() {
    let here = std::thread::current().id();
    let there = config::aside(|| Ok(std::thread::current().id())).await;
    assert!(there.is_ok_and(|there| there != here));
}

const FAR: &str = "remotes:\n  far: {addr: 'https://10.0.0.9:8443', project: red}\n  near: {addr: 'unix://', \
                   project: green}\n  other: {addr: 'unix:/other.socket', project: default}\n  images: {addr: \
                   'https://images.example', protocol: simplestreams, public: true}\n  many: {addr: \
                   'https://10.0.0.1:8443, https://10.0.0.2:8443', last_working_address: \
                   'https://10.0.0.2:8443'}\n";

fn local(project: &str) -> Option<String> {
    Some(format!("remotes:\n  local: {{addr: 'unix:///elsewhere', project: {project}}}\n"))
}

fn default(name: &str) -> Option<String> {
    Some(format!("default-remote: {name}\n{FAR}"))
}

/// A machine with three sockets and a user with an identity. In the table, `@` is the directory of all this.
struct Machine(Place);

/// The target and the project.
type Found = Option<(String, Option<String>)>;

impl Machine {
    fn new(name: &str) -> std::io::Result<Self> {
        let mut place = Place::new(name);
        for socket in ["run/incus/unix.socket", "own/unix.socket", "user/unix.socket.user"] {
            place.socket(socket)?;
        }
        let own = place.root.join("home/.config/incus");
        std::fs::create_dir_all(&own)?;
        assert!(crate::incus::Identity::generate("me").and_then(|me| me.save(&own)).is_ok());
        Ok(Self(place))
    }

    fn written(&self, text: &str) -> String {
        text.replace('@', &self.0.root.display().to_string())
    }

    fn find(&self, variables: &[(&str, &str)]) -> Result<Connect, Error> {
        let variables: Vec<_> = [("HOME", "@/home")]
            .iter()
            .chain(variables)
            .map(|(key, value)| (*key, self.written(value)))
            .collect();
        let variables: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
        find(&Surroundings::made(&variables, &self.0.root))
    }

    fn found(&self, variables: &[(&str, &str)]) -> Found {
        self.find(variables).ok().map(|connect| (connect.place(), connect.project))
    }

    /// With this as the user's file, or with none.
    fn check(
        &self,
        what: &str,
        file: Option<String>,
        variables: &[(&str, &str)],
        expected: Option<(&str, Option<&str>)>,
    ) -> std::io::Result<()> {
        let path = self.0.root.join("home/.config/incus/config.yml");
        let _ = std::fs::remove_file(&path);
        if let Some(text) = file {
            std::fs::write(path, text)?;
        }
        assert_eq!(self.found(variables), self.at(expected), "{what}");
        let e = self.find(variables).err().map(|e| e.kind());
        assert!(e.is_none_or(|kind| kind == ErrorKind::Configuration), "{what}: {e:?}");
        Ok(())
    }

    fn at(&self, expected: Option<(&str, Option<&str>)>) -> Found {
        expected.map(|(at, project)| (self.written(at), project.map(str::to_owned)))
    }
}

const SYSTEM: &str = "@/run/incus/unix.socket";
const SOCKET: &str = "@/own/unix.socket";
const DIR: (&str, &str) = ("INCUS_DIR", "@/own");
const FAR_AWAY: &str = "https://10.0.0.9:8443";

// The tables say what the `incus` command does in the same surroundings, by its source and by trying.

#[test]
fn the_local_server_and_its_project_are_those_of_the_command() -> std::io::Result<()> {
    let machine = Machine::new("local")?;
    let pink = ("INCUS_PROJECT", "pink");
    machine.check("nothing is set", None, &[], Some((SYSTEM, None)))?;
    machine.check("an empty file", Some(String::new()), &[], Some((SYSTEM, None)))?;
    machine.check("a switched project", local("blue"), &[], Some((SYSTEM, Some("blue"))))?;
    machine.check("… and a variable", local("blue"), &[pink], Some((SYSTEM, Some("pink"))))?;
    let variable = ("INCUS_SOCKET", SOCKET);
    machine.check("… and another socket", local("blue"), &[variable], Some((SOCKET, Some("blue"))))?;
    machine.check("… and a directory", local("blue"), &[DIR], Some((SOCKET, Some("blue"))))?;
    let name = ("INCUS_REMOTE", "local");
    machine.check("… by the variable", local("blue"), &[name], Some((SYSTEM, Some("blue"))))?;
    machine.check("switched back", local("default"), &[], Some((SYSTEM, None)))?;
    let older = ("XDG_CONFIG_HOME", "/nowhere");
    machine.check("older and newer place", local("blue"), &[older], Some((SYSTEM, Some("blue"))))?;
    machine.check("no file where one is named", None, &[("INCUS_CONF", "/nowhere")], Some((SYSTEM, None)))?;
    machine.check("a socket that isn't there", None, &[("INCUS_SOCKET", "/nowhere")], None)?;
    machine.check("a directory without one", None, &[("INCUS_DIR", "/nowhere")], None)
}

#[test]
fn a_users_own_socket_has_its_project_as_with_the_command() -> std::io::Result<()> {
    let machine = Machine::new("users")?;
    let (dir, socket) = (("INCUS_DIR", "@/user"), "@/user/unix.socket.user");
    let uid = format!("user-{}", local::own_user().unwrap_or_default());
    let own = Some((socket, Some(uid.as_str())));
    machine.check("a user's socket", None, &[dir], own)?;
    machine.check("a switched project", local("blue"), &[dir], Some((socket, Some("blue"))))?;
    machine.check("switched back", local("default"), &[dir], own)
}

#[test]
fn another_remote_is_the_one_of_the_command() -> std::io::Result<()> {
    let machine = Machine::new("others")?;
    let far = Some((FAR_AWAY, Some("red")));
    machine.check("another default", default("far"), &[], far)?;
    machine.check("… goes before a socket", default("far"), &[("INCUS_SOCKET", SOCKET)], far)?;
    machine.check("… goes before a directory", default("far"), &[DIR], far)?;
    let name = ("INCUS_REMOTE", "local");
    machine.check("… but not before the name", default("far"), &[name], Some((SYSTEM, None)))?;
    machine.check("this machine", default("near"), &[DIR], Some((SOCKET, Some("green"))))?;
    let other = ("INCUS_SOCKET", SOCKET);
    machine.check("a socket of its own", default("other"), &[other], Some(("/other.socket", None)))?;
    machine.check("several addresses", default("many"), &[], Some(("https://10.0.0.2:8443", None)))?;
    machine.check("an image server", default("images"), &[], None)?;
    machine.check("an unknown default", default("nobody"), &[], None)?;
    machine.check("an unknown name", default("far"), &[("INCUS_REMOTE", "nobody")], None)?;
    machine.check("a broken file", Some("remotes: [".to_owned()), &[other], None)?;
    machine.check("a file of something else", Some("- a list".to_owned()), &[], None)
}

/// What holds for all users only adds remotes; the newer place goes before the older one.
#[test]
fn the_places_of_the_file_are_those_of_the_command() -> std::io::Result<()> {
    let machine = Machine::new("places")?;
    let root = &machine.0.root;
    std::fs::write(root.join("home/.config/incus/config.yml"), local("blue").unwrap_or_default())?;
    for (directory, text) in [("etc/incus", default("far")), ("xdg/incus", local("newer"))] {
        std::fs::create_dir_all(root.join(directory))?;
        std::fs::write(root.join(directory).join("config.yml"), text.unwrap_or_default())?;
    }
    assert_eq!(machine.found(&[]), machine.at(Some((SYSTEM, Some("blue")))));
    assert_eq!(machine.found(&[("INCUS_REMOTE", "far")]), machine.at(Some((FAR_AWAY, Some("red")))));
    assert_eq!(machine.found(&[("XDG_CONFIG_HOME", "@/xdg")]), machine.at(Some((SYSTEM, Some("newer")))));
    Ok(())
}
