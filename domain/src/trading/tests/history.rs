//! Any history of all commands, workers with leases old and new, prices that fall and outcomes that come twice; and a
//! witness who believes nothing.

use super::witness::Witness;
use super::*;
use proptest::prelude::*;

const CODES: [&str; 3] = ["BTC", "ETH", "XRP"];

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    /// The quotes get older.
    Stall(u64),
    /// In parts of a thousand of what it was.
    Price(usize, i64),
    /// Which fence a worker shows, counted from the newest; and whether it has a market.
    Begin(i64, bool),
    TakeOver(i64),
    Tell {
        fence: i64,
        heard: Vec<Heard>,
        has_market: bool,
    },
    /// What was settled long ago, once more.
    TellAgain(usize),
    Mark(bool),
    Flow(i64),
    Pause,
    Resume(bool),
    Stop(bool),
    Request(Trigger),
    NextRun(i64),
    Interval(u32),
    Auto(bool),
    Drift(Option<i64>),
    DryRun(bool),
    Targets(usize),
    Limits(i64, i64),
}

/// Of one order.
#[derive(Clone, Copy, Debug)]
enum Heard {
    Nothing,
    Filled,
    /// At the limit, in two trades, and the fee is taken from what was bought.
    InTwo,
    InPart,
    Rejected,
    Unknown,
    Never,
    /// Filled, and rejected, and filled.
    Thrice,
    /// More than was ordered.
    TooMuch,
}

