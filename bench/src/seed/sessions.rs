//! Trading sessions in bulk: most of them asleep for years, some that their owners will wake.
//!
//! Each begins as the domain would begin it. Some have traded: their run was planned and booked by the domain as well,
//! only the exchange is missing. As for anybody, a user has ten of them at most, and a claim for each.

use commands::ClaimKind;
use commands::sessions::PAPER_SESSIONS_MAX;
use commands::vault::{KeyRing, Vault};
use domain::trading::{
    BeginRun, ExchangeName, Fill, FillQuote, Intent, Limits, OrderId, Outcome, RecordOutcomes,
    SessionCommand, SessionEvent, StartSession, TradingSession, Trigger, exact,
};
use domain::user::TradingMode;
use domain::{Actor, AggregateKind, AggregateRef, Decide, Event, Timestamp, TradingSessionId, UserId};
use journal::ClaimRow;
use rust_decimal::Decimal;
use std::time::Duration;
use uuid::Uuid;

use super::bulk::{Bulk, broken, journal, vacuum};
use super::others::others;
use super::size::Size;
use super::wallets::recorded;
use crate::error::{BenchError, Result};
use crate::load::key;
use crate::market::{CURRENCY, currency, market, targets};
use crate::terminal::Progress;

/// The series their ids are taken from.
const SESSION_SERIES: u64 = 3;
/// Of those asleep, one of so many has traded; of those to be woken, every other one.
const TRADED_ASLEEP: usize = 10;
const TRADED_DUE: usize = 2;
/// Longer than any run.
const ASLEEP_FOR: Duration = Duration::from_hours(24 * 365);
const INTERVAL_S: u32 = 7 * 24 * 60 * 60;

/// How many there are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionCounts {
    pub(crate) all: usize,
    /// Of users that sign in.
    pub(crate) due: usize,
}

/// One that somebody can wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DueSession {
    pub(crate) id: Uuid,
    /// Place of its owner among the users.
    pub(crate) owner: usize,
}

struct Planned {
    id: Uuid,
    owner: Uuid,
    /// Which of its owner's sessions it is.
    place: usize,
    has_traded: bool,
}

pub(crate) fn due_sessions(counts: SessionCounts, users: usize) -> impl Iterator<Item = DueSession> {
    (0..counts.due).map(move |number| DueSession { id: id(number), owner: number % users })
}

/// Appends them to a journal that nobody leads. `users` are the ids of those that sign in. Says where the last event is.
pub(crate) async fn append_sessions(
    database_url: &str,
    ring: KeyRing,
    size: &Size,
    (counts, users): (SessionCounts, &[Uuid]),
    progress: &Progress,
) -> Result<i64> {
    let journal = journal(database_url).await?;
    let vault = Vault::new(ring, journal.clone());
    let mut bulk = Bulk::open(&journal).await?;
    for (number, planned) in plan(counts, users, size)?.enumerate() {
        bulk.claim([claim(&vault, &planned)]);
        let mut history = History::new(&planned);
        history.live(&mut bulk, planned.has_traded)?;
        if bulk.is_full() {
            bulk.flush().await?;
            progress.mark(&format!("{number} of {} sessions", counts.all));
        }
    }
    bulk.flush().await?;
    let last = bulk.next_position() - 1;
    bulk.release().await?;
    vacuum(&journal).await?;
    Ok(last)
}

fn id(number: usize) -> Uuid {
    Uuid::try_parse_ascii(&key(SESSION_SERIES, number as u64)).unwrap_or_default()
}

