//! Commands whose key is known: the answer of then, from the events of then.
//!
//! Keys are written in the same transaction as what they stand for, so a row here is durable and its events are too.
//! All keys of a batch are looked up in one question, together with the events their answers are rendered from.

use crate::decide::subject_of;
use crate::sequencer::Submission;
use crate::{Command, Done, Failure, Outcome, Refusal, RequestKey};
use domain::trading::TradingSession;
use domain::user::User;
use domain::{AggregateKind, AggregateRef};
use journal::{Journal, JournalError, Recorded, record_of};
use sqlx::Row;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// What the journal remembers of a key.
struct Known {
    fingerprint: Uuid,
    position: i64,
    refusal: Option<String>,
    events: Vec<Arc<Recorded>>,
}

/// Finds the answer to every command whose key is known; the others have none.
pub(crate) async fn look_up(
    journal: &Journal,
    submissions: Vec<Submission>,
) -> Result<Vec<(Submission, Option<Outcome>)>, (JournalError, Vec<Submission>)> {
    let (mut known, captured) = match found(journal, &submissions).await {
        Ok(found) => found,
        Err(error) => return Err((error, submissions)),
    };
    let mut answered = Vec::with_capacity(submissions.len());
    for submission in submissions {
        let envelope = &submission.envelope;
        let mut take = |key: &RequestKey| known.remove(&key.key).map(|known| (known, *key));
        let outcome = if let Some((known, key)) = envelope.key.as_ref().and_then(&mut take) {
            Some(render(journal, known, Some(key), subject_of(envelope)).await)
        } else if let Some((known, alias)) = envelope.aliases.iter().find_map(take) {
            Some(captured_before(journal, known, alias).await)
        } else if envelope.aliases.iter().any(|alias| captured.contains(&alias.key)) {
            Some(Err(Failure::CaptureIdReused))
        } else {
            None
        };
        answered.push((submission, outcome));
    }
    Ok(answered)
}

/// What is known of their keys, and which captures in batches have been made before. A batch's answer is not rendered from
/// another command's events, so those are not even read.
async fn found(
    journal: &Journal,
    submissions: &[Submission],
) -> Result<(HashMap<Uuid, Known>, HashSet<Uuid>), JournalError> {
    let is_batch = |submission: &&Submission| matches!(submission.envelope.command, Command::Batch(_));
    let aliases = |of: Vec<&Submission>| -> Vec<Uuid> {
        of.into_iter().flat_map(|submission| &submission.envelope.aliases).map(|alias| alias.key).collect()
    };
    let (batches, single): (Vec<&Submission>, Vec<&Submission>) = submissions.iter().partition(is_batch);
    let mut keys: Vec<Uuid> =
        submissions.iter().filter_map(|of| of.envelope.key).map(|key| key.key).collect();
    keys.extend(aliases(single));
    let known = find(journal, &keys).await?;
    let in_batches = aliases(batches);
    if in_batches.is_empty() {
        return Ok((known, HashSet::new()));
    }
    let captured: Vec<Uuid> = sqlx::query_scalar("select key from commands where key = any($1)")
        .bind(in_batches)
        .fetch_all(journal.pool())
        .await?;
    Ok((known, captured.into_iter().collect()))
}

async fn find(journal: &Journal, keys: &[Uuid]) -> Result<HashMap<Uuid, Known>, JournalError> {
    let rows = sqlx::query(
        // First the keys, then their events: joined at once, the planner reads all keys there are.
        "with c as materialized (select key, fingerprint, position, events, refusal from commands where key = any($1)) \
         select c.key, c.fingerprint, c.position as first_position, c.refusal::text as refusal, \
                e.position, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version, \
                e.payload::text as payload, e.metadata::text as metadata, e.event_id, e.owner, e.recorded_at \
         from c left join events e on e.position >= c.position and e.position < c.position + c.events \
         order by e.position",
    )
    .bind(keys)
    .fetch_all(journal.pool())
    .await?;
    let mut known: HashMap<Uuid, Known> = HashMap::with_capacity(keys.len());
    for row in &rows {
        let entry = match known.entry(row.try_get("key")?) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(Known {
                fingerprint: row.try_get("fingerprint")?,
                position: row.try_get("first_position")?,
                refusal: row.try_get("refusal")?,
                events: Vec::new(),
            }),
        };
        if row.try_get::<Option<i64>, _>("position")?.is_some() {
            entry.events.push(Arc::new(record_of(row)?));
        }
    }
    Ok(known)
}

/// The answer of then to a key that is known; nothing, if it is not. `subject`: whom the command is about, if anybody.
pub(crate) async fn answer(
    journal: &Journal,
    key: RequestKey,
    subject: Option<AggregateRef>,
) -> Result<Option<Outcome>, JournalError> {
    match find(journal, &[key.key]).await?.remove(&key.key) {
        Some(known) => Ok(Some(render(journal, known, Some(key), subject).await)),
        None => Ok(None),
    }
}

/// A capture under an id that was used: the same one is answered as it was, whatever key it comes with now.
async fn captured_before(journal: &Journal, known: Known, alias: RequestKey) -> Outcome {
    if alias.fingerprint != known.fingerprint {
        return Err(Failure::CaptureIdReused);
    }
    render(journal, known, Some(alias), None).await
}

async fn render(
    journal: &Journal,
    known: Known,
    key: Option<RequestKey>,
    subject: Option<AggregateRef>,
) -> Outcome {
    if key.is_none_or(|key| key.fingerprint != known.fingerprint) {
        return Err(Failure::KeyReused);
    }
    if let Some(refusal) = known.refusal {
        let refusal: Refusal =
            serde_json::from_str(&refusal).map_err(|error| Failure::Internal(error.to_string()))?;
        return Err(Failure::Refused { refusal, position: known.position, replayed: true });
    }
    let position = known.events.last().map_or(known.position, |last| last.position);
    // Whoever registers or is started is new with every try: the first one is in the events.
    let subject = subject.map(|of| {
        let begun = known.events.iter().find(|recorded| recorded.aggregate.kind == of.kind);
        begun.map_or(of, |recorded| recorded.aggregate)
    });
    let mut done = Done { replayed: true, ..Done::of(position, known.events) };
    // As the command left them, even if it left them as they were.
    match subject {
        Some(AggregateRef { kind: AggregateKind::User, id }) => {
            let then = journal.load_at::<User>(id, position).await?;
            (done.user, done.user_version) = (Some(Box::new(then.state)), then.sequence);
        }
        Some(AggregateRef { kind: AggregateKind::TradingSession, id }) => {
            let then = journal.load_at::<TradingSession>(id, position).await?;
            (done.session, done.session_version) = (Some(Box::new(then.state)), then.sequence);
        }
        _ => {}
    }
    Ok(done)
}
