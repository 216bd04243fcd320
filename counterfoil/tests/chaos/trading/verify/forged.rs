//! The verifier can fail: an honest case passes, and each forgery of it is named.

use serde_json::{Value, json};
use uuid::Uuid;

use super::story::{ASKED, GOES_ON, STOPPED, WALLET, honest};
use super::verify;
use crate::harness::evidence::Event;
use crate::trading::evidence::Case;
use crate::trading::exact::Exact;
use crate::trading::owners::Told;

/// Forges the honest case, and expects to be told so in these words.
fn is_noticed(words: &str, forge: impl FnOnce(&mut Case)) {
    let mut case = honest();
    forge(&mut case);
    let complaints = verify(&case);
    assert!(
        complaints.iter().any(|complaint| complaint.contains(words)),
        "{words:?} is not in {complaints:#?}"
    );
}

fn event<'a>(case: &'a mut Case, session: Uuid, kind: &str) -> &'a mut Event {
    let found = |event: &&mut Event| event.aggregate == session && event.kind == kind;
    case.found.journal.iter_mut().find(found).unwrap()
}

fn without(case: &mut Case, session: Uuid, kind: &str) {
    let position = event(case, session, kind).position;
    case.found.journal.retain(|event| event.position != position);
}

fn twice(case: &mut Case, session: Uuid, kind: &str) {
    let again = event(case, session, kind).clone();
    case.found.journal.push(again);
}

fn says(case: &mut Case, (session, kind): (Uuid, &str), member: &str, value: impl Into<Value>) {
    event(case, session, kind).data[member] = value.into();
}

fn number(text: &str) -> Exact {
    Exact::read(text).unwrap()
}

#[test]
fn an_honest_case_passes() {
    let case = honest();
    assert_eq!(verify(&case), Vec::<String>::new());
    assert_eq!(
        (case.ledger.len(), case.runs.len(), case.sessions.len()),
        (3, 3, 2),
        "there is something to forge"
    );
}

#[test]
fn an_order_that_was_executed_twice_is_noticed() {
    is_noticed("was executed 2 times", |case| {
        let mut again = case.ledger[0].clone();
        again.id = 99;
        case.ledger.push(again);
    });
    is_noticed("by the ledger it is", |case| {
        let mut again = case.ledger[0].clone();
        (again.id, again.order) = (99, Uuid::from_u128(99));
        case.ledger.push(again);
    });
    is_noticed("was intended 2 times", |case| twice(case, GOES_ON, "OrderIntended"));
}

#[test]
fn a_fill_that_nobody_told_is_noticed() {
    is_noticed("was executed 1 times, told as filled 0 times", |case| without(case, GOES_ON, "OrderFilled"));
    is_noticed("told as filled 1 times and as not executed 1 times", |case| {
        let order = event(case, GOES_ON, "OrderIntended").data["order_id"].clone();
        let told = event(case, GOES_ON, "OrderFilled");
        (told.kind, told.data) = ("OrderRejected".to_owned(), json!({ "order_id": order }));
        twice(case, GOES_ON, "OrderRejected");
        event(case, GOES_ON, "OrderRejected").kind = "OrderFilled".to_owned();
    });
}

#[test]
fn a_fill_that_never_happened_is_noticed() {
    is_noticed("was executed 0 times, told as filled 1 times", |case| drop(case.ledger.remove(0)));
    is_noticed("was intended 0 times", |case| without(case, GOES_ON, "OrderIntended"));
}

#[test]
fn an_order_that_nobody_asked_for_is_noticed() {
    is_noticed("nobody knows what became of order", |case| {
        case.ledger.clear();
        without(case, GOES_ON, "OrderFilled");
    });
    is_noticed("was found out otherwise than is told", |case| {
        event(case, STOPPED, "RunTakenOver").kind = "DryRunChanged".to_owned();
    });
}

#[test]
fn a_fill_that_is_told_otherwise_is_noticed() {
    for (member, value) in
        [("quantity", "0.5"), ("price", "60000"), ("fee", "0"), ("side", "sell"), ("trade_id", "7")]
    {
        is_noticed(&format!("was told with another {member}"), |case| {
            says(case, (GOES_ON, "OrderFilled"), member, value);
        });
    }
    is_noticed("was executed with another quantity than was intended", |case| {
        says(case, (GOES_ON, "OrderIntended"), "quantity", "0.5");
    });
    is_noticed("was executed with another limit than was intended", |case| {
        says(case, (GOES_ON, "OrderIntended"), "limit_price", "60000");
    });
}

#[test]
fn an_order_out_of_its_time_or_price_is_noticed() {
    is_noticed("before it was intended", |case| case.ledger[0].at -= time::Duration::seconds(1));
    is_noticed("after its last moment", |case| case.ledger[0].at += time::Duration::seconds(5));
    is_noticed("which nobody said", |case| case.quotes.clear());
    is_noticed("was executed at 60022.02 instead of 60022.01", |case| {
        case.ledger[0].trade["price"] = "60022.02".into();
    });
    is_noticed("cost a fee of 0.01", |case| case.ledger[0].trade["fee"] = "0.01".into());
}

