//! The remotes of the `incus` command: where they are, and what it keeps for each.

use std::path::Path;

use super::identity::unusable;
use super::local;
use super::remotes_config::{Directory, Remote, directories, own_directory, text_of};
use super::target::{KnownBy, Target};
use crate::config::{Surroundings, Tried};
use crate::error::{Error, ErrorKind};
use crate::incus::{Connect, Identity};

/// The remote that means the server of this machine.
const LOCAL: &str = "local";

/// The remote that is used where none is named.
fn chosen(surroundings: &Surroundings) -> Result<String, Error> {
    if let Some(name) = surroundings.variable("INCUS_REMOTE") {
        return Ok(name);
    }
    // What holds for all users only adds remotes to choose from.
    let own = match own_directory(surroundings) {
        Some(own) => Directory::read(own, false, &mut Tried::default())?,
        None => None,
    };
    let default = own.and_then(|own| own.config.default_remote).filter(|name| !name.is_empty());
    Ok(default.unwrap_or_else(|| LOCAL.to_owned()))
}

/// Finds the server, if it isn't given by its address.
pub(in crate::incus) fn located(connect: Connect, surroundings: &Surroundings) -> Result<Connect, Error> {
    let name = match &connect.target {
        Target::Discovered => chosen(surroundings)?,
        Target::Remote(name) => name.clone(),
        _ => return Ok(connect),
    };
    remote(connect, &name, surroundings)
}

/// Fills in what is known of the remote with this name. What is set already takes precedence.
fn remote(connect: Connect, name: &str, surroundings: &Surroundings) -> Result<Connect, Error> {
    let mut tried = Tried::default();
    let all = directories(surroundings, &mut tried)?;
    let found = all.iter().find_map(|directory| {
        let remotes = directory.config.remotes.as_ref()?;
        Some((directory, remotes.get(name)?))
    });
    let project =
        surroundings.variable("INCUS_PROJECT").or_else(|| found.and_then(|(_, kept)| kept.project()));
    let mut connect = connect;
    connect.project = connect.project.or(project);
    // Of `local` nothing but the project can be set: it is the server of this machine.
    if name == LOCAL {
        return on_this_machine(connect, surroundings, tried);
    }
    let Some((directory, remote)) = found else {
        return Err(unknown(name, &all, tried));
    };
    let odd = |why: &str| Err(unusable(&directory.file(), &format_args!("the remote {name:?} {why}")));
    if remote.public || remote.protocol.as_deref().is_some_and(|protocol| !matches!(protocol, "" | "incus")) {
        return odd("only serves images");
    }
    let address = remote.address();
    match address.strip_prefix("unix:").map(|rest| rest.strip_prefix("//").unwrap_or(rest)) {
        Some("") => on_this_machine(connect, surroundings, tried),
        Some(socket) => {
            connect.target = Target::Unix(socket.into());
            Ok(connect)
        }
        None if !address.starts_with("https://") => {
            odd("has no address that starts with https:// or unix://")
        }
        None => over_tls(connect, (name, remote), address, directory, surroundings),
    }
}

fn on_this_machine(connect: Connect, surroundings: &Surroundings, tried: Tried) -> Result<Connect, Error> {
    let local::Socket { path, origin, project } = local::find(surroundings, tried)?;
    let mut connect = connect.found_by(origin);
    connect.target = Target::Unix(path);
    connect.project = connect.project.or(project);
    Ok(connect)
}

fn over_tls(
    connect: Connect,
    (name, remote): (&str, &Remote),
    address: String,
    directory: &Directory,
    surroundings: &Surroundings,
) -> Result<Connect, Error> {
    let odd = |why: &str| Err(unusable(&directory.file(), &format_args!("the remote {name:?} {why}")));
    let mut connect = connect.found_by(format!("remote {name} of {}", directory.file().display()));
    connect.target = Target::Https(address);
    if connect.known_by.is_none() {
        connect.known_by = known_by(name, directory, surroundings)?;
    }
    let oidc = remote.auth_type.as_deref() == Some("oidc");
    if oidc && connect.bearer.is_none() && connect.identity.is_none() {
        return odd("logs in by OpenID Connect: use `Incus::remote(…).bearer(…)`");
    }
    if connect.identity.is_none() && connect.bearer.is_none() {
        connect.identity = Some(identity(name, directory, surroundings)?);
    }
    Ok(connect)
}

