//! The keeper of the timers: follows the journal, and writes down when each session wants to be looked at.
//!
//! Correct because the rows and the keeper's position are written in one transaction, and the position moves by
//! compare-and-set and only to an event that the journal in the same database holds. A row carries the sequence it tells
//! of, so whoever has just moved a session on knows whether it is the past that is told.

use super::fold::{Change, Column};
use domain::{AggregateKind, Event, Timestamp};
use journal::subscription::{Feed, Handled, Subscriber, SubscriberError, Subscription};
use journal::{Journal, Recorded};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::Notify;
use uuid::Uuid;

const NAME: &str = "trading_timers";

#[derive(Debug)]
pub struct Keeper {
    journal: Journal,
    /// Rung when rows have changed, for the worker in this process. Others look now and then.
    bell: Arc<Notify>,
}

/// What a batch of events makes of one session's row.
#[derive(Debug, Default)]
struct Folded {
    change: Change,
    version: i64,
}

type Rows = BTreeMap<Uuid, Folded>;

impl Keeper {
    /// Follows a feed, and rings when there may be something to do.
    pub fn follow(feed: Feed, bell: Arc<Notify>) -> Subscription<Self> {
        let journal = feed.journal.clone();
        Subscription::new(Self { journal, bell }, feed)
    }

    async fn write(&self, after: i64, last: &Recorded, rows: &Rows) -> Result<bool, sqlx::Error> {
        let mut transaction = self.journal.pool().begin().await?;
        // Rows and position are lost together, and the events are still there: it need not wait for the disk.
        let moved = sqlx::query(
            "update trading_timers_checkpoint set position = $1 \
              where position = $2 and exists (select from events where position = $1 and event_id = $3) \
                and set_config('synchronous_commit', 'off', true) is not null",
        )
        .bind(last.position)
        .bind(after)
        .bind(last.event_id)
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() != 1 {
            transaction.rollback().await?;
            return Ok(false);
        }
        if !rows.is_empty() {
            insert(&mut transaction, rows).await?;
            update(&mut transaction, rows).await?;
            remove(&mut transaction, rows).await?;
        }
        transaction.commit().await?;
        if !rows.is_empty() {
            self.bell.notify_one();
        }
        Ok(true)
    }

    async fn recorded_position(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("select position from trading_timers_checkpoint")
            .fetch_one(self.journal.pool())
            .await
    }
}

fn fold(events: &[Arc<Recorded>]) -> Result<Rows, SubscriberError> {
    let mut rows = Rows::new();
    for recorded in events.iter().filter(|recorded| recorded.aggregate.kind == AggregateKind::TradingSession)
    {
        let event = recorded.event().map_err(SubscriberError::new)?;
        let Event::TradingSession(event) = event else { continue };
        let folded = rows.entry(recorded.aggregate.id).or_default();
        folded.change.apply(&event);
        folded.version = recorded.sequence;
    }
    Ok(rows)
}

fn moments(rows: &[(&Uuid, &Folded)], of: impl Fn(&Change) -> Column) -> Vec<Option<OffsetDateTime>> {
    rows.iter().map(|(_, row)| of(&row.change).moment().map(Timestamp::to_datetime)).collect()
}

async fn insert(conn: &mut PgConnection, rows: &Rows) -> Result<(), sqlx::Error> {
    let started: Vec<(&Uuid, &Folded)> =
        rows.iter().filter(|(_, row)| row.change.started.is_some()).collect();
    if started.is_empty() {
        return Ok(());
    }
    let currency = |row: &Folded| row.change.started.map(|currency| currency.code().to_owned());
    sqlx::query(
        "insert into trading_timers (session_id, currency, runs, next_run_at, requested_at, settle_at, version) \
         select * from unnest($1::uuid[], $2::text[], $3::boolean[], $4::timestamptz[], $5::timestamptz[], \
                              $6::timestamptz[], $7::bigint[])",
    )
    .bind(started.iter().map(|(id, _)| **id).collect::<Vec<_>>())
    .bind(started.iter().map(|(_, row)| currency(row)).collect::<Vec<_>>())
    .bind(started.iter().map(|(_, row)| row.change.runs.unwrap_or_default()).collect::<Vec<_>>())
    .bind(moments(&started, |change| change.next_run_at))
    .bind(moments(&started, |change| change.requested_at))
    .bind(moments(&started, |change| change.settle_at))
    .bind(started.iter().map(|(_, row)| row.version).collect::<Vec<_>>())
    .execute(conn)
    .await
    .map(|_| ())
}

