//! `?filter=status eq Running and name eq web.*`.

use regress::{Flags, Regex};
use serde_json::Value;

use super::envelope::{Failure, failure};

#[derive(Debug)]
struct Clause {
    field: String,
    equal: bool,
    value: String,
}

/// Clauses that must all be true.
#[derive(Debug)]
pub(super) struct Filter(Vec<Clause>);

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Filter, Failure> {
        let parts = text.split(" and ").filter(|part| !part.trim().is_empty());
        parts.map(clause).collect::<Result<_, _>>().map(Filter)
    }

    pub(super) fn keep(&self, document: &Value) -> Result<bool, Failure> {
        for clause in &self.0 {
            if !clause.holds(document)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn clause(text: &str) -> Result<Clause, Failure> {
    let invalid = |what| failure(400, format!("Invalid filter: clause has no {what}"));
    let mut words = text.trim().splitn(3, ' ');
    let field = words.next().unwrap_or_default().to_owned();
    let operator = words.next().ok_or_else(|| invalid("operator"))?;
    let value = words.next().ok_or_else(|| invalid("value"))?;
    let equal = match operator {
        "eq" => true,
        "ne" => false,
        _ => return Err(failure(500, "Unsupported operation")),
    };
    Ok(Clause { field, equal, value: value.trim().to_owned() })
}

impl Clause {
    fn holds(&self, document: &Value) -> Result<bool, Failure> {
        let found = lookup(document, &self.field);
        let text = match &found {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(yes)) => yes.to_string(),
            Some(Value::Number(_)) => return Err(self.odd("Unsupported filter type \"int\"")),
            // A missing configuration key is no error, an unknown field is one.
            None if self.field.contains('.') => return Ok(!self.equal),
            _ => return Err(self.odd("Invalid type \"invalid\"")),
        };
        Ok(self.matches(&text) == self.equal)
    }

    fn odd(&self, what: &str) -> Failure {
        failure(500, format!("{what} for field \"{}\"", self.field))
    }

    /// A pattern for the whole text, ignoring case, as on the real server.
    fn matches(&self, text: &str) -> bool {
        let flags = Flags { icase: true, ..Flags::default() };
        let pattern = Regex::with_flags(&format!("^(?:{})$", self.value), flags);
        pattern.map_or(self.value == text, |pattern| pattern.find(text).is_some())
    }
}

/// `config.user.a`: configuration keys have dots of their own.
fn lookup(document: &Value, field: &str) -> Option<Value> {
    if let Some(found) = document.get(field) {
        return Some(found.clone());
    }
    let (outer, rest) = field.split_once('.')?;
    lookup(document.get(outer)?, rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Filter;

    fn keeps(filter: &str) -> Option<bool> {
        let document = json!({"name": "web1", "status": "Running", "config": {"user.a": "b"}, "n": 1});
        Filter::parse(filter).and_then(|f| f.keep(&document)).ok()
    }

    #[test]
    fn clauses_are_patterns_for_the_whole_value() {
        assert_eq!(keeps("name eq web1"), Some(true));
        assert_eq!(keeps("name eq web"), Some(false));
        assert_eq!(keeps("name eq ^web.* and status eq running"), Some(true));
        assert_eq!(keeps("status ne Running"), Some(false));
        assert_eq!(keeps("config.user.a eq b"), Some(true));
        assert_eq!(keeps("config.user.b eq b"), Some(false));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["name", "name eq", "name xx web1", "nothing eq 1", "n eq 1"] {
            assert_eq!(keeps(bad), None, "{bad}");
        }
    }
}
