//! What a cell is about: an operation, of a fake or of a real server.

use windlass::raw::Endpoint;

use crate::api::Api;
use crate::origin::{Address, Origin};

/// An operation.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The API.
    pub api: Api,
    /// The operation.
    pub endpoint: &'static Endpoint,
    /// What it shall do, if it can do several things.
    pub verb: &'static str,
    /// The server. Without one, each cell has a fake of its own.
    pub real: Option<Real>,
}

/// A real server, and the worker to which a part of it belongs.
#[derive(Debug, Clone)]
pub struct Real {
    /// What tables call it.
    pub title: String,
    /// Where it listens.
    pub address: Address,
    /// Ends the names of what the worker makes there.
    pub worker: usize,
}

impl From<&Real> for Origin {
    fn from(real: &Real) -> Self {
        Self { address: real.address.clone(), is_real: true }
    }
}

impl Subject {
    /// An operation on fakes.
    pub fn on_fakes(api: Api, endpoint: &'static Endpoint) -> Self {
        Self { api, endpoint, verb: "", real: None }
    }

    /// An operation on a real server, by its id.
    pub fn on_real(api: Api, id: &str, verb: &'static str, real: &Real) -> Self {
        let endpoint = api.endpoints().iter().find(|endpoint| endpoint.id == id).expect("an operation");
        Self { api, endpoint, verb, real: Some(real.clone()) }
    }

    /// Whether the server takes long for everything.
    pub fn is_slow(&self) -> bool {
        self.real.is_some() && self.api == Api::ShakenFist
    }

    /// The section of the tables.
    pub fn section(&self) -> &str {
        self.real.as_ref().map_or(self.api.name(), |real| &real.title)
    }

    /// The row of the tables.
    pub fn row(&self) -> String {
        let (id, verb) = (self.endpoint.id, self.verb);
        if verb.is_empty() { id.to_owned() } else { format!("{id}: {verb}") }
    }
}
