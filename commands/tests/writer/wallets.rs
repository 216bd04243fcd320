use crate::house::{Holder, House, Settings, context};
use commands::wallets::{Aim, CaptureWish, Wish};
use commands::{Authority, Bounds, Commands, Failure, Outcome, Refusal};
use domain::wallet::{Lease, Movement};
use domain::{CaptureId, Currency, Money};
use futures::future::join_all;
use std::collections::HashSet;

fn wish(holder: Holder, aim: Aim) -> Wish {
    Wish { wallet_id: holder.wallet_id, authority: Authority::Anybody, aim, bounds: Bounds::default() }
}

async fn ask(commands: &Commands, holder: Holder, key: &str, aim: Aim) -> Outcome {
    commands.ask_wallet(context(holder.principal(), key), wish(holder, aim)).await
}

fn dollars(amount: &str) -> Money {
    Money::parse(amount, Currency::USD).unwrap()
}

/// Puts so much in and keeps it back. Where the hold is.
async fn hold(commands: &Commands, holder: Holder, amount: &str) -> i64 {
    holder.deposit(commands, &format!("in {amount}"), amount).await.unwrap();
    let movement = Movement { amount: dollars(amount), currency: Currency::USD, reference: None };
    let placed = Aim::Hold { movement, lease: Lease::of_seconds(60).unwrap() };
    ask(commands, holder, &format!("hold {amount}"), placed).await.unwrap().events[0].sequence
}

fn capture(hold: i64, id: &str, amount: &str) -> Aim {
    let (capture_id, amount) = (CaptureId::parse(id).unwrap(), Some(dollars(amount)));
    Aim::Capture(CaptureWish { hold, capture_id, amount, is_final: false })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_that_ended_its_hold_is_answered_again_under_any_key() {
    let house = House::build().await;
    let working = house.work().await;
    let commands = &working.commands;
    let holder = Holder::register(commands, "ada").await;
    let hold = hold(commands, holder, "5").await;
    let first = ask(commands, holder, "one", capture(hold, "fill", "5")).await.unwrap();
    let again = ask(commands, holder, "two", capture(hold, "fill", "5")).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.position, &again.events), (first.position, &first.events));
    let other = ask(commands, holder, "three", capture(hold, "fill", "4")).await;
    assert!(matches!(other, Err(Failure::CaptureIdReused)), "{other:?}");
    let late = ask(commands, holder, "four", capture(hold, "another", "1")).await;
    assert!(matches!(late, Err(Failure::Refused { replayed: false, .. })), "{late:?}");
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_reversals_in_one_breath_one_is_made() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let deposited = holder.deposit(&working.commands, "in", "5").await.unwrap();
    holder.deposit(&working.commands, "more", "50").await.unwrap();
    working.stop().await;
    let sequence = deposited.events[0].sequence;
    let reverse = || Aim::Reverse { sequence, ending: None, reference: None };
    let idle = house.idle(Settings::default()).await;
    let commands = idle.commands.clone();
    let keys: Vec<String> = (0..10).map(|n| format!("undo {n}")).collect();
    let asked = join_all(keys.iter().map(|key| ask(&commands, holder, key, reverse())));
    let at_work = async {
        idle.filled(10).await;
        idle.begin()
    };
    let (outcomes, working) = tokio::join!(asked, at_work);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let taken = |outcome: &&Outcome| {
        matches!(outcome, Err(Failure::Refused { refusal: Refusal::AlreadyReversed, .. }))
    };
    assert_eq!(outcomes.iter().filter(taken).count(), 9);
    let both = vec![wish(holder, reverse()), wish(holder, reverse())];
    let twice = commands.batch(context(holder.principal(), "both"), both).await;
    assert!(matches!(twice, Err(Failure::Refused { refusal: Refusal::InBatch { index: 0, .. }, .. })));
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_does_nothing_twice_under_one_name() {
    let house = House::build().await;
    let working = house.work().await;
    let commands = &working.commands;
    let holder = Holder::register(commands, "ada").await;
    let hold = hold(commands, holder, "5").await;
    let captures = vec![wish(holder, capture(hold, "c", "1")), wish(holder, capture(hold, "c", "1"))];
    let twice = commands.batch(context(holder.principal(), "captures"), captures).await;
    assert!(matches!(twice, Err(Failure::CaptureIdReused)), "{twice:?}");
    let deposited = holder.deposit(commands, "in", "7").await.unwrap();
    let reverse = || {
        wish(holder, Aim::Reverse { sequence: deposited.events[0].sequence, ending: None, reference: None })
    };
    let twice = commands.batch(context(holder.principal(), "undo"), vec![reverse(), reverse()]).await;
    let Err(Failure::Refused { refusal: Refusal::InBatch { index: 1, refusal }, .. }) = twice else {
        panic!("{twice:?}")
    };
    assert_eq!(*refusal, Refusal::AlreadyReversed);
    let sequences: HashSet<i64> = commands
        .batch(context(holder.principal(), "once"), vec![reverse()])
        .await
        .unwrap()
        .events
        .iter()
        .map(|event| event.sequence)
        .collect();
    assert_eq!(sequences.len(), 1, "what was refused left nothing behind");
    working.stop().await;
}
