//! Events of runs folded into rows. A run begins and is planned in one append, and ends in another.

use super::RunState;
use domain::trading::planner::{Leg, Plan, Skipped};
use domain::trading::{RunBegun, RunEnded, Session, SessionEvent};
use journal::Recorded;
use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// What a batch tells of a run.
pub(crate) struct RunChange {
    session_id: Uuid,
    user_id: Uuid,
    /// If it began in the batch, and where.
    begun: Option<(RunBegun, i64, i64)>,
    plan: Option<Plan>,
    ended: Option<RunEnded>,
    last_position: i64,
    last_sequence: i64,
}

const fn run_of(event: &SessionEvent) -> Option<Uuid> {
    Some(match event {
        SessionEvent::RunStarted(begun) => begun.run_id,
        SessionEvent::RebalancePlanned(planned) => planned.run_id,
        SessionEvent::RunTakenOver { run_id, .. } => *run_id,
        SessionEvent::OrderIntended(intended) => intended.intent.run_id,
        SessionEvent::OrderFilled(filled) => filled.run_id,
        SessionEvent::OrderRejected(rejected) => rejected.run_id,
        SessionEvent::OrderOutcomeUnknown(unresolved) => unresolved.run_id,
        SessionEvent::OrderOutcomeResolved(resolved) => resolved.run_id,
        SessionEvent::OrderOutcomeUnbookable(unbookable) => unbookable.run_id,
        SessionEvent::RunCompleted(ended) | SessionEvent::RunFailed(ended) => ended.run_id,
        _ => return None,
    })
}

impl RunChange {
    pub(crate) fn take(
        runs: &mut BTreeMap<Uuid, Self>,
        session: &Session,
        recorded: &Recorded,
        event: &SessionEvent,
    ) {
        let Some(run_id) = run_of(event) else { return };
        let fresh = || Self {
            session_id: session.session_id.0,
            user_id: session.user_id.0,
            begun: None,
            plan: None,
            ended: None,
            last_position: recorded.position,
            last_sequence: recorded.sequence,
        };
        let change = runs.entry(run_id).or_insert_with(fresh);
        match event {
            SessionEvent::RunStarted(begun) => {
                change.begun = Some((begun.clone(), recorded.position, recorded.sequence));
            }
            SessionEvent::RebalancePlanned(planned) => change.plan = Some(planned.plan.clone()),
            SessionEvent::RunCompleted(ended) | SessionEvent::RunFailed(ended) => {
                change.ended = Some(ended.clone());
            }
            _ => {}
        }
        change.last_position = recorded.position;
        change.last_sequence = recorded.sequence;
    }

    fn state(&self) -> RunState {
        self.ended.as_ref().map_or(RunState::Running, |ended| RunState::of(ended.result))
    }

    fn ended_at(&self) -> Option<OffsetDateTime> {
        self.ended(|ended| ended.ended_at.to_datetime())
    }

    fn orders(&self) -> Option<i32> {
        self.ended(|ended| i32::try_from(ended.orders).unwrap_or(i32::MAX))
    }

    fn ended<T>(&self, value: impl Fn(&RunEnded) -> T) -> Option<T> {
        self.ended.as_ref().map(value)
    }
}

type Change<'a> = (&'a Uuid, &'a RunChange);

pub(crate) async fn write(
    conn: &mut PgConnection,
    runs: &BTreeMap<Uuid, RunChange>,
) -> Result<(), sqlx::Error> {
    let (begun, changed): (Vec<Change<'_>>, Vec<Change<'_>>) =
        runs.iter().partition(|(_, run)| run.begun.is_some());
    insert(conn, &begun).await?;
    update(conn, &changed).await
}

