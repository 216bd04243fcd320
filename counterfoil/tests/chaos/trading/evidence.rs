//! What is there in the end of trading: the exchange's ledger, and every row that tells of sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::exact::Exact;
use super::owners::Book;
use super::stage::{Quote, Stage};
use crate::harness::evidence::{self, Evidence};

/// A lease that its owner left behind, an order window, and some time for the rest.
const SETTLED_WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) found: Evidence,
    pub(super) book: Book,
    pub(super) quotes: BTreeSet<Quote>,
    /// Until then somebody was there to run what was due.
    pub(super) served_until: OffsetDateTime,
    pub(super) ledger: Vec<Executed>,
    pub(super) sessions: Vec<SessionRow>,
    pub(super) positions: Vec<PositionRow>,
    pub(super) runs: Vec<RunRow>,
    pub(super) trades: Vec<TradeRow>,
    pub(super) equity: Vec<EquityRow>,
    pub(super) timers: Vec<TimerRow>,
    /// Sessions that hold a place.
    pub(super) places: Vec<Uuid>,
    pub(super) holds: Vec<HoldRow>,
    /// By HTTP.
    pub(super) shown: Vec<(Uuid, Value)>,
}

/// A row of the exchange's own book.
#[derive(Clone, Debug)]
pub(super) struct Executed {
    pub(super) id: i64,
    pub(super) account: Uuid,
    pub(super) order: Uuid,
    pub(super) at: OffsetDateTime,
    pub(super) trade: Value,
}

#[derive(Clone, Debug)]
pub(super) struct SessionRow {
    pub(super) session: Uuid,
    pub(super) state: String,
    pub(super) version: i64,
    pub(super) aggregate: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PositionRow {
    pub(super) session: Uuid,
    pub(super) asset: String,
    pub(super) quantity: Exact,
}

#[derive(Clone, Debug)]
pub(super) struct RunRow {
    pub(super) run: Uuid,
    pub(super) session: Uuid,
    pub(super) state: String,
}

#[derive(Clone, Debug)]
pub(super) struct TradeRow {
    pub(super) session: Uuid,
    /// A dry run has none.
    pub(super) order: Option<Uuid>,
    pub(super) success: bool,
    pub(super) dry_run: bool,
    pub(super) quantity: Exact,
    pub(super) price: Exact,
    pub(super) fee: Exact,
    pub(super) realised: Exact,
}

#[derive(Clone, Debug)]
pub(super) struct EquityRow {
    pub(super) session: Uuid,
    pub(super) position: i64,
    pub(super) equity: Exact,
    pub(super) cash: Exact,
}

#[derive(Clone, Debug)]
pub(super) struct TimerRow {
    pub(super) session: Uuid,
    pub(super) is_settling: bool,
}

#[derive(Clone, Debug)]
pub(super) struct HoldRow {
    pub(super) wallet: Uuid,
    pub(super) sequence: i64,
    pub(super) status: String,
    pub(super) remaining: Exact,
}

impl Case {
    pub(super) async fn gather(stage: &Stage, book: Book, served_until: OffsetDateTime) -> Self {
        let found = evidence::gather(&stage.house.database_url, &stage.house.access()).await;
        let shown = book.shown(stage.node.listen).await;
        let mut conn = stage.database().await;
        let conn = &mut conn;
        Self {
            shown,
            found,
            book,
            quotes: stage.quotes.clone(),
            served_until,
            ledger: all(conn, LEDGER, executed).await,
            sessions: all(
                conn,
                "select session_id, state, version, aggregate::text as aggregate from trading_sessions",
                session,
            )
            .await,
            positions: all(conn, POSITIONS, position).await,
            runs: all(conn, "select run_id, session_id, state from trading_runs", run).await,
            trades: all(conn, TRADES, trade).await,
            equity: all(conn, EQUITY, equity).await,
            timers: all(
                conn,
                "select session_id, settle_at is not null as settling from trading_timers",
                timer,
            )
            .await,
            places: all(conn, "select owner from claims where kind = 'paper_session'", |row| {
                row.get("owner")
            })
            .await,
            holds: all(
                conn,
                "select wallet_id, sequence, status, remaining::text as remaining from holds",
                hold,
            )
            .await,
        }
    }

