//! Old events in new words.
//!
//! A stored event is never changed. When an event's shape changes, its version rises, the old shape keeps its golden
//! file, and an upcaster joins [`chain`]. Loading through postgres-es and our own reading use the same chain.

use crate::AggregateRef;
use cqrs_es::persist::{EventUpcaster, SerializedEvent};
use serde_json::Value;

/// All upcasters, oldest first. Every event is still at its first version, so there is none yet.
pub fn chain() -> Vec<Box<dyn EventUpcaster>> {
    Vec::new()
}

/// The stored text in its newest shape, or nothing if it is there already (nearly always, and then nothing is parsed).
pub fn raise(
    of: AggregateRef,
    event_type: &str,
    version: &str,
    stored: &str,
) -> Result<Option<String>, serde_json::Error> {
    raise_with(&chain(), of, event_type, version, stored)
}

fn raise_with(
    chain: &[Box<dyn EventUpcaster>],
    of: AggregateRef,
    event_type: &str,
    version: &str,
    stored: &str,
) -> Result<Option<String>, serde_json::Error> {
    if !chain.iter().any(|upcaster| upcaster.can_upcast(event_type, version)) {
        return Ok(None);
    }
    let old = SerializedEvent::new(
        of.id.to_string(),
        0,
        of.kind.as_str().to_owned(),
        event_type.to_owned(),
        version.to_owned(),
        serde_json::from_str(stored)?,
        Value::Null,
    );
    let new = chain.iter().fold(old, |event, upcaster| {
        if upcaster.can_upcast(&event.event_type, &event.event_version) {
            upcaster.upcast(event)
        } else {
            event
        }
    });
    serde_json::to_string(&new.payload).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AggregateKind;
    use cqrs_es::persist::SemanticVersionEventUpcaster;
    use uuid::Uuid;

    #[test]
    fn an_old_shape_is_raised_and_a_new_one_left_alone() {
        let rename = |mut payload: Value| {
            payload["Renamed"]["name"] = payload["Renamed"]["title"].take();
            payload
        };
        let chain: Vec<Box<dyn EventUpcaster>> =
            vec![Box::new(SemanticVersionEventUpcaster::new("Renamed", "1.1", Box::new(rename)))];
        let of = AggregateRef { kind: AggregateKind::User, id: Uuid::nil() };
        let old =
            raise_with(&chain, of, "Renamed", "1.0", r#"{"Renamed":{"title":"Ada"}}"#).unwrap().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&old).unwrap()["Renamed"]["name"], "Ada");
        assert_eq!(raise_with(&chain, of, "Renamed", "1.1", "{}").unwrap(), None);
    }
}
