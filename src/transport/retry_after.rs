//! When a service wants to be asked again.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// When to retry: `Retry-After` in seconds or as a date, or the reset of a rate limit. Some services send the reset
/// with every answer, but it matters only once the limit is reached.
pub(crate) fn retry_after(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let now = chrono::Utc::now();
    text(RETRY_AFTER.as_str()).and_then(|value| seconds(value).or_else(|| until(value, now))).or_else(|| {
        let reset = text("x-ratelimit-reset").filter(|_| status == 429);
        let reset = seconds(reset?)?.as_secs();
        let now = u64::try_from(now.timestamp()).ok()?;
        // Some services count from now, some from 1970.
        Some(Duration::from_secs(if reset > now / 2 { reset.saturating_sub(now) } else { reset }))
    })
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

fn until(date: &str, now: chrono::DateTime<chrono::Utc>) -> Option<Duration> {
    let date = chrono::DateTime::parse_from_rfc2822(date).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .filter_map(|(name, value)| {
                Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
            })
            .collect()
    }

    #[test]
    fn retry_after_in_all_forms() {
        let wait = |name, value: &str| retry_after(429, &headers(&[(name, value)]));
        assert_eq!(wait("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("retry-after", " 1.5 "), Some(Duration::from_millis(1_500)));
        assert_eq!(wait("retry-after", "Fri, 20 Nov 1998 23:15:55 GMT"), Some(Duration::ZERO));
        let date = (chrono::Utc::now() + chrono::TimeDelta::seconds(90)).to_rfc2822();
        let left = wait("retry-after", &date).map(|left| left.as_secs());
        assert!(matches!(left, Some(85..=90)), "{left:?}");
        assert_eq!(wait("retry-after", "soon"), None);
        assert_eq!(wait("retry-after", "-1"), None);
        assert_eq!(wait("x-ratelimit-reset", "12"), Some(Duration::from_secs(12)));
        let epoch = (chrono::Utc::now().timestamp() + 60).to_string();
        let left = wait("x-ratelimit-reset", &epoch).map(|left| left.as_secs());
        assert!(matches!(left, Some(58..=60)), "{left:?}");
        assert_eq!(retry_after(429, &HeaderMap::new()), None);
        assert_eq!(retry_after(503, &headers(&[("x-ratelimit-reset", "58")])), None);
        assert_eq!(retry_after(503, &headers(&[("retry-after", "7")])), Some(Duration::from_secs(7)));
    }
}
