//! Holds end when their lease is over though nobody touches them, and each ends once.

use crate::house::{Holder, House, context};
use commands::sweep::Swept;
use commands::wallets::expiry::{FindOver, HoldExpiry};
use commands::wallets::{Aim, CaptureWish, Wish};
use commands::{Authority, Bounds, Commands, Failure, Outcome, Refusal};
use domain::wallet::{Lease, Movement, WalletEvent, WalletRefusal};
use domain::{CaptureId, Currency, Event, Money, WalletId};
use futures::future::join_all;
use std::sync::atomic::Ordering;

/// As a read model that is always late would: these wallets, whether or not anything in them is over.
fn always(wallets: &[WalletId]) -> FindOver {
    let wallets = wallets.to_vec();
    Box::new(move |_, limit, _| {
        let wallets = wallets.iter().copied().take(limit.into()).collect();
        Box::pin(async move { Ok(wallets) })
    })
}

async fn ask(commands: &Commands, holder: Holder, key: &str, aim: Aim) -> Outcome {
    let (wallet_id, bounds) = (holder.wallet_id, Bounds::default());
    let wish = Wish { wallet_id, authority: Authority::Anybody, aim, bounds };
    commands.ask_wallet(context(holder.principal(), key), wish).await
}

/// Keeps a dollar back for a minute. Where the hold is.
async fn hold(commands: &Commands, holder: Holder, key: &str) -> i64 {
    let amount = Money::parse("1", Currency::USD).unwrap();
    let movement = Movement { amount, currency: Currency::USD, reference: None };
    let placed = Aim::Hold { movement, lease: Lease::of_seconds(60).unwrap() };
    ask(commands, holder, key, placed).await.unwrap().events[0].sequence
}

fn capture(hold: i64) -> Aim {
    let capture_id = CaptureId::parse(&format!("fill of {hold}")).unwrap();
    Aim::Capture(CaptureWish { hold, capture_id, amount: None, is_final: false })
}

#[tokio::test]
async fn a_hold_that_is_over_is_ended_by_the_house_itself() {
    let house = House::build().await;
    let working = house.work().await;
    let commands = &working.commands;
    let holder = Holder::register(commands, "ada").await;
    holder.deposit(commands, "in", "10").await.unwrap();
    for key in ["one", "two"] {
        hold(commands, holder, key).await;
    }
    house.pass(30);
    hold(commands, holder, "three").await;
    let mut expiry = HoldExpiry::new(commands.clone(), always(&[holder.wallet_id]));
    house.pass(29);
    assert_eq!(expiry.run_once().await.unwrap(), Swept { ended: 0, is_full: false });
    house.pass(1);
    assert_eq!(expiry.run_once().await.unwrap(), Swept { ended: 2, is_full: false });
    let head = house.head().await;
    for recorded in house.journal.read_after(head - 2, 2).await.unwrap() {
        assert_eq!(recorded.metadata.actor, domain::Actor::SYSTEM);
        assert!(matches!(recorded.event().unwrap(), Event::Wallet(WalletEvent::HoldExpired(_))));
    }
    assert_eq!(expiry.run_once().await.unwrap(), Swept { ended: 0, is_full: false });
    assert_eq!(house.head().await, head, "what has ended does not end again");
    working.stop().await;
}

#[tokio::test]
async fn until_the_last_moment_a_hold_can_be_captured_and_from_then_on_not_though_nobody_swept() {
    let house = House::build().await;
    let working = house.work().await;
    let commands = &working.commands;
    let holder = Holder::register(commands, "ada").await;
    holder.deposit(commands, "in", "10").await.unwrap();
    let (in_time, late) = (hold(commands, holder, "one").await, hold(commands, holder, "two").await);
    house.now.fetch_add(59_999_999, Ordering::AcqRel);
    ask(commands, holder, "in time", capture(in_time)).await.unwrap();
    house.now.fetch_add(1, Ordering::AcqRel);
    let refused = ask(commands, holder, "late", capture(late)).await;
    let Err(Failure::Refused { refusal: Refusal::Wallet(refusal), .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(matches!(refusal, WalletRefusal::HoldExpired { .. }), "{refusal}");
    let mut expiry = HoldExpiry::new(commands.clone(), always(&[holder.wallet_id]));
    assert_eq!(expiry.run_once().await.unwrap().ended, 1);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_capture_and_an_expiry_at_the_same_moment_one_ends_the_hold() {
    let house = House::build().await;
    let working = house.work().await;
    let commands = &working.commands;
    let holder = Holder::register(commands, "ada").await;
    holder.deposit(commands, "in", "100").await.unwrap();
    let mut holds = Vec::new();
    for n in 0..40 {
        holds.push(hold(commands, holder, &format!("hold {n}")).await);
    }
    let mut expiry = HoldExpiry::new(commands.clone(), always(&[holder.wallet_id]));
    let all_captures = async {
        let keys: Vec<(String, i64)> = holds.iter().map(|hold| (format!("take {hold}"), *hold)).collect();
        join_all(keys.iter().map(|(key, hold)| ask(commands, holder, key, capture(*hold)))).await
    };
    let sweeps = async {
        house.pass(60);
        let mut expired = 0;
        for _ in 0..5 {
            expired += expiry.run_once().await.unwrap().ended;
        }
        expired
    };
    let (captured, expired) = tokio::join!(all_captures, sweeps);
    let captured = captured.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(captured + expired, 40, "each ends once");
    let endings: Vec<i64> = sqlx::query_scalar(
        "select count(*) from events where event_type in ('HoldCaptured', 'HoldExpired') and aggregate_id = $1 \
          group by coalesce(payload #>> '{HoldCaptured,hold,id}', payload #>> '{HoldExpired,hold,id}')",
    )
    .bind(holder.wallet_id.to_string())
    .fetch_all(house.journal.pool())
    .await
    .unwrap();
    assert_eq!(endings, vec![1; 40]);
    house.assert_dense().await;
    working.stop().await;
}
