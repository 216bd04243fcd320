//! Bringing cold aggregates into memory without holding anybody else up.
//!
//! Loads are single-flight: however many commands wait for an aggregate, it is read once. What is wanted while loads
//! are under way goes together into the next one, so a thousand cold wallets are a few questions, not a thousand.

use super::submission::Submission;
use domain::settings_defaults::SettingsDefaults;
use domain::trading::TradingSession;
use domain::user::User;
use domain::wallet::Wallet;
use domain::{AggregateKind, AggregateRef};
use journal::{Journal, JournalError, Loaded};
use std::collections::HashMap;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Load tasks at once, and aggregates in one: each holds connections of the pool.
const TASKS_MAX: usize = 4;
const IDS_MAX: usize = 512;

/// What one load brought.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    pub(crate) users: Vec<(Uuid, Loaded<User>)>,
    pub(crate) wallets: Vec<(Uuid, Loaded<Wallet>)>,
    pub(crate) sessions: Vec<(Uuid, Loaded<TradingSession>)>,
    pub(crate) defaults: Vec<(Uuid, Loaded<SettingsDefaults>)>,
    pub(crate) failed: Vec<AggregateRef>,
}

impl Arrival {
    /// What it brought.
    fn here(&self) -> Vec<AggregateRef> {
        let users = self.users.iter().map(|(id, _)| (AggregateKind::User, *id));
        let wallets = self.wallets.iter().map(|(id, _)| (AggregateKind::Wallet, *id));
        let sessions = self.sessions.iter().map(|(id, _)| (AggregateKind::TradingSession, *id));
        let defaults = self.defaults.iter().map(|(id, _)| (AggregateKind::SettingsDefaults, *id));
        let all = users.chain(wallets).chain(sessions).chain(defaults);
        all.map(|(kind, id)| AggregateRef { kind, id }).collect()
    }
}

/// A command that waits for aggregates, and for how many.
struct Waiting {
    submission: Submission,
    missing: usize,
}

pub(crate) struct Loading {
    journal: Journal,
    /// Under way or wanted, with the commands that wait for it.
    waiters: HashMap<AggregateRef, Vec<u64>>,
    waiting: HashMap<u64, Waiting>,
    next_ticket: u64,
    wanted: Vec<AggregateRef>,
    tasks: usize,
    arrivals: mpsc::Sender<Arrival>,
    arrived: mpsc::Receiver<Arrival>,
}

impl Loading {
    pub(crate) fn new(journal: Journal) -> Self {
        // Each task sends one message.
        let (arrivals, arrived) = mpsc::channel(TASKS_MAX);
        Self {
            journal,
            waiters: HashMap::new(),
            waiting: HashMap::new(),
            next_ticket: 0,
            wanted: Vec::new(),
            tasks: 0,
            arrivals,
            arrived,
        }
    }

    /// Parks a command until these are here.
    pub(crate) fn park(&mut self, submission: Submission, missing: &[AggregateRef]) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        for of in missing {
            let waiters = self.waiters.entry(*of).or_insert_with(|| {
                self.wanted.push(*of);
                Vec::new()
            });
            waiters.push(ticket);
        }
        self.waiting.insert(ticket, Waiting { submission, missing: missing.len() });
    }

    /// Starts loading what is wanted, as far as there are free hands.
    pub(crate) fn start(&mut self) {
        while self.tasks < TASKS_MAX && !self.wanted.is_empty() {
            let kind = self.wanted.first().map_or(AggregateKind::Wallet, |of| of.kind);
            let mut ids = Vec::new();
            self.wanted.retain(|of| {
                let taken = of.kind == kind && ids.len() < IDS_MAX;
                if taken {
                    ids.push(of.id);
                }
                !taken
            });
            self.tasks += 1;
            tokio::spawn(bring(self.journal.clone(), kind, ids, self.arrivals.clone()));
        }
    }

    /// How many commands wait.
    pub(crate) fn parked(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) async fn next(&mut self) -> Option<Arrival> {
        self.arrived.recv().await
    }

    /// Notes an arrival. Returns the commands that have everything now, and those that will not get it.
    pub(crate) fn arrive(&mut self, arrival: &Arrival) -> (Vec<Submission>, Vec<Submission>) {
        self.tasks = self.tasks.saturating_sub(1);
        let mut ready = Vec::new();
        for of in arrival.here() {
            for ticket in self.waiters.remove(&of).unwrap_or_default() {
                let Some(waiting) = self.waiting.get_mut(&ticket) else { continue };
                waiting.missing -= 1;
                if waiting.missing == 0 {
                    ready.extend(self.waiting.remove(&ticket).map(|done| done.submission));
                }
            }
        }
        let tickets = arrival.failed.iter().filter_map(|of| self.waiters.remove(of)).flatten();
        let failed =
            tickets.filter_map(|ticket| self.waiting.remove(&ticket)).map(|waiting| waiting.submission);
        let failed = failed.collect();
        (ready, failed)
    }

    /// Everybody who still waits.
    pub(crate) fn into_waiting(self) -> Vec<Submission> {
        self.waiting.into_values().map(|waiting| waiting.submission).collect()
    }
}

/// Whatever happens to the load, something arrives: nobody waits for ever.
async fn bring(journal: Journal, kind: AggregateKind, ids: Vec<Uuid>, arrivals: mpsc::Sender<Arrival>) {
    let loaded = tokio::spawn(load(journal, kind, ids.clone())).await;
    let arrival = loaded.unwrap_or_else(|error| {
        tracing::error!(event = "load_failed", error_message = %error, count = ids.len());
        Arrival {
            failed: ids.iter().map(|id| AggregateRef { kind, id: *id }).collect(),
            ..Arrival::default()
        }
    });
    // The sequencer that asked may have lost the lead meanwhile.
    let _ = arrivals.send(arrival).await;
}

async fn load(journal: Journal, kind: AggregateKind, ids: Vec<Uuid>) -> Arrival {
    let mut arrival = Arrival::default();
    match read(&journal, kind, &ids, &mut arrival).await {
        Ok(()) => {}
        // One that cannot be read must not keep the others out.
        Err(JournalError::Load { .. } | JournalError::UnreadableEvent(_)) if ids.len() > 1 => {
            for id in ids {
                if let Err(error) = read(&journal, kind, &[id], &mut arrival).await {
                    fail(&error, kind, &[id], &mut arrival);
                }
            }
        }
        Err(error) => fail(&error, kind, &ids, &mut arrival),
    }
    arrival
}

fn fail(error: &JournalError, kind: AggregateKind, ids: &[Uuid], arrival: &mut Arrival) {
    tracing::error!(event = "load_failed", error_message = %error, count = ids.len());
    arrival.failed.extend(ids.iter().map(|id| AggregateRef { kind, id: *id }));
}

async fn read(
    journal: &Journal,
    kind: AggregateKind,
    ids: &[Uuid],
    into: &mut Arrival,
) -> Result<(), JournalError> {
    match kind {
        AggregateKind::User => into.users.extend(journal.load(ids).await?),
        AggregateKind::Wallet => into.wallets.extend(journal.load(ids).await?),
        AggregateKind::TradingSession => into.sessions.extend(journal.load(ids).await?),
        AggregateKind::SettingsDefaults => into.defaults.extend(journal.load(ids).await?),
    }
    Ok(())
}