fn plan<'a>(
    counts: SessionCounts,
    users: &'a [Uuid],
    size: &Size,
) -> Result<impl Iterator<Item = Planned> + 'a> {
    let owners: Vec<Uuid> = others(size).map(|other| other.id).collect();
    let asleep = counts.all.saturating_sub(counts.due);
    let room = |owners: usize| owners * PAPER_SESSIONS_MAX;
    if counts.due > room(users.len()) || asleep > room(owners.len()) {
        return Err(BenchError::Unusable(format!("{counts:?} are more sessions than users may have")));
    }
    let due = (0..counts.due).map(move |number| Planned {
        id: id(number),
        owner: users[number % users.len()],
        place: number / users.len(),
        has_traded: number % TRADED_DUE == 0,
    });
    let asleep = (0..asleep).map(move |number| Planned {
        id: id(counts.due + number),
        owner: owners[number % owners.len()],
        place: number / owners.len(),
        has_traded: number % TRADED_ASLEEP == 0,
    });
    Ok(due.chain(asleep))
}

/// As whoever starts a session takes it.
fn claim(vault: &Vault, planned: &Planned) -> ClaimRow {
    let kind = ClaimKind::PaperSession.as_str();
    let place = format!("{} {}", UserId(planned.owner), planned.place);
    ClaimRow { kind, digest: vault.claim(kind, &place), owner: planned.id }
}

/// A session and what has happened to it.
struct History {
    id: Uuid,
    owner: UserId,
    state: TradingSession,
    sequence: i64,
}

impl History {
    fn new(planned: &Planned) -> Self {
        let owner = UserId(planned.owner);
        Self { id: planned.id, owner, state: TradingSession::default(), sequence: 0 }
    }

    fn live(&mut self, bulk: &mut Bulk, has_traded: bool) -> Result<()> {
        let now = bulk.next_spot().recorded_at;
        let start = self.start(now)?;
        self.happens(bulk, self.person(), start)?;
        if has_traded {
            self.trade(bulk, now)?;
        }
        Ok(())
    }

    fn person(&self) -> Actor {
        Actor::user(self.owner.0)
    }

    fn start(&self, now: Timestamp) -> Result<SessionCommand> {
        Ok(SessionCommand::Start(Box::new(StartSession {
            session_id: TradingSessionId(self.id),
            user_id: self.owner,
            mode: TradingMode::Paper,
            dry_run: false,
            exchange: ExchangeName::Paper,
            capital: Decimal::from(100_000),
            currency: currency(CURRENCY)?,
            targets: targets()?,
            interval_s: INTERVAL_S,
            auto_rebalance: true,
            drift_threshold: None,
            // Whatever it is, a leg may be as large as it has to, and no loss is too large.
            limits: Limits { risk_per_trade: Decimal::ONE, max_drawdown: Decimal::ONE },
            next_run_at: Some(now.plus(ASLEEP_FOR)),
            hold_id: None,
            at: now,
        })))
    }

    /// One run that somebody asked for.
    fn trade(&mut self, bulk: &mut Bulk, now: Timestamp) -> Result<()> {
        let run_id = Uuid::new_v4();
        let request = SessionCommand::RequestRun { run_id, trigger: Trigger::Manual, at: now };
        self.happens(bulk, self.person(), request)?;
        let begin = BeginRun { fence: 0, market: Some(market(now)?), at: now };
        let events = self.happens(bulk, Actor::SYSTEM, SessionCommand::BeginRun(Box::new(begin)))?;
        let mut outcomes = Vec::new();
        for event in events {
            if let SessionEvent::OrderIntended(intended) = event {
                outcomes.push(filled(&intended.intent, now)?);
            }
        }
        let record = RecordOutcomes { run_id, fence: 0, outcomes, market: market(now)?, at: now };
        self.happens(bulk, Actor::SYSTEM, SessionCommand::RecordOutcomes(Box::new(record)))?;
        Ok(())
    }

    fn happens(
        &mut self,
        bulk: &mut Bulk,
        actor: Actor,
        command: SessionCommand,
    ) -> Result<Vec<SessionEvent>> {
        let refused = |refusal| BenchError::Unusable(format!("a seeded session: {refusal:?}"));
        let events = self.state.decide(command).map_err(refused)?;
        let of = AggregateRef { kind: AggregateKind::TradingSession, id: self.id };
        for event in &events {
            self.state.evolve(event);
            self.sequence += 1;
            let event = Event::from(event.clone());
            let spot = bulk.next_spot();
            bulk.push(recorded(spot, of, self.sequence, (self.owner, actor), &event)?);
        }
        Ok(events)
    }
}

