//! Finding the cluster the way the vendor's clients do.

use serde::Deserialize;

use crate::config::{Surroundings, Tried, file};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

/// A cluster, and the credentials for it.
pub(super) struct Settings {
    pub(super) url: String,
    pub(super) namespace: String,
    pub(super) key: Secret,
    /// The setting that named it.
    pub(super) origin: String,
}

#[derive(Deserialize)]
struct File {
    apiurl: Option<String>,
    namespace: Option<String>,
    key: Option<Secret>,
}

/// Finds the settings: the environment first, then files. A namespace and a key that are given override what is found.
pub(super) fn find(
    surroundings: &Surroundings,
    namespace: Option<String>,
    key: Option<Secret>,
) -> Result<Settings, Error> {
    let namespace = namespace.or_else(|| surroundings.variable("SHAKENFIST_NAMESPACE"));
    let key = key.or_else(|| surroundings.variable("SHAKENFIST_KEY").map(Secret::from));
    if let Some(url) = surroundings.variable("SHAKENFIST_API_URL") {
        let file = File { apiurl: Some(url), namespace, key };
        return complete(file, "SHAKENFIST_API_URL");
    }
    let mut tried = Tried::default();
    tried.add("SHAKENFIST_API_URL");
    let home = surroundings.home().map(|home| home.join(".shakenfist"));
    for path in home.into_iter().chain(surroundings.system("/etc/sf/shakenfist.json")) {
        let place = path.display().to_string();
        let text = match file::text(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                tried.add(place);
                continue;
            }
            Err(e) => {
                tried.add(format_args!("{place} ({e})"));
                continue;
            }
        };
        let mut file: File = file::json(text.expose()).map_err(|e| unusable(&place, &e))?;
        file.namespace = namespace.clone().or(file.namespace);
        file.key = key.clone().or(file.key);
        return complete(file, &place);
    }
    Err(tried.error("a Shaken Fist cluster"))
}

fn unusable(place: &str, e: &file::Malformed) -> Error {
    Error::new(ErrorKind::Configuration, format!("{place} {e}"))
}

fn complete(file: File, place: &str) -> Result<Settings, Error> {
    let missing =
        |what: &str| Error::new(ErrorKind::Configuration, format!("{place} has no {what} beside it"));
    let url = file.apiurl.ok_or_else(|| missing("apiurl"))?;
    let namespace = file.namespace.ok_or_else(|| missing("namespace"))?;
    let key = file.key.ok_or_else(|| missing("key"))?;
    Ok(Settings { url, namespace, key, origin: place.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Root(std::path::PathBuf);

    impl Root {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("windlass-sf-{name}-{}", std::process::id())))
        }

        fn write(&self, path: &str, text: &str) -> std::io::Result<()> {
            let path = self.0.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
            std::fs::write(path, text)
        }

        fn find(&self, variables: &[(&str, &str)]) -> Result<(String, String), (ErrorKind, String)> {
            let home = self.0.join("home").display().to_string();
            let variables: Vec<_> = variables.iter().copied().chain([("HOME", home.as_str())]).collect();
            let found = find(&Surroundings::made(&variables, &self.0), None, None);
            let found = found.map_err(|e| (e.kind(), e.to_string()))?;
            Ok((found.origin, found.namespace))
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const SYSTEM: &str = r#"{"apiurl": "http://127.0.0.1:1/api", "namespace": "sys", "key": "a"}"#;
    const OWN: &str = r#"{"apiurl": "http://127.0.0.1:2", "namespace": "own", "key": "b", "other": 1}"#;

    #[test]
    fn the_environment_wins_then_home_then_the_system() -> std::io::Result<()> {
        let root = Root::new("order");
        root.write("etc/sf/shakenfist.json", SYSTEM)?;
        let place = |path: &str| root.0.join(path).display().to_string();
        assert_eq!(root.find(&[]), Ok((place("etc/sf/shakenfist.json"), "sys".to_owned())));
        root.write("home/.shakenfist", OWN)?;
        assert_eq!(root.find(&[]), Ok((place("home/.shakenfist"), "own".to_owned())));
        let other = root.find(&[("SHAKENFIST_NAMESPACE", "third")]);
        assert_eq!(other, Ok((place("home/.shakenfist"), "third".to_owned())));
        let all = [
            ("SHAKENFIST_API_URL", "http://127.0.0.1:3"),
            ("SHAKENFIST_NAMESPACE", "env"),
            ("SHAKENFIST_KEY", "c"),
        ];
        assert_eq!(root.find(&all), Ok(("SHAKENFIST_API_URL".to_owned(), "env".to_owned())));
        // An address of one place and a key of another would send the key to the wrong cluster.
        let half = root.find(&all[..2]).map_err(|(kind, text)| (kind, text.contains("no key")));
        assert_eq!(half, Err((ErrorKind::Configuration, true)));
        Ok(())
    }

    #[test]
    fn what_is_given_overrides_what_is_found() -> std::io::Result<()> {
        let root = Root::new("given");
        root.write("home/.shakenfist", r#"{"apiurl": "http://127.0.0.1:2"}"#)?;
        let home = root.0.join("home").display().to_string();
        let around = Surroundings::made(&[("HOME", &home), ("SHAKENFIST_NAMESPACE", "env")], &root.0);
        let found = find(&around, Some("own".to_owned()), Some(Secret::from("k"))).map_err(|e| e.kind());
        assert_eq!(found.map(|found| found.namespace), Ok("own".to_owned()));
        Ok(())
    }

    #[test]
    fn what_is_no_file_of_settings_holds_nothing_up() -> std::io::Result<()> {
        for path in ["home/.shakenfist", "etc/sf/shakenfist.json"] {
            let root = Root::new(&format!("hostile-{}", path.len()));
            root.write(path, "")?;
            let place = root.0.clone();
            file::hostile::try_each(&root.0.join(path), "nests", move || {
                let home = place.join("home").display().to_string();
                find(&Surroundings::made(&[("HOME", &home)], &place), None, None).err().map(|e| e.to_string())
            });
        }
        Ok(())
    }

    #[test]
    fn errors_name_places_and_no_key() -> std::io::Result<()> {
        let root = Root::new("errors");
        let (kind, text) = root.find(&[]).err().unwrap_or((ErrorKind::Server, String::new()));
        assert_eq!(kind, ErrorKind::Configuration);
        for place in ["SHAKENFIST_API_URL", ".shakenfist", "etc/sf/shakenfist.json"] {
            assert!(text.contains(place), "{text}");
        }
        root.write("home/.shakenfist", r#"{"apiurl": "http://127.0.0.1", "key": ["hunter2"]}"#)?;
        let (kind, text) = root.find(&[]).err().unwrap_or((ErrorKind::Server, String::new()));
        assert_eq!(kind, ErrorKind::Configuration);
        assert!(!text.contains("hunter2") && text.contains(".shakenfist"), "{text}");
        Ok(())
    }
}
