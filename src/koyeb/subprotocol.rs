//! How a websocket carries the token: in a subprotocol, because browsers can set no other header, and in
//! `Authorization` like every other request. The service's documents ask for the latter, its own programs send the former.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL};

/// `Authorization: Bearer T` stays, and `Sec-WebSocket-Protocol: Bearer, T` joins it.
pub(super) fn put_on(headers: &mut HeaderMap) {
    let Some(credential) = headers.get(AUTHORIZATION) else { return };
    let token = credential.as_bytes().strip_prefix(b"Bearer ").unwrap_or_default();
    let value = [b"Bearer, ", token].concat();
    if let Ok(mut value) = HeaderValue::from_bytes(&value) {
        value.set_sensitive(true);
        headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
    }
}

/// Whether a token can be sent this way: the service reads it up to the first space or comma.
pub(super) fn can_carry(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && !b",;\"".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_in_both_places_and_stays_secret() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer abc.def"));
        put_on(&mut headers);
        assert_eq!(headers.get(AUTHORIZATION).map(HeaderValue::as_bytes), Some(&b"Bearer abc.def"[..]));
        let value = headers.get(SEC_WEBSOCKET_PROTOCOL);
        assert_eq!(value.map(HeaderValue::as_bytes), Some(&b"Bearer, abc.def"[..]));
        assert!(!format!("{value:?}").contains("abc"));
    }

    #[test]
    fn what_can_travel() {
        for (token, good) in
            [("abc-1_2.3", true), ("a+/=", true), ("", false), ("a b", false), ("a,b", false)]
        {
            assert_eq!(can_carry(token), good, "{token:?}");
        }
    }
}
