//! Finding the key where people keep it.

use super::{Connect, LambdaCloud};
use crate::config::{Surroundings, Tried, file};
use crate::error::Error;
use crate::secret::Secret;

const KEYS: [&str; 2] = ["LAMBDA_API_KEY", "LAMBDA_CLOUD_API_KEY"];
const URLS: [&str; 2] = ["LAMBDA_CLOUD_BASE_URL", "LAMBDA_CLOUD_API_URL"];
/// Below the home directory; lines such as `api_key = secret_…`.
const FILE: &str = ".lambda_cloud/lambda_keys";

impl LambdaCloud {
    /// Finds the API key where people keep it: `LAMBDA_API_KEY`, `LAMBDA_CLOUD_API_KEY`, or the line `api_key = …` of
    /// `~/.lambda_cloud/lambda_keys`, in this order. `LAMBDA_CLOUD_BASE_URL` or `LAMBDA_CLOUD_API_URL` sets another
    /// address.
    ///
    /// Asks the service nothing. Fails with [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) and a list of all that
    /// was tried.
    pub fn discover() -> Result<Self, Error> {
        find(&Surroundings::real())?.client()
    }

    /// As [`discover`](Self::discover), with the rest still to be said.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use windlass::LambdaCloud;
    /// # fn demo() -> windlass::Result<()> {
    /// let lambda = LambdaCloud::discovered()?.poll_interval(Duration::from_secs(30)).client()?;
    /// # Ok(()) }
    /// ```
    pub fn discovered() -> Result<Connect, Error> {
        find(&Surroundings::real())
    }
}

fn find(surroundings: &Surroundings) -> Result<Connect, Error> {
    let mut tried = Tried::default();
    let found = in_environment(surroundings, &mut tried).or_else(|| in_file(surroundings, &mut tried));
    let found = found.ok_or_else(|| tried.error("an API key of Lambda Cloud"))?;
    Ok(match URLS.into_iter().find_map(|name| surroundings.variable(name)) {
        Some(url) => found.base_url(url),
        None => found,
    })
}

fn in_environment(surroundings: &Surroundings, tried: &mut Tried) -> Option<Connect> {
    KEYS.into_iter().find_map(|name| {
        tried.add(name);
        Some(LambdaCloud::with_key(Secret::from(surroundings.variable(name)?)).found_by(name))
    })
}

fn in_file(surroundings: &Surroundings, tried: &mut Tried) -> Option<Connect> {
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
    Some(LambdaCloud::with_key(key?).found_by(path.display().to_string()))
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
            found.and_then(Connect::client).map(|found| found.origin().to_owned()).map_err(|e| e.to_string())
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
        // A setting is meant: one that can't be right isn't passed over.
        assert!(home.origin(&[("LAMBDA_CLOUD_BASE_URL", "http://elsewhere")]).is_err());
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
