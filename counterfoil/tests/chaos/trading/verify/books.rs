//! Cash, holdings and equity of every session, from the rows of the ledger alone, against everything that tells of them:
//! the events, the state they fold to, and the read models.

use std::collections::{BTreeMap, HashMap};

use domain::Decide;
use domain::trading::{SessionEvent, TradingSession};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{events, number};
use crate::harness::evidence::Event;
use crate::trading::evidence::{Case, Executed, PositionRow};
use crate::trading::exact::Exact;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    quantity: Exact,
    cost: Exact,
    realised: Exact,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Book {
    cash: Exact,
    held: BTreeMap<String, Held>,
    fees: Exact,
}

impl Book {
    /// What it made, without its fee.
    fn trade(&mut self, row: &Executed) -> Exact {
        let (quantity, fee) = (row.number("quantity"), row.number("fee"));
        let worth = quantity.times(row.number("price"));
        let held = self.held.entry(row.text("asset").to_owned()).or_default();
        self.fees += fee;
        self.cash -= fee;
        if row.text("side") == "buy" {
            held.quantity += quantity;
            held.cost += worth;
            self.cash -= worth;
            return Exact::ZERO;
        }
        // Of more than there was, it is complained about what is left.
        let cost =
            if quantity >= held.quantity { held.cost } else { held.cost.share(quantity, held.quantity) };
        held.quantity -= quantity;
        held.cost -= cost;
        held.realised += worth - cost;
        self.cash += worth;
        worth - cost
    }

    /// As its read model and its state write it down.
    fn written(&self) -> Value {
        let held = self.held.iter().map(|(asset, held)| {
            let Held { quantity, cost, realised } = held;
            (asset.clone(), json!({ "quantity": quantity.to_string(), "cost": cost.to_string(), "realised": realised.to_string() }))
        });
        json!({ "cash": self.cash.to_string(), "fees": self.fees.to_string(), "holdings": held.collect::<serde_json::Map<_, _>>() })
    }
}

pub(super) fn check(case: &Case, complaints: &mut Vec<String>) {
    let rows: HashMap<String, &Executed> = case.ledger.iter().map(|row| (row.id.to_string(), row)).collect();
    let mut books: BTreeMap<Uuid, Book> = BTreeMap::new();
    let mut states: BTreeMap<Uuid, TradingSession> = BTreeMap::new();
    for event in events(case) {
        let book = books.entry(event.aggregate).or_default();
        match event.kind.as_str() {
            "TradingSessionStarted" => book.cash = number(event, "capital").unwrap_or_default(),
            "CapitalChanged" => {
                book.cash += number(event, "amount").unwrap_or_default();
                agrees(event, "cash_after", book.cash, complaints);
            }
            "OrderFilled" => {
                // What is no row of the ledger is complained about as an order.
                if let Some(row) = rows.get(event.text("trade_id")) {
                    filled(event, row, book, complaints);
                }
            }
            "PortfolioSnapshotTaken" => valued(case, event, &event.data, book, complaints),
            "TradingSessionHalted" => valued(case, event, &event.data["portfolio"], book, complaints),
            _ => {}
        }
        match serde_json::from_value::<SessionEvent>(json!({ &event.kind: event.data })) {
            Ok(happened) => states.entry(event.aggregate).or_default().evolve(&happened),
            Err(error) => complaints.push(format!("position {} cannot be read: {error}", event.position)),
        }
    }
    in_any_order(case, &books, complaints);
    shown(case, &books, &states, complaints);
    listed(case, &books, complaints);
    told(case, &books, complaints);
}

fn agrees(event: &Event, member: &str, due: Exact, complaints: &mut Vec<String>) {
    if number(event, member) != Some(due) {
        let (said, position) = (event.text(member), event.position);
        complaints.push(format!("{member} at position {position} is {said}, by the ledger it is {due}"));
    }
}

fn filled(event: &Event, row: &Executed, book: &mut Book, complaints: &mut Vec<String>) {
    let realised = book.trade(row);
    let held = book.held[row.text("asset")].clone();
    agrees(event, "cash_after", book.cash, complaints);
    agrees(event, "quantity_after", held.quantity, complaints);
    agrees(event, "cost_after", held.cost, complaints);
    agrees(event, "realised", realised, complaints);
    if book.cash < Exact::ZERO || held.quantity < Exact::ZERO {
        complaints.push(format!("{} had less than nothing at position {}", event.aggregate, event.position));
    }
}