fn heard() -> impl Strategy<Value = Heard> {
    prop_oneof![
        1 => Just(Heard::Nothing),
        6 => Just(Heard::Filled),
        2 => Just(Heard::InTwo),
        2 => Just(Heard::InPart),
        1 => Just(Heard::Rejected),
        2 => Just(Heard::Unknown),
        1 => Just(Heard::Never),
        1 => Just(Heard::Thrice),
        1 => Just(Heard::TooMuch),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let fence = || prop_oneof![1 => Just(-1_i64), 4 => Just(0), 2 => Just(1)];
    let mostly = || proptest::bool::weighted(0.9);
    let trigger = prop_oneof![3 => Just(Trigger::Manual), 1 => Just(Trigger::Drift)];
    let tell = (fence(), proptest::collection::vec(heard(), 3), mostly())
        .prop_map(|(fence, heard, has_market)| Step::Tell { fence, heard, has_market });
    prop_oneof![
        20 => (1_u64..9_000).prop_map(Step::Wait),
        2 => (1_u64..90).prop_map(Step::Stall),
        15 => (0..CODES.len(), 700_i64..1_300).prop_map(|(which, part)| Step::Price(which, part)),
        30 => (fence(), mostly()).prop_map(|(fence, has_market)| Step::Begin(fence, has_market)),
        5 => fence().prop_map(Step::TakeOver),
        40 => tell,
        3 => (0_usize..50).prop_map(Step::TellAgain),
        12 => any::<bool>().prop_map(Step::Mark),
        5 => (-1_100_i64..1_000).prop_map(Step::Flow),
        2 => Just(Step::Pause),
        10 => mostly().prop_map(Step::Resume),
        1 => any::<bool>().prop_map(Step::Stop),
        8 => trigger.prop_map(Step::Request),
        3 => (-5_000_i64..5_000).prop_map(Step::NextRun),
        2 => (1_u32..10_000).prop_map(Step::Interval),
        2 => proptest::bool::weighted(0.7).prop_map(Step::Auto),
        2 => proptest::option::of(1_i64..100).prop_map(Step::Drift),
        2 => proptest::bool::weighted(0.2).prop_map(Step::DryRun),
        10 => (0_usize..4).prop_map(Step::Targets),
        2 => (1_i64..200, 10_i64..500).prop_map(|(risk, most)| Step::Limits(risk, most)),
    ]
}

fn targets_of(which: usize) -> Targets {
    match which {
        0 => targets(&[("BTC", "0.5"), ("ETH", "0.3"), ("USDT", "0.2")]),
        1 => targets(&[("XRP", "1")]),
        2 => targets(&[("BTC", "0.1"), ("ETH", "0.1"), ("XRP", "0.1"), ("USDT", "0.7")]),
        _ => Targets::cash(USDT),
    }
}

/// What an exchange would say of an order.
fn outcomes(intent: &Intent, heard: Heard) -> Vec<(OrderId, Outcome)> {
    let trade = |name: &str, quantity: Decimal, price: Decimal| {
        let trade_id = format!("{}-{name}", intent.order_id);
        Fill { trade_id, ..fill(intent, quantity, price) }
    };
    let told = |fills: Vec<Fill>| (intent.order_id, Outcome::Filled { fills });
    let half = exact::floor_to(intent.quantity / d("2"), 4).max(d("0.0001"));
    match heard {
        Heard::Nothing => Vec::new(),
        Heard::Filled => vec![filled(intent)],
        Heard::InTwo => {
            let fee = |fill: Fill| match fill.side {
                Side::Sell => fill,
                Side::Buy => Fill {
                    fee: d("0.00000001"),
                    fee_asset: fill.asset,
                    fee_in_quote: d("0.00000001") * fill.price,
                    ..fill
                },
            };
            let rest = intent.quantity - half;
            let parts = [("a", half), ("b", rest)].into_iter().filter(|(_, part)| !part.is_zero());
            told_all(intent, parts.map(|(name, part)| fee(trade(name, part, intent.limit_price))).collect())
        }
        Heard::InPart => vec![told(vec![trade("part", half, intent.limit_price)])],
        Heard::Rejected => vec![rejected(intent)],
        Heard::Unknown => vec![unknown(intent)],
        Heard::Never => vec![never(intent)],
        Heard::Thrice => vec![filled(intent), rejected(intent), filled(intent)],
        Heard::TooMuch => {
            vec![told(vec![
                trade("all", intent.quantity, intent.limit_price),
                trade("more", half, intent.limit_price),
            ])]
        }
    }
}

fn told_all(intent: &Intent, fills: Vec<Fill>) -> Vec<(OrderId, Outcome)> {
    vec![(intent.order_id, Outcome::Filled { fills })]
}

/// A session that is asked, and the witness beside it.
struct Watched {
    story: Story,
    witness: Witness,
    /// Orders there were, with what was told of them.
    told: Vec<(OrderId, Outcome)>,
    asked: u128,
}

impl Watched {
    fn new(start: StartSession) -> Self {
        let mut story = Story::of(start);
        let xrp = market(story.now, &[("XRP", "0.5", "0.501")]).listed;
        story.market.listed.extend(xrp);
        let mut witness = Witness::default();
        witness.sees(&story.events);
        Self { story, witness, told: Vec::new(), asked: 1 }
    }

    fn ask(&mut self, command: SessionCommand) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let before = self.story.state().clone();
        let fence = match &command {
            SessionCommand::BeginRun(begin) => Some(begin.fence),
            SessionCommand::TakeOver { fence } => Some(*fence),
            SessionCommand::RecordOutcomes(record) => Some(record.fence),
            _ => None,
        };
        let decided = self.story.ask(command);
        let Ok(events) = &decided else {
            assert_eq!(self.story.state(), &before);
            return decided;
        };
        if fence.is_some_and(|fence| fence < before.fence) {
            let acts = ["RunStarted", "RunTakenOver", "OrderIntended"];
            assert!(
                !types(events).iter().any(|name| acts.contains(name)),
                "a lease that is over: {events:?}"
            );
        }
        self.witness.sees(events);
        self.witness.agrees(self.story.state());
        decided
    }

    fn market(&self, is_there: bool) -> Option<Market> {
        is_there.then(|| self.story.market.clone())
    }

    /// Whatever became of orders can be told: it is a fact.
    fn tell(&mut self, fence: i64, outcomes: Vec<(OrderId, Outcome)>, has_market: bool) {
        let Some(run_id) = self.story.state().run_id() else { return };
        self.told.extend(outcomes.iter().cloned());
        let market = self.market(has_market).unwrap_or_else(|| Market::without_quotes(USDT));
        let fence = self.story.state().fence + fence;
        let record = RecordOutcomes { run_id, fence, outcomes, market, at: NOON };
        self.ask(SessionCommand::RecordOutcomes(Box::new(record))).unwrap();
    }

    fn takes(&mut self, step: &Step) {
        let (fence, now) = (self.story.state().fence, self.story.now);
        let boxed = |market: Option<Market>| market.map(Box::new);
        let command = match step.clone() {
            Step::Wait(seconds) => {
                self.story.wait(seconds);
                return;
            }
            Step::Stall(seconds) => return self.story.now = after(now, seconds),
            Step::Price(which, part) => {
                let quote = &mut self.story.market.listed.get_mut(&asset(CODES[which])).unwrap().quote;
                let moved = |price: Decimal| exact::ceil_to(price * Decimal::new(part, 3), 2);
                (quote.bid, quote.ask, quote.as_of) = (moved(quote.bid), moved(quote.ask), now);
                return;
            }
            Step::Tell { fence, heard, has_market } => {
                let open = self.story.open();
                let outcomes = open.iter().zip(heard).flat_map(|(intent, heard)| outcomes(intent, heard));
                return self.tell(fence, outcomes.collect(), has_market);
            }
            Step::TellAgain(which) => {
                let again = self.told.iter().cycle().nth(which).cloned();
                let is_out = |id| self.story.open().iter().any(|intent| intent.order_id == id);
                if let Some(again) = again.filter(|(id, _)| !is_out(*id)) {
                    self.tell(0, vec![again], false);
                }
                return;
            }
            Step::Begin(newer, is_there) => {
                let market = self.market(is_there);
                SessionCommand::BeginRun(Box::new(BeginRun { fence: fence + newer, market, at: now }))
            }
            Step::TakeOver(newer) => SessionCommand::TakeOver { fence: fence + newer },
            Step::Mark(snapshot) => {
                SessionCommand::Mark { market: Box::new(self.story.market.clone()), snapshot, at: now }
            }
            Step::Flow(part) => {
                let amount = exact::floor_to(self.story.state().portfolio.cash * Decimal::new(part, 3), 8);
                SessionCommand::ChangeCapital(Box::new(Flow { amount, market: self.market(true), at: now }))
            }
            Step::Resume(is_there) => {
                SessionCommand::Resume { market: boxed(self.market(is_there)), at: now }
            }
            Step::Stop(is_there) => {
                let market = boxed(self.market(is_there));
                SessionCommand::Stop { reason: "requested".to_owned(), market, at: now }
            }
            Step::Request(trigger) => {
                self.asked += 1;
                SessionCommand::RequestRun { run_id: Uuid::from_u128(self.asked), trigger, at: now }
            }
            setting => setting_of(&setting, now),
        };
        let is_stop = matches!(command, SessionCommand::Stop { .. });
        let was_active = !matches!(self.story.state().state, SessionState::Stopping | SessionState::Stopped);
        let decided = self.ask(command);
        assert_eq!(is_stop && was_active, is_stop && decided.is_ok(), "whoever goes on can be stopped");
    }
}

