//! Patterns such as `GET /1.0/instances/{name}`, matched against what arrives.

/// A method and a path, in which `{…}` segments match anything. The query is ignored.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    method: String,
    segments: Vec<Option<String>>,
}

impl Route {
    pub(crate) fn new(pattern: &str) -> Route {
        let (method, path) = pattern.trim().split_once(' ').unwrap_or(("*", pattern));
        Route { method: method.to_ascii_uppercase(), segments: split(path.trim()).map(literal).collect() }
    }

    pub(crate) fn matches(&self, method: &str, path: &str) -> bool {
        (self.method == "*" || self.method == method) && self.matches_path(path)
    }

    /// Whether some request matches both.
    pub(crate) fn meets(&self, other: &Route) -> bool {
        let same_method = [&self.method, &other.method].iter().any(|method| *method == "*");
        let mut pairs = self.segments.iter().zip(&other.segments);
        (same_method || self.method == other.method)
            && self.segments.len() == other.segments.len()
            && pairs.all(|(a, b)| a.is_none() || b.is_none() || a == b)
    }

    fn matches_path(&self, path: &str) -> bool {
        let mut given = split(path);
        let all = self.segments.iter().all(|want| match (want, given.next()) {
            (Some(want), Some(got)) => want == got,
            (None, got) => got.is_some(),
            (Some(_), None) => false,
        });
        all && given.next().is_none()
    }
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    let path = path.split('?').next().unwrap_or_default();
    path.trim_start_matches('/').split('/')
}

fn literal(segment: &str) -> Option<String> {
    let wild = segment.starts_with('{') && segment.ends_with('}');
    (!wild).then(|| segment.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Route;

    #[test]
    fn braces_match_one_segment() {
        let route = Route::new("GET /1.0/instances/{name}");
        assert!(route.matches("GET", "/1.0/instances/a"));
        assert!(!route.matches("GET", "/1.0/instances"));
        assert!(!route.matches("GET", "/1.0/instances/a/state"));
        assert!(!route.matches("PUT", "/1.0/instances/a"));
    }

    #[test]
    fn patterns_meet_if_a_request_could_match_both() {
        let meet = |a: &str, b: &str| Route::new(a).meets(&Route::new(b));
        assert!(meet("GET /a/{x}", "GET /a/b") && meet("GET /a/b", "GET /{x}/b") && meet("* /a", "PUT /a"));
        assert!(
            !meet("GET /a/{x}", "GET /a") && !meet("GET /a", "PUT /a") && !meet("GET /a/{x}", "GET /b/{x}")
        );
    }

    #[test]
    fn a_star_matches_every_method() {
        assert!(Route::new("* /1.0").matches("PATCH", "/1.0"));
        assert!(Route::new("/1.0").matches("GET", "/1.0"));
    }
}
