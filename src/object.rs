//! What a call is about, by its URL: for errors.

use reqwest::Url;

/// The values of the parameters in the path, and of the query's `path`. None where there are none, as for lists.
///
/// No other part of a query: some hold secrets.
pub(crate) fn of(template: &str, url: &Url) -> Option<String> {
    let wanted: Vec<&str> = template.split('/').filter(|part| !part.is_empty()).collect();
    let given: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let mut values = Vec::new();
    // An API may be below a path of its own; then it has that many parts more.
    let below = (0..=given.len()).find(|below| fits(&wanted, given.get(*below..).unwrap_or_default()))?;
    for (at, _) in wanted.iter().enumerate().filter(|(_, part)| is_parameter(part)) {
        let rest = given.get(below + at..)?;
        // The last may have slashes in it.
        let own = if at + 1 == wanted.len() { rest } else { rest.get(..1)? };
        values.push(own.iter().map(|part| decoded(part)).collect::<Vec<_>>().join("/"));
    }
    let mut object = values.join("/");
    if let Some((_, path)) = url.query_pairs().find(|(key, _)| key == "path").filter(|_| !object.is_empty()) {
        object = format!("{object}:{path}");
    }
    (!object.is_empty()).then_some(object)
}

fn is_parameter(part: &str) -> bool {
    part.starts_with('{') && part.ends_with('}')
}

/// Whether the parts that are no parameters are where they should be.
fn fits(wanted: &[&str], given: &[&str]) -> bool {
    wanted.len() <= given.len()
        && wanted.iter().zip(given).all(|(wanted, given)| is_parameter(wanted) || wanted == given)
}

fn decoded(part: &str) -> String {
    // In a path, a plus is one.
    let part = part.replace('+', "%2B");
    form_urlencoded::parse(part.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_the_path_tell() {
        for (template, url, object) in [
            ("/1.0/instances/{name}", "http://incus/1.0/instances/web?project=blue", Some("web")),
            (
                "/1.0/instances/{name}/state",
                "http://incus/1.0/instances/web%20%2F1+1/state",
                Some("web /1+1"),
            ),
            (
                "/1.0/instances/{name}/snapshots/{s}",
                "http://incus/1.0/instances/web/snapshots/s0",
                Some("web/s0"),
            ),
            (
                "/1.0/instances/{name}/files",
                "http://incus/1.0/instances/web/files?path=%2Fetc%2Fx",
                Some("web:/etc/x"),
            ),
            ("/1.0/images/aliases/{name}", "http://incus/1.0/images/aliases/debian/13", Some("debian/13")),
            (
                "/1.0/operations/{id}/websocket",
                "http://a/1.0/operations/7/websocket?secret=hunter2",
                Some("7"),
            ),
            ("/instances/{ref}", "https://a/api/instances/5c", Some("5c")),
            ("/instances/{ref}", "https://a/instances/instances", Some("instances")),
            ("/1.0/instances", "http://incus/1.0/instances", None),
            ("/1.0", "http://incus/1.0?path=x", None),
            ("/other/{id}", "http://incus/1.0/instances/web", None),
        ] {
            let found = Url::parse(url).ok().and_then(|url| of(template, &url));
            assert_eq!(found.as_deref(), object, "{url}");
        }
    }
}
