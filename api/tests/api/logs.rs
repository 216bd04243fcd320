//! What was written down, for tests of what is and what is not.

use std::fmt::{Debug, Write};
use std::sync::{Mutex, OnceLock};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// One for a process, like the lines it keeps: a test looks for those about its own people.
static LINES: OnceLock<Mutex<Vec<String>>> = OnceLock::new();

struct Keep;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Keep {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("api") || metadata.target().starts_with("commands")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        LINES.get().unwrap().lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// From here on.
pub(crate) fn keep() {
    LINES.get_or_init(|| {
        tracing::subscriber::set_global_default(Keep).unwrap();
        Mutex::default()
    });
}

/// How many lines speak of somebody with one of these events.
pub(crate) fn count(user_id: &str, events: &[&str]) -> usize {
    let lines = LINES.get().unwrap().lock().unwrap();
    let is_one = |line: &&String| {
        line.contains(user_id) && events.iter().any(|event| line.contains(&format!("event=\"{event}\" ")))
    };
    lines.iter().filter(is_one).count()
}

/// Whether any line about somebody has this text in it.
pub(crate) fn tells(user_id: &str, text: &str) -> bool {
    let lines = LINES.get().unwrap().lock().unwrap();
    lines.iter().any(|line| line.contains(user_id) && line.contains(text))
}
