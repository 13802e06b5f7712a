//! The variables of a shell.

use std::collections::BTreeMap;

use super::limits::Stop;

/// All names and values together, in bytes.
const LIMIT: usize = 1 << 20;

#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    all: BTreeMap<String, Variable>,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Variable {
    value: String,
    exported: bool,
}

impl Variables {
    /// What a command finds in its environment.
    pub(super) fn of_environment(given: BTreeMap<String, String>) -> Variables {
        let bytes = given.iter().map(|(name, value)| name.len() + value.len()).sum();
        let all = given.into_iter().map(|(name, value)| (name, Variable { value, exported: true }));
        Variables { all: all.collect(), bytes }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all.get(name).map(|variable| variable.value.as_str())
    }

    pub(super) fn set(&mut self, name: &str, value: String) -> Result<(), Stop> {
        if name == "IFS" {
            return Err(Stop::unsupported("another `IFS`"));
        }
        let exported = self.all.get(name).is_some_and(|variable| variable.exported);
        self.unset(name);
        self.bytes += name.len() + value.len();
        self.all.insert(name.to_owned(), Variable { value, exported });
        match self.bytes > LIMIT {
            true => Err(Stop::limit("more than 1 MiB of variables")),
            false => Ok(()),
        }
    }

    pub(super) fn unset(&mut self, name: &str) {
        if let Some(old) = self.all.remove(name) {
            self.bytes = self.bytes.saturating_sub(name.len() + old.value.len());
        }
    }

    /// Commands see it from now on, if it has a value.
    pub(super) fn export(&mut self, name: &str) {
        if let Some(variable) = self.all.get_mut(name) {
            variable.exported = true;
        }
    }

    /// The environment of a command.
    pub(super) fn exported(&self) -> Variables {
        let all = self.all.iter().filter(|(_, variable)| variable.exported);
        Variables { all: all.map(|(name, it)| (name.clone(), it.clone())).collect(), bytes: self.bytes }
    }

    pub(super) fn lines(&self) -> String {
        self.all.iter().map(|(name, variable)| format!("{name}={}\n", variable.value)).collect()
    }
}
