//! What a batch leaves of each session, and what it adds beside.

use super::equity::EquityRow;
use super::marks::Mark;
use super::runs::RunChange;
use super::sessions::{self, Stored};
use super::trades::{self, TradeRow};
use crate::projection::ApplyError;
use domain::trading::{Session, SessionEvent};
use domain::{Decide, Event};
use journal::Recorded;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// In the order of the indexes, so that neighbours are found where the last one was.
#[derive(Default)]
pub(super) struct Folded {
    pub(super) sessions: BTreeMap<Uuid, Touched>,
    pub(super) runs: BTreeMap<Uuid, RunChange>,
    pub(super) trades: Vec<TradeRow>,
    pub(super) equity: Vec<EquityRow>,
}

/// A session, as it is after a batch.
pub(super) struct Touched {
    pub(super) stored: Stored,
    pub(super) is_new: bool,
    /// Its other row, from before the batch.
    pub(super) mark_before: Option<Mark>,
}

impl Touched {
    fn from_before(stored: Stored) -> Self {
        let mark_before = stored.aggregate.session().and_then(Mark::of);
        Self { is_new: stored.version == 0, mark_before, stored }
    }

    /// Nothing of one that has not begun, and there is none: a session's first event begins it.
    pub(super) fn session(&self) -> Option<&Session> {
        self.stored.aggregate.session()
    }
}

impl Folded {
    pub(super) async fn of(conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<Self, ApplyError> {
        let mut folded = Self { sessions: begin(conn, events).await?, ..Self::default() };
        for recorded in events {
            if let Event::TradingSession(event) = recorded.event()? {
                folded.take(recorded, &event)?;
            }
        }
        Ok(folded)
    }

    fn take(&mut self, recorded: &Recorded, event: &SessionEvent) -> Result<(), ApplyError> {
        let touched = self.sessions.get_mut(&recorded.aggregate.id).ok_or(sqlx::Error::RowNotFound)?;
        let stored = &mut touched.stored;
        if recorded.sequence != stored.version + 1 {
            // The rows are not what the checkpoint says.
            return Err(sqlx::Error::RowNotFound.into());
        }
        if let Some(before) = stored.aggregate.session() {
            self.trades.extend(trades::of(before, recorded, event));
        }
        stored.aggregate.evolve(event);
        if stored.version == 0 {
            stored.started_position = recorded.position;
        }
        stored.version = recorded.sequence;
        stored.position = recorded.position;
        stored.changed_at = recorded.recorded_at;
        let Some(after) = stored.aggregate.session() else { return Ok(()) };
        self.equity.extend(EquityRow::of(after, recorded, event));
        RunChange::take(&mut self.runs, after, recorded, event);
        Ok(())
    }
}

/// The sessions of a batch as they were before it.
async fn begin(
    conn: &mut PgConnection,
    events: &[Arc<Recorded>],
) -> Result<BTreeMap<Uuid, Touched>, ApplyError> {
    let mut first: BTreeMap<Uuid, &Recorded> = BTreeMap::new();
    for recorded in events {
        first.entry(recorded.aggregate.id).or_insert(recorded);
    }
    let (new, known): (Vec<_>, Vec<_>) = first.into_values().partition(|recorded| recorded.sequence == 1);
    let known: Vec<Uuid> = known.iter().map(|recorded| recorded.aggregate.id).collect();
    let mut sessions = sessions::load(conn, &known).await?;
    sessions.extend(new.iter().map(|recorded| (recorded.aggregate.id, Stored::default())));
    Ok(sessions.into_iter().map(|(id, stored)| (id, Touched::from_before(stored))).collect())
}