fn all<T>(runs: &[Change<'_>], value: impl Fn(&RunChange) -> T) -> Vec<T> {
    runs.iter().map(|(_, run)| value(run)).collect()
}

fn begun<T>(runs: &[Change<'_>], value: impl Fn(&(RunBegun, i64, i64)) -> T) -> Vec<T> {
    runs.iter().filter_map(|(_, run)| run.begun.as_ref().map(&value)).collect()
}

type Legs = Vec<Option<Json<Vec<Leg>>>>;
type Skips = Vec<Option<Json<Vec<Skipped>>>>;

fn legs(runs: &[Change<'_>]) -> Legs {
    all(runs, |run| run.plan.as_ref().map(|plan| Json(plan.legs.clone())))
}

fn skips(runs: &[Change<'_>]) -> Skips {
    all(runs, |run| run.plan.as_ref().map(|plan| Json(plan.skipped.clone())))
}

async fn insert(conn: &mut PgConnection, runs: &[Change<'_>]) -> Result<(), sqlx::Error> {
    if runs.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into trading_runs (run_id, session_id, user_id, trigger, state, result, dry_run, due_at, started_at, \
                ended_at, late_ms, plan_hash, legs, skipped, orders, turnover, fees, error_code, error_message, \
                first_position, first_sequence, last_position, last_sequence) \
         select i, s, u, g, a, t, d, w, b, e, m, h, l, k, coalesce(n, 0), coalesce(o::numeric, 0), \
                coalesce(f::numeric, 0), c, x, fp, fs, lp, ls \
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::boolean[], \
                       $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::bigint[], $12::text[], $13::jsonb[], \
                       $14::jsonb[], $15::integer[], $16::text[], $17::text[], $18::text[], $19::text[], $20::bigint[], \
                       $21::bigint[], $22::bigint[], $23::bigint[]) \
                as y (i, s, u, g, a, t, d, w, b, e, m, h, l, k, n, o, f, c, x, fp, fs, lp, ls)",
    )
    .bind(runs.iter().map(|(id, _)| **id).collect::<Vec<_>>())
    .bind(all(runs, |run| run.session_id))
    .bind(all(runs, |run| run.user_id))
    .bind(begun(runs, |(begun, ..)| begun.trigger.as_str()))
    .bind(all(runs, |run| run.state().as_str()))
    .bind(all(runs, |run| run.ended(|ended| ended.result.as_str())))
    .bind(begun(runs, |(begun, ..)| begun.dry_run))
    .bind(begun(runs, |(begun, ..)| begun.due_at.to_datetime()))
    .bind(begun(runs, |(begun, ..)| begun.started_at.to_datetime()))
    .bind(all(runs, RunChange::ended_at))
    .bind(begun(runs, |(begun, ..)| i64::try_from(begun.late_ms).unwrap_or(i64::MAX)))
    .bind(all(runs, |run| run.plan.as_ref().map(|plan| plan.plan_hash.clone())))
    .bind(legs(runs))
    .bind(skips(runs))
    .bind(all(runs, RunChange::orders))
    .bind(all(runs, |run| run.ended(|ended| ended.turnover.to_string())))
    .bind(all(runs, |run| run.ended(|ended| ended.fees.to_string())))
    .bind(all(runs, |run| run.ended.as_ref().and_then(|ended| ended.code.clone())))
    .bind(all(runs, |run| run.ended.as_ref().and_then(|ended| ended.message.clone())))
    .bind(begun(runs, |(_, position, _)| *position))
    .bind(begun(runs, |(.., sequence)| *sequence))
    .bind(all(runs, |run| run.last_position))
    .bind(all(runs, |run| run.last_sequence))
    .execute(conn)
    .await
    .map(|_| ())
}

/// Of what the batch does not tell, nothing changes.
async fn update(conn: &mut PgConnection, runs: &[Change<'_>]) -> Result<(), sqlx::Error> {
    if runs.is_empty() {
        return Ok(());
    }
    let updated = sqlx::query(
        "update trading_runs r set state = x.state, result = coalesce(x.result, r.result), \
                ended_at = coalesce(x.ended_at, r.ended_at), plan_hash = coalesce(x.plan_hash, r.plan_hash), \
                legs = coalesce(x.legs, r.legs), skipped = coalesce(x.skipped, r.skipped), \
                orders = coalesce(x.orders, r.orders), turnover = coalesce(x.turnover::numeric, r.turnover), \
                fees = coalesce(x.fees::numeric, r.fees), error_code = coalesce(x.error_code, r.error_code), \
                error_message = coalesce(x.error_message, r.error_message), last_position = x.last_position, \
                last_sequence = x.last_sequence \
           from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::jsonb[], $7::jsonb[], \
                       $8::integer[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[]) \
                as x (run_id, state, result, ended_at, plan_hash, legs, skipped, orders, turnover, fees, error_code, \
                      error_message, last_position, last_sequence) \
          where r.run_id = x.run_id",
    )
    .bind(runs.iter().map(|(id, _)| **id).collect::<Vec<_>>())
    .bind(all(runs, |run| run.state().as_str()))
    .bind(all(runs, |run| run.ended(|ended| ended.result.as_str())))
    .bind(all(runs, RunChange::ended_at))
    .bind(all(runs, |run| run.plan.as_ref().map(|plan| plan.plan_hash.clone())))
    .bind(legs(runs))
    .bind(skips(runs))
    .bind(all(runs, RunChange::orders))
    .bind(all(runs, |run| run.ended(|ended| ended.turnover.to_string())))
    .bind(all(runs, |run| run.ended(|ended| ended.fees.to_string())))
    .bind(all(runs, |run| run.ended.as_ref().and_then(|ended| ended.code.clone())))
    .bind(all(runs, |run| run.ended.as_ref().and_then(|ended| ended.message.clone())))
    .bind(all(runs, |run| run.last_position))
    .bind(all(runs, |run| run.last_sequence))
    .execute(conn)
    .await?;
    // A run that never began here: the rows are not what the checkpoint says.
    if usize::try_from(updated.rows_affected()) == Ok(runs.len()) {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}