async fn update(conn: &mut PgConnection, rows: &Rows) -> Result<(), sqlx::Error> {
    let changed: Vec<(&Uuid, &Folded)> =
        rows.iter().filter(|(_, row)| row.change.started.is_none() && !row.change.stopped).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let flags = |of: &dyn Fn(&Change) -> bool| -> Vec<bool> {
        changed.iter().map(|(_, row)| of(&row.change)).collect()
    };
    sqlx::query(
        "update trading_timers t \
            set runs = coalesce(x.runs, t.runs), \
                next_run_at = case when x.sets_next then x.next else t.next_run_at end, \
                requested_at = case when x.sets_requested then x.requested else t.requested_at end, \
                settle_at = case when x.sets_settle then x.settle else t.settle_at end, \
                retry_at = case when x.requested is null and x.next is null and x.runs is not true \
                                then t.retry_at end, \
                version = x.version \
           from unnest($1::uuid[], $2::boolean[], $3::boolean[], $4::timestamptz[], $5::boolean[], \
                       $6::timestamptz[], $7::boolean[], $8::timestamptz[], $9::bigint[]) \
                as x (id, runs, sets_next, next, sets_requested, requested, sets_settle, settle, version) \
          where t.session_id = x.id",
    )
    .bind(changed.iter().map(|(id, _)| **id).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, row)| row.change.runs).collect::<Vec<_>>())
    .bind(flags(&|change| change.next_run_at.is_set()))
    .bind(moments(&changed, |change| change.next_run_at))
    .bind(flags(&|change| change.requested_at.is_set()))
    .bind(moments(&changed, |change| change.requested_at))
    .bind(flags(&|change| change.settle_at.is_set()))
    .bind(moments(&changed, |change| change.settle_at))
    .bind(changed.iter().map(|(_, row)| row.version).collect::<Vec<_>>())
    .execute(conn)
    .await
    .map(|_| ())
}

async fn remove(conn: &mut PgConnection, rows: &Rows) -> Result<(), sqlx::Error> {
    let stopped: Vec<Uuid> = rows.iter().filter(|(_, row)| row.change.stopped).map(|(id, _)| *id).collect();
    if stopped.is_empty() {
        return Ok(());
    }
    sqlx::query("delete from trading_timers where session_id = any($1)")
        .bind(stopped)
        .execute(conn)
        .await
        .map(|_| ())
}

impl Subscriber for Keeper {
    fn name(&self) -> &str {
        NAME
    }

    async fn position(&mut self) -> Result<i64, SubscriberError> {
        self.recorded_position().await.map_err(SubscriberError::new)
    }

    fn wants(&self, event: &Recorded) -> bool {
        event.aggregate.kind == AggregateKind::TradingSession
    }

    async fn handle(&mut self, after: i64, events: &[Arc<Recorded>]) -> Result<Handled, SubscriberError> {
        let Some(last) = events.last() else { return Ok(Handled::Recorded) };
        let rows = fold(events)?;
        if self.write(after, last, &rows).await.map_err(SubscriberError::new)? {
            return Ok(Handled::Recorded);
        }
        let at = self.recorded_position().await.map_err(SubscriberError::new)?;
        Ok(if at == after { Handled::Foreign } else { Handled::Overtaken { at } })
    }
}
