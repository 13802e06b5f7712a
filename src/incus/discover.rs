//! Finding the server the way the `incus` command does.

use std::path::Path;

use super::{Connect, Incus, remotes};
use crate::config::{Access, Surroundings, Tried, socket_access};
use crate::error::Error;

impl Incus {
    /// Finds the server that the `incus` command would use, and connects to it.
    ///
    /// Looks at, in this order: `INCUS_REMOTE`, the name of a remote; `INCUS_SOCKET` and `INCUS_DIR`; the default remote
    /// in `config.yml`, as [`Incus::remote`] finds it; the sockets in `/run/incus` and `/var/lib/incus`. What is set is
    /// meant: if it leads nowhere, nothing else is taken instead. Where the main socket is not for this user, the user's
    /// own socket and project are taken. `INCUS_PROJECT` sets the project.
    ///
    /// Fails with [`Kind::Configuration`](crate::Kind::Configuration) and a list of all that was tried.
    pub async fn discover() -> Result<Self, Error> {
        find(&Surroundings::real())?.connect().await
    }
}

pub(super) fn find(surroundings: &Surroundings) -> Result<Connect, Error> {
    let mut tried = Tried::default();
    let set = |name: &str| surroundings.variable(name).is_some();
    let socket_is_set = !set("INCUS_REMOTE") && (set("INCUS_SOCKET") || set("INCUS_DIR"));
    let chosen = if socket_is_set { None } else { remotes::chosen(surroundings, &mut tried)? };
    match chosen.filter(|name| name != remotes::LOCAL) {
        Some(name) => remotes::settle(Incus::remote(&name), &name, surroundings),
        None => local(surroundings, tried),
    }
}

/// The server of this machine.
pub(super) fn local(surroundings: &Surroundings, mut tried: Tried) -> Result<Connect, Error> {
    let found = candidates(surroundings).find_map(|(origin, place)| match place {
        Place::Socket(path) => {
            let usable = socket_access(&path) == Access::Usable;
            usable.then(|| Incus::unix(&path).found_by(origin.clone())).or_else(|| {
                tried.add(&origin);
                None
            })
        }
        Place::Directory(path) => in_directory(&path, &origin, &mut tried),
    });
    let found = found.ok_or_else(|| tried.error("an Incus server"))?;
    Ok(match surroundings.variable("INCUS_PROJECT") {
        Some(project) => found.project(project),
        None => found,
    })
}

enum Place {
    Socket(std::path::PathBuf),
    Directory(std::path::PathBuf),
}

fn candidates(surroundings: &Surroundings) -> impl Iterator<Item = (String, Place)> {
    // A setting is meant: where it is wrong, falling back would talk to the wrong server.
    if let Some(path) = surroundings.variable("INCUS_SOCKET") {
        return vec![(format!("INCUS_SOCKET={path}"), Place::Socket(path.into()))].into_iter();
    }
    if let Some(path) = surroundings.variable("INCUS_DIR") {
        return vec![(format!("INCUS_DIR={path}"), Place::Directory(path.into()))].into_iter();
    }
    let system = ["/run/incus", "/var/lib/incus"];
    let system = system.map(|path| (path.to_owned(), Place::Directory(surroundings.system(path))));
    Vec::from(system).into_iter()
}

fn in_directory(path: &Path, origin: &str, tried: &mut Tried) -> Option<Connect> {
    let main = path.join("unix.socket");
    match socket_access(&main) {
        Access::Usable => return Some(Incus::unix(main).found_by(origin)),
        Access::Denied => tried.add(format_args!("{} (permission denied)", main.display())),
        Access::Missing => tried.add(main.display()),
    }
    let user = path.join("unix.socket.user");
    match (socket_access(&user), own_uid()) {
        (Access::Usable, Some(uid)) => {
            return Some(Incus::unix(user).project(format!("user-{uid}")).found_by(origin));
        }
        (Access::Missing, _) => tried.add(user.display()),
        _ => tried.add(format_args!("{} (permission denied)", user.display())),
    }
    None
}

/// The user of this process; the kernel shows it as the owner of `/proc/self`.
fn own_uid() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|me| me.uid())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::error::Kind;

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

        fn origin(&self, variables: &[(&str, &str)]) -> Result<String, Kind> {
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
        assert_eq!(place.origin(&[("INCUS_DIR", "/nowhere")]), Err(Kind::Configuration));
        assert_eq!(place.origin(&[("INCUS_SOCKET", "")]), Ok("/run/incus".to_owned()));
        Ok(())
    }

    #[test]
    fn the_users_own_socket_comes_with_its_project() -> std::io::Result<()> {
        let mut place = Place::new("user");
        place.socket("var/lib/incus/unix.socket.user")?;
        let found = find(&Surroundings::made(&[], &place.root)).and_then(Connect::client);
        let project = found.ok().and_then(|incus| incus.own_project().map(str::to_owned));
        assert_eq!(project, own_uid().map(|uid| format!("user-{uid}")));
        let found =
            find(&Surroundings::made(&[("INCUS_PROJECT", "blue")], &place.root)).and_then(Connect::client);
        assert_eq!(
            found.ok().and_then(|incus| incus.own_project().map(str::to_owned)).as_deref(),
            Some("blue")
        );
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
}
