//! The remotes that images come from: `images:debian/13`, as in the `incus` command.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::address;
use super::remotes_config::{Remote, directories, own_directory, text_of};
use crate::client::Client;
use crate::config::{self, Surroundings, Tried};
use crate::error::Error;
use crate::incus::Incus;
use crate::incus::types::{ImageProtocol, InstanceSource};

/// The remote that means the server that gets the request.
const LOCAL: &str = "local";

/// A remote, and where its certificate is kept.
struct Known {
    remote: Remote,
    certificate: Option<PathBuf>,
}

/// Puts the server in place of the remote with which the alias begins. Reads files only if it may begin with one.
pub(in crate::incus) async fn resolve(incus: &Incus, source: &mut InstanceSource) -> Result<(), Error> {
    if !source.server.is_empty() || !source.alias.contains(':') {
        return Ok(());
    }
    let (asked, here) = (source.clone(), incus.address().to_owned());
    *source = config::aside(move || located(asked, &here, &Surroundings::real())).await?;
    Ok(())
}

/// `here`: the address of the server that gets the request.
fn located(source: InstanceSource, here: &str, surroundings: &Surroundings) -> Result<InstanceSource, Error> {
    let Some((name, alias)) = source.alias.split_once(':').filter(|(name, _)| !name.contains('=')) else {
        return Ok(source);
    };
    let (name, alias) = (name.to_owned(), alias.to_owned());
    if alias.is_empty() {
        return Err(Error::invalid("image", format!("names the remote {name:?}, but no image of it")));
    }
    if name == LOCAL {
        return Ok(InstanceSource { alias, ..source });
    }
    let mut remotes = known(surroundings)?;
    match remotes.remove(&name) {
        Some(found) => found.with_image(source, &name, alias, here),
        // An alias may hold a colon, a remote no slash.
        None if name.contains('/') => Ok(source),
        None => Err(unknown(&name, &remotes)),
    }
}

/// All remotes but `local`. As in the command, `images` is there by itself only if the user has no configuration.
fn known(surroundings: &Surroundings) -> Result<BTreeMap<String, Known>, Error> {
    let all = directories(surroundings, &mut Tried::default())?;
    let own = own_directory(surroundings);
    let mut known = BTreeMap::new();
    if !all.iter().any(|directory| Some(&directory.path) == own.as_ref()) {
        known.insert("images".to_owned(), images());
    }
    // The user's own are last, and replace the others.
    for directory in all.into_iter().rev() {
        for (name, remote) in directory.config.remotes.unwrap_or_default() {
            let certificate = Some(directory.path.join("servercerts").join(format!("{name}.crt")));
            known.insert(name, Known { remote, certificate });
        }
    }
    known.remove(LOCAL);
    Ok(known)
}

/// The remote that the command has without a configuration.
fn images() -> Known {
    let remote = Remote {
        addr: "https://images.linuxcontainers.org".to_owned(),
        protocol: Some("simplestreams".to_owned()),
        public: true,
        ..Remote::default()
    };
    Known { remote, certificate: None }
}

fn unknown(name: &str, remotes: &BTreeMap<String, Known>) -> Error {
    let mut names: Vec<&str> = remotes.keys().map(String::as_str).chain([LOCAL]).collect();
    names.sort_unstable();
    let message = format!("there is no remote {name:?}; there are {}", names.join(", "));
    Error::invalid("image", message).with(|e| {
        let whole = "for an alias with a colon, use `ImageSource::alias`";
        e.suggestion = Some(whole.to_owned());
    })
}

impl Known {
    /// The image with this alias: this server's, or one for this server to fetch.
    fn with_image(
        &self,
        source: InstanceSource,
        name: &str,
        alias: String,
        here: &str,
    ) -> Result<InstanceSource, Error> {
        let odd = |why: &str| Err(Error::invalid("image", format!("the remote {name:?} {why}")));
        let address = self.remote.address();
        if self.is_here(&address, here) {
            return Ok(InstanceSource { alias, ..source });
        }
        if !address.starts_with("https://") && !address.starts_with("http://") {
            return odd("has no address from which another server can fetch");
        }
        if self.remote.credentials_helper.as_deref().is_some_and(|helper| !helper.is_empty()) {
            return odd("needs its credentials helper; use `ImageSource::server` with the credentials");
        }
        let protocol = match self.remote.protocol.as_deref().unwrap_or_default() {
            "" | "incus" => ImageProtocol::Incus,
            "simplestreams" => ImageProtocol::Simplestreams,
            "oci" => ImageProtocol::Oci,
            _ => return odd("speaks a protocol that is not known here"),
        };
        let certificate = self.certificate.as_deref().map(text_of).transpose()?.flatten();
        Ok(InstanceSource {
            alias,
            server: address,
            protocol: Some(protocol),
            mode: "pull".to_owned(),
            certificate: certificate.unwrap_or(source.certificate),
            ..source
        })
    }

