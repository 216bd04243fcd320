//! `wallets`: what each wallet holds now, and `holds` beside it.
//!
//! Every event carries the balances after it, so the last one of a wallet in a batch is all of its row.

use super::holds;
use super::value::column;
use super::{At, QueryError, ReadModels, position_of};
use crate::Projection;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::wallet::WalletStatus;
use domain::{AggregateKind, Currency, Event, Money, UserId, WalletId};
use journal::Recorded;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

const NAME: &str = "wallets";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletRow {
    pub wallet_id: WalletId,
    pub user_id: UserId,
    pub currency: Currency,
    pub posted: Money,
    pub held: Money,
    pub available: Money,
    pub status: WalletStatus,
    /// The sequence of its last event.
    pub version: i64,
    /// The position of its last event.
    pub position: i64,
}

#[derive(Debug)]
pub struct WalletsProjection;

#[async_trait]
impl Projection for WalletsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    fn kinds(&self) -> &'static [AggregateKind] {
        &[AggregateKind::Wallet]
    }

    fn tables(&self) -> &'static [&'static str] {
        &["wallets", "holds"]
    }

    fn only_adds(&self) -> bool {
        false
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let Folded { opened, rows } = fold(events)?;
        insert(conn, &opened).await?;
        update(conn, &rows).await?;
        holds::apply(conn, events).await
    }
}

/// What a batch of events comes to.
#[derive(Default)]
struct Folded {
    /// As they began.
    opened: Vec<WalletRow>,
    /// Every wallet that is touched, as it is in the end.
    rows: Vec<WalletRow>,
}

fn fold(events: &[Arc<Recorded>]) -> Result<Folded, ApplyError> {
    let mut folded = Folded::default();
    let mut last: HashMap<Uuid, &Recorded> = HashMap::with_capacity(events.len().min(4_096));
    for event in events {
        if event.sequence == 1 {
            folded.opened.extend(row_after(event)?);
        }
        last.insert(event.aggregate.id, event);
    }
    let touched = last.into_values().filter(|event| event.sequence > 1);
    folded.rows = touched.filter_map(|event| row_after(event).transpose()).collect::<Result<_, _>>()?;
    // In the order of the index, so that neighbours are found where the last one was.
    folded.rows.sort_unstable_by_key(|row| row.wallet_id.0);
    Ok(folded)
}

fn row_after(recorded: &Recorded) -> Result<Option<WalletRow>, ApplyError> {
    let Event::Wallet(event) = recorded.event()? else { return Ok(None) };
    let balance = event.balance();
    Ok(Some(WalletRow {
        wallet_id: WalletId(recorded.aggregate.id),
        user_id: recorded.owner,
        currency: balance.currency,
        posted: balance.posted,
        held: balance.held(),
        available: balance.available,
        status: balance.status,
        version: recorded.sequence,
        position: recorded.position,
    }))
}

fn all<T>(rows: &[WalletRow], value: impl Fn(&WalletRow) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

async fn insert(conn: &mut PgConnection, rows: &[WalletRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into wallets (wallet_id, user_id, currency, posted, held, available, status, version, position) \
         select w, u, c, p::numeric, h::numeric, a::numeric, s, v, n \
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], \
                       $8::bigint[], $9::bigint[]) as x (w, u, c, p, h, a, s, v, n)",
    )
    .bind(all(rows, |row| row.wallet_id.0))
    .bind(all(rows, |row| row.user_id.0))
    .bind(all(rows, |row| row.currency.code()))
    .bind(all(rows, |row| row.posted.to_string()))
    .bind(all(rows, |row| row.held.to_string()))
    .bind(all(rows, |row| row.available.to_string()))
    .bind(all(rows, |row| row.status.as_str()))
    .bind(all(rows, |row| row.version))
    .bind(all(rows, |row| row.position))
    .execute(conn)
    .await
    .map(|_| ())
}

/// A plain update: `on conflict do update` would lock and log every row twice.
async fn update(conn: &mut PgConnection, rows: &[WalletRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let updated = sqlx::query(
        "update wallets set posted = p::numeric, held = h::numeric, available = a::numeric, status = s, \
                version = v, position = n \
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[]) \
                as x (w, p, h, a, s, v, n) \
          where wallet_id = w",
    )
    .bind(all(rows, |row| row.wallet_id.0))
    .bind(all(rows, |row| row.posted.to_string()))
    .bind(all(rows, |row| row.held.to_string()))
    .bind(all(rows, |row| row.available.to_string()))
    .bind(all(rows, |row| row.status.as_str()))
    .bind(all(rows, |row| row.version))
    .bind(all(rows, |row| row.position))
    .execute(conn)
    .await?;
    // A wallet that was never opened here: the rows are not what the checkpoint says.
    if usize::try_from(updated.rows_affected()) == Ok(rows.len()) {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

pub(super) const COLUMNS: &str = "w.wallet_id, w.user_id, w.currency, w.posted::text as posted, w.held::text as held, \
     w.available::text as available, w.status, w.version, w.position";

pub(super) fn read_row(row: &PgRow) -> Result<Option<WalletRow>, sqlx::Error> {
    let Some(wallet_id) = row.try_get::<Option<Uuid>, _>("wallet_id")? else { return Ok(None) };
    Ok(Some(WalletRow {
        wallet_id: WalletId(wallet_id),
        user_id: UserId(row.try_get("user_id")?),
        currency: column(row, "currency")?,
        posted: column(row, "posted")?,
        held: column(row, "held")?,
        available: column(row, "available")?,
        status: column(row, "status")?,
        version: row.try_get("version")?,
        position: row.try_get("position")?,
    }))
}

impl ReadModels {
    pub async fn wallet(
        &self,
        id: WalletId,
        min_position: Option<i64>,
    ) -> Result<At<Option<WalletRow>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = format!(
                "select c.position as checkpoint, c.failure, {COLUMNS} from projection_checkpoints c \
                 left join wallets w on w.wallet_id = $1 where c.name = 'wallets'"
            );
            let row = sqlx::query(&sql).bind(id.0).fetch_one(self.pool()).await?;
            Ok(At { position: position_of(&row, NAME)?, value: read_row(&row)? })
        })
        .await
    }

    /// A user's wallets, by currency. There is at most one per currency, so the list is short.
    pub async fn wallets_of(
        &self,
        user: UserId,
        min_position: Option<i64>,
    ) -> Result<At<Vec<WalletRow>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = format!(
                "select c.position as checkpoint, c.failure, {COLUMNS} from projection_checkpoints c \
                 left join wallets w on w.user_id = $1 where c.name = 'wallets' order by w.currency"
            );
            let rows = sqlx::query(&sql).bind(user.0).fetch_all(self.pool()).await?;
            let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            let position = position_of(first, NAME)?;
            let wallets =
                rows.iter().filter_map(|row| read_row(row).transpose()).collect::<Result<_, _>>()?;
            Ok(At { position, value: wallets })
        })
        .await
    }
}
