//! Every answer against its event: what was accepted is there once and is what was asked, what was refused is not there.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::Case;
use super::book::Book;
use crate::harness::cents;
use crate::harness::evidence::{Event, KeyRow};
use crate::harness::record::{Command, Heard, Intent, Said, Told};

pub(super) fn check(case: &Case, book: &Book<'_>, complaints: &mut Vec<String>) {
    let mut key_rows = Vec::new();
    for command in &case.pages.commands {
        let key = &command.key;
        let mut complain = |what: String| complaints.push(format!("{key}: {what}"));
        answers_agree(command, &mut complain);
        if command.heard(&Said::LoggedOut)
            && !case.pages.sessions.iter().any(|s| s.user == command.user && s.logged_out)
        {
            complain("was told that a session had ended which had not".to_owned());
        }
        match command.settled().next() {
            Some(heard) => key_rows.extend(settled(command, heard, book, &mut complain)),
            None if command.had_no_effect() => no_effect(command, book, &mut complain),
            None => complain("was never settled".to_owned()),
        }
    }
    keys_are_those(key_rows, case, complaints);
    nothing_else_happened(case, book, complaints);
    sessions_stand(case, complaints);
}

fn answers_agree(command: &Command, complain: &mut impl FnMut(String)) {
    for heard in command.attempts.iter().filter_map(|attempt| attempt.heard.as_ref()) {
        if let Said::Odd(what) = &heard.said {
            complain(format!("never to be said: {what}"));
        }
    }
    let Some(first) = command.settled().next() else { return };
    for other in command.settled().skip(1) {
        if (&other.said, &other.body) != (&first.said, &first.body) {
            complain(format!(
                "two answers: {:?} {} and {:?} {}",
                first.said, first.body, other.said, other.body
            ));
        }
    }
    let fresh = command.settled().filter(|heard| !heard.replayed).count();
    if fresh > 1 {
        complain(format!("was done anew {fresh} times"));
    }
}

/// Gives back the row its key must have left.
fn settled(
    command: &Command,
    heard: &Heard,
    book: &Book<'_>,
    complain: &mut impl FnMut(String),
) -> Option<KeyRow> {
    let position = heard.said.position()?;
    let body: Value = serde_json::from_str(&heard.body).unwrap_or_default();
    let row = match (&heard.said, &command.intent) {
        (Said::Accepted { .. }, Intent::Register { .. }) => {
            registered(&body, position, book, complain);
            KeyRow { position: position - 1, events: 2, refused: false }
        }
        (Said::Accepted { .. }, _) => {
            moved(command, &body, position, book, complain);
            KeyRow { position, events: 1, refused: false }
        }
        _ => {
            no_effect(command, book, complain);
            refusal_was_right(command, &body, position, book, complain);
            KeyRow { position, events: 0, refused: true }
        }
    };
    told_the_same(command, &row, complain);
    Some(row)
}

fn no_effect(command: &Command, book: &Book<'_>, complain: &mut impl FnMut(String)) {
    for event in book.movements_for(&command.key) {
        complain(format!("was answered as without effect, and has one at position {}", event.position));
    }
    if command.told.iter().any(|told| matches!(told, Told::Committed { .. })) {
        complain(format!("has no effect, and was told as {:?}", command.told));
    }
}

fn told_the_same(command: &Command, row: &KeyRow, complain: &mut impl FnMut(String)) {
    for told in &command.told {
        let agrees = match told {
            Told::Committed { position, events } => {
                !row.refused && *position == row.position + events - 1 && *events == i64::from(row.events)
            }
            Told::Refused { position } => row.refused && *position == row.position,
            // It may have been sent again after that, and be done since.
            Told::Never => true,
            Told::Odd(_) => false,
        };
        if !agrees {
            complain(format!("was told as {told:?}, and is {row:?}"));
        }
    }
}

fn registered(body: &Value, position: i64, book: &Book<'_>, complain: &mut impl FnMut(String)) {
    let id = |pointer: &str| body.pointer(pointer)?.as_str()?.parse::<Uuid>().ok();
    let expected = [("UserRegistered", position - 1, "/user/id"), ("WalletOpened", position, "/wallet/id")];
    for (kind, position, pointer) in expected {
        let is_it =
            |event: &Event| event.kind == kind && Some(event.aggregate) == id(pointer) && event.sequence == 1;
        if !book.at(position).is_some_and(is_it) {
            complain(format!("was accepted, and {kind} is not at position {position}"));
        }
    }
}

