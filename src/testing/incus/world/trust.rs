//! The trust store.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::operations::Operation;
use crate::testing::incus::envelope::{self, Failure, failure};
use crate::testing::server::reply::Reply;
use crate::testing::server::tasks::lock;
use crate::testing::server::tls::{Tls, fingerprint};

/// The trust store, and the tokens that were issued.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    pub(crate) at: OnceLock<(Option<SocketAddr>, Arc<Tls>)>,
    pub(crate) certificates: Mutex<BTreeMap<String, Value>>,
    pub(crate) tokens: Mutex<Vec<Token>>,
    pub(crate) lifetime: Mutex<Option<Duration>>,
    pub(crate) bearer: Mutex<Option<String>>,
}

#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) secret: String,
    pub(crate) asked: Value,
    pub(crate) expires: Option<DateTime<Utc>>,
    pub(crate) operation: Arc<Operation>,
}

impl Trust {
    pub(crate) fn listens(&self, address: Option<SocketAddr>, tls: Arc<Tls>) {
        // Once per server.
        let _ = self.at.set((address, tls));
    }

    pub(crate) fn address(&self) -> String {
        let address = self.at.get().and_then(|(address, _)| *address);
        address.map(|address| address.to_string()).unwrap_or_default()
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.at.get().map(|(_, tls)| &**tls)
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.tls().map(Tls::fingerprint).unwrap_or_default()
    }

    pub(crate) fn of(&self, der: &Bytes) -> Option<Value> {
        lock(&self.certificates).get(&fingerprint(der)).cloned()
    }

    pub(crate) fn add(&self, asked: &Value, der: &[u8]) -> Result<Reply, Failure> {
        let fingerprint = fingerprint(der);
        let mut all = lock(&self.certificates);
        if all.contains_key(&fingerprint) {
            return Err(failure(409, "Certificate already in trust store"));
        }
        let or = |key: &str, default: Value| if asked[key].is_null() { default } else { asked[key].clone() };
        let document = json!({
            "name": or("name", "".into()), "type": or("type", "client".into()),
            "restricted": or("restricted", false.into()), "projects": or("projects", json!([])),
            "certificate": pem(der), "description": or("description", "".into()), "fingerprint": fingerprint,
        });
        let location = format!("/1.0/certificates/{fingerprint}");
        all.insert(fingerprint, document);
        Ok(envelope::created(&location))
    }
}

fn pem(der: &[u8]) -> String {
    let lines = der.chunks(48).map(|line| STANDARD.encode(line) + "\n");
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", lines.collect::<String>())
}
