//! The side that leads: takes what was handed over, and answers it.

use super::told::Told;
use super::{ANSWERED, GIVEN, bell, proof};
use crate::{Commands, Envelope, WriterState};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use journal::JournalError;
use sqlx::Row;
use std::mem;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Between two looks, should no word come through: an operator hardly notices, and neither does the database.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Taken by one statement: what is more waits for the next.
const TAKEN_MAX: usize = 256;
/// Taken and not answered, at most: a slow one delays nobody else.
const UNDER_WAY_MAX: usize = 4_096;
/// Those who ask wait some seconds: what is older than a minute is nobody's.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub struct HandedOver {
    commands: Commands,
    state: watch::Receiver<WriterState>,
    deciding: FuturesUnordered<BoxFuture<'static, (Uuid, Told)>>,
    untold: Vec<(Uuid, Told)>,
}

/// What was handed over, and is ours to decide.
struct Taken {
    id: Uuid,
    envelope: String,
    proof: Uuid,
}

impl HandedOver {
    pub fn new(commands: Commands, state: watch::Receiver<WriterState>) -> Self {
        Self { commands, state, deciding: FuturesUnordered::new(), untold: Vec::new() }
    }

    /// Until asked to stop; then what was taken is still answered.
    pub async fn run(mut self, cancel: CancellationToken) {
        let (journal, rung) = (self.commands.journal().clone(), Notify::new());
        tokio::select! {
            () = self.work(&rung, cancel) => {}
            never = bell::listen(&journal, GIVEN, &rung) => match never {}
        }
    }

    async fn work(&mut self, rung: &Notify, cancel: CancellationToken) {
        let (mut every, mut swept) = (interval(LOOK_EVERY), interval(SWEEP_EVERY));
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                () = rung.notified() => {}
                _ = every.tick() => {}
                _ = swept.tick() => self.sweep().await,
                Ok(()) = self.state.changed() => self.sweep().await,
                Some(decided) = self.deciding.next() => self.untold.push(decided),
            }
            match self.run_once().await {
                Ok(taken) => {
                    is_failing = false;
                    // There may be more, and no further word of it.
                    if taken == TAKEN_MAX {
                        rung.notify_one();
                    }
                }
                // Once, and not for every look as long as the database is away.
                Err(error) if !mem::replace(&mut is_failing, true) => {
                    tracing::warn!(event = "handed_over_not_read", error_message = %error);
                }
                Err(_) => {}
            }
        }
        while let Some(decided) = self.deciding.next().await {
            self.untold.push(decided);
        }
        if let Err(error) = self.tell().await {
            tracing::warn!(event = "handed_over_not_told", error_message = %error);
        }
    }

    /// Tells what has been decided, and takes what was handed over since. Answers how many commands were taken.
    pub async fn run_once(&mut self) -> Result<usize, JournalError> {
        while let Some(Some(decided)) = self.deciding.next().now_or_never() {
            self.untold.push(decided);
        }
        self.tell().await?;
        let room = UNDER_WAY_MAX.saturating_sub(self.deciding.len()).min(TAKEN_MAX);
        if room == 0 || !self.leads() {
            return Ok(0);
        }
        let taken = self.take(room).await?;
        let count = taken.len();
        self.deciding.extend(taken.into_iter().map(|one| decide(self.commands.clone(), one).boxed()));
        Ok(count)
    }

    fn leads(&self) -> bool {
        matches!(*self.state.borrow(), WriterState::Leading { .. })
    }

    async fn take(&mut self, limit: usize) -> Result<Vec<Taken>, JournalError> {
        let rows = sqlx::query(
            "update handed_over set taken = true \
              where id in (select id from handed_over where not taken order by handed_at limit $1 \
                              for update skip locked) \
             returning id, envelope, proof",
        )
        .bind(i64::try_from(limit).unwrap_or(0))
        .fetch_all(self.commands.journal().pool())
        .await?;
        let read = |row: &sqlx::postgres::PgRow| {
            Ok(Taken {
                id: row.try_get("id")?,
                envelope: row.try_get("envelope")?,
                proof: row.try_get("proof")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
    }

    /// The envelope goes with the answer: whoever asked may be gone, and a user's wrapped key must not outlive the user.
    /// What cannot be told now is told later: it is the same then.
    async fn tell(&mut self) -> Result<(), JournalError> {
        if self.untold.is_empty() {
            return Ok(());
        }
        let (mut ids, mut outcomes, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
        for (id, told) in &self.untold {
            let outcome = serde_json::to_string(told)?;
            ids.push(*id);
            proofs.push(proof(self.commands.vault(), ANSWERED, *id, &outcome));
            outcomes.push(outcome);
        }
        sqlx::query(
            "with told as (update handed_over set outcome = t.outcome, proof = t.proof, envelope = '' \
                             from unnest($1::uuid[], $2::text[], $3::uuid[]) as t (id, outcome, proof) \
                            where handed_over.id = t.id) \
             select pg_notify($4, '')",
        )
        .bind(ids)
        .bind(outcomes)
        .bind(proofs)
        .bind(ANSWERED)
        .execute(self.commands.journal().pool())
        .await?;
        self.untold.clear();
        Ok(())
    }

    /// What nobody came for, and what nobody finished: an envelope must not stay.
    async fn sweep(&mut self) {
        if !self.leads() {
            return;
        }
        let swept =
            sqlx::query("delete from handed_over where handed_at < clock_timestamp() - interval '1 minute'")
                .execute(self.commands.journal().pool())
                .await;
        if let Err(error) = swept {
            tracing::debug!(event = "handed_over_not_swept", error_message = %error);
        }
    }
}

async fn decide(commands: Commands, taken: Taken) -> (Uuid, Told) {
    let Taken { id, envelope, proof: shown } = taken;
    if proof(commands.vault(), GIVEN, id, &envelope) != shown {
        tracing::warn!(event = "handed_over_unproved");
        return (id, Told::Broke { why: "it was handed over with another key ring".to_owned() });
    }
    let told = match serde_json::from_str::<Envelope>(&envelope) {
        Ok(envelope) => {
            tracing::debug!(event = "handed_over_taken", command = envelope.command.name());
            Told::of(commands.submit(envelope).await)
        }
        Err(_) => Told::Broke { why: "the node that leads is of another version".to_owned() },
    };
    (id, told)
}
