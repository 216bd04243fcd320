//! Everybody wants the same at the same moment: one of them gets it.

use std::collections::HashMap;

use futures::future::join_all;
use sqlx::{Connection, PgConnection};
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

use super::clients::{Client, Desk, Who};
use super::judge::Probe;
use super::money::USD;
use super::town::Town;
use super::wish::{Asked, Entry, Step, To, Wish};
use super::{CLIENTS, hold_against_paper, open};
use crate::harness::{Dice, Scale};

const HOLDS: (usize, usize) = (100, 500);
const HOLDS_IN_BATCH: usize = 50;
const TRANSFERS: (usize, usize) = (60, 1_000);
const TTL: i64 = 2;
/// Nobody asks for a hold before its moment, which is about when its lease is over.
const BEFORE_THE_END_MS: u64 = 1_000;
const AFTER_THE_END_MS: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn of_a_capture_a_release_and_an_expiry_one_ends_the_hold() {
    let scale = Scale::of("one ending");
    let mut dice = scale.dice();
    let (house, program) = open("ending", &mut dice).await;
    let desk = Desk::new(Town::found(&house.start, 1).await, 0);
    let wallet = desk.town.people[0].wallet;
    let (holds, ends) =
        place(&mut Client::new(&desk, dice.fork()), wallet, scale.rounds(HOLDS.0, HOLDS.1)).await;
    let moment = |dice: &mut Dice| {
        let late = i64::try_from(dice.below(BEFORE_THE_END_MS + AFTER_THE_END_MS)).unwrap();
        ends + time::Duration::milliseconds(late - i64::try_from(BEFORE_THE_END_MS).unwrap())
    };
    let holds: Vec<(OffsetDateTime, Entry)> =
        holds.into_iter().map(|hold| (moment(&mut dice), hold)).collect();
    join_all((0..CLIENTS).map(|_| {
        let client = Client::new(&desk, dice.fork());
        tokio::spawn(end_all(client, holds.clone()))
    }))
    .await
    .into_iter()
    .for_each(|ended| ended.unwrap());
    super::readings::nothing_is_due(&house.database_url()).await;
    let mut conn = PgConnection::connect(&house.database_url()).await.unwrap();
    let endings = endings(&mut conn).await;
    conn.close().await.unwrap();
    assert_eq!(endings.len(), holds.len(), "each has ended");
    let mut kinds: HashMap<&str, usize> = HashMap::new();
    for (hold, kind, times) in &endings {
        assert_eq!(*times, 1, "{hold} ended more than once, as {kind}");
        *kinds.entry(kind).or_default() += 1;
    }
    scale.say(&format!("{} holds ended: {kinds:?}", endings.len()));
    hold_against_paper(&scale, &house, &desk).await;
    program.stop().await;
}

/// All in a moment, so that their leases end in one.
async fn place(client: &mut Client, wallet: Uuid, count: usize) -> (Vec<Entry>, OffsetDateTime) {
    let deposit = Wish::Deposit { wallet, coin: USD, minor: 100_000_000 };
    let key = client.key();
    client.ask(&key, &Asked::One(deposit.into()), Who::Service, Probe::Honest).await;
    let mut holds = Vec::new();
    let mut ends = OffsetDateTime::UNIX_EPOCH;
    for _ in 0..count / HOLDS_IN_BATCH {
        let hold = Step::from(Wish::Hold { wallet, coin: USD, minor: 100, ttl: TTL });
        let key = client.key();
        let batch = Asked::Batch(vec![hold; HOLDS_IN_BATCH]);
        let body = client.ask(&key, &batch, Who::Service, Probe::Honest).await;
        let results = body["results"].as_array().unwrap_or_else(|| panic!("{body}"));
        for result in results {
            let text = |name: &str| result["hold"][name].as_str().unwrap();
            holds.push(text("id").parse().unwrap());
            let format = &time::format_description::well_known::Rfc3339;
            ends = OffsetDateTime::parse(text("expires_at"), format).unwrap();
        }
    }
    (holds, ends)
}

