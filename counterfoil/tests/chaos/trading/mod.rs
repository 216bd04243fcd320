//! A trader is killed where it hurts most, again and again, and the exchange's own ledger says what happened.
//!
//! Traders come and go beside a node that stays; owners go on all the time. Nobody waits until what one trader left behind
//! is settled before the next one is killed, so recovery dies, too.

mod evidence;
mod exact;
mod owners;
mod stage;
mod verify;

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::sleep;

use crate::harness::{Dice, Scale};
use evidence::Case;
use owners::Owners;
use stage::{Moment, Stage};

/// At each moment, however many more are asked for: so many are to be survived, and more of each take hours.
const KILLS_MAX: usize = 50;
/// Between two commands of an owner.
const PACE_SHORT: Duration = Duration::from_millis(60);
const PACE_LONG: Duration = Duration::from_millis(150);
/// Of one round; others follow.
const TOLD_TO_STOP: usize = 3;
/// More complaints tell no more.
const SHOWN_MAX: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_trader_is_killed_an_order_is_executed_at_most_once_and_a_run_is_run_once() {
    let scale = Scale::of("trader killed");
    let mut dice = scale.dice();
    let mut stage = Stage::set(&mut dice).await;
    let pace = scale.span(PACE_SHORT, PACE_LONG);
    let mut owners = Owners::come(stage.node.listen, &mut dice, pace);
    let moments = in_any_order(scale.rounds(1, scale.kills().min(KILLS_MAX)), &mut dice);
    let (kills, each) = (moments.len(), moments.len() / Moment::ALL.len());
    scale.say(&format!("{kills} kills, {each} at each moment"));
    let is_long = scale.rounds(0, 1) > 0;
    for (n, moment) in moments.iter().enumerate() {
        if *moment == Moment::Stopping {
            stop_some(&mut stage, &mut owners, &mut dice).await;
        }
        kill(&mut stage, *moment, &mut dice).await;
        owners.must_go_on();
        stage.must_be_alive();
        // Else the next trader finds the leases of this one.
        if !is_long || moments.get(n + 1) == Some(&Moment::Stopping) || dice.one_in(2) {
            stage.let_leases_lapse().await;
        }
        stage.move_prices(&mut dice);
        scale.say(&format!("killed {} of {}: {moment:?}", n + 1, moments.len()));
    }
    let book = owners.leave().await;
    let served_until = loop {
        let trader = stage.trader().await;
        evidence::settled(&stage).await;
        let served_until = OffsetDateTime::now_utc();
        trader.stop().await;
        if evidence::timers_are_told(&stage).await {
            break served_until;
        }
    };
    let case = Case::gather(&stage, book, served_until).await;
    scale.say(&case.summary());
    let complaints = verify::verify(&case);
    let shown: Vec<&str> = complaints.iter().take(SHOWN_MAX).map(String::as_str).collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), shown.join("\n"));
    stage.close().await;
}

/// As many kills at each moment. Somebody has to have been killed before a session waits for its orders.
fn in_any_order(each: usize, dice: &mut Dice) -> Vec<Moment> {
    let mut moments: Vec<Moment> = Moment::ALL.iter().flat_map(|moment| vec![*moment; each]).collect();
    for last in (1..moments.len()).rev() {
        moments.swap(last, dice.index(last + 1));
    }
    moments
}

async fn kill(stage: &mut Stage, moment: Moment, dice: &mut Dice) {
    let mut trader = stage.doomed(moment).await;
    trader.stands_still(moment).await;
    let most = if moment == Moment::Any { 600_000 } else { 60_000 };
    // Now and then it gets further with what others left behind.
    let most = if dice.one_in(8) { most * 5 } else { most };
    sleep(Duration::from_micros(dice.below(most))).await;
    trader.kill();
}

/// Sessions whose orders are out are told to stop. Where there are none, somebody is killed for it.
async fn stop_some(stage: &mut Stage, owners: &mut Owners, dice: &mut Dice) {
    while evidence::stopping(stage).await == 0 {
        let mut under_way = evidence::under_way(stage).await;
        if under_way.is_empty() {
            kill(stage, Moment::Intended, dice).await;
            stage.let_leases_lapse().await;
            continue;
        }
        for _ in 0..TOLD_TO_STOP.min(under_way.len()) {
            let session = under_way.swap_remove(dice.index(under_way.len()));
            owners.stop_session(session).await;
        }
        sleep(Duration::from_millis(50)).await;
    }
}
