//! An honest case, small enough to be told: two sessions of one owner, one of which has stopped.
//!
//! Their events are decided by the sessions themselves; the ledger, and every row beside, are written by hand.

use std::collections::BTreeMap;

use domain::Decide;
use domain::trading::{Session, SessionCommand, TradingSession};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::harness::evidence::{Event, Evidence, WalletRow};
use crate::trading::evidence::{
    Case, EquityRow, Executed, HoldRow, PositionRow, RunRow, SessionRow, TimerRow, TradeRow,
};
use crate::trading::exact::Exact;
use crate::trading::owners::{Book, FUNDS, Told};

pub(super) const OWNER: Uuid = Uuid::from_u128(1);
pub(super) const WALLET: Uuid = Uuid::from_u128(2);
/// Stopped while its order was out.
pub(super) const STOPPED: Uuid = Uuid::from_u128(3);
/// Bought, and goes on.
pub(super) const GOES_ON: Uuid = Uuid::from_u128(4);
pub(super) const ASKED: Uuid = Uuid::from_u128(5);
const AGAIN: Uuid = Uuid::from_u128(6);

const BID: &str = "60000.00";
const ASK: &str = "60010.00";

/// Second by second.
struct Story {
    case: Case,
    states: BTreeMap<Uuid, TradingSession>,
    second: i64,
}

pub(super) fn honest() -> Case {
    let mut story = Story { case: nothing(), states: BTreeMap::new(), second: 0 };
    story.case.book.wallets.push(WALLET);
    story.wallet("WalletOpened", json!({}));
    story.wallet("WalletDeposited", json!({ "amount": FUNDS }));
    story.start(STOPPED, "1000.00", &json!({ "BTC": "0.1", "USD": "0.9" }), &Value::Null);
    story.ask_for_run(STOPPED, ASKED);
    story.run(STOPPED, 1);
    story.command(STOPPED, json!({ "SetTargets": { "targets": { "USD": "1" } } }));
    story.ask_for_run(STOPPED, AGAIN);
    story.stop_while_it_runs(STOPPED, 2);
    let due = story.moment(1);
    story.start(GOES_ON, "500.00", &json!({ "BTC": "0.15", "USD": "0.85" }), &due.into());
    story.second += 5;
    story.run(GOES_ON, 1);
    story.finish()
}

fn nothing() -> Case {
    let read = |text| Exact::read(text).unwrap();
    Case {
        found: Evidence::default(),
        book: Book::default(),
        quotes: [("BTC".to_owned(), read(BID), read(ASK))].into(),
        served_until: OffsetDateTime::UNIX_EPOCH,
        ledger: Vec::new(),
        sessions: Vec::new(),
        positions: Vec::new(),
        runs: Vec::new(),
        trades: Vec::new(),
        equity: Vec::new(),
        timers: Vec::new(),
        places: Vec::new(),
        holds: Vec::new(),
        shown: Vec::new(),
    }
}