/// Every hold, this way or that, when its moment has come.
async fn end_all(mut client: Client, mut holds: Vec<(OffsetDateTime, Entry)>) {
    shuffle(&mut holds, &mut client.dice);
    // All go about it in nearly the same order.
    holds.sort_by_key(|(moment, _)| moment.unix_timestamp_nanos() / 200_000_000);
    for (moment, hold) in holds {
        let wait = (moment - OffsetDateTime::now_utc()).max(time::Duration::ZERO);
        sleep(wait.unsigned_abs()).await;
        let wish = if client.dice.one_in(2) {
            let capture_id = client.key();
            Wish::Capture { hold, coin: USD, capture_id, minor: None, is_final: true }
        } else {
            Wish::Release { hold }
        };
        let key = client.key();
        client.ask(&key, &Asked::One(wish.into()), Who::Service, Probe::Honest).await;
    }
}

fn shuffle<T>(all: &mut [T], dice: &mut Dice) {
    for last in (1..all.len()).rev() {
        all.swap(last, dice.index(last + 1));
    }
}

/// Hold, how it ended, and how often.
async fn endings(conn: &mut PgConnection) -> Vec<(String, String, i64)> {
    let sql = "select payload->event_type->'hold'->>'id', min(event_type), count(*) from events \
               where payload->event_type->'hold'->>'status' <> 'active' group by 1";
    sqlx::query_as(sql).fetch_all(conn).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_there_and_back_again_neither_lock_nor_lose_anything() {
    let scale = Scale::of("there and back");
    let mut dice = scale.dice();
    let (house, program) = open("storm", &mut dice).await;
    let desk = Desk::new(Town::found(&house.start, 4).await, 0);
    let wallets: Vec<Uuid> = desk.town.people.iter().map(|citizen| citizen.wallet).collect();
    let mut client = Client::new(&desk, dice.fork());
    for wallet in &wallets {
        let key = client.key();
        let deposit = Wish::Deposit { wallet: *wallet, coin: USD, minor: 10_000 };
        client.ask(&key, &Asked::One(deposit.into()), Who::Service, Probe::Honest).await;
    }
    let rounds = scale.rounds(TRANSFERS.0, TRANSFERS.1);
    join_all((0..CLIENTS).map(|n| {
        let client = Client::new(&desk, dice.fork());
        tokio::spawn(there_and_back(client, wallets.clone(), n, rounds))
    }))
    .await
    .into_iter()
    .for_each(|ended| ended.unwrap());
    assert_eq!(desk.turned_away(), 0, "nobody has to come again");
    let mut conn = PgConnection::connect(&house.database_url()).await.unwrap();
    let sql = "select sum(case when event_type like '%Deposited' or event_type = 'TransferReceived' then 1 else -1 end * \
                   (payload->event_type->>'amount')::numeric)::text from events \
               where aggregate_type = 'wallet' and event_type <> 'WalletOpened'";
    let sum: String = sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
    assert_eq!(sum, "400.00", "what went in is all still there");
    conn.close().await.unwrap();
    hold_against_paper(&scale, &house, &desk).await;
    program.stop().await;
}

/// Half of the clients between two wallets, the others between all of them, now and then many at once.
async fn there_and_back(mut client: Client, mut wallets: Vec<Uuid>, n: usize, rounds: usize) {
    for round in 0..rounds {
        if n.is_multiple_of(2) {
            wallets.truncate(2);
        }
        shuffle(&mut wallets, &mut client.dice);
        let minor = i128::from(client.dice.between(1, 6_000));
        let transfer = |from: Uuid, to: Uuid| Wish::Transfer { from, to: To::Wallet(to), coin: USD, minor };
        let asked = if round.is_multiple_of(5) {
            let around = wallets.iter().zip(wallets.iter().cycle().skip(1));
            Asked::Batch(around.map(|(from, to)| transfer(*from, *to).into()).collect())
        } else {
            Asked::One(transfer(wallets[0], wallets[1]).into())
        };
        let key = client.key();
        client.ask(&key, &asked, Who::Service, Probe::Honest).await;
    }
}
