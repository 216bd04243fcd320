//! The handle to the write side that use cases and the HTTP door hold.

use crate::mail::Outbox;
use crate::password::Hasher;
use crate::sequencer::Submission;
use crate::throttle::Throttle;
use crate::vault::Vault;
use crate::{Clock, Envelope, Failure, Hindrance, Outcome, RefreshTokens};
use domain::user::SessionPolicy;
use domain::{Currency, Timestamp};
use journal::Journal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long a command may take from its request to its decision. What waits longer is answered 503 and has no effect.
pub(crate) const DECIDE_WITHIN: Duration = Duration::from_secs(8);
/// And how much longer its commit may be begun, or begun again: past it the command is taken back.
pub(crate) const COMMIT_BEGINS_WITHIN: Duration = Duration::from_secs(4);
/// How long who asked waits: past it the outcome is unknown to them.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);
/// A command that is not in the journal so long after its request was there never will be. The last part is how long a commit
/// that has begun can go unseen: whoever asks while the journal is silent for longer is not told anything.
pub const FINAL_AFTER: Duration = DECIDE_WITHIN
    .saturating_add(COMMIT_BEGINS_WITHIN)
    .saturating_add(Duration::from_millis(journal::SILENCE_MAX_MS as u64));

#[derive(Clone, Debug)]
pub struct Commands {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    inbox: mpsc::Sender<Submission>,
    journal: Journal,
    vault: Vault,
    hasher: Hasher,
    throttle: Throttle,
    outbox: Outbox,
    refresh_tokens: RefreshTokens,
    options: CommandsOptions,
}

#[derive(Clone, Debug)]
pub struct CommandsOptions {
    pub clock: Clock,
    pub session_policy: SessionPolicy,
    pub default_currency: Currency,
}

impl Commands {
    pub(crate) fn new(
        inbox: mpsc::Sender<Submission>,
        journal: Journal,
        vault: Vault,
        hasher: Hasher,
        options: CommandsOptions,
    ) -> Self {
        let refresh_tokens = RefreshTokens::new(&vault.key_ring());
        let throttle = Throttle::new(journal.clone());
        let outbox = Outbox::new(journal.clone());
        let inner = Inner { inbox, journal, vault, hasher, throttle, outbox, refresh_tokens, options };
        Self { inner: Arc::new(inner) }
    }

    /// The one door to the sequencer.
    pub async fn submit(&self, envelope: Envelope) -> Outcome {
        let (reply, answer) = oneshot::channel();
        let submission = Submission::new(envelope, reply);
        if self.inner.inbox.try_send(submission).is_err() {
            metrics::counter!("counterfoil_inbox_full_total").increment(1);
            return Err(Failure::unavailable(Hindrance::TooManyCommands));
        }
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(outcome)) => outcome,
            // The sequencer is gone or slow, with the command in its hands.
            Ok(Err(_)) | Err(_) => Err(Failure::OutcomeUnknown),
        }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.inner.hasher
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.inner.throttle
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.inner.outbox
    }

    pub(crate) fn refresh_tokens(&self) -> &RefreshTokens {
        &self.inner.refresh_tokens
    }

    /// The time by which everything here is decided.
    pub fn now(&self) -> Timestamp {
        self.options().clock.now()
    }

    pub(crate) fn options(&self) -> &CommandsOptions {
        &self.inner.options
    }

    /// Commands waiting to be decided.
    pub fn queue_depth(&self) -> usize {
        self.inner.inbox.max_capacity() - self.inner.inbox.capacity()
    }
}