impl Story {
    fn at(&self, after: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1_800_000_000 + self.second + after)
    }

    fn moment(&self, after: i64) -> String {
        self.at(after).format(&Rfc3339).unwrap()
    }

    fn happens(&mut self, aggregate_type: &str, aggregate: Uuid, kind: &str, data: Value) -> i64 {
        let recorded_at = self.at(0);
        let found = &mut self.case.found;
        found.head += 1;
        let sequence = found.journal.iter().filter(|event| event.aggregate == aggregate).count() + 1;
        found.journal.push(Event {
            position: found.head,
            aggregate_type: aggregate_type.to_owned(),
            aggregate,
            sequence: i64::try_from(sequence).unwrap(),
            kind: kind.to_owned(),
            data,
            id: Uuid::from_u128(1_000 + u128::try_from(found.head).unwrap()),
            owner: OWNER,
            recorded_at,
        });
        found.head
    }

    fn wallet(&mut self, kind: &str, data: Value) {
        self.happens("wallet", WALLET, kind, data);
    }

    /// What the session makes of it happens.
    fn command(&mut self, session: Uuid, command: Value) -> Vec<Value> {
        let command: SessionCommand = serde_json::from_value(command).unwrap();
        let events = self.states.entry(session).or_default().decide(command).unwrap();
        let mut told = Vec::new();
        for event in events {
            self.states.entry(session).or_default().evolve(&event);
            let written = serde_json::to_value(&event).unwrap();
            let data = written[event.type_name()].clone();
            self.happens("trading_session", session, event.type_name(), data.clone());
            told.push(data);
        }
        told
    }

    fn market(&self) -> Value {
        let rules =
            json!({ "step": "0.00001", "tick": "0.01", "min_quantity": "0.00001", "min_notional": "5" });
        let quote = json!({ "bid": BID, "ask": ASK, "as_of": self.moment(0) });
        json!({ "source": "script", "currency": "USD", "fee_rate": "0.001", "slippage": "0.005",
            "listed": { "BTC": { "quote": quote, "rules": rules } } })
    }

    fn start(&mut self, session: Uuid, capital: &str, targets: &Value, next: &Value) {
        self.second += 1;
        let hold = format!("{WALLET}.{}", self.case.found.head + 1);
        self.wallet("HoldPlaced", json!({ "amount": capital, "hold": { "id": hold } }));
        let limits = json!({ "risk_per_trade": "0.1", "max_drawdown": "0.1" });
        self.command(session, json!({ "Start": {
            "session_id": session, "user_id": OWNER, "mode": "paper", "dry_run": false, "exchange": "paper", "capital": capital,
            "currency": "USD", "targets": targets, "interval_s": 60, "auto_rebalance": !next.is_null(), "limits": limits,
            "next_run_at": next, "hold_id": hold, "at": self.moment(0) } }));
        self.case.book.told.push(Told::Started { session, position: self.case.found.head });
    }

    fn ask_for_run(&mut self, session: Uuid, run: Uuid) {
        self.second += 1;
        self.command(
            session,
            json!({ "RequestRun": { "run_id": run, "trigger": "manual", "at": self.moment(0) } }),
        );
        self.case.book.told.push(Told::WillRun { session, run });
    }

    fn begin(&mut self, session: Uuid, fence: i64) -> Value {
        self.second += 1;
        let begin = json!({ "fence": fence, "market": self.market(), "at": self.moment(0) });
        self.command(session, json!({ "BeginRun": begin })).pop().unwrap()
    }

    fn run(&mut self, session: Uuid, fence: i64) {
        let intended = self.begin(session, fence);
        self.tell(session, fence, &intended);
    }

    /// Its worker dies after its order was executed, and another one asks.
    fn stop_while_it_runs(&mut self, session: Uuid, fence: i64) {
        let intended = self.begin(session, fence);
        self.command(
            session,
            json!({ "Stop": { "reason": "enough", "market": null, "at": self.moment(0) } }),
        );
        self.case.book.told.push(Told::WillStop { session });
        self.command(session, json!({ "TakeOver": { "fence": fence + 1 } }));
        self.tell(session, fence + 1, &intended);
        let hold = self.states[&session].session().unwrap().hold_id.unwrap().to_string();
        self.wallet("HoldReleased", json!({ "hold": { "id": hold } }));
    }

    fn tell(&mut self, session: Uuid, fence: i64, intended: &Value) {
        let fill = self.execute(session, intended);
        let outcome = json!([intended["order_id"], { "outcome": "filled", "fills": [fill] }]);
        let record = json!({ "run_id": intended["run_id"], "fence": fence, "outcomes": [outcome], "market": self.market(),
            "at": self.moment(0) });
        self.command(session, json!({ "RecordOutcomes": record }));
    }

    /// A row of the ledger.
    fn execute(&mut self, session: Uuid, intended: &Value) -> Value {
        let read = |text: &str| Exact::read(text).unwrap();
        let (at, id) = (self.at(0), i64::try_from(self.case.ledger.len()).unwrap() + 1);
        let price = if intended["side"] == "buy" { read(ASK).paid() } else { read(BID).got() };
        let fee = read(intended["quantity"].as_str().unwrap()).times(price).fee().to_string();
        let trade = json!({ "symbol": intended["symbol"], "asset": intended["asset"], "side": intended["side"],
            "quantity": intended["quantity"], "price": price.to_string(), "fee": fee, "fee_asset": "USD", "fee_in_quote": fee,
            "quote": { "bid": BID, "ask": ASK, "as_of": self.moment(0), "source": "script" } });
        let mut fill = trade.clone();
        (fill["trade_id"], fill["traded_at"]) = (id.to_string().into(), self.moment(0).into());
        let order = intended["order_id"].as_str().unwrap().parse().unwrap();
        self.case.ledger.push(Executed { id, account: session, order, at, trade });
        fill
    }

    /// And what everybody else has of it.
    fn finish(mut self) -> Case {
        self.second += 10;
        self.case.served_until = self.at(0);
        let journal = self.case.found.journal.clone();
        for (session, state) in &self.states {
            self.case.has(*session, state, &journal);
        }
        for event in &journal {
            self.case.lists(event);
        }
        let read = |text: &str| Exact::read(text).unwrap();
        let mut held = Exact::ZERO;
        self.case.holds.iter().for_each(|hold| held += hold.remaining);
        self.case.found.wallets.push(WalletRow {
            wallet: WALLET,
            user: OWNER,
            posted: FUNDS.to_owned(),
            held: held.to_string(),
            available: (read(FUNDS) - held).to_string(),
            version: 0,
            position: 0,
        });
        self.case
    }
}

