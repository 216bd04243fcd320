//! What wallets hold and what the world gave them: nothing together, at every position.

use crate::helpers::{World, drain};
use domain::wallet::{Capture, Lease, PlaceHold, Transfer, WalletCommand};
use domain::{CaptureId, Timestamp, WalletId};
use projections::QueryError;
use std::time::Duration;
use testkit::{Scribe, dollars};

fn place(cents: i64) -> WalletCommand {
    let lease = Lease::of_seconds(60).unwrap();
    WalletCommand::PlaceHold(PlaceHold { movement: dollars(cents), lease, at: Timestamp::default() })
}

fn capture(hold: i64, cents: i64) -> WalletCommand {
    WalletCommand::Capture(Capture {
        hold,
        capture_id: CaptureId::parse("c").unwrap(),
        amount: Some(dollars(cents).amount),
        is_final: true,
        at: Timestamp::default(),
    })
}

async fn transfer(scribe: &mut Scribe, from: WalletId, to: WalletId, cents: i64) {
    let to_whom = |counterparty| Transfer { movement: dollars(cents), counterparty };
    scribe.write(from, WalletCommand::Send(to_whom(to)));
    scribe.write(to, WalletCommand::Receive(to_whom(from)));
    scribe.commit().await;
}

async fn with_history() -> (World, Scribe, WalletId) {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (_, ada) = scribe.register().await;
    scribe.deposit(ada, 10_000).await;
    let (_, eve) = scribe.register().await;
    transfer(&mut scribe, ada, eve, 2_500).await;
    scribe.withdraw(eve, 500).await;
    scribe.write(ada, place(1_000));
    scribe.commit().await;
    scribe.write(ada, capture(4, 600));
    scribe.commit().await;
    scribe.now = scribe.now.plus(Duration::from_mins(2));
    scribe.deposit(eve, 1).await;
    for name in ["wallets", "transactions"] {
        drain(&mut world.follow(name)).await;
    }
    (world, scribe, ada)
}

/// Wallets with nothing in them that changed at the end.
async fn with_many_more(world: &World, position: i64) {
    let sql = "insert into wallets (wallet_id, user_id, currency, posted, held, available, status, version, position) \
               select gen_random_uuid(), gen_random_uuid(), 'USD', 0, 0, 0, 'active', 1, $1 from generate_series(1, 1200)";
    sqlx::query(sql).bind(position).execute(world.journal.pool()).await.unwrap();
}

#[tokio::test]
async fn it_is_zero_at_every_position() {
    let (world, scribe, _) = with_history().await;
    assert_zero_at_every_position(&world, &scribe).await;
    // More than are looked up one by one.
    with_many_more(&world, scribe.position()).await;
    assert_zero_at_every_position(&world, &scribe).await;
}

async fn assert_zero_at_every_position(world: &World, scribe: &Scribe) {
    let mut held = Vec::new();
    for position in 0..=scribe.position() {
        let balance = world.read_models.trial_balance(Some(position), None).await.unwrap();
        assert_eq!(balance.position, position);
        let usd = balance.value.iter().find(|line| line.currency.code() == "USD").unwrap();
        assert!(usd.is_balanced, "at {position}: {usd:?}");
        let legs =
            "select coalesce(sum(amount), 0) = $1::numeric from postings($2) where account = 'world:USD'";
        let legs = sqlx::query_scalar::<_, bool>(legs).bind(&usd.world).bind(position);
        assert!(legs.fetch_one(world.journal.pool()).await.unwrap(), "at {position}: {}", usd.world);
        held.push(usd.wallets.clone());
    }
    // Deposit, two wallets opened, transfer out and in, withdrawal, hold, capture of a part, deposit.
    let last = held.last().unwrap();
    assert_eq!(last, "89.01");
    assert!(held.contains(&"100.00".to_owned()) && held.contains(&"95.00".to_owned()), "{held:?}");
    let now = world.read_models.trial_balance(None, None).await.unwrap();
    assert_eq!((now.position, &now.value[0].wallets), (scribe.position(), last));
    assert_eq!(now.value[0].world, "-89.01");
    let refused = world.read_models.trial_balance(Some(99), None).await.unwrap_err();
    assert!(matches!(refused, QueryError::BeyondHead { asked: 99, .. }), "{refused}");
}

#[tokio::test]
async fn an_error_on_either_side_is_a_difference() {
    let (world, _scribe, ada) = with_history().await;
    let change = async |sql| {
        sqlx::query(sql).bind(ada.0).execute(world.journal.pool()).await.unwrap();
        let balance = world.read_models.trial_balance(None, None).await.unwrap().value.remove(0);
        (balance.is_balanced, balance.difference)
    };
    let wallet = "update wallets set posted = posted + 0.01 where wallet_id = $1";
    assert_eq!(change(wallet).await, (false, "0.01".to_owned()));
    let amount = "update transactions set amount = amount + 0.01 where wallet_id = $1 and sequence = 2";
    assert_eq!(change(amount).await, (true, "0.00".to_owned()), "as large as the other one");
    let lost = "delete from transactions where wallet_id = $1 and sequence = 2";
    assert_eq!(change(lost).await, (false, "100.01".to_owned()));
}

#[tokio::test]
async fn it_is_of_the_lower_position_while_one_model_lags() {
    let (world, mut scribe, ada) = with_history().await;
    let before = scribe.position();
    scribe.deposit(ada, 7).await;
    drain(&mut world.follow("wallets")).await;
    let balance = world.read_models.trial_balance(None, None).await.unwrap();
    assert_eq!((balance.position, balance.value[0].is_balanced), (before, true));
    assert_eq!(balance.value[0].wallets, "89.01", "the wallet as it was");
    drain(&mut world.follow("transactions")).await;
    scribe.deposit(ada, 7).await;
    drain(&mut world.follow("transactions")).await;
    let balance = world.read_models.trial_balance(None, None).await.unwrap();
    assert_eq!((balance.position, balance.value[0].is_balanced), (before + 1, true));
}

#[tokio::test]
async fn each_posting_has_two_legs_that_are_nothing_together() {
    let (world, scribe, _) = with_history().await;
    let legs = "select count(*) from postings(9999)";
    // Two deposits, a withdrawal, both halves of a transfer, a capture; the hold itself posts nothing.
    assert_eq!(world.count(legs).await, 12);
    let torn = "select count(*) from (select from postings(9999) group by wallet_id, sequence \
                having count(*) <> 2 or sum(amount) <> 0 or count(*) filter (where account = 'world:USD') <> 1) t";
    assert_eq!(world.count(torn).await, 0);
    let until = format!("select count(*) from postings({})", scribe.position() - 1);
    assert_eq!(world.count(&until).await, 10);
}
