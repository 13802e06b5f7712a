//! Building a request: the one place that checks input and makes URLs.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::stream::Body;
use super::{Facts, Handle, Param};
use crate::error::Error;
use crate::transport::Endpoint;

/// Characters that would end a segment of a path, or have a meaning in one.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b'%');

/// A request for an operation.
#[derive(Debug)]
pub(crate) struct Request {
    pub(super) facts: Facts,
    url: String,
    /// The rest of the path template.
    rest: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<reqwest::Body>,
    /// Don't add the handle's own parameters.
    everywhere: bool,
    /// The first invalid argument.
    wrong: Option<Error>,
    /// The caller limits the time of the answer.
    pub(super) bounded: bool,
}

impl Request {
    pub(crate) fn new(handle: &Handle, endpoint: &'static Endpoint) -> Self {
        let path = endpoint.route();
        let (start, rest) = path.split_at(path.find('{').unwrap_or(path.len()));
        let mut url = String::with_capacity(handle.base().len() + path.len() + 64);
        url.push_str(handle.base());
        url.push_str(start);
        Self {
            facts: Facts::new(handle, endpoint),
            url,
            rest,
            headers: HeaderMap::new(),
            body: None,
            everywhere: false,
            wrong: None,
            bounded: false,
        }
    }

    /// The next parameter of the path: one segment.
    pub(crate) fn segment<T: Param>(&mut self, name: &str, value: Option<T>) {
        self.in_path(name, value, is_segment);
    }

    /// The next parameter of the path, which may hold slashes.
    #[allow(dead_code)] // not every API has one
    pub(crate) fn path<T: Param>(&mut self, name: &str, value: Option<T>) {
        self.in_path(name, value, is_relative_path);
    }

    fn in_path<T: Param>(&mut self, name: &str, value: Option<T>, check: fn(&str) -> bool) {
        match value {
            Some(value) => value.each(&mut |text| self.push_segment(name, text, check)),
            None => self.missing(name),
        }
    }

    fn push_segment(&mut self, name: &str, text: &str, check: fn(&str) -> bool) {
        if let Err(e) = checked_by(name, text, check) {
            return self.wrong_is(e);
        }
        self.facts.push_object(text);
        self.url.extend(utf8_percent_encode(text, SEGMENT));
        let rest = self.rest.split_once('}').map_or("", |(_, rest)| rest);
        let (next, rest) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
        self.url.push_str(next);
        self.rest = rest;
    }

