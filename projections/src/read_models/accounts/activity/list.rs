//! The list: rows of the account and events of its wallets, merged by position, newest first.
//!
//! Correct because one statement reads both, up to the checkpoint of the account's rows and no further: an event above it
//! would make a place for rows that are not there yet, behind a cursor that has passed. Positions are the same in both, so
//! one of them is a cursor, whatever is written meanwhile.
//!
//! Bounded because filters by time become positions first, by halving, and each wallet is entered by its sequences: a page
//! reads at most one row more than it has of the account and of each wallet. With a filter by type, for which wallets have
//! no index, it looks at [`LOOKED_AT_MAX`] events of each; a page may then be short, and goes on where that ended.

use super::{ActivityFilter, ActivityRow, is_of_account};
use crate::read_models::accounts::NAME;
use crate::read_models::cursor::{Items, Page};
use crate::read_models::value::column;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::wallet::WalletEvent;
use domain::{Actor, ApiKeyId, LoginSessionId, Timestamp, UserId, WalletId};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

/// Events of a wallet that are looked at for one page: some ten milliseconds' work.
const LOOKED_AT_MAX: i64 = 10_000;

/// Where a list goes on: below that position, with the filters it began with.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    activity_of: UserId,
    before: i64,
    filter: ActivityFilter,
}

/// From where to where, once filters by time have become positions.
const BOUNDS: &str = "bounds as ( \
     select c.position as checkpoint, c.failure, coalesce(first_position_at($3) - 1, 0) as above, \
            least($2, c.position + 1, first_position_at($4)) as below \
       from projection_checkpoints c where c.name = 'accounts')";

/// The statement for everything, or for one type of event, which is `$7`.
fn statement(event_type: Option<&str>) -> String {
    let of_account = event_type.is_none_or(is_of_account);
    let of_wallets = event_type.is_none_or(|name| WalletEvent::TYPES.contains(&name));
    let (account_type, wallet_type) = match event_type {
        Some(_) => ("and a.type = $7", "and e.event_type = $7"),
        None => ("and $7::text is null", ""),
    };
    format!(
        "with {BOUNDS}, \
         ranges as (select r.* from bounds b cross join lateral own_ranges($1, 'wallet', b.above, b.below, $6) r \
                     where {of_wallets}), \
         complete as (select coalesce(max(cut), 0) as down_to from ranges), \
         happened as ( \
             select a.position, a.type, a.actor_kind, a.actor_id, a.actor_session_id, a.actor_key_id, \
                    null::uuid as wallet_id, a.session_id, a.ip, a.reason, a.recorded_at \
               from bounds b cross join lateral ( \
                    select * from activity a \
                     where {of_account} and a.user_id = $1 and a.position > b.above and a.position < b.below \
                           {account_type} order by a.position desc limit $5) a \
             union all \
             select e.position, e.event_type, e.metadata ->> 'actor_kind', (e.metadata ->> 'actor_id')::uuid, \
                    (e.metadata ->> 'session_id')::uuid, (e.metadata ->> 'api_key_id')::uuid, \
                    e.aggregate_id::uuid, null, null, null, e.recorded_at \
               from ranges r cross join lateral ( \
                    select * from events e \
                     where e.aggregate_type = 'wallet' and e.aggregate_id = r.aggregate_id \
                       and e.sequence between r.low and r.high {wallet_type} \
                     order by e.sequence desc limit $5) e) \
         select b.checkpoint, b.failure, exists (select from activity where user_id = $1) as is_known, \
                complete.down_to, h.position, h.type, h.actor_kind, h.actor_id, h.actor_session_id, h.actor_key_id, \
                h.wallet_id, h.session_id, h.reason, h.recorded_at, coalesce(h.ip, opened.ip) as ip \
           from bounds b cross join complete \
           left join lateral (select * from happened h where h.position >= complete.down_to \
                               order by h.position desc limit $5) h on true \
           left join lateral (select o.ip from activity o \
                               where o.type = 'LoginSessionOpened' and o.session_id = h.actor_session_id \
                                 and o.user_id = $1 limit 1) opened on h.wallet_id is not null \
          order by h.position desc"
    )
}

fn read_row(row: &PgRow, owner: UserId) -> Result<Option<ActivityRow>, sqlx::Error> {
    let Some(position) = row.try_get::<Option<i64>, _>("position")? else { return Ok(None) };
    let id = |name: &str| row.try_get::<Option<Uuid>, _>(name);
    let actor = Actor {
        kind: column(row, "actor_kind")?,
        id: id("actor_id")?,
        session_id: id("actor_session_id")?.map(LoginSessionId),
        api_key_id: id("actor_key_id")?.map(ApiKeyId),
    };
    Ok(Some(ActivityRow {
        position,
        event_type: row.try_get("type")?,
        actor: if actor.id == Some(owner.0) { actor } else { actor.bare() },
        wallet_id: id("wallet_id")?.map(WalletId),
        session_id: id("session_id")?.map(LoginSessionId),
        ip: row.try_get("ip")?,
        reason: row.try_get("reason")?,
        recorded_at: row.try_get::<OffsetDateTime, _>("recorded_at")?.into(),
    }))
}

impl ReadModels {
    /// What happened to a user and their wallets, newest first; nothing, if there never was such a user. A cursor's filters
    /// win.
    pub async fn activity(
        &self,
        user: UserId,
        filter: ActivityFilter,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Option<Items<ActivityRow>>>, QueryError> {
        let (before, filter) = match page.cursor::<Cursor>()? {
            None => (i64::MAX, filter),
            Some(Cursor { activity_of, before, filter }) => {
                // A cursor is text from outside like any other.
                let is_ours = filter.event_type.as_deref().is_none_or(ActivityFilter::lists);
                if activity_of != user || !is_ours {
                    return Err(QueryError::BadCursor);
                }
                (before, filter)
            }
        };
        let filter = &filter;
        let event_type = filter.event_type.as_deref();
        let looked_at = event_type.map_or(page.limit_plus_one(), |_| LOOKED_AT_MAX);
        let sql = statement(event_type);
        let sql = sql.as_str();
        self.at_least(NAME, min_position, || async move {
            let query = sqlx::query(sql)
                .bind(user.0)
                .bind(before)
                .bind(filter.from.map(Timestamp::to_datetime))
                .bind(filter.to.map(Timestamp::to_datetime))
                .bind(page.limit_plus_one())
                .bind(looked_at)
                .bind(event_type);
            let rows = query.fetch_all(self.pool()).await?;
            let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            let position = position_of(first, NAME)?;
            let is_known: bool = first.try_get("is_known")?;
            let down_to: i64 = first.try_get("down_to")?;
            let items = rows.iter().filter_map(|row| read_row(row, user).transpose());
            let cursor = |before| Cursor { activity_of: user, before, filter: filter.clone() };
            let items = page.cut_or(items.collect::<Result<_, _>>()?, |last: Option<&ActivityRow>| {
                let before = last.map(|last| last.position).or(Some(down_to).filter(|from| *from > 0));
                before.map(cursor)
            })?;
            Ok(At { position, value: is_known.then_some(items) })
        })
        .await
    }
}