/// All of an order, at the price it was expected at.
fn filled(intent: &Intent, now: Timestamp) -> Result<(OrderId, Outcome)> {
    let (market, price) = (market(now)?, intent.expected_price);
    let worth = exact::mul(price, intent.quantity).and_then(|worth| exact::mul(worth, market.fee_rate));
    let fee = exact::ceil_to(worth.map_err(broken)?, exact::DECIMALS);
    let fill = Fill {
        trade_id: intent.order_id.to_string(),
        asset: intent.asset,
        side: intent.side,
        quantity: intent.quantity,
        price,
        fee,
        fee_asset: market.currency,
        fee_in_quote: fee,
        traded_at: now,
        quote: Some(FillQuote { bid: price, ask: price, as_of: now, source: market.source }),
    };
    Ok((intent.order_id, Outcome::Filled { fills: vec![fill] }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[tokio::test]
    async fn seeded_sessions_load_and_those_that_have_traded_hold_what_they_are_meant_to() {
        let postgres = testkit::Postgres::start().await;
        let url = postgres.database().await;
        let mut size = Size::quick();
        size.others = 4;
        let users: Vec<Uuid> = (1..3).map(Uuid::from_u128).collect();
        let counts = SessionCounts { all: 45, due: 6 };
        let ring = KeyRing::generate().unwrap();
        append_sessions(&url, ring, &size, (counts, &users), &crate::terminal::Progress::new(1))
            .await
            .unwrap();

        let journal = journal(&url).await.unwrap();
        let events: (i64, i64) = sqlx::query_as("select count(*), max(position) from events")
            .fetch_one(journal.pool())
            .await
            .unwrap();
        assert_eq!(events.0, events.1, "positions are dense");
        let claims: i64 =
            sqlx::query_scalar("select count(*) from claims").fetch_one(journal.pool()).await.unwrap();
        assert_eq!(claims, 45);
        let ids: Vec<Uuid> = plan(counts, &users, &size).unwrap().map(|planned| planned.id).collect();
        let loaded = journal.load::<TradingSession>(&ids).await.unwrap();
        assert_eq!(loaded.len(), 45);
        let mut invested = 0;
        for one in loaded.values() {
            let session = one.state.session().unwrap();
            assert!(
                session.run.is_none() && session.next_run_at > Some(session.started_at.plus(ASLEEP_FOR / 2))
            );
            let bought = session.portfolio.held().count();
            assert!(
                bought == 0 || (bought == 2 && session.portfolio.cash < Decimal::from(20_001)),
                "{session:?}"
            );
            invested += usize::from(bought == 2);
        }
        assert_eq!(invested, 3 + 4);
    }

    #[test]
    fn nobody_has_more_sessions_than_there_may_be() {
        let users: Vec<Uuid> = (0..100).map(Uuid::from_u128).collect();
        let size = Size::quick();
        let counts = SessionCounts { all: 10_000, due: 200 };
        let places: HashSet<_> =
            plan(counts, &users, &size).unwrap().map(|planned| (planned.owner, planned.place)).collect();
        assert_eq!(places.len(), 10_000);
        assert!(places.iter().all(|(_, place)| *place < PAPER_SESSIONS_MAX));
        assert!(plan(SessionCounts { all: 2_000, due: 1_001 }, &users, &size).is_err());
        let owners: Vec<_> =
            plan(counts, &users, &size).unwrap().map(|planned| (planned.id, planned.owner)).collect();
        for (due, (id, owner)) in due_sessions(counts, users.len()).zip(owners) {
            assert_eq!((due.id, users[due.owner]), (id, owner));
        }
    }
}