    /// Whether it is the server that gets the request.
    fn is_here(&self, address: &str, here: &str) -> bool {
        if !matches!(self.remote.protocol.as_deref(), None | Some("" | "incus")) {
            return false;
        }
        match address.strip_prefix("unix:").map(|rest| rest.strip_prefix("//").unwrap_or(rest)) {
            Some(socket) => socket == here,
            None => {
                let url = address::remote(address).ok();
                url.is_some_and(|url| url.as_str().trim_end_matches('/') == here.trim_end_matches('/'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::incus::types::SourceType;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    const CONFIG: &str = "remotes:
  local: {addr: 'https://10.0.0.1:8443'}
  mine: {addr: 'https://127.0.0.1:28443', protocol: incus}
  socket: {addr: 'unix:///run/other/unix.socket'}
  docker: {addr: 'https://docker.io', protocol: oci, public: true}
  private: {addr: 'https://ghcr.io', protocol: oci, credentials_helper: docker-credential-x}
  future: {addr: 'https://images.example.org', protocol: gopher}
  odd: {addr: images.example.org}
";

    fn source(alias: &str) -> InstanceSource {
        InstanceSource { alias: alias.to_owned(), ..InstanceSource::new(SourceType::Image) }
    }

    /// A machine with a user's configuration and one of the system.
    struct Machine(PathBuf);

    impl Machine {
        fn new(name: &str) -> std::io::Result<Self> {
            let root = std::env::temp_dir().join(format!("windlass-images-{name}-{}", std::process::id()));
            let (own, global) = (root.join("home/.config/incus"), root.join("etc/incus"));
            std::fs::create_dir_all(&own)?;
            std::fs::create_dir_all(global.join("servercerts"))?;
            std::fs::write(own.join("config.yml"), CONFIG)?;
            let shared = "remotes:\n  mine: {addr: 'https://x'}\n  shared: {addr: 'https://10.9.9.9:8443'}\n";
            std::fs::write(global.join("config.yml"), shared)?;
            std::fs::write(global.join("servercerts/shared.crt"), "PINNED SHARED")?;
            Ok(Self(root))
        }

        fn find(&self, alias: &str, here: &str) -> Result<InstanceSource, Error> {
            self.find_for("home", alias, here)
        }

        /// For the user with this home.
        fn find_for(&self, home: &str, alias: &str, here: &str) -> Result<InstanceSource, Error> {
            let home = self.0.join(home).display().to_string();
            located(source(alias), here, &Surroundings::made(&[("HOME", &home)], &self.0))
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn remotes_of_every_kind() -> Outcome {
        let machine = Machine::new("kinds")?;
        for (text, alias, server, protocol, certificate) in [
            ("mine:a", "a", "https://127.0.0.1:28443", Some(ImageProtocol::Incus), ""),
            ("shared:a/b:c", "a/b:c", "https://10.9.9.9:8443", Some(ImageProtocol::Incus), "PINNED SHARED"),
            ("docker:a:b", "a:b", "https://docker.io", Some(ImageProtocol::Oci), ""),
            ("local:a", "a", "", None, ""),
            ("a/b:c", "a/b:c", "", None, ""),
            ("k=mine:c", "k=mine:c", "", None, ""),
        ] {
            let found = machine.find(text, "/run/incus/unix.socket")?;
            assert_eq!((found.alias.as_str(), found.server.as_str()), (alias, server), "{text}");
            assert_eq!((found.protocol, found.certificate.as_str()), (protocol, certificate), "{text}");
            assert_eq!(found.mode == "pull", !server.is_empty(), "{text}");
        }
        // This server under another name.
        for (text, here) in [("mine:a", "https://127.0.0.1:28443"), ("socket:a", "/run/other/unix.socket")] {
            assert_eq!(machine.find(text, here)?.server, "", "{text}");
        }
        // A user without a configuration has the remote of the command, and those of the system.
        let found = machine.find_for("nobody", "images:a", "")?;
        assert_eq!(found.server, "https://images.linuxcontainers.org");
        assert_eq!(machine.find_for("nobody", "mine:a", "")?.server, "https://x");
        Ok(())
    }

    #[test]
    fn what_will_not_do_is_said() -> Outcome {
        let machine = Machine::new("errors")?;
        for (text, says) in [
            ("socket:a", "no address from which"),
            ("odd:a", "no address from which"),
            ("private:a", "credentials helper"),
            ("future:a", "protocol"),
            ("mine:", "but no image"),
            (":a", "there is no remote \"\""),
            ("images:a", "there are docker, future, local, mine, odd, private, shared, socket"),
        ] {
            let found = machine.find(text, "");
            let right = |e: &Error| e.kind() == ErrorKind::InvalidInput && e.message().contains(says);
            assert!(found.as_ref().is_err_and(right), "{text}: {found:?}");
        }
        Ok(())
    }
}
