//! A wallet's holds, newest first.
//!
//! Correct under concurrent writes because holds are only ever added at the top. One that ends while the pages are turned is
//! shown as it is when its page is read.

use super::{COLUMNS, HoldRow, NAME, read_row};
use crate::read_models::cursor::{Items, Page};
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::WalletId;
use domain::wallet::HoldStatus;
use serde::{Deserialize, Serialize};
use sqlx::Row;

/// Holds that are looked at for one page, if only those of one status are wanted: some fifty milliseconds' work.
const LOOKED_AT_MAX: i64 = 100_000;

/// Where a list goes on: below that sequence, with the filter it began with.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    holds_of: WalletId,
    before: i64,
    status: Option<HoldStatus>,
}

impl ReadModels {
    /// A wallet's holds, newest first. A cursor brings the filter it began with, and goes with no other.
    pub async fn holds_of(
        &self,
        wallet: WalletId,
        status: Option<HoldStatus>,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Items<HoldRow>>, QueryError> {
        let (before, status) = match page.cursor::<Cursor>()? {
            None => (i64::MAX, status),
            Some(cursor) if cursor.holds_of != wallet || (status.is_some() && status != cursor.status) => {
                return Err(QueryError::BadCursor);
            }
            Some(cursor) => (cursor.before, cursor.status),
        };
        // Those that are active have an index of their own; of the others the last that is looked at comes along in any
        // case, and says where to go on.
        let (looked_at, wanted) = match status {
            Some(HoldStatus::Active) => ("and status = 'active' and $4 = 'active'", "true"),
            Some(_) => ("", "(coalesce(s.status = $4, false) or s.place = $5)"),
            None => ("and $4::text is null", "true"),
        };
        self.at_least(NAME, min_position, || async move {
            let sql = format!(
                "select c.position as checkpoint, c.failure, {COLUMNS}, h.place = $5 as is_last \
                   from projection_checkpoints c \
                   left join lateral ( \
                        select s.* from (select *, row_number() over (order by sequence desc) as place from holds \
                                          where wallet_id = $1 and sequence < $2 {looked_at} \
                                          order by sequence desc limit $5) s \
                         where {wanted} order by s.sequence desc limit $3) h on true \
                  where c.name = 'wallets' order by h.sequence desc"
            );
            let query = sqlx::query(&sql).bind(wallet.0).bind(before).bind(page.limit_plus_one());
            let query = query.bind(status.map(HoldStatus::as_str)).bind(LOOKED_AT_MAX);
            let rows = query.fetch_all(self.pool()).await?;
            let position = position_of(rows.first().ok_or(sqlx::Error::RowNotFound)?, NAME)?;
            let (mut items, mut looked_until) = (Vec::with_capacity(rows.len()), None);
            for row in &rows {
                let Some(hold) = read_row(row)? else { continue };
                if row.try_get("is_last")? {
                    looked_until = Some(hold.id.sequence);
                }
                if status.is_none_or(|status| status == hold.status) {
                    items.push(hold);
                }
            }
            let cursor = |before| Cursor { holds_of: wallet, before, status };
            let value = page
                .cut_or(items, |last: Option<&HoldRow>| last.map(|hold| hold.id.sequence).or(looked_until).map(cursor))?;
            Ok(At { position, value })
        })
        .await
    }
}