/// What everything is worth, by marks that are bids somebody said.
fn valued(case: &Case, event: &Event, said: &Value, book: &Book, complaints: &mut Vec<String>) {
    let text = |value: &Value, member: &str| value[member].as_str().and_then(Exact::read).unwrap_or_default();
    let mut equity = book.cash;
    let (mut cost, mut quantities) = (Exact::ZERO, BTreeMap::new());
    for position in said["positions"].as_array().into_iter().flatten() {
        let asset = position["asset"].as_str().unwrap_or_default();
        let (quantity, mark) = (text(position, "quantity"), text(position, "mark"));
        if !case.quotes.iter().any(|(of, bid, _)| of == asset && *bid == mark) {
            complaints.push(format!(
                "{asset} is valued at {mark} at position {}, which nobody bid",
                event.position
            ));
        }
        equity += quantity.times(mark);
        cost += book.held.get(asset).map(|held| held.cost).unwrap_or_default();
        quantities.insert(asset.to_owned(), quantity);
    }
    let held = book.held.iter().filter(|(_, held)| !held.quantity.is_zero());
    let held: BTreeMap<String, Exact> = held.map(|(asset, held)| (asset.clone(), held.quantity)).collect();
    if quantities != held {
        complaints.push(format!(
            "position {} values {quantities:?}, by the ledger there is {held:?}",
            event.position
        ));
    }
    let mut realised = Exact::ZERO;
    book.held.values().for_each(|held| realised += held.realised);
    let dues = [
        ("cash", book.cash),
        ("equity", equity),
        ("unrealised", equity - book.cash - cost),
        ("realised", realised),
        ("fees", book.fees),
    ];
    for (member, due) in dues {
        let found = text(said, member);
        if found != due {
            let position = event.position;
            complaints.push(format!("{member} at position {position} is {found}, by the ledger it is {due}"));
        }
    }
}

/// The ledger by itself, in its own order, comes to the same.
fn in_any_order(case: &Case, books: &BTreeMap<Uuid, Book>, complaints: &mut Vec<String>) {
    let mut alone: BTreeMap<Uuid, Book> = BTreeMap::new();
    for event in events(case) {
        match event.kind.as_str() {
            "TradingSessionStarted" => {
                let capital = number(event, "capital").unwrap_or_default();
                alone.insert(event.aggregate, Book { cash: capital, ..Book::default() });
            }
            "CapitalChanged" => {
                alone.entry(event.aggregate).or_default().cash += number(event, "amount").unwrap_or_default();
            }
            _ => {}
        }
    }
    for row in &case.ledger {
        alone.entry(row.account).or_default().trade(row);
    }
    for (session, book) in books {
        if alone.get(session) != Some(book) {
            complaints.push(format!("{session} has {book:?}, by the ledger it is {:?}", alone.get(session)));
        }
    }
    if let Some(stranger) = alone.keys().find(|session| !books.contains_key(session)) {
        complaints.push(format!("{stranger} has traded, and there is no such session"));
    }
}

/// The state of every session, folded here and kept by the read model.
fn shown(
    case: &Case,
    books: &BTreeMap<Uuid, Book>,
    states: &BTreeMap<Uuid, TradingSession>,
    complaints: &mut Vec<String>,
) {
    if case.sessions.len() != books.len() {
        complaints.push(format!(
            "there are {} sessions, the read model has {}",
            books.len(),
            case.sessions.len()
        ));
    }
    let mut versions: HashMap<Uuid, i64> = HashMap::new();
    for event in events(case) {
        versions.insert(event.aggregate, event.sequence);
    }
    for row in &case.sessions {
        let Some((book, state)) = books.get(&row.session).zip(states.get(&row.session)) else {
            complaints.push(format!("{} is in the read model, and not in the journal", row.session));
            continue;
        };
        let folded = serde_json::to_value(state).unwrap();
        if folded != row.aggregate || versions.get(&row.session) != Some(&row.version) {
            complaints.push(format!(
                "{} is {} in the read model, its events fold to {folded}",
                row.session, row.aggregate
            ));
        }
        let portfolio = &row.aggregate["session"]["portfolio"];
        if *portfolio != book.written() {
            complaints.push(format!(
                "{} holds {portfolio}, by the ledger it is {}",
                row.session,
                book.written()
            ));
        }
    }
}

