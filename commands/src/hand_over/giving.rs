//! The side that does not lead: every command it is given goes to the one that does.

use super::told::Told;
use super::{ANSWERED, GIVEN, bell, proof};
use crate::commands::Commands;
use crate::sequencer::Submission;
use crate::vault::Vault;
use crate::{CommandsOptions, Failure, Hindrance, Outcome, WriteSide};
use journal::{Journal, JournalError};
use sqlx::Row;
use std::collections::HashMap;
use std::mem;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Commands that may wait to be given: what one process has under way at full load.
const INBOX_MAX: usize = 1_024;
/// In one statement: some megabytes at most.
const GIVEN_MAX: usize = 256;
/// Under way at once. Beyond it the inbox fills up, and says so.
const PENDING_MAX: usize = 2_048;
/// Between two looks for answers, should no word of them come through.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Longer than the leader takes to answer anybody, and no longer than who asks waits.
const PATIENCE: Duration = Duration::from_secs(11);

#[derive(Debug)]
pub struct HandOver {
    inbox: mpsc::Receiver<Submission>,
    journal: Journal,
    vault: Vault,
    pending: HashMap<Uuid, Pending>,
    is_failing: bool,
}

/// Given, or perhaps given, and not answered.
#[derive(Debug)]
struct Pending {
    submission: Submission,
    since: Instant,
}

impl HandOver {
    /// The write side of a process that never leads: a handle for the use cases, and the task behind it, which has to be
    /// run.
    pub fn new(parts: WriteSide, options: CommandsOptions) -> (Commands, Self) {
        let WriteSide { journal, vault, hasher, .. } = parts;
        let (sender, inbox) = mpsc::channel(INBOX_MAX);
        let commands = Commands::new(sender, journal.clone(), vault.clone(), hasher, options);
        (commands, Self { inbox, journal, vault, pending: HashMap::new(), is_failing: false })
    }

    /// Until asked to stop; then what has been asked is still answered.
    pub async fn run(mut self, cancel: CancellationToken) {
        let (journal, rung) = (self.journal.clone(), Notify::new());
        tokio::select! {
            () = self.work(&rung, cancel) => {}
            never = bell::listen(&journal, ANSWERED, &rung) => match never {}
        }
    }

    async fn work(&mut self, rung: &Notify, cancel: CancellationToken) {
        let mut every = interval(LOOK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut gathered, mut is_over) = (Vec::with_capacity(GIVEN_MAX), false);
        while !is_over || !self.pending.is_empty() {
            let room = PENDING_MAX.saturating_sub(self.pending.len()).min(GIVEN_MAX);
            let is_waiting = !self.pending.is_empty();
            tokio::select! {
                taken = self.inbox.recv_many(&mut gathered, room), if room > 0 && !is_over => {
                    is_over = taken == 0;
                    self.give(mem::take(&mut gathered)).await;
                    if !is_waiting {
                        every.reset();
                    }
                }
                () = rung.notified(), if is_waiting => self.look().await,
                _ = every.tick(), if is_waiting => self.look().await,
                () = cancel.cancelled(), if !self.inbox.is_closed() => self.inbox.close(),
            }
        }
    }

    async fn give(&mut self, submissions: Vec<Submission>) {
        let since = Instant::now();
        let mut given = Vec::with_capacity(submissions.len());
        for submission in submissions {
            match serde_json::to_string(&submission.envelope) {
                Ok(envelope) => given.push((Uuid::now_v7(), envelope, submission)),
                Err(error) => submission.answer(Err(Failure::Internal(error.to_string()))),
            }
        }
        if given.is_empty() {
            return;
        }
        match self.write(&given).await {
            Ok(()) => {
                let pending = |(id, _, submission)| (id, Pending { submission, since });
                self.pending.extend(given.into_iter().map(pending));
            }
            Err(failure) => {
                for (_, _, submission) in given {
                    submission.answer(Err(failure.clone()));
                }
            }
        }
    }

