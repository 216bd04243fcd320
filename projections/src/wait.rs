//! Waiting until a projection has come as far as a client has seen.
//!
//! Bounded in time and in number, and without asking again and again: whoever moves a checkpoint tells it, and a task
//! that reads the table once a second stands in for whatever word was lost.

use crate::read_models::QueryError;
use journal::subscription::Checkpoints;
use journal::{Journal, Nats, Tail};
use sqlx::Row;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(5);
/// Each waiting query holds a request open; more of them means the projection does not keep up, and waiting won't help.
const WAITERS_MAX: usize = 10_000;
/// The word of a checkpoint can arrive a moment before the row is visible here (on a replica).
const NOT_VISIBLE_PAUSE: Duration = Duration::from_millis(10);
const TABLE_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    journal: Journal,
    tail: Tail,
    checkpoints: Checkpoints,
    places: Arc<Semaphore>,
}

/// One query's waiting, with its deadline.
pub(crate) struct Wait<'a> {
    waiting: &'a Waiting,
    name: &'static str,
    min: i64,
    deadline: Instant,
    /// Its place among those that may wait, once it has had to.
    place: Option<SemaphorePermit<'a>>,
}

impl Waiting {
    pub(crate) fn new(journal: Journal, tail: Tail, checkpoints: Checkpoints) -> Self {
        Self { journal, tail, checkpoints, places: Arc::new(Semaphore::new(WAITERS_MAX)) }
    }

    pub(crate) fn begin(&self, name: &'static str, min: i64) -> Wait<'_> {
        Wait { waiting: self, name, min, deadline: Instant::now() + PATIENCE, place: None }
    }

    /// Where the journal ends, looked up only if `asked` lies beyond what is known here.
    async fn head(&self, asked: i64) -> Result<i64, QueryError> {
        if asked > self.tail.head() {
            self.tail.ask(&self.journal).await?;
        }
        Ok(self.tail.head())
    }

    /// Reads all checkpoints from their table, and the head they belong to: a node that only answers queries hears of
    /// neither from anybody else.
    async fn read_table(&self) -> Result<(), QueryError> {
        let known = (self.tail.head(), self.checkpoints.all());
        let rows = sqlx::query(
            "select c.name, c.position, h.position as head from projection_checkpoints c, journal_head h",
        )
        .fetch_all(self.journal.pool())
        .await?;
        for row in rows {
            let (name, position, head): (&str, i64, i64) =
                (row.try_get("name")?, row.try_get("position")?, row.try_get("head")?);
            self.tail.correct(known.0, head);
            self.checkpoints.correct(name, known.1.get(name).copied().unwrap_or(0), position);
            let lag = (head - position).max(0);
            // Far below 2^52, where a float still counts exactly.
            #[allow(clippy::cast_precision_loss)]
            metrics::gauge!("counterfoil_projection_lag_events", "name" => name.to_owned()).set(lag as f64);
        }
        Ok(())
    }

    /// Keeps the checkpoints known here, whoever moves them and wherever, until told to stop.
    pub(crate) async fn keep_informed(&self, nats: Option<&Nats>, cancel: CancellationToken) {
        let listen = async {
            if let Some(nats) = nats {
                self.checkpoints.listen(nats, cancel.clone()).await;
            }
        };
        let read = async {
            let mut interval = tokio::time::interval(TABLE_INTERVAL);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !cancel.is_cancelled() {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    _ = interval.tick() => if let Err(error) = self.read_table().await {
                        tracing::warn!(component = "projections", event = "checkpoints_unread", %error);
                    }
                }
            }
        };
        tokio::join!(listen, read);
    }
}

impl Wait<'_> {
    /// Returns once the projection is said to be far enough.
    pub(crate) async fn until_reached(&mut self) -> Result<(), QueryError> {
        let checkpoints = &self.waiting.checkpoints;
        let mut position = checkpoints.watch(self.name);
        if *position.borrow_and_update() >= self.min {
            return Ok(());
        }
        self.begin_to_wait().await?;
        let min = self.min;
        checkpoints.ask(self.name, min);
        let reached =
            tokio::time::timeout_at(self.deadline, position.wait_for(|position| *position >= min)).await;
        reached.map(|_| ()).map_err(|_| self.behind(checkpoints.position(self.name)))
    }

    /// It was said to be there, and the answer says otherwise.
    pub(crate) async fn not_visible_yet(&mut self, position: i64) -> Result<(), QueryError> {
        if Instant::now() >= self.deadline {
            return Err(self.behind(position));
        }
        self.begin_to_wait().await?;
        tokio::time::sleep(NOT_VISIBLE_PAUSE).await;
        Ok(())
    }

    /// Takes a place, if it has none yet and there is something to wait for.
    async fn begin_to_wait(&mut self) -> Result<(), QueryError> {
        let head = self.waiting.head(self.min).await?;
        if self.min > head {
            return Err(QueryError::BeyondHead { asked: self.min, head });
        }
        if self.place.is_none() {
            let place = self.waiting.places.try_acquire().map_err(|_| QueryError::TooManyWaiting)?;
            self.place = Some(place);
        }
        Ok(())
    }

    fn behind(&self, position: i64) -> QueryError {
        QueryError::ProjectionBehind { name: self.name, position, lag: (self.min - position).max(0) }
    }
}
