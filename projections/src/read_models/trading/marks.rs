//! The table `trading_marks`: what sessions hold that go on, and between which values nothing has to be done about it.
//!
//! Whoever watches prices asks for those beyond. What is found is looked at again by the session itself, by the same prices
//! and to the last digit: here it is only said where to look.

use super::NAME;
use super::fold::Touched;
use crate::read_models::value::column;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::trading::{Holding, Session, SessionState};
use domain::{Currency, Timestamp, TradingSessionId};
use rust_decimal::Decimal;
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;
use std::fmt::Display;
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
    /// Else it is one of the past, and nothing but a loss is looked for by it.
    pub is_fresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionToMark {
    pub session_id: TradingSessionId,
    pub currency: Currency,
    /// It is long since it was valued, whatever else there is.
    pub is_due: bool,
}

#[derive(PartialEq)]
pub(super) struct Mark {
    currency: Currency,
    cash: Decimal,
    held: Vec<Held>,
    low: Option<Decimal>,
    high: Decimal,
    drift: Option<Drift>,
    snapshot_at: Timestamp,
}

#[derive(PartialEq)]
struct Held {
    asset: Currency,
    quantity: Decimal,
    target: Decimal,
    /// What it was last known to be worth: it counts where nobody says a price.
    mark: Decimal,
}

#[derive(Clone, Copy, PartialEq)]
struct Drift {
    threshold: Decimal,
    from: Timestamp,
    is_off: bool,
}

impl Drift {
    /// Of a session that would ask for a run if it were too far from its targets.
    fn of(session: &Session) -> Option<Self> {
        let threshold = session.drift_threshold?;
        let may_run = session.state == SessionState::Running;
        if !may_run || session.run.is_some() || session.requested.is_some() {
            return None;
        }
        let lacks = |asset| asset != session.currency && session.portfolio.quantity(asset).is_zero();
        let is_off = session.targets.shares().any(|(asset, share)| share > threshold && lacks(asset));
        let from = session.drift_rests_until().unwrap_or(session.started_at);
        Some(Self { threshold, from, is_off })
    }
}

impl Mark {
    pub(super) fn of(session: &Session) -> Option<Self> {
        let may_halt = matches!(session.state, SessionState::Running | SessionState::Paused);
        let drift = Drift::of(session);
        let held: Vec<Held> = session
            .portfolio
            .held()
            .map(|(asset, holding)| Held {
                asset,
                quantity: holding.quantity,
                target: session.targets.share(asset),
                mark: last_mark(session, asset, holding),
            })
            .collect();
        let is_watched = !held.is_empty() && (may_halt || session.state == SessionState::Halted);
        if !is_watched && !drift.is_some_and(|drift| drift.is_off) {
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
            held,
            low: may_halt.then_some(low),
            high,
            drift,
            snapshot_at: session.last_portfolio.as_ref().map_or(session.started_at, |last| last.as_of),
        })
    }
}

fn last_mark(session: &Session, asset: Currency, holding: &Holding) -> Decimal {
    let positions = session.last_portfolio.iter().flat_map(|last| &last.positions);
    let mut of_it = positions.filter(|position| position.asset == asset);
    let last = of_it.next().map(|position| position.mark);
    last.unwrap_or_else(|| holding.average_cost().unwrap_or_default())
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

/// An array in the form of Postgres. Names and numbers hold nothing that it would take for its own.
fn array<T: Display>(mark: &Mark, value: impl Fn(&Held) -> T) -> String {
    let values: Vec<String> = mark.held.iter().map(|held| value(held).to_string()).collect();
    format!("{{{}}}", values.join(","))
}

fn all<T>(changed: &[(Uuid, Mark)], value: impl Fn(&Mark) -> T) -> Vec<T> {
    changed.iter().map(|(_, mark)| value(mark)).collect()
}

async fn upsert(conn: &mut PgConnection, changed: &[(Uuid, Mark)]) -> Result<(), sqlx::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into trading_marks (session_id, currency, cash, assets, quantities, targets, marks, low, high, drift, \
                                    drift_from, is_off, snapshot_at) \
         select s, c, k::numeric, a::text[], q::numeric[], g::numeric[], m::numeric[], l::numeric, h::numeric, d::numeric, \
                f, o, t \
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], \
                       $9::text[], $10::text[], $11::timestamptz[], $12::boolean[], $13::timestamptz[]) \
                as x (s, c, k, a, q, g, m, l, h, d, f, o, t) \
         on conflict (session_id) do update set cash = excluded.cash, assets = excluded.assets, \
                quantities = excluded.quantities, targets = excluded.targets, marks = excluded.marks, low = excluded.low, high = excluded.high, \
                drift = excluded.drift, drift_from = excluded.drift_from, is_off = excluded.is_off, \
                snapshot_at = excluded.snapshot_at",
    )
    .bind(changed.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(all(changed, |mark| mark.currency.code()))
    .bind(all(changed, |mark| mark.cash.to_string()))
    .bind(all(changed, |mark| array(mark, |held| held.asset)))
    .bind(all(changed, |mark| array(mark, |held| held.quantity)))
    .bind(all(changed, |mark| array(mark, |held| held.target)))
    .bind(all(changed, |mark| array(mark, |held| held.mark)))
    .bind(all(changed, |mark| mark.low.map(|low| low.to_string())))
    .bind(all(changed, |mark| mark.high.to_string()))
    .bind(all(changed, |mark| mark.drift.map(|drift| drift.threshold.to_string())))
    .bind(all(changed, |mark| mark.drift.map(|drift| drift.from.to_datetime())))
    .bind(all(changed, |mark| mark.drift.is_some_and(|drift| drift.is_off)))
    .bind(all(changed, |mark| mark.snapshot_at.to_datetime()))
    .execute(conn)
    .await
    .map(|_| ())
}

