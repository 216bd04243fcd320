//! What a session keeps for itself: a hold in a wallet, a place among ten, a timer. It has them until it stops, and gives
//! each back once. And no wallet is richer or poorer for any of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::{events, number};
use crate::harness::evidence::Event;
use crate::trading::evidence::Case;
use crate::trading::exact::Exact;
use crate::trading::owners::FUNDS;

pub(super) fn check(case: &Case, complaints: &mut Vec<String>) {
    let mut active: BTreeMap<Uuid, &Event> = BTreeMap::new();
    let mut stops: HashMap<i64, Uuid> = HashMap::new();
    for event in events(case) {
        match event.kind.as_str() {
            "TradingSessionStarted" => drop(active.insert(event.aggregate, event)),
            "TradingSessionStopped" => {
                active.remove(&event.aggregate);
                stops.insert(event.position, event.aggregate);
            }
            _ => {}
        }
    }
    let ids: BTreeSet<Uuid> = active.keys().copied().collect();
    let places: BTreeSet<Uuid> = case.places.iter().copied().collect();
    if places != ids || case.places.len() != ids.len() {
        let (extra, missing) = (places.difference(&ids), ids.difference(&places));
        complaints.push(format!(
            "places are held by {:?}, and not by {:?}",
            extra.collect::<Vec<_>>(),
            missing.collect::<Vec<_>>()
        ));
    }
    let timers: BTreeSet<Uuid> = case.timers.iter().map(|row| row.session).collect();
    if timers != ids || case.timers.iter().any(|row| row.is_settling) {
        complaints.push(format!("there are timers for {timers:?}, sessions go on: {ids:?}"));
    }
    holds(case, &active, &stops, complaints);
    wallets(case, complaints);
}

/// One for each session that asked for it, given back where its session stops and nowhere else.
fn holds(
    case: &Case,
    active: &BTreeMap<Uuid, &Event>,
    stops: &HashMap<i64, Uuid>,
    complaints: &mut Vec<String>,
) {
    let mut given_back: HashMap<&str, Vec<&Event>> = HashMap::new();
    let mut placed: HashMap<&str, &Event> = HashMap::new();
    for event in case.found.journal.iter().filter(|event| event.aggregate_type == "wallet") {
        let hold = event.data["hold"]["id"].as_str().unwrap_or_default();
        match event.kind.as_str() {
            "HoldPlaced" => drop(placed.insert(hold, event)),
            "HoldReleased" => given_back.entry(hold).or_default().push(event),
            "WalletOpened" | "WalletDeposited" => {}
            other => {
                complaints.push(format!("{other} at position {}, which nobody asked for", event.position));
            }
        }
    }
    let mut reserved = BTreeSet::new();
    for started in events(case).filter(|event| event.kind == "TradingSessionStarted") {
        let (session, hold) = (started.aggregate, started.text("hold_id"));
        if hold.is_empty() {
            continue;
        }
        reserved.insert(hold);
        let amount = placed.get(hold).and_then(|event| number(event, "amount"));
        if amount.is_none() || amount != number(started, "capital") {
            complaints
                .push(format!("{session} has {amount:?} held, its capital is {}", started.text("capital")));
        }
        let releases = given_back.get(hold).map(Vec::as_slice).unwrap_or_default();
        match (active.contains_key(&session), releases) {
            (true, []) => {}
            (false, [release]) if stops.get(&(release.position - 1)) == Some(&session) => {}
            (goes_on, releases) => complaints.push(format!(
                "the hold of {session}, which {}, was released {} times, at {:?}",
                if goes_on { "goes on" } else { "has stopped" },
                releases.len(),
                releases.iter().map(|event| event.position).collect::<Vec<_>>()
            )),
        }
    }
    if let Some(stray) = placed.keys().find(|hold| !reserved.contains(*hold)) {
        complaints.push(format!("the hold {stray} is for no session"));
    }
}

/// What was paid in is there, and what is held is held for those that go on.
fn wallets(case: &Case, complaints: &mut Vec<String>) {
    let funds = Exact::read(FUNDS).unwrap();
    let mut held: HashMap<Uuid, Exact> = HashMap::new();
    for hold in case.holds.iter().filter(|hold| hold.status == "active") {
        *held.entry(hold.wallet).or_default() += hold.remaining;
    }
    let actives: BTreeSet<(Uuid, i64)> = case
        .holds
        .iter()
        .filter(|hold| hold.status == "active")
        .map(|hold| (hold.wallet, hold.sequence))
        .collect();
    let due: BTreeSet<(Uuid, i64)> =
        case.sessions.iter().filter(|row| row.state != "stopped").filter_map(hold_of).collect();
    if actives != due {
        complaints.push(format!("active are the holds {actives:?}, sessions go on with {due:?}"));
    }
    for wallet in case.found.wallets.iter().filter(|row| case.book.wallets.contains(&row.wallet)) {
        let read = |text: &str| Exact::read(text).unwrap_or_default();
        let held = held.get(&wallet.wallet).copied().unwrap_or_default();
        let found = (read(&wallet.posted), read(&wallet.held), read(&wallet.available));
        if found != (funds, held, funds - held) {
            complaints.push(format!("wallet {} has {found:?}, of {FUNDS} is held {held}", wallet.wallet));
        }
    }
}

fn hold_of(row: &crate::trading::evidence::SessionRow) -> Option<(Uuid, i64)> {
    let (wallet, sequence) = row.aggregate["session"]["hold_id"].as_str()?.split_once('.')?;
    Some((wallet.parse().ok()?, sequence.parse().ok()?))
}
