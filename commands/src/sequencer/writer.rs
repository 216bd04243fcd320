//! Who writes: takes the lead when it is free, leads until it is lost, and turns commands away meanwhile.

use super::epoch::{Surroundings, Term, TermEnd};
use super::snapshots;
use super::submission::Submission;
use crate::password::Hasher;
use crate::vault::Vault;
use crate::{Commands, CommandsOptions, Failure, Hindrance};
use journal::{Journal, JournalError, Lease, Tail};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Commands that may wait to be taken in. Beyond it the answer is 503 at once: at full load this is a quarter of a
/// second of work, and waiting longer helps nobody.
const INBOX_MAX: usize = 8_192;
/// Between two tries to take the lead.
const TRY_EVERY: Duration = Duration::from_millis(300);
/// A try that takes longer is given up: who comes meanwhile is waiting for an answer.
const TRY_WITHIN: Duration = Duration::from_secs(4);
/// Clients repeat what was not answered soon after a start.
pub const WARY_FOR: Duration = Duration::from_secs(10);
/// Live aggregates of each kind kept in memory: about 100 MB of wallets.
const CACHE_DEFAULT: usize = 200_000;

/// Asked before leading: whether stream and journal still tell the same story.
pub type MayLead = Box<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// What the write side stands on.
#[derive(Clone, Debug)]
pub struct WriteSide {
    pub journal: Journal,
    pub tail: Tail,
    pub vault: Vault,
    pub hasher: Hasher,
}

pub struct WriterOptions {
    /// Where other nodes reach this one.
    pub address: String,
    /// How many aggregates of each kind stay in memory; the default if nothing is said.
    pub cache_capacity: Option<usize>,
    pub may_lead: MayLead,
    /// How long after a start or a repeat old keys are looked up before deciding.
    pub wary_for: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriterState {
    /// Nobody is known to lead: just started, or the lead was lost.
    Seeking,
    /// Another node leads.
    Standby,
    Leading {
        epoch: i64,
    },
    /// Stream and journal have parted ways: nobody leads until a person decides.
    Halted {
        reason: String,
    },
}

#[derive(Debug)]
pub struct Writer {
    around: Surroundings,
    leader: String,
    may_lead: DebugMayLead,
    state: watch::Sender<WriterState>,
}

struct DebugMayLead(MayLead);

impl std::fmt::Debug for DebugMayLead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MayLead")
    }
}

impl std::fmt::Debug for WriterOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriterOptions").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Writer {
    /// The write side of this process: a handle for the use cases, and the task behind it, which has to be run.
    pub fn new(
        parts: WriteSide,
        commands: CommandsOptions,
        options: WriterOptions,
        cancel: CancellationToken,
    ) -> (Commands, Self) {
        let WriteSide { journal, tail, vault, hasher } = parts;
        let (sender, inbox) = mpsc::channel(INBOX_MAX);
        let around = Surroundings {
            snapshots: snapshots::start(journal.clone(), cancel.clone()),
            clock: commands.clock.clone(),
            cache_capacity: options.cache_capacity.unwrap_or(CACHE_DEFAULT),
            wary_for: options.wary_for,
            journal: journal.clone(),
            tail,
            inbox,
            cancel,
        };
        let writer = Self {
            around,
            // Differs with every start, so that a recovery knows its own epoch again.
            leader: format!("{} {}", options.address, uuid::Uuid::now_v7()),
            may_lead: DebugMayLead(options.may_lead),
            state: watch::channel(WriterState::Seeking).0,
        };
        (Commands::new(sender, journal, vault, hasher, commands), writer)
    }

    pub fn state(&self) -> watch::Receiver<WriterState> {
        self.state.subscribe()
    }

    /// Leads whenever it can, until asked to stop.
    pub async fn run(mut self) {
        let mut again = Vec::new();
        while !self.around.cancel.is_cancelled() {
            let Some(lease) = self.stand_by().await else { break };
            let epoch = lease.head().epoch;
            tracing::info!(event = "leading", epoch, position = lease.head().position);
            self.state.send_replace(WriterState::Leading { epoch });
            let end = Term::begin(&mut self.around, lease, std::mem::take(&mut again)).run().await;
            self.state.send_replace(WriterState::Seeking);
            match end {
                TermEnd::Stopped => break,
                TermEnd::LeadLost => {}
                TermEnd::OutOfStep(submissions) => again = submissions,
            }
        }
        self.decline(again);
    }

    /// Until the lead is ours. Whoever asks between two tries is told to come again.
    async fn stand_by(&mut self) -> Option<Lease> {
        while !self.around.cancel.is_cancelled() {
            match tokio::time::timeout(TRY_WITHIN, self.try_lead()).await {
                Ok(Ok(Some(lease))) => return Some(lease),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => tracing::warn!(event = "lead_not_taken", error_message = %error),
                Err(_) => {
                    tracing::warn!(event = "lead_not_taken", error_message = "the database does not answer");
                }
            }
            // Ends by time, or because we are asked to stop.
            let _ = tokio::time::timeout(TRY_EVERY, self.decline_newcomers()).await;
        }
        None
    }

    async fn decline_newcomers(&mut self) {
        let mut drained = Vec::new();
        loop {
            let taken = tokio::select! {
                () = self.around.cancel.cancelled() => return,
                taken = self.around.inbox.recv_many(&mut drained, INBOX_MAX) => taken,
            };
            if taken == 0 {
                return self.around.cancel.cancelled().await;
            }
            self.decline(drained.drain(..));
        }
    }

    async fn try_lead(&self) -> Result<Option<Lease>, JournalError> {
        if let Some(reason) = self.around.journal.head().await?.halted {
            self.tell(WriterState::Halted { reason });
            return Ok(None);
        }
        if !(self.may_lead.0)().await {
            self.tell(WriterState::Seeking);
            return Ok(None);
        }
        let lease = Lease::take(&self.around.journal, &self.leader).await?;
        if lease.is_none() {
            self.tell(WriterState::Standby);
        }
        Ok(lease)
    }

    fn tell(&self, now: WriterState) {
        self.state.send_if_modified(|state| {
            let changed = *state != now;
            *state = now;
            changed
        });
    }

    fn decline(&self, submissions: impl IntoIterator<Item = Submission>) {
        let reason = match &*self.state.borrow() {
            WriterState::Halted { .. } => Hindrance::WritingHalted,
            _ => Hindrance::NobodyLeads,
        };
        for submission in submissions {
            submission.answer(Err(Failure::unavailable(reason)));
        }
    }
}

/// May always lead: for a journal without a stream.
pub fn always() -> MayLead {
    Box::new(|| Box::pin(std::future::ready(true)))
}
