//! Message N of the stream is event N of the journal, and there is no other.

use super::Case;
use crate::harness::evidence::Event;
use crate::harness::stream::Message;

pub(super) fn check(case: &Case, complaints: &mut Vec<String>) {
    let (journal, stream) = (&case.found.journal, &case.found.stream);
    if journal.len() != stream.len() {
        complaints.push(format!(
            "the stream holds {} messages, the journal {} events",
            stream.len(),
            journal.len()
        ));
    }
    let differing = journal.iter().zip(stream).find(|(event, message)| !is_mirrored(event, message));
    complaints.extend(
        differing.map(|(event, message)| format!("the stream has {message:?}, the journal {event:?}")),
    );
}

fn is_mirrored(event: &Event, message: &Message) -> bool {
    let (body, id) = (&message.body, event.id.to_string());
    let subject = format!("counterfoil.events.{}.{}.{}", event.aggregate_type, event.aggregate, event.kind);
    i64::try_from(message.sequence) == Ok(event.position)
        && message.position == event.position.to_string()
        && message.event_id == id
        && message.subject == subject
        && body["position"] == event.position
        && body["event_id"] == id
        && body["type"] == event.kind
        && body["aggregate"] == event.aggregate_type
        && body["aggregate_id"] == event.aggregate.to_string()
        && body["sequence"] == event.sequence
        && body["data"] == event.data
}
