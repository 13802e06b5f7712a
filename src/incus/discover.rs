//! Finding the server the way the `incus` command does.

use super::{Connect, Incus, local, remotes};
use crate::config::{Surroundings, Tried};
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
        None => local::find(surroundings, tried),
    }
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
        assert_eq!(project, local::own_uid().map(|uid| format!("user-{uid}")));
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
