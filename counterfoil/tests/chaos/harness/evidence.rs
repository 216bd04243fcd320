//! What is there in the end: the journal, the keys, the read model and the stream, read by nobody's code but the
//! harness's own.

use std::time::Duration;

use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use testkit::eventually_within;
use time::OffsetDateTime;
use uuid::Uuid;

use super::stream::{self, Message, NatsAccess};

/// Relay and projections catch up at thousands of events a second.
const QUIET_WITHIN: Duration = Duration::from_mins(1);

#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) head: i64,
    pub(crate) journal: Vec<Event>,
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) claims: i64,
    /// Wallet and balance, as SQL adds the events up.
    pub(crate) sums: Vec<(Uuid, String)>,
    pub(crate) wallets: Vec<WalletRow>,
    pub(crate) transactions: Vec<TransactionRow>,
    pub(crate) profiles: Vec<Uuid>,
    pub(crate) stream: Vec<Message>,
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) position: i64,
    pub(crate) aggregate_type: String,
    pub(crate) aggregate: Uuid,
    pub(crate) sequence: i64,
    pub(crate) kind: String,
    /// What stands inside `{"<Type>": …}`.
    pub(crate) data: Value,
    pub(crate) id: Uuid,
    pub(crate) owner: Uuid,
    pub(crate) recorded_at: OffsetDateTime,
}

/// First event, how many, and whether it was refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyRow {
    pub(crate) position: i64,
    pub(crate) events: i32,
    pub(crate) refused: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct WalletRow {
    pub(crate) wallet: Uuid,
    pub(crate) user: Uuid,
    pub(crate) posted: String,
    pub(crate) held: String,
    pub(crate) available: String,
    pub(crate) version: i64,
    pub(crate) position: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct TransactionRow {
    pub(crate) wallet: Uuid,
    pub(crate) sequence: i64,
    pub(crate) position: i64,
    pub(crate) kind: String,
    pub(crate) amount: String,
    pub(crate) posted_after: String,
    pub(crate) reference: Option<String>,
}

impl Event {
    pub(crate) fn text(&self, member: &str) -> &str {
        self.data[member].as_str().unwrap_or_default()
    }
}

/// Waits until the mirror and the read models have caught up, and reads everything.
pub(crate) async fn gather(database_url: &str, nats: &NatsAccess) -> Evidence {
    let mut conn = PgConnection::connect(database_url).await.unwrap();
    let head = head(&mut conn).await;
    let mut behind = String::new();
    eventually_within(QUIET_WITHIN, "read models and stream reach the head", async || {
        let slowest = slowest_checkpoint(&mut conn).await;
        let stream = stream::last(nats).await;
        let now = format!("head {head}, slowest read model {slowest:?}, stream {stream:?}");
        if now != behind {
            behind = now;
            eprintln!("catching up: {behind}");
        }
        slowest == Some(head) && stream == u64::try_from(head).ok()
    })
    .await;
    let evidence = Evidence {
        head,
        journal: all(&mut conn, JOURNAL, event).await,
        keys: all(&mut conn, "select position, events, refusal is not null as refused from commands", key)
            .await,
        claims: sqlx::query_scalar("select count(*) from claims").fetch_one(&mut conn).await.unwrap(),
        sums: all(&mut conn, SUMS, |row| (row.get("wallet"), row.get("balance"))).await,
        wallets: all(&mut conn, WALLETS, wallet).await,
        transactions: all(&mut conn, TRANSACTIONS, transaction).await,
        profiles: all(&mut conn, "select user_id from profiles", |row| row.get("user_id")).await,
        stream: stream::read(nats, head).await,
    };
    conn.close().await.unwrap();
    evidence
}

pub(crate) async fn head(conn: &mut PgConnection) -> i64 {
    sqlx::query_scalar("select position from journal_head").fetch_one(conn).await.unwrap()
}

async fn slowest_checkpoint(conn: &mut PgConnection) -> Option<i64> {
    let sql = "select min(position) filter (where failure is null) from projection_checkpoints having count(*) >= 3";
    sqlx::query_scalar(sql).fetch_optional(conn).await.unwrap().flatten()
}

async fn all<T>(conn: &mut PgConnection, sql: &str, read: impl Fn(&PgRow) -> T) -> Vec<T> {
    sqlx::query(sql).fetch_all(conn).await.unwrap().iter().map(read).collect()
}

const JOURNAL: &str = "select position, aggregate_type, aggregate_id::uuid as aggregate, sequence, event_type, \
     (payload->event_type)::text as data, event_id, owner, recorded_at from events order by position";

fn event(row: &PgRow) -> Event {
    Event {
        position: row.get("position"),
        aggregate_type: row.get("aggregate_type"),
        aggregate: row.get("aggregate"),
        sequence: row.get("sequence"),
        kind: row.get("event_type"),
        data: serde_json::from_str(row.get("data")).unwrap(),
        id: row.get("event_id"),
        owner: row.get("owner"),
        recorded_at: row.get("recorded_at"),
    }
}

fn key(row: &PgRow) -> KeyRow {
    KeyRow { position: row.get("position"), events: row.get("events"), refused: row.get("refused") }
}

const SUMS: &str = "select aggregate_id::uuid as wallet, to_char(sum(case event_type \
         when 'WalletDeposited' then (payload->event_type->>'amount')::numeric \
         when 'WalletWithdrawn' then -(payload->event_type->>'amount')::numeric \
         else 0 end), 'FM999999999999990.00') as balance \
     from events where aggregate_type = 'wallet' group by aggregate_id";

const WALLETS: &str = "select wallet_id, user_id, posted::text as posted, held::text as held, \
     available::text as available, version, position from wallets";

fn wallet(row: &PgRow) -> WalletRow {
    WalletRow {
        wallet: row.get("wallet_id"),
        user: row.get("user_id"),
        posted: row.get("posted"),
        held: row.get("held"),
        available: row.get("available"),
        version: row.get("version"),
        position: row.get("position"),
    }
}

const TRANSACTIONS: &str = "select wallet_id, sequence, position, type, amount::text as amount, \
     posted_after::text as posted_after, reference from transactions order by position";

fn transaction(row: &PgRow) -> TransactionRow {
    TransactionRow {
        wallet: row.get("wallet_id"),
        sequence: row.get("sequence"),
        position: row.get("position"),
        kind: row.get("type"),
        amount: row.get("amount"),
        posted_after: row.get("posted_after"),
        reference: row.get("reference"),
    }
}