    /// For whoever watches: that something was checked at all.
    pub(super) fn summary(&self) -> String {
        let count = |kind: &str| self.found.journal.iter().filter(|event| event.kind == kind).count();
        let reconciled = self.found.journal.iter().filter(|event| event.data["reconciled"] == true).count();
        format!(
            "{} sessions ({} stopped), {} runs begun ({} of them taken over), {} plans, {} orders: {} executed, {} declined, \
             {} never accepted, {} found out by asking; {} refusals; {} events",
            count("TradingSessionStarted"),
            count("TradingSessionStopped"),
            count("RunStarted"),
            count("RunTakenOver"),
            count("RebalancePlanned"),
            count("OrderIntended"),
            self.ledger.len(),
            count("OrderRejected"),
            count("OrderOutcomeResolved"),
            reconciled,
            self.book.refused,
            self.found.head,
        )
    }
}

/// Waits until there is nothing that a trader would have to do.
pub(super) async fn settled(stage: &Stage) {
    let mut conn = stage.database().await;
    let deadline = Instant::now() + SETTLED_WITHIN;
    loop {
        let mut open = all(&mut conn, OPEN, |row| row.get::<String, _>("is")).await;
        open.extend(all(&mut conn, UNTOLD, |row| row.get("is")).await);
        let Some(first) = open.first() else { break };
        assert!(Instant::now() < deadline, "{} sessions are not settled, such as {first}", open.len());
        sleep(LOOK_EVERY).await;
    }
}

/// Whether the timers are those of the last event: a run that began right before the end may have ended without its own.
pub(super) async fn timers_are_told(stage: &Stage) -> bool {
    all(&mut stage.database().await, UNTOLD, |_| ()).await.is_empty()
}

/// Sessions with a run under way.
pub(super) async fn under_way(stage: &Stage) -> Vec<Uuid> {
    let mut conn = stage.database().await;
    let sql = "select session_id from trading_sessions \
                where aggregate->'session'->'run' <> 'null' and state = 'running' order by session_id";
    all(&mut conn, sql, |row| row.get("session_id")).await
}

/// Sessions that were told to stop, and have not stopped.
pub(super) async fn stopping(stage: &Stage) -> usize {
    let mut conn = stage.database().await;
    all(&mut conn, "select session_id from trading_sessions where state = 'stopping'", |_| ()).await.len()
}

const OPEN: &str = "select (aggregate->'session')::text as is from trading_sessions \
     where aggregate->'session'->'run' <> 'null' or state = 'stopping' \
        or (state in ('running', 'halted') and aggregate->'session'->'requested' <> 'null') \
        or (state = 'running' and (aggregate->'session'->>'next_run_at')::timestamptz <= clock_timestamp()) \
     union all \
     select c.position || ' of ' || h.position \
       from projection_checkpoints c, journal_head h where c.name = 'trading' and c.position <> h.position";

/// Whoever keeps the timers follows the journal at a pace of its own.
const UNTOLD: &str = "select 'its timer, told until ' || t.position as is from trading_timers_checkpoint t \
     where exists (select from events where position > t.position and aggregate_type = 'trading_session')";

async fn all<T>(conn: &mut PgConnection, sql: &str, read: impl Fn(&PgRow) -> T) -> Vec<T> {
    sqlx::query(sql).fetch_all(conn).await.unwrap().iter().map(read).collect()
}

fn number(row: &PgRow, column: &str) -> Exact {
    let text: String = row.get(column);
    Exact::read(&text).unwrap_or_else(|| panic!("{column} is {text:?}"))
}

const LEDGER: &str =
    "select id, account, order_id, executed_at, trade::text as trade from paper_orders order by id";

fn executed(row: &PgRow) -> Executed {
    Executed {
        id: row.get("id"),
        account: row.get("account"),
        order: row.get("order_id"),
        at: row.get("executed_at"),
        trade: serde_json::from_str(row.get("trade")).unwrap(),
    }
}

fn session(row: &PgRow) -> SessionRow {
    SessionRow {
        session: row.get("session_id"),
        state: row.get("state"),
        version: row.get("version"),
        aggregate: serde_json::from_str(row.get("aggregate")).unwrap(),
    }
}

/// What is held that is to be looked at as prices move.
const POSITIONS: &str = "select session_id, held.asset, held.quantity::text as quantity \
     from trading_marks, unnest(assets, quantities) as held (asset, quantity) where held.quantity > 0";

fn position(row: &PgRow) -> PositionRow {
    let (session, asset) = (row.get("session_id"), row.get("asset"));
    PositionRow { session, asset, quantity: number(row, "quantity") }
}

fn run(row: &PgRow) -> RunRow {
    RunRow { run: row.get("run_id"), session: row.get("session_id"), state: row.get("state") }
}

const TRADES: &str = "select session_id, order_id, success, dry_run, quantity::text as quantity, price::text as price, \
     fee::text as fee, realised::text as realised from trading_trades order by position, leg";

fn trade(row: &PgRow) -> TradeRow {
    TradeRow {
        session: row.get("session_id"),
        order: row.get("order_id"),
        success: row.get("success"),
        dry_run: row.get("dry_run"),
        quantity: number(row, "quantity"),
        price: number(row, "price"),
        fee: number(row, "fee"),
        realised: number(row, "realised"),
    }
}

const EQUITY: &str =
    "select session_id, position, equity::text as equity, cash::text as cash from trading_equity";

fn equity(row: &PgRow) -> EquityRow {
    let (equity, cash) = (number(row, "equity"), number(row, "cash"));
    EquityRow { session: row.get("session_id"), position: row.get("position"), equity, cash }
}

fn timer(row: &PgRow) -> TimerRow {
    TimerRow { session: row.get("session_id"), is_settling: row.get("settling") }
}

fn hold(row: &PgRow) -> HoldRow {
    let (status, remaining) = (row.get("status"), number(row, "remaining"));
    HoldRow { wallet: row.get("wallet_id"), sequence: row.get("sequence"), status, remaining }
}