#[test]
fn money_that_is_not_what_the_ledger_says_is_noticed_wherever_it_stands() {
    for member in ["cash_after", "quantity_after", "cost_after", "realised"] {
        is_noticed(&format!("{member} at position"), |case| {
            says(case, (STOPPED, "OrderFilled"), member, "123.45");
        });
    }
    for member in ["cash", "equity", "unrealised", "realised", "fees"] {
        is_noticed(&format!("{member} at position"), |case| {
            says(case, (GOES_ON, "PortfolioSnapshotTaken"), member, "123.45");
        });
    }
    is_noticed("which nobody bid", |case| {
        event(case, GOES_ON, "PortfolioSnapshotTaken").data["positions"][0]["mark"] = "70000".into();
    });
    is_noticed("in the read model, its events fold to", |case| {
        case.sessions[1].aggregate["session"]["portfolio"]["cash"] = "1".into();
    });
    is_noticed("holds {\"cash\":\"1\"", |case| {
        case.sessions[1].aggregate["session"]["portfolio"]["cash"] = "1".into();
    });
    is_noticed("the read model has positions", |case| case.positions[0].quantity = number("1"));
    is_noticed("the read model has 2 trades, the ledger 3", |case| case.trades.truncate(2));
    is_noticed("is not that of the ledger", |case| case.trades[0].price = number("1"));
    is_noticed("the trades of", |case| case.trades[0].realised = number("1"));
    is_noticed("in the read model", |case| case.equity[0].equity = number("1"));
    for member in ["cash", "fees", "equity"] {
        is_noticed("is shown as", |case| case.shown[1].1[member] = "1".into());
    }
    is_noticed("is shown as", |case| case.shown[1].1["items"] = json!([]));
}

#[test]
fn a_run_that_began_or_ended_out_of_turn_is_noticed() {
    is_noticed("began twice", |case| twice(case, GOES_ON, "RunStarted"));
    is_noticed("never ended", |case| without(case, GOES_ON, "RunCompleted"));
    is_noticed("and was not under way", |case| without(case, GOES_ON, "RunStarted"));
    is_noticed("though nobody had asked for it", |case| without(case, STOPPED, "RunRequested"));
    is_noticed("though it was not due then", |case| {
        says(case, (GOES_ON, "RunStarted"), "due_at", "2027-01-15T08:00:00Z");
    });
    is_noticed("with the next at None", |case| {
        says(case, (GOES_ON, "RunCompleted"), "next_run_at", Value::Null);
    });
    is_noticed("stopped out of turn", |case| twice(case, STOPPED, "TradingSessionStopped"));
    is_noticed("is not in the read model", |case| case.runs[0].state = "running".to_owned());
    is_noticed("3 runs began, the read model has 2", |case| drop(case.runs.pop()));
}

#[test]
fn a_run_that_was_missed_is_noticed() {
    is_noticed("and never ran", |case| case.served_until += time::Duration::seconds(120));
    is_noticed("was asked for and never began", |case| {
        let mut asked = event(case, STOPPED, "RunRequested").clone();
        asked.aggregate = GOES_ON;
        asked.data["run_id"] = Uuid::from_u128(77).to_string().into();
        case.found.journal.push(asked);
    });
}

#[test]
fn a_hold_that_leaks_or_ends_too_early_is_noticed() {
    is_noticed("which has stopped, was released 0 times", |case| without(case, WALLET, "HoldReleased"));
    is_noticed("which has stopped, was released 2 times", |case| twice(case, WALLET, "HoldReleased"));
    is_noticed("which has stopped, was released 1 times", |case| {
        event(case, WALLET, "HoldReleased").position += 1;
    });
    is_noticed("which goes on, was released 1 times", |case| {
        let hold = event(case, GOES_ON, "TradingSessionStarted").data["hold_id"].clone();
        event(case, WALLET, "HoldReleased").data["hold"]["id"] = hold;
    });
    is_noticed("active are the holds", |case| case.holds[0].status = "active".to_owned());
    is_noticed("has Some", |case| says(case, (WALLET, "HoldPlaced"), "amount", "1"));
}

#[test]
fn a_place_or_a_timer_that_leaks_is_noticed() {
    is_noticed("places are held by", |case| case.places.push(STOPPED));
    is_noticed("places are held by", |case| case.places.clear());
    is_noticed("there are timers for", |case| case.timers[0].is_settling = true);
    is_noticed("there are timers for", |case| case.timers.clear());
}

#[test]
fn a_wallet_that_became_richer_is_noticed() {
    is_noticed("of 1000000.00 is held 500", |case| case.found.wallets[0].posted = "1000001.00".to_owned());
    is_noticed("of 1000000.00 is held 500", |case| case.found.wallets[0].available = "1000000.00".to_owned());
    is_noticed("which nobody asked for", |case| {
        let mut paid = event(case, WALLET, "WalletDeposited").clone();
        paid.kind = "HoldCaptured".to_owned();
        case.found.journal.push(paid);
    });
}

#[test]
fn a_plan_that_does_not_follow_is_noticed() {
    is_noticed("when it is planned again", |case| {
        event(case, GOES_ON, "RebalancePlanned").data["plan"]["plan_hash"] = "00".into();
    });
    is_noticed("when it is planned again", |case| {
        event(case, GOES_ON, "RebalancePlanned").data["inputs"]["cash"] = "499".into();
    });
}

#[test]
fn an_answer_that_does_not_stand_is_noticed() {
    is_noticed("was told, and is not so", |case| case.book.told.push(Told::WillStop { session: GOES_ON }));
    is_noticed("was told, and is not so", |case| {
        case.book.told.push(Told::WillRun { session: GOES_ON, run: ASKED });
    });
    is_noticed("1 sessions were started, there are 2", |case| {
        case.book.told.remove(0);
    });
}