impl Case {
    fn has(&mut self, id: Uuid, state: &TradingSession, journal: &[Event]) {
        let session = state.session().unwrap();
        let version = journal.iter().filter(|event| event.aggregate == id).count();
        self.sessions.push(SessionRow {
            session: id,
            state: session.state.as_str().to_owned(),
            version: i64::try_from(version).unwrap(),
            aggregate: serde_json::to_value(state).unwrap(),
        });
        self.shows(id, session);
        let hold = session.hold_id.unwrap();
        let is_active = session.state.is_active();
        let remaining = if is_active { session.capital.to_string() } else { "0".to_owned() };
        self.holds.push(HoldRow {
            wallet: hold.wallet.0,
            sequence: hold.sequence,
            status: if is_active { "active" } else { "released" }.to_owned(),
            remaining: Exact::read(&remaining).unwrap(),
        });
        if is_active {
            self.places.push(id);
            self.timers.push(TimerRow { session: id, is_settling: false });
            for (asset, held) in session.portfolio.held() {
                let quantity = Exact::read(&held.quantity.to_string()).unwrap();
                self.positions.push(PositionRow { session: id, asset: asset.to_string(), quantity });
            }
        }
    }

    fn shows(&mut self, id: Uuid, session: &Session) {
        let mut equity = Exact::read(&session.portfolio.cash.to_string()).unwrap();
        let held = session.portfolio.held().map(|(asset, held)| {
            let quantity = Exact::read(&held.quantity.to_string()).unwrap();
            equity += quantity.times(Exact::read(BID).unwrap());
            json!({ "asset": asset, "quantity": held.quantity, "mark": BID })
        });
        let items: Vec<Value> = held.collect();
        let portfolio = &session.portfolio;
        let body = json!({ "items": items, "cash": portfolio.cash, "fees": portfolio.fees, "equity": equity.to_string() });
        self.shown.push((id, body));
    }

    fn lists(&mut self, event: &Event) {
        let (session, read) = (event.aggregate, |member: &str| Exact::read(event.text(member)).unwrap());
        match event.kind.as_str() {
            "RunCompleted" => {
                let run = event.text("run_id").parse().unwrap();
                self.runs.push(RunRow { run, session, state: "completed".to_owned() });
            }
            "OrderFilled" => self.trades.push(TradeRow {
                session,
                order: event.text("order_id").parse().ok(),
                success: true,
                dry_run: false,
                quantity: read("quantity"),
                price: read("price"),
                fee: read("fee"),
                realised: read("realised"),
            }),
            "PortfolioSnapshotTaken" => self.equity.push(EquityRow {
                session,
                position: event.position,
                equity: read("equity"),
                cash: read("cash"),
            }),
            _ => {}
        }
    }
}
