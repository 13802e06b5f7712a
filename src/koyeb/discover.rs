//! Finding the token the way the vendor's tools do.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::{Surroundings, Tried, file};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

/// The settings that were found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) token: Secret,
    /// Where the token was found, for people.
    pub(super) origin: String,
    pub(super) url: Option<String>,
    pub(super) organization: Option<String>,
}

pub(super) fn find(surroundings: &Surroundings) -> Result<Found, Error> {
    let mut tried = Tried::default();
    let file = File::find(surroundings, &mut tried)?;
    let variable = |names: [&str; 2]| {
        names.into_iter().find_map(|name| Some((name.to_owned(), surroundings.variable(name)?)))
    };
    let from_file = file.settings.token.map(|token| (file.place.display().to_string(), token));
    let from_variable = variable(["KOYEB_TOKEN", "KOYEB_API_TOKEN"]);
    let from_variable = from_variable.map(|(name, token)| (name, Secret::from(token)));
    let Some((origin, token)) = from_variable.or(from_file) else {
        return Err(tried.error("a Koyeb token"));
    };
    let url = variable(["KOYEB_URL", "KOYEB_API_HOST"]).map(|(_, url)| url).or(file.settings.url);
    let organization = surroundings.variable("KOYEB_ORGANIZATION").or(file.settings.organization);
    Ok(Found { token, origin, url, organization })
}

/// The file of the `koyeb` command; empty if there is none.
#[derive(Default)]
struct File {
    place: PathBuf,
    settings: Settings,
}

#[derive(Default, Deserialize)]
struct Settings {
    token: Option<Secret>,
    url: Option<String>,
    organization: Option<String>,
}

#[cfg(fuzzing)]
pub(super) fn fuzz(text: &str) {
    let _ = windlass_yaml::from_str::<Option<Settings>>(text);
}

impl File {
    fn find(surroundings: &Surroundings, tried: &mut Tried) -> Result<Self, Error> {
        tried.add("KOYEB_TOKEN");
        tried.add("KOYEB_API_TOKEN");
        // A file that is named must exist.
        if let Some(path) = surroundings.variable("KOYEB_CONFIG") {
            tried.add(format_args!("KOYEB_CONFIG={path}"));
            return Self::read(Path::new(&path));
        }
        let Some(home) = surroundings.home_by_variable() else { return Ok(Self::default()) };
        let path = home.join(".koyeb.yaml");
        tried.add(path.display());
        if path.exists() { Self::read(&path) } else { Ok(Self::default()) }
    }

    fn read(path: &Path) -> Result<Self, Error> {
        // The file may contain secrets: nothing of it is quoted.
        let unusable = |why: &str| Error::new(ErrorKind::Configuration, format!("{}: {why}", path.display()));
        let text = file::text(path).map_err(|e| unusable(&format!("can't be read: {e}")))?;
        let settings: Option<Settings> = file::yaml(text.expose())
            .map_err(|e| unusable(&format!("as a file of the koyeb command, it {e}")))?;
        let Settings { token, url, organization } = settings.unwrap_or_default();
        let set = |value: Option<String>| value.filter(|value| !value.is_empty());
        let settings = Settings {
            token: token.filter(|token| !token.expose().is_empty()),
            url: set(url),
            organization: set(organization),
        };
        Ok(Self { place: path.to_owned(), settings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home(PathBuf);

    impl Home {
        fn new(name: &str) -> std::io::Result<Self> {
            let path = std::env::temp_dir().join(format!("windlass-koyeb-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path)?;
            Ok(Self(path))
        }

        fn write(&self, name: &str, text: &str) -> std::io::Result<String> {
            let path = self.0.join(name);
            std::fs::write(&path, text)?;
            Ok(path.display().to_string())
        }

        fn find(&self, variables: &[(&str, &str)]) -> Result<String, (ErrorKind, String)> {
            let home = self.0.display().to_string();
            let all: Vec<_> = variables.iter().copied().chain([("HOME", home.as_str())]).collect();
            let found = find(&Surroundings::made(&all, &self.0)).map_err(|e| (e.kind(), e.to_string()))?;
            Ok(format!("{found:?}"))
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn variables_go_first_and_each_setting_by_itself() -> std::io::Result<()> {
        let home = Home::new("order")?;
        let path = home
            .write(".koyeb.yaml", "token: f1\nurl: https://file.example\norganization: o1\ndebug: false\n")?;
        let file = home.find(&[]).unwrap_or_default();
        assert!(
            file.contains("https://file.example") && file.contains("o1") && file.contains(&path),
            "{file}"
        );
        let both = home.find(&[
            ("KOYEB_TOKEN", "a"),
            ("KOYEB_API_TOKEN", "b"),
            ("KOYEB_API_HOST", "https://host.example"),
        ]);
        let both = both.unwrap_or_default();
        assert!(both.contains("https://host.example") && both.contains("\"KOYEB_TOKEN\""), "{both}");
        assert!(both.contains("o1"), "{both}");
        let second = home.find(&[("KOYEB_API_TOKEN", "b"), ("KOYEB_ORGANIZATION", "o2")]).unwrap_or_default();
        assert!(second.contains("\"KOYEB_API_TOKEN\"") && second.contains("o2"), "{second}");
        Ok(())
    }

    #[test]
    fn a_file_that_is_named_is_meant() -> std::io::Result<()> {
        let home = Home::new("named")?;
        home.write(".koyeb.yaml", "token: f1\n")?;
        let other = home.write("other.yaml", "token: f2\n")?;
        assert!(home.find(&[("KOYEB_CONFIG", &other)]).is_ok_and(|found| found.contains("other.yaml")));
        let missing = home.find(&[("KOYEB_CONFIG", "/nowhere/koyeb.yaml")]);
        assert!(
            missing.is_err_and(|(kind, text)| kind == ErrorKind::Configuration && text.contains("/nowhere"))
        );
        Ok(())
    }

    #[test]
    fn what_is_no_file_of_settings_holds_nothing_up() -> std::io::Result<()> {
        let home = Home::new("hostile")?;
        let place = home.0.clone();
        file::hostile::try_each(&home.0.join(".koyeb.yaml"), "nests", move || {
            let home = place.display().to_string();
            find(&Surroundings::made(&[("HOME", &home)], &place)).err().map(|e| e.to_string())
        });
        Ok(())
    }

    #[test]
    fn nothing_found_names_all_that_was_tried() -> std::io::Result<()> {
        let home = Home::new("nothing")?;
        home.write(".koyeb.yaml", "token: \"\"\n")?;
        let Err((kind, text)) = home.find(&[]) else { unreachable!("there is no token") };
        assert_eq!(kind, ErrorKind::Configuration);
        for place in ["KOYEB_TOKEN", "KOYEB_API_TOKEN", ".koyeb.yaml"] {
            assert!(text.contains(place), "{text}");
        }
        Ok(())
    }

    #[test]
    fn a_broken_file_is_not_quoted() -> std::io::Result<()> {
        let home = Home::new("broken")?;
        home.write(".koyeb.yaml", "token: [hunter2\n")?;
        let Err((kind, text)) = home.find(&[]) else { unreachable!("the file is broken") };
        assert!(
            kind == ErrorKind::Configuration && text.contains(".koyeb.yaml") && !text.contains("hunter2"),
            "{text}"
        );
        home.write(".koyeb.yaml", "")?;
        assert!(home.find(&[("KOYEB_TOKEN", "t")]).is_ok());
        Ok(())
    }
}
