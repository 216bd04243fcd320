//! Commands whose key is known: the answer of then, from the events of then.
//!
//! Keys are written in the same transaction as what they stand for, so a row here is durable and its events are too.
//! All keys of a batch are looked up in one question, together with the events their answers are rendered from.

use crate::sequencer::Submission;
use crate::{Done, Failure, Outcome, Refusal};
use domain::user::User;
use domain::{AggregateKind, Decide, Event};
use journal::{Journal, JournalError, Recorded, record_of};
use sqlx::Row;
use std::collections::HashMap;
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
    let keys: Vec<Uuid> = submissions.iter().filter_map(Submission::key).collect();
    let mut known = match find(journal, &keys).await {
        Ok(known) => known,
        Err(error) => return Err((error, submissions)),
    };
    let mut answered = Vec::with_capacity(submissions.len());
    for submission in submissions {
        let outcome = match submission.key().and_then(|key| known.remove(&key)) {
            Some(known) => Some(render(journal, known, &submission).await),
            None => None,
        };
        answered.push((submission, outcome));
    }
    Ok(answered)
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

async fn render(journal: &Journal, known: Known, submission: &Submission) -> Outcome {
    let same = submission.envelope.key.is_some_and(|key| key.fingerprint == known.fingerprint);
    if !same {
        return Err(Failure::KeyReused);
    }
    if let Some(refusal) = known.refusal {
        let refusal: Refusal =
            serde_json::from_str(&refusal).map_err(|error| Failure::Internal(error.to_string()))?;
        return Err(Failure::Refused { refusal, position: known.position, replayed: true });
    }
    let user = user_after(journal, &known.events).await?;
    let position = known.events.last().map_or(known.position, |last| last.position);
    Ok(Done { position, events: known.events, user, replayed: true })
}

/// The user as the command left it: their history up to the command's last event.
async fn user_after(journal: &Journal, events: &[Arc<Recorded>]) -> Result<Option<Box<User>>, Failure> {
    let Some(last) = events.iter().rfind(|recorded| recorded.aggregate.kind == AggregateKind::User) else {
        return Ok(None);
    };
    let history = journal.read_aggregate(last.aggregate, 0, last.sequence).await?;
    let mut user = User::default();
    for recorded in history {
        let event = recorded.event().map_err(|error| Failure::Internal(error.to_string()))?;
        if let Event::User(event) = event {
            user.evolve(&event);
        }
    }
    Ok(Some(Box::new(user)))
}
