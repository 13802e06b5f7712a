//! Tests of finding the server as the `incus` command does.

use std::os::unix::net::UnixListener;

use super::remotes::located;
use super::{Connect, Incus};
use crate::config::file::hostile;
use crate::config::{self, Surroundings};
use crate::error::Error;
use crate::error::ErrorKind;
use crate::incus::local;

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
    assert_eq!(project, local::own_uid().map(|uid| format!("user-{uid}")));
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

/// What the `incus` command does in the same surroundings, by its source and by trying.
#[test]
fn the_server_and_the_project_are_those_of_the_command() -> std::io::Result<()> {
    let mut place = Place::new("table");
    for socket in ["run/incus/unix.socket", "own/unix.socket", "user/unix.socket.user"] {
        place.socket(socket)?;
    }
    let root = place.root.display().to_string();
    let own = place.root.join("home/.config/incus");
    std::fs::create_dir_all(&own)?;
    let me = crate::incus::Identity::generate("me").and_then(|me| me.save(&own));
    assert!(me.is_ok());
    let (socket, dir, user) =
        (format!("{root}/own/unix.socket"), format!("{root}/own"), format!("{root}/user"));
    let uid = format!("user-{}", local::own_uid().unwrap_or_default());
    let system = format!("{root}/run/incus/unix.socket");
    let users = format!("{user}/unix.socket.user");
    let local =
        |project: &str| format!("remotes:\n  local: {{addr: 'unix:///elsewhere', project: {project}}}\n");
    let default = |name: &str| format!("default-remote: {name}\n{FAR}");
    let far = "https://10.0.0.9:8443";
    type Case<'a> = (&'a str, Option<String>, Vec<(&'a str, &'a str)>, Option<(&'a str, Option<&'a str>)>);
    let table: Vec<Case<'_>> = vec![
        ("nothing is set", None, vec![], Some((&system, None))),
        ("an empty file", Some(String::new()), vec![], Some((&system, None))),
        ("a switched project", Some(local("blue")), vec![], Some((&system, Some("blue")))),
        (
            "… and a variable",
            Some(local("blue")),
            vec![("INCUS_PROJECT", "pink")],
            Some((&system, Some("pink"))),
        ),
        (
            "… and another socket",
            Some(local("blue")),
            vec![("INCUS_SOCKET", &socket)],
            Some((&socket, Some("blue"))),
        ),
        ("… and a directory", Some(local("blue")), vec![("INCUS_DIR", &dir)], Some((&socket, Some("blue")))),
        (
            "… by the variable",
            Some(local("blue")),
            vec![("INCUS_REMOTE", "local")],
            Some((&system, Some("blue"))),
        ),
        ("switched back", Some(local("default")), vec![], Some((&system, None))),
        ("a user's socket", None, vec![("INCUS_DIR", &user)], Some((&users, Some(&uid)))),
        (
            "… and a switched project",
            Some(local("blue")),
            vec![("INCUS_DIR", &user)],
            Some((&users, Some("blue"))),
        ),
        ("… switched back", Some(local("default")), vec![("INCUS_DIR", &user)], Some((&users, Some(&uid)))),
        ("another default", Some(default("far")), vec![], Some((far, Some("red")))),
        (
            "… goes before a socket",
            Some(default("far")),
            vec![("INCUS_SOCKET", &socket)],
            Some((far, Some("red"))),
        ),
        (
            "… goes before a directory",
            Some(default("far")),
            vec![("INCUS_DIR", &dir)],
            Some((far, Some("red"))),
        ),
        (
            "… but not before the name",
            Some(default("far")),
            vec![("INCUS_REMOTE", "local")],
            Some((&system, None)),
        ),
        (
            "this machine by another name",
            Some(default("near")),
            vec![("INCUS_DIR", &dir)],
            Some((&socket, Some("green"))),
        ),
        (
            "a socket of its own",
            Some(default("other")),
            vec![("INCUS_SOCKET", &socket)],
            Some(("/other.socket", None)),
        ),
        ("several addresses", Some(default("many")), vec![], Some(("https://10.0.0.2:8443", None))),
        ("an image server", Some(default("images")), vec![], None),
        ("an unknown default", Some(default("nobody")), vec![], None),
        ("an unknown name", Some(default("far")), vec![("INCUS_REMOTE", "nobody")], None),
        ("a broken file", Some("remotes: [".to_owned()), vec![("INCUS_SOCKET", &socket)], None),
        ("a file of something else", Some("- a list".to_owned()), vec![], None),
        ("a socket that isn't there", None, vec![("INCUS_SOCKET", "/nowhere")], None),
        ("a directory without one", None, vec![("INCUS_DIR", "/nowhere")], None),
        ("no file where one is named", None, vec![("INCUS_CONF", "/nowhere")], Some((&system, None))),
        (
            "older and newer place",
            Some(local("blue")),
            vec![("XDG_CONFIG_HOME", "/nowhere")],
            Some((&system, Some("blue"))),
        ),
    ];
    let home = format!("{root}/home");
    for (what, file, variables, expected) in table {
        let _ = std::fs::remove_file(own.join("config.yml"));
        if let Some(text) = file {
            std::fs::write(own.join("config.yml"), text)?;
        }
        let variables: Vec<_> = [("HOME", home.as_str())].into_iter().chain(variables).collect();
        let found = find(&Surroundings::made(&variables, &place.root));
        let found = found.map(|connect| (connect.place(), connect.project.clone()));
        let expected = expected.map(|(at, project)| (at.to_owned(), project.map(str::to_owned)));
        assert_eq!(found.as_ref().ok(), expected.as_ref(), "{what}: {found:?}");
        assert!(found.is_ok() || found.is_err_and(|e| e.kind() == ErrorKind::Configuration), "{what}");
    }
    // What holds for all users only adds remotes; the newer place goes before the older one.
    std::fs::create_dir_all(place.root.join("etc/incus"))?;
    std::fs::write(place.root.join("etc/incus/config.yml"), default("far"))?;
    std::fs::create_dir_all(place.root.join("xdg/incus"))?;
    std::fs::write(place.root.join("xdg/incus/config.yml"), local("newer"))?;
    let xdg = format!("{root}/xdg");
    let found = |variables: &[(&str, &str)]| {
        let variables: Vec<_> = [("HOME", home.as_str())].iter().chain(variables).copied().collect();
        let found = find(&Surroundings::made(&variables, &place.root));
        found.map(|connect| (connect.place(), connect.project.clone())).ok()
    };
    let at = |at: &str, project: Option<&str>| Some((at.to_owned(), project.map(str::to_owned)));
    assert_eq!(found(&[]), at(&system, Some("blue")));
    assert_eq!(found(&[("INCUS_REMOTE", "far")]), at(far, Some("red")));
    assert_eq!(found(&[("XDG_CONFIG_HOME", &xdg)]), at(&system, Some("newer")));
    Ok(())
}
