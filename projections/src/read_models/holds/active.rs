//! Holds of many wallets that are still active, the first to be over first: what somebody looks after.
//!
//! Whoever turns the pages sees each hold where its lease ends when the page is read: one that is extended meanwhile moves
//! behind, and may be seen there again.

use super::{COLUMNS, HoldRow, NAME, read_row};
use crate::read_models::cursor::{Items, Page};
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::{EntryId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sqlx::Row;

/// Active holds that are looked at for one page: some fifty milliseconds' work.
const LOOKED_AT_MAX: i64 = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldsState {
    Active,
    /// Active, and most of the lease has gone by without being renewed.
    Stale,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveHolds {
    /// Everybody's, if not one user's.
    pub of: Option<UserId>,
    pub state: HoldsState,
    /// The moment at which they are stale.
    pub now: Timestamp,
}

/// Where a list goes on: behind that hold.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    active_of: Option<UserId>,
    state: HoldsState,
    expires_at: Timestamp,
    hold: EntryId,
}

impl ReadModels {
    pub async fn active_holds(
        &self,
        wanted: ActiveHolds,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Items<HoldRow>>, QueryError> {
        let after = page.cursor::<Cursor>()?;
        if after.as_ref().is_some_and(|after| after.active_of != wanted.of || after.state != wanted.state) {
            return Err(QueryError::BadCursor);
        }
        let after = &after;
        let only_own = if wanted.of.is_some() {
            "and wallet_id in (select wallet_id from wallets where user_id = $6)"
        } else {
            "and $6::uuid is null"
        };
        self.at_least(NAME, min_position, || async move {
            let sql = format!(
                "select c.position as checkpoint, c.failure, {COLUMNS}, h.place = $8 as is_last \
                   from projection_checkpoints c \
                   left join lateral ( \
                        select s.* from (select *, row_number() over (order by expires_at, wallet_id, sequence) as place \
                                           from holds \
                                          where status = 'active' and expires_at >= $1 \
                                            and (expires_at, wallet_id, sequence) > ($1, $2, $3) {only_own} \
                                          order by expires_at, wallet_id, sequence limit $8) s \
                         where s.stale_at <= $4 or $7 or s.place = $8 \
                         order by s.expires_at, s.wallet_id, s.sequence limit $5) h on true \
                  where c.name = 'wallets' order by h.expires_at, h.wallet_id, h.sequence"
            );
            let rows = sqlx::query(&sql)
                .bind(after.as_ref().map_or(Timestamp::default(), |after| after.expires_at).to_datetime())
                .bind(after.as_ref().map_or(uuid::Uuid::nil(), |after| after.hold.wallet.0))
                .bind(after.as_ref().map_or(0, |after| after.hold.sequence))
                .bind(wanted.now.to_datetime())
                .bind(page.limit_plus_one())
                .bind(wanted.of.map(|user| user.0))
                .bind(wanted.state == HoldsState::Active)
                .bind(LOOKED_AT_MAX)
                .fetch_all(self.pool())
                .await?;
            let position = position_of(rows.first().ok_or(sqlx::Error::RowNotFound)?, NAME)?;
            let (mut items, mut looked_until) = (Vec::with_capacity(rows.len()), None);
            for row in &rows {
                let Some(hold) = read_row(row)? else { continue };
                if row.try_get("is_last")? {
                    looked_until = Some((hold.expires_at, hold.id));
                }
                if wanted.state == HoldsState::Active || hold.stale_at <= wanted.now {
                    items.push(hold);
                }
            }
            let (active_of, state) = (wanted.of, wanted.state);
            let cursor = |(expires_at, hold)| Cursor { active_of, state, expires_at, hold };
            let place = |last: &HoldRow| (last.expires_at, last.id);
            let value = page
                .cut_or(items, |last: Option<&HoldRow>| last.map(place).or(looked_until).map(cursor))?;
            Ok(At { position, value })
        })
        .await
    }
}
