//! The read model is the fold of the journal, whatever happened and however it was batched.

use super::{Desk, d, targets};
use crate::helpers::{World, drain, projections};
use domain::trading::{Intent, Outcome, SessionCommand, SessionState, Trigger};
use domain::{Timestamp, TradingSessionId, UserId};
use projections::{RebuildOptions, rebuild};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn outcome(desk: &Desk, intent: &Intent, throw: u64) -> Outcome {
    match throw {
        0 => Outcome::Rejected { code: "lot_size".to_owned(), message: "too\tsmall\\".to_owned() },
        1 => Outcome::Unknown { cause: "timeout".to_owned() },
        2 => Outcome::NeverAccepted { evidence: "asked twice".to_owned() },
        3 => {
            let half = (intent.quantity / d("2")).round_dp(8).normalize();
            Outcome::Filled {
                fills: vec![desk.fill(intent, half), desk.fill(intent, intent.quantity - half)],
            }
        }
        4 => Outcome::Filled { fills: vec![desk.fill(intent, intent.quantity + d("1"))] },
        _ => Outcome::Filled { fills: vec![desk.fill(intent, intent.quantity)] },
    }
}

fn happen(desk: &mut Desk, id: TradingSessionId, dice: &mut Dice) -> bool {
    let at = Timestamp::default();
    match dice.below(25) {
        0..=3 => {
            let (run_id, trigger) = (Uuid::now_v7(), Trigger::Manual);
            desk.ask(id, SessionCommand::RequestRun { run_id, trigger, at })
        }
        4..=7 => desk.begin(id),
        8..=13 => {
            let throw = dice.below(14);
            desk.record(id, |desk, intent| outcome(desk, intent, throw))
        }
        14 | 15 => desk.mark(id, dice.below(2) == 0),
        16 => desk.ask(id, SessionCommand::Pause),
        17 => {
            let market = Some(Box::new(desk.market()));
            desk.ask(id, SessionCommand::Resume { market, at })
        }
        18 => {
            let next = [targets("0.5", "0", "0.5"), targets("0.1", "0.6", "0.3"), targets("0", "0", "1")];
            let [first, second, third] = next;
            let targets = match dice.below(3) {
                0 => first,
                1 => second,
                _ => third,
            };
            desk.ask(id, SessionCommand::SetTargets { targets })
        }
        19 => desk.ask(id, SessionCommand::SetDryRun { dry_run: dice.below(2) == 0 }),
        20 => desk.put_in(id, if dice.below(2) == 0 { "1000" } else { "-500" }),
        21 => desk.ask(id, SessionCommand::SetAutoRebalance { enabled: dice.below(2) == 0, at }),
        22 => {
            let next_run_at = desk.scribe.now.plus(Duration::from_secs(dice.below(300)));
            desk.ask(id, SessionCommand::SetNextRun { next_run_at })
        }
        23 => desk.ask(id, SessionCommand::SetDrift { threshold: (dice.below(3) > 0).then_some(d("0.1")) }),
        _ => dice.below(10) == 0 && desk.stop(id),
    }
}

async fn with_a_random_past(world: &World, seed: u64) -> (Desk, Vec<TradingSessionId>) {
    let (mut desk, mut dice) = (Desk::new(world).await, Dice(seed));
    let mut live = world.follow("trading");
    let user = UserId(Uuid::now_v7());
    let mut sessions: Vec<_> = (0..4).map(|_| desk.start(user)).collect();
    for _ in 0..120 {
        for _ in 0..=dice.below(12) {
            let chosen = usize::try_from(dice.below(sessions.len() as u64)).unwrap();
            if happen(&mut desk, sessions[chosen], &mut dice) && dice.below(150) == 0 {
                sessions.push(desk.start(user));
            }
        }
        desk.wait(dice.below(100)).await;
        for price in &mut desk.prices {
            let moved = 95 + i64::try_from(dice.below(11)).unwrap();
            *price = (*price * rust_decimal::Decimal::new(moved, 2)).round_dp(2).normalize();
        }
        if dice.below(4) == 0 {
            drain(&mut live).await;
        }
    }
    desk.commit().await;
    drain(&mut live).await;
    (desk, sessions)
}

/// What the watcher is told that a session holds.
async fn held(world: &World, id: TradingSessionId) -> BTreeMap<String, String> {
    let sql = "select h.asset, h.quantity::text from trading_marks m \
               cross join unnest(m.assets, m.quantities) as h (asset, quantity) where m.session_id = $1";
    let rows: Vec<(String, String)> =
        sqlx::query_as(sql).bind(id.0).fetch_all(world.journal.pool()).await.unwrap();
    rows.into_iter().collect()
}

/// Rows, and the events that each of them is of.
const ROWS: [(&str, &str); 4] = [
    ("trading_runs", "event_type = 'RunStarted'"),
    ("trading_runs where state <> 'running'", "event_type in ('RunCompleted', 'RunFailed')"),
    ("trading_trades where success and not dry_run", "event_type = 'OrderFilled'"),
    (
        "trading_trades where not success",
        "event_type in ('OrderRejected', 'OrderOutcomeResolved', 'OrderOutcomeUnbookable')",
    ),
];

#[tokio::test]
async fn the_read_model_is_the_fold_and_a_rebuilt_one_equals_it() {
    let mut seen: BTreeMap<&str, i64> = BTreeMap::new();
    for seed in [3, 1_405, 88_172_645_463_325_252] {
        let world = World::new().await;
        let (desk, sessions) = with_a_random_past(&world, seed).await;
        for id in sessions {
            let found = world.read_models.trading_session(id, Some(desk.scribe.position())).await.unwrap();
            let row = found.value.unwrap();
            let (folded, sequence) = desk.scribe.trading(id);
            assert_eq!((Some(&row.session), row.version), (folded.session(), sequence));
            let goes_on = matches!(
                row.session.state,
                SessionState::Running | SessionState::Paused | SessionState::Halted
            );
            let holds = row.session.portfolio.held().filter(|_| goes_on);
            let holds: BTreeMap<_, _> =
                holds.map(|(asset, held)| (asset.to_string(), held.quantity.to_string())).collect();
            assert_eq!(held(&world, id).await, holds);
        }
        for (what, events) in ROWS {
            let rows = world.count(&format!("select count(*) from {what}")).await;
            let expected = world.count(&format!("select count(*) from events where {events}")).await;
            assert_eq!(rows, expected, "{what}, {seed}");
            *seen.entry(what).or_default() += rows;
        }
        let dry = "trading_trades where dry_run";
        *seen.entry(dry).or_default() += world.count(&format!("select count(*) from {dry}")).await;
        rebuild(&world.journal, &projections(), "trading", RebuildOptions { verify: true }).await.unwrap();
    }
    assert!(seen.values().all(|rows| *rows > 0), "all of it has happened: {seen:?}");
}
