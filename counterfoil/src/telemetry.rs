//! Logging. For machines one JSON object a line, `{timestamp, level, component, event, …}`; on a terminal lines for
//! people. Both go to standard error, so that what a command prints on standard output stays clean. Fields are
//! ids, counts, names and error texts, never what a user typed: a value that is not logged cannot leak.

use std::fmt;
use std::io::IsTerminal;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Our own words, and of the libraries only what went wrong.
const DEFAULT_FILTER: &str = "info,sqlx=warn,async_nats=warn,hyper=warn,tower=warn";

/// For the whole process, once. `filter` is `COUNTERFOIL_LOG`, else `RUST_LOG`.
pub fn start(filter: Option<&str>) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter.unwrap_or(DEFAULT_FILTER)).map_err(|error| error.to_string())?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.fmt_fields(JsonFields::new()).event_format(JsonLines).try_init()
    }
    .map_err(|error| error.to_string())?;
    log_panics();
    Ok(())
}

/// A panic is one line like any other, and not a page in a form of its own.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        let said = panic.payload_as_str().unwrap_or("without a message");
        tracing::error!(event = "panic", location, error_message = said);
    }));
}

struct JsonLines;

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = Map::new();
        let now = OffsetDateTime::now_utc().format(&Rfc3339).map_err(|_| fmt::Error)?;
        line.insert("timestamp".into(), now.into());
        line.insert("level".into(), metadata.level().as_str().to_ascii_lowercase().into());
        line.insert("component".into(), component(metadata.target()).into());
        // Outermost first, so that the nearest says the last word on a name.
        for span in context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>().map(|fields| fields.fields.as_str());
            if let Some(Ok(Value::Object(fields))) = fields.map(serde_json::from_str) {
                line.extend(fields);
            }
        }
        event.record(&mut Fields(&mut line));
        // A line without a name of its own is named by its text.
        if !line.contains_key("event")
            && let Some(message) = line.remove("message")
        {
            line.insert("event".into(), message);
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// The crate that speaks: `journal::relay` is of the journal.
fn component(target: &str) -> &str {
    target.split("::").next().unwrap_or(target)
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(say: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, say);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_an_object_with_time_level_component_and_event() {
        let lines = logged(|| tracing::warn!(event = "lag", position = 7_u64, late = true, "behind"));
        let line = &lines[0];
        assert_eq!(line["level"], "warn");
        assert_eq!(line["component"], "counterfoil");
        assert_eq!(line["event"], "lag");
        assert_eq!(line["message"], "behind");
        assert_eq!(line["position"], 7);
        assert_eq!(line["late"], true);
        assert!(OffsetDateTime::parse(line["timestamp"].as_str().unwrap(), &Rfc3339).is_ok());
    }

    #[test]
    fn a_line_carries_what_its_spans_know() {
        let lines = logged(|| {
            let _request = tracing::info_span!("request", request_id = "r-1").entered();
            tracing::info!("answered");
        });
        assert_eq!(lines[0]["request_id"], "r-1");
        assert_eq!(lines[0]["event"], "answered");
    }

    #[test]
    fn text_with_line_breaks_stays_one_line() {
        let lines = logged(|| tracing::error!(event = "odd", error_message = "one\ntwo"));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["error_message"], "one\ntwo");
    }
}