    /// Fails only where it is sure that nothing was given.
    async fn write(&self, given: &[(Uuid, String, Submission)]) -> Result<(), Failure> {
        let ids: Vec<Uuid> = given.iter().map(|(id, ..)| *id).collect();
        let envelopes: Vec<&str> = given.iter().map(|(_, envelope, _)| envelope.as_str()).collect();
        let proofs: Vec<Uuid> =
            given.iter().map(|(id, envelope, _)| proof(&self.vault, GIVEN, *id, envelope)).collect();
        let mut connection = self.journal.pool().acquire().await.map_err(JournalError::from)?;
        let written = sqlx::query(
            "with given as (insert into handed_over (id, envelope, proof) \
                            select * from unnest($1::uuid[], $2::text[], $3::uuid[])) \
             select pg_notify($4, '')",
        )
        .bind(ids)
        .bind(envelopes)
        .bind(proofs)
        .bind(GIVEN)
        .execute(&mut *connection)
        .await;
        match written {
            Err(declined @ sqlx::Error::Database(_)) => Err(JournalError::from(declined).into()),
            // A connection that breaks tells nothing of what became of a statement.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn look(&mut self) {
        match self.answers().await {
            Ok(answers) => {
                self.is_failing = false;
                self.pass_on(answers).await;
            }
            // Once, and not for every look as long as the database is away.
            Err(error) if !mem::replace(&mut self.is_failing, true) => {
                tracing::warn!(event = "answers_not_read", error_message = %error);
            }
            Err(_) => {}
        }
        self.give_up_late().await;
    }

    /// What has come of those that are waited for.
    async fn answers(&self) -> Result<Vec<(Uuid, Outcome)>, JournalError> {
        let ids: Vec<Uuid> = self.pending.keys().copied().collect();
        let rows = sqlx::query(
            "select id, outcome, proof from handed_over where id = any($1) and outcome is not null",
        )
        .bind(ids)
        .fetch_all(self.journal.pool())
        .await?;
        let mut told = Vec::with_capacity(rows.len());
        for row in &rows {
            let id = row.try_get("id")?;
            told.push((id, self.read(id, row.try_get("outcome")?, row.try_get("proof")?)));
        }
        let positions: Vec<i64> = told.iter().flat_map(|(_, told)| told.positions()).collect();
        let events = if positions.is_empty() { Vec::new() } else { self.journal.read_at(&positions).await? };
        let events = events.into_iter().map(|recorded| (recorded.position, recorded)).collect();
        Ok(told.into_iter().map(|(id, told)| (id, told.into_outcome(&events))).collect())
    }

    fn read(&self, id: Uuid, outcome: &str, shown: Uuid) -> Told {
        if proof(&self.vault, ANSWERED, id, outcome) != shown {
            return Told::Broke { why: "it was answered with another key ring".to_owned() };
        }
        serde_json::from_str(outcome).unwrap_or_else(|error| {
            // The leader is of another version: it was decided, and cannot be read.
            tracing::error!(event = "answer_not_read", error_message = %error);
            Told::Unknown
        })
    }

    async fn pass_on(&mut self, answers: Vec<(Uuid, Outcome)>) {
        let mut answered = Vec::with_capacity(answers.len());
        for (id, outcome) in answers {
            if let Some(Pending { submission, since }) = self.pending.remove(&id) {
                metrics::histogram!("counterfoil_hand_over_seconds").record(since.elapsed());
                submission.answer(outcome);
            }
            answered.push(id);
        }
        if answered.is_empty() {
            return;
        }
        // What stays is swept away by who leads.
        let _ = sqlx::query("delete from handed_over where id = any($1)")
            .bind(answered)
            .execute(self.journal.pool())
            .await;
    }

    /// Takes back what nobody took in time. Of anything else it is not known what becomes of it.
    async fn give_up_late(&mut self) {
        let late = self.pending.iter().filter(|(_, pending)| pending.since.elapsed() > PATIENCE);
        let late: Vec<Uuid> = late.map(|(id, _)| *id).collect();
        if late.is_empty() {
            return;
        }
        let taken_back: Vec<Uuid> =
            sqlx::query_scalar("delete from handed_over where id = any($1) and not taken returning id")
                .bind(&late)
                .fetch_all(self.journal.pool())
                .await
                .unwrap_or_default();
        for id in late {
            let failure = if taken_back.contains(&id) {
                Failure::unavailable(Hindrance::NobodyTookIt)
            } else {
                Failure::OutcomeUnknown
            };
            if let Some(pending) = self.pending.remove(&id) {
                pending.submission.answer(Err(failure));
            }
        }
    }
}
