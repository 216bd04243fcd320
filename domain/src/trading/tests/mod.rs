//! The rules of a session, one at a time; `history` asks them all in any order, and `books` holds the accounts against a
//! model that knows only whole numbers.

mod books;
mod controls;
mod history;
mod risk;
mod runs;
mod settling;
mod states;
mod witness;

use super::market::{Listed, Market, Quote, Rules};
use super::*;
use crate::user::TradingMode;
use crate::{Currency, Decide, Timestamp, TradingSessionId, UserId};
use rust_decimal::Decimal;
use std::time::Duration;
use uuid::Uuid;

const NOON: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const HOUR: u32 = 3_600;
const USDT: Currency = Currency::USDT;

fn d(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn after(moment: Timestamp, seconds: u64) -> Timestamp {
    moment.plus(Duration::from_secs(seconds))
}

fn asset(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn targets(shares: &[(&str, &str)]) -> Targets {
    Targets::new(shares.iter().map(|(code, share)| (asset(code), d(share))).collect()).unwrap()
}

/// Quotes of a moment: code, bid and ask.
fn market(at: Timestamp, quotes: &[(&str, &str, &str)]) -> Market {
    let listed = |(code, bid, ask): &(&str, &str, &str)| {
        let quote = Quote { bid: d(bid), ask: d(ask), as_of: at };
        let rules = Rules {
            step: d("0.0001"),
            tick: d("0.01"),
            min_quantity: d("0.0001"),
            min_notional: d("5"),
            ..Rules::default()
        };
        (asset(code), Listed { quote, rules })
    };
    Market {
        source: "scripted".to_owned(),
        currency: USDT,
        fee_rate: d("0.001"),
        slippage: d("0.005"),
        listed: quotes.iter().map(listed).collect(),
    }
}

fn start() -> StartSession {
    StartSession {
        session_id: TradingSessionId(Uuid::from_u128(1)),
        user_id: UserId(Uuid::from_u128(2)),
        mode: TradingMode::Paper,
        dry_run: false,
        exchange: ExchangeName::Paper,
        capital: d("10000"),
        currency: USDT,
        targets: targets(&[("BTC", "0.5"), ("ETH", "0.3"), ("USDT", "0.2")]),
        interval_s: HOUR,
        auto_rebalance: true,
        drift_threshold: None,
        // One order may be as large as it likes.
        limits: Limits { risk_per_trade: d("0.1"), max_drawdown: d("0.1") },
        next_run_at: Some(NOON),
        hold_id: None,
        at: NOON,
    }
}

/// A session, and everything that happened to it.
struct Story {
    session: TradingSession,
    events: Vec<SessionEvent>,
    now: Timestamp,
    market: Market,
}

impl Story {
    fn of(start: StartSession) -> Self {
        let quotes = [("BTC", "50000", "50000"), ("ETH", "2500", "2500")];
        let mut story = Self {
            session: TradingSession::default(),
            events: Vec::new(),
            now: start.at,
            market: market(start.at, &quotes),
        };
        story.must(SessionCommand::Start(Box::new(start)));
        story
    }

    fn began() -> Self {
        Self::of(start())
    }

    fn state(&self) -> &Session {
        self.session.session().unwrap()
    }

    fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now = after(self.now, seconds);
        for listed in self.market.listed.values_mut() {
            listed.quote.as_of = self.now;
        }
        self
    }

    fn price(&mut self, code: &str, price: &str) -> &mut Self {
        let quote = &mut self.market.listed.get_mut(&asset(code)).unwrap().quote;
        (quote.bid, quote.ask, quote.as_of) = (d(price), d(price), self.now);
        self
    }

    /// What is decided happens, and the history that it makes leads to the same session, read from its text, too.
    fn ask(&mut self, command: SessionCommand) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let decided = self.session.decide(command.at(self.now))?;
        for event in &decided {
            self.session.evolve(event);
            self.events.push(event.clone());
            let text = serde_json::to_string(event).unwrap();
            assert_eq!(&serde_json::from_str::<SessionEvent>(&text).unwrap(), event, "{text}");
            check_plan(event);
        }
        Ok(decided)
    }

    fn must(&mut self, command: SessionCommand) -> Vec<SessionEvent> {
        self.ask(command).unwrap()
    }

    fn begin(&mut self, fence: i64) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let begin = BeginRun { fence, market: Some(self.market.clone()), at: self.now };
        self.ask(SessionCommand::BeginRun(Box::new(begin)))
    }

    fn record(
        &mut self,
        fence: i64,
        outcomes: Vec<(OrderId, Outcome)>,
    ) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let run_id = self.state().run_id().unwrap_or_default();
        let market = self.market.clone();
        let record = RecordOutcomes { run_id, fence, outcomes, market, at: self.now };
        self.ask(SessionCommand::RecordOutcomes(Box::new(record)))
    }

    fn mark(&mut self) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let market = Box::new(self.market.clone());
        self.ask(SessionCommand::Mark { market, snapshot: true, at: self.now })
    }

    fn flow(&mut self, amount: &str) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let flow = Flow { amount: d(amount), market: Some(self.market.clone()), at: self.now };
        self.ask(SessionCommand::ChangeCapital(Box::new(flow)))
    }

    fn resume(&mut self) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let market = Some(Box::new(self.market.clone()));
        self.ask(SessionCommand::Resume { market, at: self.now })
    }

    fn stop(&mut self) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let market = Some(Box::new(self.market.clone()));
        self.ask(SessionCommand::Stop { reason: "requested".to_owned(), market, at: self.now })
    }

    fn request(&mut self, number: u128) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let (run_id, trigger) = (Uuid::from_u128(number), Trigger::Manual);
        self.ask(SessionCommand::RequestRun { run_id, trigger, at: self.now })
    }

    /// The orders that are out.
    fn open(&self) -> Vec<Intent> {
        let orders = self.state().run.iter().flat_map(|run| &run.orders);
        orders.map(|order| order.intent.clone()).collect()
    }

    /// Everything that is out is filled as expected, until nothing is.
    fn fill_all(&mut self, fence: i64) {
        while !self.open().is_empty() {
            let outcomes = self.open().iter().map(filled).collect();
            self.record(fence, outcomes).unwrap();
        }
    }

    /// A whole run, as it should go.
    fn run(&mut self) -> &mut Self {
        let fence = self.state().fence + 1;
        self.begin(fence).unwrap();
        self.fill_all(fence);
        self
    }

    /// The same session, from nothing but what was written down.
    fn replayed(&self) -> TradingSession {
        let mut replayed = TradingSession::default();
        self.events.iter().for_each(|event| replayed.evolve(event));
        replayed
    }
}

