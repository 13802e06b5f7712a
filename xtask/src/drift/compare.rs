//! Two documents, side by side.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Document, Operation, Reading, Route};
use super::shape::{Field, Plain, Shape};

/// What differs, and in which operations. Empty when nothing does.
pub(super) type Drift = BTreeMap<String, BTreeSet<String>>;

/// What the two documents are called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides {
    ours: &'static str,
    theirs: &'static str,
    pub(super) reading: Reading,
}

/// Our spec and a vendor's document.
pub(super) const SPEC: Sides = Sides { ours: "in our spec", theirs: "upstream", reading: Reading::Loose };

/// Two editions of a vendor's document.
pub(super) const EDITIONS: Sides =
    Sides { ours: "in the old document", theirs: "in the new one", reading: Reading::Exact };

/// How many operations both documents have.
pub(super) fn shared(ours: &Document, upstream: &Document) -> usize {
    let upstream = upstream.operations(Reading::Loose);
    ours.operations(Reading::Loose).keys().filter(|route| upstream.contains_key(route)).count()
}

/// Looks only at operations whose path starts with one of `only`, or at all if it is empty.
pub(super) fn compare(sides: Sides, ours: &Document, theirs: &Document, only: &[String]) -> Drift {
    let wanted = |route: &Route| only.is_empty() || only.iter().any(|start| route.path.starts_with(start));
    let pick = |document: &Document| -> BTreeMap<Route, Operation> {
        document.operations(sides.reading).into_iter().filter(|(route, _)| wanted(route)).collect()
    };
    let (ours, theirs) = (pick(ours), pick(theirs));
    let mut drift = Drift::new();
    let mut note = |what: String, route: &Route, operation: &Operation| {
        let label = format!("{} {}", route.method, operation.path);
        drift.entry(what).or_default().insert(label);
    };
    for (route, their) in &theirs {
        if !ours.contains_key(route) {
            note(format!("the operation: only {}", sides.theirs), route, their);
        }
    }
    for (route, our) in &ours {
        match theirs.get(route) {
            None => note(format!("the operation: only {}", sides.ours), route, our),
            Some(their) => {
                let mut lines = Lines { sides, found: BTreeSet::new() };
                lines.operation(our, their);
                lines.found.into_iter().for_each(|line| note(line, route, our));
            }
        }
    }
    drift
}

/// The differences of one operation.
struct Lines {
    sides: Sides,
    found: BTreeSet<String>,
}

impl Lines {
    fn operation(&mut self, ours: &Operation, theirs: &Operation) {
        self.flag("operation", "deprecated", ours.deprecated, theirs.deprecated);
        if ours.security != theirs.security {
            self.differ("security", &joined(&ours.security), &joined(&theirs.security));
        }
        self.fields("parameter", &ours.parameters, &theirs.parameters);
        match (&ours.request, &theirs.request) {
            (Some(ours), Some(theirs)) => self.field("request", ours, theirs),
            (None, None) => {}
            (ours, theirs) => {
                let name = |body: &Option<Field>| {
                    body.as_ref().map_or("nothing", |body| body.shape.name()).to_owned()
                };
                self.differ("request", &name(ours), &name(theirs));
            }
        }
        self.replies(ours, theirs);
    }

    fn replies(&mut self, ours: &Operation, theirs: &Operation) {
        for (status, their) in &theirs.replies {
            match ours.replies.get(status) {
                Some(our) => self.reply(status, our.as_ref(), their.as_ref()),
                None => self.alone(&format!("status {status}"), self.sides.theirs),
            }
        }
        for status in ours.replies.keys().filter(|status| !theirs.replies.contains_key(*status)) {
            self.alone(&format!("status {status}"), self.sides.ours);
        }
    }

    fn reply(&mut self, status: &str, ours: Option<&Shape>, theirs: Option<&Shape>) {
        let route = format!("reply {status}");
        match (ours, theirs) {
            (Some(Shape::Object(ours)), Some(Shape::Object(theirs)))
                if self.sides.reading == Reading::Loose && is_envelope(ours) && is_envelope(theirs) =>
            {
                let (ours, theirs) = (opened(ours, theirs), opened(theirs, ours));
                self.fields(&route, &ours, &theirs);
            }
            (Some(ours), Some(theirs)) => self.shape(&route, ours, theirs),
            (None, None) => {}
            (ours, theirs) => {
                let name = |shape: Option<&Shape>| shape.map_or("nothing", Shape::name).to_owned();
                self.differ(&route, &name(ours), &name(theirs));
            }
        }
    }