/// What an owner sets.
fn setting_of(step: &Step, now: Timestamp) -> SessionCommand {
    match *step {
        Step::NextRun(seconds) => {
            let next = now.as_micros() + seconds * 1_000_000;
            // Often one that was before.
            let next_run_at = if seconds % 2 == 0 { NOON } else { Timestamp::from_micros(next) };
            SessionCommand::SetNextRun { next_run_at }
        }
        Step::Interval(interval_s) => SessionCommand::SetInterval { interval_s, at: now },
        Step::Auto(enabled) => SessionCommand::SetAutoRebalance { enabled, at: now },
        Step::Drift(part) => SessionCommand::SetDrift { threshold: part.map(|part| Decimal::new(part, 3)) },
        Step::DryRun(dry_run) => SessionCommand::SetDryRun { dry_run },
        Step::Targets(which) => SessionCommand::SetTargets { targets: targets_of(which) },
        Step::Limits(risk, most) => SessionCommand::SetLimits {
            risk_per_trade: Some(Decimal::new(risk, 3)),
            max_drawdown: Some(Decimal::new(most, 3)),
        },
        _ => SessionCommand::Pause,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_history_breaks_a_rule(
        capital in 1_i64..100_000_000, steps in proptest::collection::vec(step(), 1..200)
    ) {
        let capital = Decimal::new(capital, 3);
        let mut watched = Watched::new(StartSession { capital, ..start() });
        for step in &steps {
            watched.takes(step);
        }
        // Whatever happened: what is out can be settled, and then it stops.
        watched.takes(&Step::Stop(false));
        while let Some(intent) = watched.story.open().first() {
            watched.tell(1, vec![filled(intent)], false);
        }
        if watched.story.state().run.is_some() {
            watched.tell(1, Vec::new(), false);
        }
        assert_eq!(watched.story.state().state, SessionState::Stopped);
        let replayed = watched.story.replayed();
        assert_eq!(replayed, watched.story.session);
        let text = serde_json::to_string(&replayed).unwrap();
        assert_eq!(serde_json::from_str::<TradingSession>(&text).unwrap(), replayed);
    }
}