/// Whoever plans again from what a plan tells gets that plan.
fn check_plan(event: &SessionEvent) {
    if let SessionEvent::RebalancePlanned(planned) = event {
        let text = serde_json::to_string(planned).unwrap();
        let read: Planned = serde_json::from_str(&text).unwrap();
        assert_eq!(planner::plan(&read.inputs).as_ref(), Ok(&planned.plan), "{text}");
    }
}

fn types(events: &[SessionEvent]) -> Vec<&'static str> {
    events.iter().map(SessionEvent::type_name).collect()
}

fn intents(events: &[SessionEvent]) -> Vec<(Side, &str, Decimal)> {
    let intents = events.iter().filter_map(|event| match event {
        SessionEvent::OrderIntended(intended) => Some(&intended.intent),
        _ => None,
    });
    intents.map(|intent| (intent.side, intent.asset.code(), intent.quantity)).collect()
}

/// How a run ended: its result, its code, and when the next one is.
fn ending(events: &[SessionEvent]) -> (Conclusion, Option<&str>) {
    let ended = events.iter().rev().find_map(|event| match event {
        SessionEvent::RunCompleted(ended) | SessionEvent::RunFailed(ended) => Some(ended),
        _ => None,
    });
    let ended = ended.unwrap();
    (ended.result, ended.code.as_deref())
}

fn fill(intent: &Intent, quantity: Decimal, price: Decimal) -> Fill {
    let fee = exact::ceil_to(quantity * price * d("0.001"), exact::DECIMALS);
    Fill {
        trade_id: intent.order_id.to_string(),
        asset: intent.asset,
        side: intent.side,
        quantity,
        price,
        fee,
        fee_asset: USDT,
        fee_in_quote: fee,
        traded_at: NOON,
        quote: None,
    }
}

/// All of it, at the price that was expected.
fn filled(intent: &Intent) -> (OrderId, Outcome) {
    let fills = vec![fill(intent, intent.quantity, intent.expected_price)];
    (intent.order_id, Outcome::Filled { fills })
}

fn rejected(intent: &Intent) -> (OrderId, Outcome) {
    let (code, message) = ("price_moved".to_owned(), "too far".to_owned());
    (intent.order_id, Outcome::Rejected { code, message })
}

fn unknown(intent: &Intent) -> (OrderId, Outcome) {
    (intent.order_id, Outcome::Unknown { cause: "timeout".to_owned() })
}

fn never(intent: &Intent) -> (OrderId, Outcome) {
    (intent.order_id, Outcome::NeverAccepted { evidence: "asked".to_owned() })
}