    fn shape(&mut self, route: &str, ours: &Shape, theirs: &Shape) {
        match (ours, theirs) {
            (Shape::Any, Shape::Any) => {}
            (Shape::Object(ours), Shape::Object(theirs)) => self.fields(route, ours, theirs),
            (Shape::List(ours), Shape::List(theirs)) => self.shape(&format!("{route}[]"), ours, theirs),
            (Shape::Map(ours), Shape::Map(theirs)) => self.shape(&format!("{route}{{}}"), ours, theirs),
            (Shape::Plain(ours), Shape::Plain(theirs)) => self.plain(route, ours, theirs),
            (ours, theirs) => self.differ(route, ours.name(), theirs.name()),
        }
    }

    fn plain(&mut self, route: &str, ours: &Plain, theirs: &Plain) {
        if ours.kind != theirs.kind {
            self.differ(route, &ours.kind, &theirs.kind);
        }
        self.words(route, &ours.words, &theirs.words);
        self.detail(route, "format", &ours.format, &theirs.format);
        self.detail(route, "pattern", &ours.pattern, &theirs.pattern);
        self.detail(route, "limits", &joined(&ours.limits), &joined(&theirs.limits));
        // What our spec says of these is about reading answers that leave fields out, and differs on purpose.
        if self.sides.reading == Reading::Exact {
            self.detail(route, "default", &ours.default, &theirs.default);
            self.flag(route, "nullable", ours.nullable, theirs.nullable);
        }
    }

    fn words(&mut self, route: &str, ours: &BTreeSet<String>, theirs: &BTreeSet<String>) {
        if ours.is_empty() != theirs.is_empty() {
            let shown = |words: &BTreeSet<String>| match words.is_empty() {
                true => "any value".to_owned(),
                false => format!("one of {}", joined(words)),
            };
            return self.differ(route, &shown(ours), &shown(theirs));
        }
        theirs
            .difference(ours)
            .for_each(|word| self.alone(&format!("{route} value {word:?}"), self.sides.theirs));
        ours.difference(theirs)
            .for_each(|word| self.alone(&format!("{route} value {word:?}"), self.sides.ours));
    }

    fn fields(&mut self, route: &str, ours: &BTreeMap<String, Field>, theirs: &BTreeMap<String, Field>) {
        for (name, their) in theirs {
            match ours.get(name) {
                Some(our) => self.field(&format!("{route} {name}"), our, their),
                None => self
                    .alone(&format!("{route} {name}"), &format!("{} ({})", self.sides.theirs, told(their))),
            }
        }
        for name in ours.keys().filter(|name| !theirs.contains_key(*name)) {
            self.alone(&format!("{route} {name}"), self.sides.ours);
        }
    }

    fn field(&mut self, route: &str, ours: &Field, theirs: &Field) {
        self.flag(route, "required", ours.required, theirs.required);
        self.flag(route, "deprecated", ours.deprecated, theirs.deprecated);
        self.shape(route, &ours.shape, &theirs.shape);
    }

    fn flag(&mut self, route: &str, word: &str, ours: bool, theirs: bool) {
        if ours != theirs {
            let side = if ours { self.sides.ours } else { self.sides.theirs };
            self.alone(&format!("{route} {word}"), side);
        }
    }

    fn detail(&mut self, route: &str, what: &str, ours: &str, theirs: &str) {
        let shown =
            |text: &str| if text.is_empty() { format!("no {what}") } else { format!("{what} {text}") };
        if ours != theirs {
            self.differ(route, &shown(ours), &shown(theirs));
        }
    }

    fn alone(&mut self, what: &str, side: &str) {
        self.found.insert(format!("{what}: only {side}"));
    }

    fn differ(&mut self, route: &str, ours: &str, theirs: &str) {
        self.found.insert(format!("{route}: {ours} {}, {theirs} {}", self.sides.ours, self.sides.theirs));
    }
}

fn told(field: &Field) -> String {
    let required = if field.required { "required " } else { "" };
    format!("{required}{}", field.shape.name())
}

fn joined(words: &BTreeSet<String>) -> String {
    if words.is_empty() { "none".to_owned() } else { words.iter().cloned().collect::<Vec<_>>().join(", ") }
}

/// What Incus wraps every answer in. Documents differ in which of its fields they tell.
const ENVELOPE: [&str; 6] = ["type", "status", "status_code", "operation", "error", "error_code"];

fn is_envelope(fields: &BTreeMap<String, Field>) -> bool {
    fields.contains_key("type") && (fields.contains_key("status_code") || fields.contains_key("error_code"))
}

/// An answer without the fields of the envelope, and without data that the other one doesn't tell.
fn opened(fields: &BTreeMap<String, Field>, other: &BTreeMap<String, Field>) -> BTreeMap<String, Field> {
    let empty = |name: &String, field: &Field| {
        name == "metadata" && !other.contains_key(name) && matches!(field.shape, Shape::Any)
    };
    let kept =
        fields.iter().filter(|(name, field)| !ENVELOPE.contains(&name.as_str()) && !empty(name, field));
    kept.map(|(name, field)| (name.clone(), Field { required: false, ..field.clone() })).collect()
}