    /// A query parameter, if there is a value.
    pub(crate) fn query<T: Param>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            value.each(&mut |text| self.push_query(name, text));
        }
    }

    /// A required query parameter.
    #[allow(dead_code)] // not every API has one
    pub(crate) fn query_required<T: Param>(&mut self, name: &str, value: Option<T>) {
        match value {
            Some(_) => self.query(name, value),
            None => self.missing(name),
        }
    }

    /// A query parameter that defaults to the handle's value. An empty value omits it.
    #[allow(dead_code)] // as above
    pub(crate) fn query_scoped(&mut self, scope: &str, name: &str, value: Option<String>) {
        let own = || self.facts.handle().scope(scope).filter(|_| !self.everywhere).map(str::to_owned);
        let value = value.or_else(own).filter(|value| !value.is_empty());
        self.query(name, value);
    }

    /// A query parameter that replaces those of the handle.
    #[allow(dead_code)] // as above
    pub(crate) fn query_everywhere(&mut self, name: &str, value: Option<bool>) {
        self.everywhere = value == Some(true);
        self.query(name, value);
    }

    fn push_query(&mut self, name: &str, text: &str) {
        // Errors name the path within an instance. Other parameters may be secrets.
        if name == "path" {
            self.facts.push_path(text);
        }
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        self.url.push_str(name);
        self.url.push('=');
        self.url.extend(form_urlencoded::byte_serialize(text.as_bytes()));
    }

    /// A header, if there is a value.
    #[allow(dead_code)] // as above
    pub(crate) fn header<T: Param>(&mut self, name: &'static str, value: Option<T>) {
        if let Some(value) = value {
            value.each(&mut |text| match HeaderValue::from_str(text) {
                Ok(value) => _ = self.headers.append(HeaderName::from_static(name), value),
                Err(_) => self.wrong(name, "holds characters that a header can't hold"),
            });
        }
    }

    /// A required header.
    #[allow(dead_code)] // as above
    pub(crate) fn header_required<T: Param>(&mut self, name: &'static str, value: Option<T>) {
        match value {
            Some(_) => self.header(name, value),
            None => self.missing(name),
        }
    }

    /// A JSON body.
    pub(crate) fn json<T: Serialize>(&mut self, body: Option<&T>) {
        match body.map(serde_json::to_vec) {
            Some(Ok(bytes)) => self.bytes(bytes),
            Some(Err(e)) => self.wrong("body", &format!("can't be written as JSON: {e}")),
            None => self.missing("body"),
        }
    }

    /// An optional JSON body.
    #[allow(dead_code)] // not every API has such a one
    pub(crate) fn json_if_said<T: Serialize>(&mut self, body: Option<&T>) {
        if body.is_some() {
            self.json(body);
        }
    }

    /// Options in the body of a request that reads or deletes. Without options there is no body, because proxies don't
    /// expect one.
    #[allow(dead_code)] // as above
    pub(crate) fn json_if_any<T: Serialize>(&mut self, body: Option<&T>) {
        match body.map(serde_json::to_vec) {
            None => {}
            Some(Ok(bytes)) if bytes == b"{}" => {}
            Some(Ok(bytes)) => self.bytes(bytes),
            Some(Err(e)) => self.wrong("body", &format!("can't be written as JSON: {e}")),
        }
    }

    /// Many requests can queue with their bodies, so nothing is kept for more.
    fn bytes(&mut self, mut json: Vec<u8>) {
        json.shrink_to_fit();
        self.media_type("application/json");
        self.body = Some(json.into());
    }

    fn media_type(&mut self, media_type: &'static str) {
        if self.headers.is_empty() {
            self.headers = HeaderMap::with_capacity(1);
        }
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }

    /// A body of bytes with this media type.
    #[allow(dead_code)] // as above
    pub(crate) fn content(&mut self, media_type: &'static str, body: Option<Body>) {
        match body {
            Some(body) => {
                self.media_type(media_type);
                self.body = Some(body.into_inner());
            }
            None => self.missing("body"),
        }
    }

    fn missing(&mut self, name: &str) {
        self.wrong(name, "is missing");
    }

    fn wrong(&mut self, name: &str, why: &str) {
        self.wrong_is(Error::invalid(name, why));
    }

    fn wrong_is(&mut self, e: Error) {
        self.wrong.get_or_insert(e);
    }

    /// The finished request, and what is known about its call. What it was made of is freed.
    pub(super) fn finish(mut self: Box<Self>) -> Result<(reqwest::Request, Facts), Error> {
        if let Some(e) = self.wrong.take() {
            return Err(self.facts.error(e));
        }
        let url = self.url.parse().map_err(|e| Error::invalid("url", e));
        let url = url.map_err(|e| self.facts.error(e))?;
        // The method is a constant of the spec, so it is valid.
        let method = self.facts.endpoint.method.parse().unwrap_or_default();
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = std::mem::take(&mut self.headers);
        *request.body_mut() = self.body.take();
        Ok((request, self.facts))
    }
}

/// Checks a name that becomes part of a path, so that it can't lead elsewhere. Each request checks its own; this is for
/// calls that do something else first.
pub(crate) fn checked<'a>(field: &str, name: &'a str) -> Result<&'a str, Error> {
    checked_by(field, name, is_segment)
}

/// Like `checked`, for a name of several segments.
#[allow(dead_code)] // not every API has such names
pub(crate) fn checked_path<'a>(field: &str, path: &'a str) -> Result<&'a str, Error> {
    checked_by(field, path, is_relative_path)
}

fn checked_by<'a>(field: &str, name: &'a str, check: fn(&str) -> bool) -> Result<&'a str, Error> {
    match () {
        () if name.is_empty() => Err(Error::invalid(field, "is empty")),
        () if check(name) => Ok(name),
        () => Err(Error::invalid(
            field,
            format!("{name:?} can't be part of a path: no \".\", \"..\", \"/\" or \"\\\""),
        )),
    }
}

/// Matches `^(?!\.{1,2}$)[^/\\]+$`, without a regex engine.
fn is_segment(text: &str) -> bool {
    is_relative_path(text) && !text.contains('/')
}

/// Matches `^(?!\.{1,2}$|/)[^\\]+$`.
fn is_relative_path(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.starts_with('/') && !text.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_are_what_the_patterns_match() -> Result<(), regress::Error> {
        let texts = [
            "", ".", "..", "...", ".a", "a.", "..a", "/", "\\", "a/b", "a\\b", "/a", "a/", "web-1", " ",
            "./", "../", "a/..", "%2e", "\n", ".\n", "..\n", "\n.", "\n/", "\u{2028}", ".\r", "ü", "🦀",
            "\0", "a?b", "a#b",
        ];
        let segment = regress::Regex::new(r"^(?!\.{1,2}$)[^/\\]+$")?;
        let path = regress::Regex::new(r"^(?!\.{1,2}$|/)[^\\]+$")?;
        for text in texts {
            assert_eq!(is_segment(text), segment.find(text).is_some(), "{text:?}");
            assert_eq!(is_relative_path(text), path.find(text).is_some(), "{text:?}");
        }
        Ok(())
    }
}
