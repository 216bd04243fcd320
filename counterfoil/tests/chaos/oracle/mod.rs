//! The oracle: whatever the service answers, a model of wallets in whole numbers has to answer, too.
//!
//! Many clients ask for everything at once and write down what they are told. Afterwards the answers are put in the order
//! in which they were decided and replayed on paper, which shares no code with the service.

mod answers;
mod clients;
mod door;
mod forged;
mod holds;
mod judge;
mod known;
mod ledger;
mod lists;
mod money;
mod paper;
mod past;
mod races;
mod readings;
mod rules;
mod teller;
mod town;
mod wish;

use std::collections::HashMap;

use futures::future::join_all;

use crate::harness::house::Embedded;
use crate::harness::{Scale, evidence};
use clients::{Client, Desk};
use judge::{Case, judge};
use town::Town;

const CLIENTS: usize = 20;
const PEOPLE: usize = 6;
const COMMANDS: (usize, usize) = (2_000, 100_000);
/// At most one answer in so many may be one that was right only a moment before.
const UNSURE_ONE_IN: usize = 50;
/// So many moments of the past are looked at.
const LOOKS: (usize, usize) = (15, 200);
/// What happens in any long run, or it was none: each kind of step, and each reason to decline one.
const MUST_HAPPEN: [&str; 32] = [
    "open",
    "deposit",
    "withdraw",
    "transfer",
    "hold",
    "capture",
    "release",
    "amend",
    "extend",
    "reverse",
    "freeze",
    "unfreeze",
    "close",
    "already_reversed",
    "amend_below_captured",
    "balance_bounds",
    "capture_id_reused",
    "capture_too_large",
    "hold_ended",
    "hold_expired",
    "idempotency_key_reused",
    "insufficient_funds",
    "not_reversible",
    "recipient_not_found",
    "same_wallet",
    "version_mismatch",
    "wallet_closed",
    "wallet_exists",
    "wallet_frozen",
    "wallet_not_empty",
    "wrong_currency",
    "HoldExpired",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_the_one_on_paper() {
    let scale = Scale::of("oracle");
    let mut dice = scale.dice();
    let (house, program) = open("oracle", &mut dice).await;
    let town = Town::found(&house.start, PEOPLE).await;
    let desk = Desk::new(town, scale.rounds(COMMANDS.0, COMMANDS.1));
    join_all((0..CLIENTS).map(|_| tokio::spawn(Client::new(&desk, dice.fork()).run())))
        .await
        .into_iter()
        .for_each(|ended| ended.unwrap());
    let tally = hold_against_paper(&scale, &house, &desk).await;
    if scale.rounds(0, 1) == 1 {
        let missing: Vec<&str> = MUST_HAPPEN.into_iter().filter(|what| !tally.contains_key(*what)).collect();
        assert!(missing.is_empty(), "never happened: {missing:?}");
    }
    program.stop().await;
}

/// Panics with everything that does not agree.
async fn hold_against_paper(scale: &Scale, house: &Embedded, desk: &Desk) -> HashMap<String, usize> {
    let (names, begun) = (desk.town.names(), desk.town.begun);
    let heard = std::mem::take(&mut *desk.heard.lock().unwrap());
    readings::nothing_is_due(&house.database_url()).await;
    let journal = evidence::gather(&house.database_url(), &house.nats("subscriber")).await.journal;
    let (answers, events) = (heard.len(), journal.len());
    let verdict = judge(&Case { names, begun, journal, heard });
    let mut tally: Vec<_> = verdict.tally.iter().collect();
    tally.sort_unstable();
    let (audits, unsure) = (verdict.audits, verdict.unsure);
    scale.say(&format!("{answers} answers, {events} events, {audits} audits, {unsure} unsure: {tally:?}"));
    assert!(unsure * UNSURE_ONE_IN <= answers, "too much rests on what was looked up before: {unsure}");
    let mut complaints = verdict.complaints;
    if complaints.is_empty() {
        complaints = readings::check(&verdict.paper, &house.database_url()).await;
        let looks = scale.rounds(LOOKS.0, LOOKS.1);
        complaints.extend(lists::check(desk, &verdict.paper).await);
        complaints.extend(past::check(desk, &verdict.history, &mut scale.dice(), looks).await);
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    verdict.tally
}

/// A service with its own servers, which no key asks too often.
async fn open(name: &str, dice: &mut crate::harness::Dice) -> (Embedded, crate::harness::program::Program) {
    let mut house = Embedded::new(name, dice);
    house.start.place.push(("COUNTERFOIL_API_KEY_RATE_LIMIT", "off".to_owned()));
    let program = house.start.serve().await;
    (house, program)
}
