//! Looking up keys that may be old, beside the work: one question at a time; what comes meanwhile goes into the next.
//!
//! Keys are looked up before anything is decided only while that is likely to pay: for a while after a start or a change
//! of leader, whose clients repeat what was not answered, and after each repeat that was seen. Otherwise the database
//! notices a used key itself, when it is written again.

use super::submission::Submission;
use crate::{Failure, Hindrance, Outcome, lookup};
use journal::Journal;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Keys in one question.
const KEYS_MAX: usize = 1_024;

pub(super) struct Lookups {
    journal: Journal,
    wary_for: Duration,
    wary_until: Instant,
    waiting: Vec<Submission>,
    running: Option<JoinHandle<Found>>,
    asked: Vec<Uuid>,
}

/// Each command with its answer of then, if it had one; or all of them, if nobody could be asked.
type Found = Result<Vec<(Submission, Option<Outcome>)>, Vec<Submission>>;

/// What became of one question.
pub(super) enum LookedUp {
    Found(Vec<(Submission, Option<Outcome>)>),
    Unanswered(Vec<Submission>),
    /// It broke down, and the commands with these keys are gone with it.
    Lost(Vec<Uuid>),
}

impl Lookups {
    pub(super) fn new(journal: Journal, wary_for: Duration) -> Self {
        let wary_until = Instant::now() + wary_for;
        Self { journal, wary_for, wary_until, waiting: Vec::new(), running: None, asked: Vec::new() }
    }

    pub(super) fn is_wary(&self) -> bool {
        Instant::now() < self.wary_until
    }

    /// A repeat was seen: there will be more.
    pub(super) fn be_wary(&mut self) {
        self.wary_until = Instant::now() + self.wary_for;
    }

    pub(super) fn add(&mut self, submissions: impl IntoIterator<Item = Submission>) {
        self.waiting.extend(submissions);
    }

    /// How many commands are here.
    pub(super) fn held(&self) -> usize {
        self.waiting.len() + self.asked.len()
    }

    pub(super) fn start(&mut self) {
        if self.running.is_some() || self.waiting.is_empty() {
            return;
        }
        let taken = self.waiting.len().min(KEYS_MAX);
        let submissions: Vec<Submission> = self.waiting.drain(..taken).collect();
        self.asked = submissions.iter().flat_map(Submission::keys).collect();
        let journal = self.journal.clone();
        self.running = Some(tokio::spawn(async move {
            lookup::look_up(&journal, submissions).await.map_err(|(error, unanswered)| {
                tracing::warn!(event = "lookup_failed", error_message = %error);
                unanswered
            })
        }));
    }

    pub(super) async fn next(&mut self) -> LookedUp {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let ended = running.await;
        self.running = None;
        let asked = std::mem::take(&mut self.asked);
        match ended {
            Ok(Ok(found)) => LookedUp::Found(found),
            Ok(Err(unanswered)) => LookedUp::Unanswered(unanswered),
            Err(error) => {
                tracing::error!(event = "lookup_failed", error_message = %error);
                LookedUp::Lost(asked)
            }
        }
    }

    /// The term is over. Who waits is returned; a question under way is answered when it is: old answers are as good after
    /// the term as in it.
    pub(super) fn end(mut self) -> Vec<Submission> {
        let waiting = std::mem::take(&mut self.waiting);
        if self.running.is_some() {
            tokio::spawn(async move {
                let rest = match self.next().await {
                    LookedUp::Found(found) => found.into_iter().filter_map(answered).collect(),
                    LookedUp::Unanswered(unanswered) => unanswered,
                    LookedUp::Lost(_) => Vec::new(),
                };
                for submission in rest {
                    submission.answer(Err(Failure::unavailable(Hindrance::LeadLost)));
                }
            });
        }
        waiting
    }
}

/// Answers, or gives the command back.
fn answered((submission, outcome): (Submission, Option<Outcome>)) -> Option<Submission> {
    let Some(outcome) = outcome else { return Some(submission) };
    submission.answer(outcome);
    None
}