/// What has no price counts at its last one: a loss beside it is found. More than that is not looked for by a price of the
/// past, because nothing would come of it.
const TO_MARK: &str = "\
    with books as materialized ( \
         select c as currency, jsonb_object_agg(a, b::numeric) as bids, array_agg(a) filter (where f) as fresh \
           from unnest($1::text[], $2::text[], $3::text[], $6::boolean[]) as x (c, a, b, f) group by c), \
    valued as ( \
         select m.*, k.bids, m.cash + w.worth as equity, w.is_priced \
           from trading_marks m left join books k on k.currency = m.currency \
          cross join lateral ( \
                select coalesce(sum(h.quantity * coalesce((k.bids -> h.asset)::numeric, h.mark)), 0) as worth, \
                       coalesce(bool_and(coalesce(h.asset = any(k.fresh), false)), true) as is_priced \
                  from unnest(m.assets, m.quantities, m.marks) as h (asset, quantity, mark)) w), \
    found as ( \
         select v.session_id, v.currency, v.snapshot_at, v.snapshot_at < $4 as is_old, \
                coalesce(v.equity < v.low, false) or (v.is_priced and v.equity > v.high) as is_beyond, \
                v.is_priced and coalesce(v.drift_from <= now(), false) \
                and (v.is_off or exists ( \
                     select from unnest(v.assets, v.quantities, v.targets) as h (asset, quantity, target) \
                      where abs(h.quantity * (v.bids -> h.asset)::numeric - h.target * v.equity) > v.drift * v.equity)) \
                as is_adrift \
           from valued v) \
    select c.position as checkpoint, c.failure, f.session_id, f.currency, f.is_old \
      from projection_checkpoints c \
      left join lateral (select * from found where is_old or is_beyond or is_adrift \
                          order by is_beyond desc, is_old desc, snapshot_at, session_id limit $5) f on true \
     where c.name = 'trading' order by f.is_beyond desc, f.is_old desc, f.snapshot_at, f.session_id";

impl ReadModels {
    /// Sessions that are worth so little by these prices that they may have to be halted, or more than ever; behind them
    /// those that were not valued since a moment, the longest ago first, who are found once; and those that are too far from
    /// their targets, whom it may not help to be found.
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
        let fresh = &prices.iter().map(|price| price.is_fresh).collect::<Vec<bool>>();
        self.at_least(NAME, min_position, || async move {
            let mut snapshot = self.snapshot().await?;
            let rows = sqlx::query(TO_MARK)
                .bind(currencies)
                .bind(assets)
                .bind(bids)
                .bind(snapshot_before.to_datetime())
                .bind(i64::from(limit))
                .bind(fresh)
                .fetch_all(&mut *snapshot)
                .await?;
            let position = position_of(rows.first().ok_or(sqlx::Error::RowNotFound)?, NAME)?;
            let mut found = Vec::with_capacity(rows.len());
            for row in &rows {
                let Some(id) = row.try_get::<Option<Uuid>, _>("session_id")? else { continue };
                found.push(SessionToMark {
                    session_id: TradingSessionId(id),
                    currency: column(row, "currency")?,
                    is_due: row.try_get("is_old")?,
                });
            }
            Ok(At { position, value: found })
        })
        .await
    }
}