/// Positions, trades and the curve of equity.
fn listed(case: &Case, books: &BTreeMap<Uuid, Book>, complaints: &mut Vec<String>) {
    let active = case.sessions.iter().filter(|row| row.state != "stopped").map(|row| row.session);
    let mut positions = Vec::new();
    for session in active {
        let held = books.get(&session).into_iter().flat_map(|book| &book.held);
        let held = held.filter(|(_, held)| !held.quantity.is_zero());
        positions.extend(held.map(|(asset, held)| PositionRow {
            session,
            asset: asset.clone(),
            quantity: held.quantity,
        }));
    }
    positions.sort();
    let mut found = case.positions.clone();
    found.sort();
    if positions != found {
        complaints
            .push(format!("the read model has positions {found:?}, by the ledger there are {positions:?}"));
    }
    let executed: HashMap<Uuid, &Executed> = case.ledger.iter().map(|row| (row.order, row)).collect();
    let succeeded: Vec<_> = case.trades.iter().filter(|trade| trade.success && !trade.dry_run).collect();
    if succeeded.len() != case.ledger.len() {
        let (trades, rows) = (succeeded.len(), case.ledger.len());
        complaints.push(format!("the read model has {trades} trades, the ledger {rows}"));
    }
    for trade in succeeded {
        let row = trade.order.and_then(|order| executed.get(&order));
        let is_told = row.is_some_and(|row| {
            (trade.session, trade.quantity, trade.price, trade.fee)
                == (row.account, row.number("quantity"), row.number("price"), row.number("fee"))
        });
        if !is_told {
            complaints.push(format!("the trade {trade:?} is not that of the ledger: {row:?}"));
        }
    }
    equity(case, complaints);
    realised(case, books, complaints);
}

/// By HTTP, to whom they belong.
fn told(case: &Case, books: &BTreeMap<Uuid, Book>, complaints: &mut Vec<String>) {
    let read = |value: &Value| value.as_str().and_then(Exact::read);
    for (session, body) in &case.shown {
        let Some(book) = books.get(session) else { continue };
        let (mut held, mut equity) = (BTreeMap::new(), book.cash);
        for item in body["items"].as_array().into_iter().flatten() {
            let asset = item["asset"].as_str().unwrap_or_default();
            let (quantity, mark) =
                (read(&item["quantity"]).unwrap_or_default(), read(&item["mark"]).unwrap_or_default());
            if !case.quotes.iter().any(|(of, bid, _)| of == asset && *bid == mark) {
                complaints.push(format!("{asset} is shown at {mark}, which nobody bid"));
            }
            equity += quantity.times(mark);
            held.insert(asset, quantity);
        }
        let due = book.held.iter().filter(|(_, held)| !held.quantity.is_zero());
        let due: BTreeMap<&str, Exact> = due.map(|(asset, held)| (asset.as_str(), held.quantity)).collect();
        let sums = [read(&body["cash"]), read(&body["fees"]), read(&body["equity"])];
        if held != due || sums != [Some(book.cash), Some(book.fees), Some(equity)] {
            complaints.push(format!("{session} is shown as {body}, by the ledger it is {book:?}"));
        }
    }
    if case.shown.len() != books.len() {
        complaints.push(format!("{} sessions were shown, there are {}", case.shown.len(), books.len()));
    }
}

fn equity(case: &Case, complaints: &mut Vec<String>) {
    let rows: HashMap<(Uuid, i64), _> =
        case.equity.iter().map(|row| ((row.session, row.position), row)).collect();
    for event in events(case).filter(|event| event.kind == "PortfolioSnapshotTaken") {
        let row = rows.get(&(event.aggregate, event.position));
        let is_told = row.is_some_and(|row| {
            number(event, "equity") == Some(row.equity) && number(event, "cash") == Some(row.cash)
        });
        if !is_told {
            complaints.push(format!("equity at position {} is {row:?} in the read model", event.position));
        }
    }
}

fn realised(case: &Case, books: &BTreeMap<Uuid, Book>, complaints: &mut Vec<String>) {
    let mut sums: BTreeMap<Uuid, Exact> = BTreeMap::new();
    case.trades.iter().for_each(|trade| *sums.entry(trade.session).or_default() += trade.realised);
    for (session, book) in books {
        let mut due = Exact::ZERO;
        book.held.values().for_each(|held| due += held.realised);
        let sum = sums.get(session).copied().unwrap_or_default();
        if sum != due {
            complaints.push(format!("the trades of {session} made {sum}, by the ledger it is {due}"));
        }
    }
}
