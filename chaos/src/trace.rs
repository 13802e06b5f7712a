//! What windlass writes to a log at its most verbose, kept for the search for secrets.

use std::fmt::{Debug, Write};
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

static WRITTEN: Mutex<String> = Mutex::new(String::new());

/// Secrets that no server or client made: keys of the fakes, and what is planted in requests.
const PLANTED: [&str; 2] = ["demokey", "hunter2"];

/// Begins to keep it, for the whole process.
pub fn keep() {
    let _ = tracing::subscriber::set_global_default(Keep);
}

/// What was written since the last call.
pub fn take() -> String {
    std::mem::take(&mut WRITTEN.lock().unwrap())
}

/// Which of these secrets, and of those that are planted, are in the text.
pub fn secrets_in(text: &str, secrets: &[String]) -> Vec<String> {
    let planted = PLANTED.iter().map(|secret| (*secret).to_owned());
    secrets.iter().cloned().chain(planted).filter(|secret| text.contains(secret.as_str())).collect()
}

/// Every span and event of windlass, but not of the fakes: those are servers.
struct Keep;

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Keep {
    fn write(metadata: &Metadata<'_>, record: impl FnOnce(&mut Fields<'_>)) {
        let mut written = WRITTEN.lock().unwrap();
        let _ = write!(written, "{} {}", metadata.target(), metadata.name());
        record(&mut Fields(&mut written));
        written.push('\n');
    }
}

impl Subscriber for Keep {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("windlass") && !metadata.target().starts_with("windlass::testing")
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        Self::write(span.metadata(), |fields| span.record(fields));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields(&mut WRITTEN.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        Self::write(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
