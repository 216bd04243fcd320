//! The table `trading_marks`: sessions that hold something, and between which values nothing has to be done about it.
//!
//! Whoever watches prices asks for those beyond. What is found is looked at again by the session itself, by the same prices
//! and to the last digit: here it is only said where to look.

use super::NAME;
use super::fold::Touched;
use crate::read_models::value::column;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::trading::{Session, SessionState};
use domain::{Currency, Timestamp, TradingSessionId};
use rust_decimal::Decimal;
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// Equity has to be this much above its highest before that is worth an event: a tenth of a percent.
const NEWS_ABOVE: Decimal = Decimal::from_parts(1_001, 0, 0, false, 3);

/// What somebody who holds an asset would get for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// In which it is told, and of which sessions.
    pub currency: Currency,
    pub asset: Currency,
    pub bid: Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionToMark {
    pub session_id: TradingSessionId,
    pub currency: Currency,
    /// Found because it is long since it was valued, and not for what it is worth.
    pub is_due: bool,
}

#[derive(PartialEq)]
pub(super) struct Mark {
    currency: Currency,
    cash: Decimal,
    low: Option<Decimal>,
    high: Decimal,
    snapshot_at: Timestamp,
}

impl Mark {
    /// Of those that hold something and go on.
    pub(super) fn of(session: &Session) -> Option<Self> {
        let may_halt = matches!(session.state, SessionState::Running | SessionState::Paused);
        let is_watched = may_halt || session.state == SessionState::Halted;
        if !is_watched || session.portfolio.held().next().is_none() {
            return None;
        }
        let highest = session.high_water;
        // Of numbers that do not fit it is only said that they are to be looked at.
        let share = Decimal::ONE.checked_sub(session.limits.max_drawdown).unwrap_or_default();
        let low = highest.checked_mul(share).map_or(highest, |low| low.normalize());
        let high = highest.checked_mul(NEWS_ABOVE).map_or(highest, |high| high.normalize());
        Some(Self {
            currency: session.currency,
            cash: session.portfolio.cash,
            low: may_halt.then_some(low),
            high,
            snapshot_at: session.last_portfolio.as_ref().map_or(session.started_at, |last| last.as_of),
        })
    }
}

pub(super) async fn write(
    conn: &mut PgConnection,
    touched: &BTreeMap<Uuid, Touched>,
) -> Result<(), sqlx::Error> {
    let (mut gone, mut changed) = (Vec::new(), Vec::new());
    for (id, touched) in touched {
        let after = touched.session().and_then(Mark::of);
        match (&touched.mark_before, after) {
            (Some(_), None) => gone.push(*id),
            (before, Some(after)) if before.as_ref() != Some(&after) => changed.push((*id, after)),
            _ => {}
        }
    }
    if !gone.is_empty() {
        sqlx::query("delete from trading_marks where session_id = any($1)")
            .bind(gone)
            .execute(&mut *conn)
            .await?;
    }
    upsert(conn, &changed).await
}

async fn upsert(conn: &mut PgConnection, changed: &[(Uuid, Mark)]) -> Result<(), sqlx::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let marks = || changed.iter().map(|(_, mark)| mark);
    sqlx::query(
        "insert into trading_marks (session_id, currency, cash, low, high, snapshot_at) \
         select s, c, k::numeric, l::numeric, h::numeric, t \
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[]) \
                as x (s, c, k, l, h, t) \
         on conflict (session_id) do update set cash = excluded.cash, low = excluded.low, high = excluded.high, \
                snapshot_at = excluded.snapshot_at",
    )
    .bind(changed.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(marks().map(|mark| mark.currency.code()).collect::<Vec<_>>())
    .bind(marks().map(|mark| mark.cash.to_string()).collect::<Vec<_>>())
    .bind(marks().map(|mark| mark.low.map(|low| low.to_string())).collect::<Vec<_>>())
    .bind(marks().map(|mark| mark.high.to_string()).collect::<Vec<_>>())
    .bind(marks().map(|mark| mark.snapshot_at.to_datetime()).collect::<Vec<OffsetDateTime>>())
    .execute(conn)
    .await
    .map(|_| ())
}

/// One that holds something without a price is not found: what it is worth cannot be said, and it keeps nobody else
/// waiting.
const TO_MARK: &str = "\
    with prices as (select c as currency, a as asset, b::numeric as bid \
                      from unnest($1::text[], $2::text[], $3::text[]) as x (c, a, b)), \
    worths as (select p.session_id, sum(p.quantity * x.bid) as worth \
                 from trading_positions p left join prices x on x.currency = p.currency and x.asset = p.asset \
                group by p.session_id having count(*) = count(x.bid)), \
    found as (select m.session_id, m.currency, m.snapshot_at, m.snapshot_at < $4 as is_old, \
                     coalesce(m.cash + w.worth < m.low, false) or m.cash + w.worth > m.high as is_beyond \
                from trading_marks m join worths w on w.session_id = m.session_id) \
    select c.position as checkpoint, c.failure, f.session_id, f.currency, not f.is_beyond as is_due \
      from projection_checkpoints c \
      left join lateral (select * from found where is_old or is_beyond \
                          order by is_beyond desc, snapshot_at, session_id limit $5) f on true \
     where c.name = 'trading' order by f.is_beyond desc, f.snapshot_at, f.session_id";

impl ReadModels {
    /// Sessions that are worth so little by these prices that they may have to be halted, or more than ever; and behind
    /// them those that were not valued since a moment, the longest ago first.
    pub async fn sessions_to_mark(
        &self,
        prices: &[Price],
        snapshot_before: Timestamp,
        limit: u16,
        min_position: Option<i64>,
    ) -> Result<At<Vec<SessionToMark>>, QueryError> {
        let column_of = |value: fn(&Price) -> String| prices.iter().map(value).collect::<Vec<String>>();
        let currencies = &column_of(|price| price.currency.to_string());
        let assets = &column_of(|price| price.asset.to_string());
        let bids = &column_of(|price| price.bid.to_string());
        self.at_least(NAME, min_position, || async move {
            let mut snapshot = self.snapshot().await?;
            let rows = sqlx::query(TO_MARK)
                .bind(currencies)
                .bind(assets)
                .bind(bids)
                .bind(snapshot_before.to_datetime())
                .bind(i64::from(limit))
                .fetch_all(&mut *snapshot)
                .await?;
            let position = position_of(rows.first().ok_or(sqlx::Error::RowNotFound)?, NAME)?;
            let mut found = Vec::with_capacity(rows.len());
            for row in &rows {
                let Some(id) = row.try_get::<Option<Uuid>, _>("session_id")? else { continue };
                found.push(SessionToMark {
                    session_id: TradingSessionId(id),
                    currency: column(row, "currency")?,
                    is_due: row.try_get("is_due")?,
                });
            }
            Ok(At { position, value: found })
        })
        .await
    }
}