/// The pinned certificate, else the authority of a site with certificates of its own, else those of the system.
fn known_by(
    name: &str,
    directory: &Directory,
    surroundings: &Surroundings,
) -> Result<Option<KnownBy>, Error> {
    let pinned = directory.path.join("servercerts").join(format!("{name}.crt"));
    if let Some(pem) = text_of(&pinned)? {
        return Ok(Some(KnownBy::Certificate(pem)));
    }
    let authority = own_directory(surroundings).unwrap_or_else(|| directory.path.clone()).join("client.ca");
    Ok(text_of(&authority)?.map(KnownBy::Authority))
}

/// The certificate for this remote alone, else the user's one for all.
fn identity(name: &str, directory: &Directory, surroundings: &Surroundings) -> Result<Identity, Error> {
    let own = own_directory(surroundings).unwrap_or_else(|| directory.path.clone());
    let mut tried = Tried::default();
    for stem in [own.join("clientcerts").join(name), own.join("client")] {
        let certificate = format!("{}.crt", stem.display());
        if Path::new(&certificate).exists() {
            return Identity::read(&stem);
        }
        tried.add(certificate);
    }
    Err(tried.error("a client certificate"))
}

fn unknown(name: &str, all: &[Directory], mut tried: Tried) -> Error {
    for directory in all {
        let names = directory.config.remotes.iter().flat_map(|remotes| remotes.keys());
        let names: Vec<&str> = names.map(String::as_str).collect();
        tried.add(format_args!("{} (has {})", directory.file().display(), names.join(" ")));
    }
    tried.error(&format!("the Incus remote {name:?}")).with(|e| e.kind = ErrorKind::Configuration)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    use super::*;
    use crate::incus::Incus;

    /// As the command writes it.
    const CONFIG: &str = "default-remote: mine
remotes:
  images:
    addr: https://images.linuxcontainers.org
    protocol: simplestreams
    public: true
  local:
    addr: unix://
    protocol: incus
    public: false
  mine:
    addr: https://127.0.0.1:28443
    auth_type: tls
    project: blue
    protocol: incus
    public: false
  second:
    addr: https://[::1]:8443
    protocol: incus
    public: false
  site:
    addr: https://incus.example.org
    public: false
  oidc:
    addr: https://incus.example.org
    auth_type: oidc
    protocol: incus
  socket:
    addr: unix:///run/other/unix.socket
  odd:
    addr: http://10.0.0.1
aliases:
  x: list -c n
future: {a: [1, 2]}
";

    /// A machine: the user's directory, the global one, and a socket.
    struct Machine {
        root: PathBuf,
        own: Identity,
        seconds: Identity,
        _socket: UnixListener,
    }

    impl Machine {
        fn new(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
            let root = std::env::temp_dir().join(format!("windlass-remotes-{name}-{}", std::process::id()));
            let conf = root.join("home/.config/incus");
            for directory in ["servercerts", "clientcerts"] {
                fs::create_dir_all(conf.join(directory))?;
            }
            fs::create_dir_all(root.join("etc/incus/servercerts"))?;
            fs::create_dir_all(root.join("run/incus"))?;
            fs::write(conf.join("config.yml"), CONFIG)?;
            let global = "remotes:\n  shared: {addr: 'https://10.9.9.9:8443', protocol: incus}\n";
            fs::write(root.join("etc/incus/config.yml"), global)?;
            let (own, seconds) = (Identity::generate("own")?, Identity::generate("second")?);
            own.save(&conf)?;
            fs::write(conf.join("clientcerts/second.crt"), seconds.certificate_pem())?;
            fs::write(conf.join("clientcerts/second.key"), seconds.key_pem().expose())?;
            fs::write(conf.join("servercerts/mine.crt"), "PINNED MINE")?;
            fs::write(root.join("etc/incus/servercerts/shared.crt"), "PINNED SHARED")?;
            let _socket = UnixListener::bind(root.join("run/incus/unix.socket"))?;
            Ok(Self { root, own, seconds, _socket })
        }

        fn surroundings(&self, variables: &[(&str, &str)]) -> Surroundings {
            let home = self.root.join("home").display().to_string();
            let mut all = vec![("HOME", home.as_str())];
            all.extend(variables);
            Surroundings::made(&all, &self.root)
        }

        fn remote(&self, name: &str, variables: &[(&str, &str)]) -> Result<Connect, Error> {
            located(Incus::remote(name), &self.surroundings(variables))
        }

        fn conf(&self, file: &str) -> PathBuf {
            self.root.join("home/.config/incus").join(file)
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.root);
        }
    }

    fn pin(connect: &Connect) -> Option<&str> {
        match &connect.known_by {
            Some(KnownBy::Certificate(pem)) => Some(pem),
            Some(KnownBy::Authority(_)) => Some("an authority"),
            Some(KnownBy::Fingerprint(_)) => Some("a fingerprint"),
            None => None,
        }
    }

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn each_remote_with_what_belongs_to_it() -> Outcome {
        let machine = Machine::new("each")?;
        let (own, second) = (machine.own.fingerprint(), machine.seconds.fingerprint());
        let socket = machine.root.join("run/incus/unix.socket").display().to_string();
        for (name, at, project, pinned, identity) in [
            ("mine", "https://127.0.0.1:28443", Some("blue"), Some("PINNED MINE"), Some(&own)),
            ("second", "https://[::1]:8443", None, None, Some(&second)),
            ("site", "https://incus.example.org", None, None, Some(&own)),
            ("shared", "https://10.9.9.9:8443", None, Some("PINNED SHARED"), Some(&own)),
            ("local", socket.as_str(), None, None, None),
            ("socket", "/run/other/unix.socket", None, None, None),
        ] {
            let found = machine.remote(name, &[])?;
            assert_eq!(found.place(), at);
            assert_eq!((found.project.as_deref(), pin(&found)), (project, pinned), "{name}");
            assert_eq!(found.identity.map(|me| me.fingerprint()).as_ref(), identity, "{name}");
        }
        // A site with certificates of its own.
        fs::write(machine.conf("client.ca"), "CA")?;
        assert_eq!(pin(&machine.remote("site", &[])?), Some("an authority"));
        assert_eq!(pin(&machine.remote("mine", &[])?), Some("PINNED MINE"));
        Ok(())
    }

    #[test]
    fn what_is_said_goes_before_the_environment_and_that_before_the_file() -> Outcome {
        let machine = Machine::new("order")?;
        let green = [("INCUS_PROJECT", "green")];
        assert_eq!(machine.remote("mine", &green)?.project.as_deref(), Some("green"));
        assert_eq!(machine.remote("local", &green)?.project.as_deref(), Some("green"));
        let me = Identity::generate("me")?;
        let said = Incus::remote("mine").project("red").identity(me.clone()).fingerprint("ab");
        let found = located(said, &machine.surroundings(&green))?;
        assert_eq!((found.project.as_deref(), pin(&found)), (Some("red"), Some("a fingerprint")));
        assert_eq!(found.identity.map(|me| me.fingerprint()), Some(me.fingerprint()));
        let elsewhere = machine.conf("").display().to_string();
        let by_variable = located(
            Incus::remote("mine"),
            &Surroundings::made(&[("INCUS_CONF", &elsewhere)], &machine.root),
        )?;
        assert_eq!(pin(&by_variable), Some("PINNED MINE"));
        Ok(())
    }

    #[test]
    fn what_will_not_do_is_said() -> Outcome {
        let machine = Machine::new("errors")?;
        let says = |name: &str, variables: &[(&str, &str)]| match machine.remote(name, variables) {
            Ok(found) => format!("{found:?}"),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Configuration, "{e}");
                e.to_string()
            }
        };
        for (name, expected) in [
            ("images", "only serves images"),
            ("oidc", "bearer"),
            ("odd", "has no address that starts with https://"),
            ("nobody", "images local mine odd oidc"),
            ("nobody", "etc/incus/config.yml (has shared)"),
        ] {
            assert!(says(name, &[]).contains(expected), "{name}: {}", says(name, &[]));
        }
        let elsewhere = says("mine", &[("INCUS_CONF", "/nowhere")]);
        assert!(elsewhere.contains("/nowhere/config.yml"), "{elsewhere}");
        fs::remove_file(machine.conf("client.crt"))?;
        let nobody = says("mine", &[]);
        assert!(nobody.contains("clientcerts/mine.crt") && nobody.contains("incus/client.crt"), "{nobody}");
        fs::write(machine.conf("config.yml"), "remotes: [")?;
        assert!(says("mine", &[]).contains("config.yml"));
        Ok(())
    }
}
