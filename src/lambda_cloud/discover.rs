//! Finding the key where people keep it.

use crate::config::{Surroundings, Tried, file};
use crate::error::Error;
use crate::secret::Secret;

const KEYS: [&str; 2] = ["LAMBDA_API_KEY", "LAMBDA_CLOUD_API_KEY"];
const URLS: [&str; 2] = ["LAMBDA_CLOUD_BASE_URL", "LAMBDA_CLOUD_API_URL"];
/// Below the home directory; lines such as `api_key = secret_…`.
const FILE: &str = ".lambda_cloud/lambda_keys";

/// The settings that were found.
pub(super) struct Found {
    pub(super) key: Secret,
    /// Where the key was found, for people.
    pub(super) origin: String,
    pub(super) url: Option<String>,
}

pub(super) fn find(surroundings: &Surroundings) -> Result<Found, Error> {
    let mut tried = Tried::default();
    let found = in_environment(surroundings, &mut tried).or_else(|| in_file(surroundings, &mut tried));
    let (key, origin) = found.ok_or_else(|| tried.error("an API key of Lambda Cloud"))?;
    let url = URLS.into_iter().find_map(|name| surroundings.variable(name));
    Ok(Found { key, origin, url })
}

fn in_environment(surroundings: &Surroundings, tried: &mut Tried) -> Option<(Secret, String)> {
    KEYS.into_iter().find_map(|name| {
        tried.add(name);
        Some((Secret::from(surroundings.variable(name)?), name.to_owned()))
    })
}

fn in_file(surroundings: &Surroundings, tried: &mut Tried) -> Option<(Secret, String)> {
    let path = surroundings.home()?.join(FILE);
    let text = match file::text(&path) {
        Ok(text) => text,
        Err(e) => {
            tried.add(format_args!("{} ({e})", path.display()));
            return None;
        }
    };
    let key = key_line(text.expose());
    if key.is_none() {
        tried.add(format_args!("{} (no line `api_key = …`)", path.display()));
    }
    Some((key?, path.display().to_string()))
}

fn key_line(text: &str) -> Option<Secret> {
    let value = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (name.trim() == "api_key" && !value.is_empty()).then(|| Secret::from(value))
    };
    text.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    struct Home(PathBuf);

    impl Home {
        fn with(name: &str, keys: Option<&str>) -> std::io::Result<Self> {
            let home = std::env::temp_dir().join(format!("windlass-lambda-{name}-{}", std::process::id()));
            std::fs::create_dir_all(home.join(".lambda_cloud"))?;
            if let Some(keys) = keys {
                std::fs::write(home.join(FILE), keys)?;
            }
            Ok(Self(home))
        }

        fn origin(&self, variables: &[(&str, &str)]) -> Result<String, String> {
            let home = self.0.display().to_string();
            let variables: Vec<_> = variables.iter().copied().chain([("HOME", home.as_str())]).collect();
            let found = find(&Surroundings::made(&variables, Path::new("/")));
            found.map(|found| found.origin).map_err(|e| e.to_string())
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() -> std::io::Result<()> {
        let home = Home::with("both", Some("# mine\napi_key = 'k'\n"))?;
        assert_eq!(home.origin(&[]), Ok(home.0.join(FILE).display().to_string()));
        let both = [("LAMBDA_CLOUD_API_KEY", "b"), ("LAMBDA_API_KEY", "a")];
        assert_eq!(home.origin(&both), Ok("LAMBDA_API_KEY".to_owned()));
        assert_eq!(home.origin(&both[..1]), Ok("LAMBDA_CLOUD_API_KEY".to_owned()));
        assert_eq!(home.origin(&[("LAMBDA_API_KEY", "")]), home.origin(&[]));
        Ok(())
    }

    #[test]
    fn the_error_names_all_that_was_tried_and_no_key() -> std::io::Result<()> {
        let e = Home::with("none", None)?.origin(&[]).err().unwrap_or_default();
        for tried in ["LAMBDA_API_KEY", "LAMBDA_CLOUD_API_KEY", FILE] {
            assert!(e.contains(tried), "{e}");
        }
        let e = Home::with("odd", Some("hunter2\nkey=hunter2\n"))?.origin(&[]).err().unwrap_or_default();
        assert!(e.contains("no line") && !e.contains("hunter2"), "{e}");
        Ok(())
    }

    #[test]
    fn what_is_no_file_of_keys_holds_nothing_up() -> std::io::Result<()> {
        let home = Home::with("hostile", None)?;
        let place = home.0.clone();
        file::hostile::try_each(&home.0.join(FILE), "no line", move || {
            let home = place.display().to_string();
            let found = find(&Surroundings::made(&[("HOME", &home)], Path::new("/")));
            found.err().map(|e| e.to_string())
        });
        Ok(())
    }

    #[test]
    fn the_line_with_the_key() {
        let key = |text| key_line(text).map(|key| key.expose().to_owned());
        assert_eq!(key("api_key = secret_1\n").as_deref(), Some("secret_1"));
        assert_eq!(key("a=b\n api_key=\"x=y\"").as_deref(), Some("x=y"));
        assert_eq!(key("api_key =\n"), None);
        assert_eq!(key("other_api_key = 1"), None);
    }
}