fn moved(command: &Command, body: &Value, position: i64, book: &Book<'_>, complain: &mut impl FnMut(String)) {
    let event = match book.movements_for(&command.key) {
        [] => return complain(format!("was accepted at position {position}, and is not in the journal")),
        [event] => event,
        several => {
            let positions: Vec<i64> = several.iter().map(|event| event.position).collect();
            return complain(format!("was done {} times, at {positions:?}", several.len()));
        }
    };
    let (kind, name, wallet, cents) = match &command.intent {
        Intent::Deposit { wallet, cents } => ("WalletDeposited", "deposit", wallet, cents),
        Intent::Withdraw { wallet, cents } => ("WalletWithdrawn", "withdrawal", wallet, cents),
        Intent::Register { .. } => return,
    };
    let asked = (position, kind, *wallet, command.user, Some(*cents));
    let done = (
        event.position,
        event.kind.as_str(),
        event.aggregate,
        event.owner,
        cents::read(event.text("amount")),
    );
    if asked != done {
        complain(format!("{asked:?} was asked and answered, {done:?} was done"));
    }
    let said = |pointer: &str| {
        body.pointer(pointer).map(|value| value.to_string().replace('"', "")).unwrap_or_default()
    };
    let id = format!("{}.{}", event.aggregate, event.sequence);
    for (pointer, expected) in [
        ("/position", event.position.to_string()),
        ("/transaction/id", id),
        ("/transaction/type", name.to_owned()),
        ("/transaction/amount", event.text("amount").to_owned()),
        ("/transaction/posted_after", event.text("posted_after").to_owned()),
        ("/transaction/reference", command.key.clone()),
        ("/wallet/posted", event.text("posted_after").to_owned()),
        ("/wallet/available", event.text("available_after").to_owned()),
        ("/wallet/version", event.sequence.to_string()),
    ] {
        if said(pointer) != expected {
            complain(format!("was answered with {pointer} {}, the event says {expected}", said(pointer)));
        }
    }
}

/// A refusal names what was available: just that was there, at the position it names, and it was too little.
fn refusal_was_right(
    command: &Command,
    body: &Value,
    position: i64,
    book: &Book<'_>,
    complain: &mut impl FnMut(String),
) {
    let Intent::Withdraw { wallet, cents } = command.intent else { return };
    let available = body["available"].as_str().and_then(cents::read);
    let there = book.balance(wallet, position).map(|balance| balance.cents);
    if available != there || available.is_none_or(|available| available >= cents) {
        let asked = cents::written(cents);
        complain(format!(
            "{asked} was refused for want of money: {available:?} cents, at {position} {there:?}"
        ));
    }
}

/// The keys that are remembered are just those that were settled.
fn keys_are_those(mut expected: Vec<KeyRow>, case: &Case, complaints: &mut Vec<String>) {
    let mut found = case.found.keys.clone();
    expected.sort_unstable();
    found.sort_unstable();
    let (mut expected, mut found) = (expected.into_iter().peekable(), found.into_iter().peekable());
    loop {
        let missing = match (expected.peek(), found.peek()) {
            (None, None) => return,
            (Some(a), Some(b)) if a == b => {
                expected.next();
                found.next();
                continue;
            }
            (Some(a), Some(b)) => a < b,
            (wanted, _) => wanted.is_some(),
        };
        if missing {
            complaints.extend(expected.next().map(|row| format!("no key is remembered for {row:?}")));
        } else {
            complaints.extend(
                found.next().map(|row| format!("a key is remembered for {row:?} that nobody was told")),
            );
        }
    }
}

/// No movement and no user that was not accepted under some key.
fn nothing_else_happened(case: &Case, book: &Book<'_>, complaints: &mut Vec<String>) {
    let commands: HashMap<&str, &Command> =
        case.pages.commands.iter().map(|command| (command.key.as_str(), command)).collect();
    for (reference, events) in book.movements() {
        if !commands.contains_key(reference) {
            complaints.push(format!("nobody asked for {reference:?} at position {}", events[0].position));
        }
    }
    let accepted = |command: &&Command| {
        matches!(command.settled().next(), Some(Heard { said: Said::Accepted { .. }, .. }))
    };
    let is_registration = |command: &&Command| matches!(command.intent, Intent::Register { .. });
    let users = case.pages.commands.iter().filter(is_registration).filter(accepted).count();
    let found = book.events().iter().filter(|event| event.kind == "UserRegistered").count();
    let claimed = usize::try_from(case.found.claims).unwrap();
    if users != found || CLAIMS_OF_ONE * users != claimed {
        complaints
            .push(format!("{users} registrations were accepted, {found} are there, with {claimed} claims"));
    }
}

/// A name, an address, and the one wallet in its currency.
const CLAIMS_OF_ONE: usize = 3;

/// Each login that was answered is there once, and each logout.
fn sessions_stand(case: &Case, complaints: &mut Vec<String>) {
    let mut opened: HashMap<(Uuid, &str), usize> = HashMap::new();
    let mut ended: HashSet<&str> = HashSet::new();
    for event in &case.found.journal {
        match event.kind.as_str() {
            "LoginSessionOpened" => {
                *opened.entry((event.aggregate, event.text("session_id"))).or_default() += 1;
            }
            "LoginSessionEnded" if !ended.insert(event.text("session_id")) => {
                complaints.push(format!("session {} ended twice", event.text("session_id")));
            }
            _ => {}
        }
    }
    for session in &case.pages.sessions {
        let id = session.id.to_string();
        let times = opened.get(&(session.user, id.as_str())).copied().unwrap_or(0);
        if times != 1 {
            complaints.push(format!("session {id} was opened {times} times"));
        }
        if session.logged_out != ended.contains(id.as_str()) {
            complaints
                .push(format!("session {id}: logged out {}, in the journal not so", session.logged_out));
        }
    }
}
