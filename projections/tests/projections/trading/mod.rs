//! Trading sessions as they are read.

mod folded;
mod lists;
mod told;
mod watched;

use crate::helpers::World;
use domain::trading::market::{Listed, Market, Quote, Rules};
use domain::trading::{
    BeginRun, ExchangeName, Fill, Flow, Intent, Limits, Outcome, RecordOutcomes, Session, SessionCommand,
    Side, StartSession, Targets, Trigger,
};
use domain::user::TradingMode;
use domain::{Currency, Timestamp, TradingSessionId, UserId};
use projections::Price;
use rust_decimal::Decimal;
use std::time::Duration;
use testkit::Scribe;
use uuid::Uuid;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn d(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

/// Whoever runs sessions in a test: prices, and a journal to write to.
struct Desk {
    scribe: Scribe,
    /// Of bitcoin and ether in tether.
    prices: [Decimal; 2],
}

const ASSETS: [&str; 2] = ["BTC", "ETH"];

impl Desk {
    async fn new(world: &World) -> Self {
        Self { scribe: Scribe::take(&world.journal).await, prices: [d("50000"), d("2500")] }
    }

    fn market(&self) -> Market {
        let listed = ASSETS.iter().zip(self.prices).map(|(asset, bid)| {
            let quote = Quote { bid, ask: bid + d("1"), as_of: self.scribe.now };
            (currency(asset), Listed { quote, rules: Rules { step: d("0.0001"), ..Rules::default() } })
        });
        Market {
            source: "test".to_owned(),
            currency: currency("USDT"),
            fee_rate: d("0.001"),
            slippage: d("0.01"),
            listed: listed.collect(),
        }
    }

    fn bids(&self) -> Vec<Price> {
        let bids = ASSETS.iter().zip(self.prices);
        let (usdt, is_fresh) = (currency("USDT"), true);
        bids.map(|(asset, bid)| Price { currency: usdt, asset: currency(asset), bid, is_fresh }).collect()
    }

    /// A session on paper with 100,000 tether, a third of it in each of two assets.
    fn start(&mut self, user: UserId) -> TradingSessionId {
        let session_id = TradingSessionId(Uuid::now_v7());
        let start = StartSession {
            session_id,
            user_id: user,
            mode: TradingMode::Paper,
            dry_run: false,
            exchange: ExchangeName::Paper,
            capital: d("100000"),
            currency: currency("USDT"),
            targets: targets("0.3", "0.3", "0.4"),
            interval_s: 3_600,
            auto_rebalance: false,
            limits: Limits { risk_per_trade: d("0.2"), max_drawdown: d("0.2") },
            drift_threshold: None,
            next_run_at: None,
            hold_id: None,
            at: Timestamp::default(),
        };
        self.scribe.session(session_id, user, SessionCommand::Start(Box::new(start))).unwrap();
        session_id
    }

    fn session(&self, id: TradingSessionId) -> &Session {
        self.scribe.trading(id).0.session().unwrap()
    }

    /// False, if it is declined.
    fn ask(&mut self, id: TradingSessionId, command: SessionCommand) -> bool {
        let owner = self.session(id).user_id;
        self.scribe.session(id, owner, command).is_ok()
    }

    fn begin(&mut self, id: TradingSessionId) -> bool {
        let market = Some(self.market());
        self.ask(
            id,
            SessionCommand::BeginRun(Box::new(BeginRun { fence: 1, market, at: Timestamp::default() })),
        )
    }

    fn record(&mut self, id: TradingSessionId, outcome: impl Fn(&Self, &Intent) -> Outcome) -> bool {
        let Some(run) = &self.session(id).run else { return false };
        let outcomes =
            run.orders.iter().map(|order| (order.intent.order_id, outcome(self, &order.intent))).collect();
        let (run_id, market, at) = (run.run_id, self.market(), Timestamp::default());
        self.ask(
            id,
            SessionCommand::RecordOutcomes(Box::new(RecordOutcomes {
                run_id,
                fence: 1,
                outcomes,
                market,
                at,
            })),
        )
    }

    fn fill(&self, intent: &Intent, quantity: Decimal) -> Fill {
        let market = self.market();
        let quote = market.quote(intent.asset).unwrap();
        let price = if intent.side == Side::Buy { quote.ask } else { quote.bid };
        let fee = (quantity * price * d("0.001")).round_dp(8).normalize();
        Fill {
            trade_id: Uuid::now_v7().to_string(),
            asset: intent.asset,
            side: intent.side,
            quantity,
            price,
            fee,
            fee_asset: market.currency,
            fee_in_quote: fee,
            traded_at: self.scribe.now,
            quote: None,
        }
    }

    /// Asks for a run, and lets everything be filled that it wants.
    fn rebalance(&mut self, id: TradingSessionId) {
        let run_id = Uuid::now_v7();
        let wanted =
            SessionCommand::RequestRun { run_id, trigger: Trigger::Manual, at: Timestamp::default() };
        assert!(self.ask(id, wanted));
        assert!(self.begin(id));
        while self.session(id).run.is_some() {
            assert!(self.record(id, |desk, intent| Outcome::Filled {
                fills: vec![desk.fill(intent, intent.quantity)]
            }));
        }
    }

    fn mark(&mut self, id: TradingSessionId, snapshot: bool) -> bool {
        let market = Box::new(self.market());
        self.ask(id, SessionCommand::Mark { market, snapshot, at: Timestamp::default() })
    }

    fn put_in(&mut self, id: TradingSessionId, amount: &str) -> bool {
        let market = Some(self.market());
        let flow = Flow { amount: d(amount), market, at: Timestamp::default() };
        self.ask(id, SessionCommand::ChangeCapital(Box::new(flow)))
    }

    fn stop(&mut self, id: TradingSessionId) -> bool {
        let market = Some(Box::new(self.market()));
        self.ask(id, SessionCommand::Stop { reason: "enough".to_owned(), market, at: Timestamp::default() })
    }

    async fn commit(&mut self) -> i64 {
        self.scribe.commit().await;
        self.scribe.position()
    }

    /// Commits, and lets time go by.
    async fn wait(&mut self, seconds: u64) {
        self.commit().await;
        self.scribe.now = self.scribe.now.plus(Duration::from_secs(seconds));
    }
}

fn targets(btc: &str, eth: &str, cash: &str) -> Targets {
    let shares = [("BTC", btc), ("ETH", eth), ("USDT", cash)];
    Targets::new(shares.into_iter().map(|(asset, share)| (currency(asset), d(share))).collect()).unwrap()
}
