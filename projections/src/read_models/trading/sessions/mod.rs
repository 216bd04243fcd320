//! The table `trading_sessions`: each session as it is now.

mod list;

pub use list::{SessionFilter, SessionStatus};

use super::NAME;
use super::fold::Touched;
use crate::read_models::value::word;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::trading::{Session, TradingSession};
use domain::{Timestamp, TradingSessionId};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradingSessionRow {
    pub session: Session,
    /// The sequence of its last event, and where that stands.
    pub version: i64,
    pub position: i64,
    pub changed_at: Timestamp,
    /// Where it began.
    pub started_position: i64,
}

/// A row as it is folded on.
#[derive(Default)]
pub(super) struct Stored {
    pub(super) aggregate: TradingSession,
    pub(super) version: i64,
    pub(super) position: i64,
    pub(super) changed_at: Timestamp,
    pub(super) started_position: i64,
}

pub(super) const COLUMNS: &str =
    "s.session_id, s.aggregate, s.version, s.position, s.changed_at, s.started_position";

fn read_stored(row: &PgRow) -> Result<Stored, sqlx::Error> {
    Ok(Stored {
        aggregate: row.try_get::<Json<TradingSession>, _>("aggregate")?.0,
        version: row.try_get("version")?,
        position: row.try_get("position")?,
        changed_at: row.try_get::<OffsetDateTime, _>("changed_at")?.into(),
        started_position: row.try_get("started_position")?,
    })
}

/// Nothing, where an outer join found none.
pub(super) fn read_row(row: &PgRow) -> Result<Option<TradingSessionRow>, sqlx::Error> {
    if row.try_get::<Option<Uuid>, _>("session_id")?.is_none() {
        return Ok(None);
    }
    let Stored { aggregate, version, position, changed_at, started_position } = read_stored(row)?;
    let session = aggregate.session().cloned();
    Ok(session.map(|session| TradingSessionRow { session, version, position, changed_at, started_position }))
}

pub(super) fn read_rows(rows: &[PgRow]) -> Result<Vec<TradingSessionRow>, sqlx::Error> {
    rows.iter().filter_map(|row| read_row(row).transpose()).collect()
}

/// Sessions as their rows have them.
pub(super) async fn load(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Stored>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!("select {COLUMNS} from trading_sessions s where s.session_id = any($1)");
    let rows = sqlx::query(&sql).bind(ids).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.try_get("session_id")?, read_stored(row)?))).collect()
}

pub(super) async fn write(
    conn: &mut PgConnection,
    touched: &BTreeMap<Uuid, Touched>,
) -> Result<(), sqlx::Error> {
    let (new, changed): (Vec<_>, Vec<_>) = touched.values().partition(|touched| touched.is_new);
    insert(conn, &new).await?;
    update(conn, &changed).await
}

fn all<T>(rows: &[&Touched], value: impl Fn(&Session, &Stored) -> T) -> Vec<T> {
    rows.iter().filter_map(|row| row.session().map(|session| value(session, &row.stored))).collect()
}

async fn insert(conn: &mut PgConnection, rows: &[&Touched]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let modes: Vec<String> =
        all(rows, |session, _| word(&session.mode)).into_iter().collect::<Result<_, _>>()?;
    sqlx::query(
        "insert into trading_sessions (session_id, user_id, mode, state, currency, started_position, started_at, \
                                       aggregate, version, position, changed_at) \
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], \
                              $7::timestamptz[], $8::jsonb[], $9::bigint[], $10::bigint[], $11::timestamptz[])",
    )
    .bind(all(rows, |session, _| session.session_id.0))
    .bind(all(rows, |session, _| session.user_id.0))
    .bind(modes)
    .bind(all(rows, |session, _| session.state.as_str()))
    .bind(all(rows, |session, _| session.currency.code()))
    .bind(all(rows, |_, stored| stored.started_position))
    .bind(all(rows, |session, _| session.started_at.to_datetime()))
    .bind(all(rows, |_, stored| Json(stored.aggregate.clone())))
    .bind(all(rows, |_, stored| stored.version))
    .bind(all(rows, |_, stored| stored.position))
    .bind(all(rows, |_, stored| stored.changed_at.to_datetime()))
    .execute(conn)
    .await
    .map(|_| ())
}

/// A plain update: `on conflict do update` would lock and log every row twice.
async fn update(conn: &mut PgConnection, rows: &[&Touched]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let updated = sqlx::query(
        "update trading_sessions s set state = x.state, aggregate = x.aggregate, version = x.version, \
                position = x.position, changed_at = x.changed_at \
           from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bigint[], $5::bigint[], $6::timestamptz[]) \
                as x (session_id, state, aggregate, version, position, changed_at) \
          where s.session_id = x.session_id",
    )
    .bind(all(rows, |session, _| session.session_id.0))
    .bind(all(rows, |session, _| session.state.as_str()))
    .bind(all(rows, |_, stored| Json(stored.aggregate.clone())))
    .bind(all(rows, |_, stored| stored.version))
    .bind(all(rows, |_, stored| stored.position))
    .bind(all(rows, |_, stored| stored.changed_at.to_datetime()))
    .execute(conn)
    .await?;
    // A session that never began here: the rows are not what the checkpoint says.
    if usize::try_from(updated.rows_affected()) == Ok(rows.len()) {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

impl ReadModels {
    pub async fn trading_session(
        &self,
        id: TradingSessionId,
        min_position: Option<i64>,
    ) -> Result<At<Option<TradingSessionRow>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = format!(
                "select c.position as checkpoint, c.failure, {COLUMNS} from projection_checkpoints c \
                 left join trading_sessions s on s.session_id = $1 where c.name = 'trading'"
            );
            let row = sqlx::query(&sql).bind(id.0).fetch_one(self.pool()).await?;
            Ok(At { position: position_of(&row, NAME)?, value: read_row(&row)? })
        })
        .await
    }
}

/// What is not stopped, of one user: newest first. There are at most as many as somebody may have at once.
pub(super) fn active_of() -> String {
    format!(
        "select {COLUMNS} from trading_sessions s where s.user_id = $1 and s.state <> 'stopped' \
          order by s.started_position desc"
    )
}
