//! The judge can fail: an honest history passes, and each forgery of it is named.

use serde_json::json;
use time::Duration;

use super::judge::{Case, Heard, Probe, judge};
use super::money::{Coin, USD};
use super::paper::HoldStatus;
use super::teller::{OURS, Teller};
use super::wish::{Asked, Entry, Step, To, Wish};
use crate::harness::evidence::Event;

fn deposit(minor: i128) -> Wish {
    Wish::Deposit { wallet: OURS, coin: USD, minor }
}

fn withdraw(minor: i128) -> Wish {
    Wish::Withdraw { wallet: OURS, coin: USD, minor }
}

fn capture(hold: Entry, id: &str, minor: i128) -> Wish {
    Wish::Capture { hold, coin: USD, capture_id: id.to_owned(), minor: Some(minor), is_final: false }
}

/// 100.00 come in, 30.00 go to Grace by name, 20.00 of a hold are captured and the rest released, another hold expires,
/// a withdrawal is undone, and what cannot be is refused.
fn honest() -> Case {
    let mut teller = Teller::begin();
    teller.one("in", deposit(10_000));
    let to = To::Name("grace".to_owned());
    teller.one("transfer", Wish::Transfer { from: OURS, to, coin: USD, minor: 3_000 });
    let hold = teller.one("hold", Wish::Hold { wallet: OURS, coin: USD, minor: 5_000, ttl: 60 });
    teller.one("capture", capture(hold, "fill", 2_000));
    teller.one("too much", capture(hold, "more", 3_001));
    teller.one("release", Wish::Release { hold });
    teller.one("late", Wish::Release { hold });
    let short = teller.one("short", Wish::Hold { wallet: OURS, coin: USD, minor: 100, ttl: 5 });
    teller.expire(short);
    teller.one("no", withdraw(5_001));
    let out = teller.one("out", withdraw(1_000));
    teller.one("undo", Wish::Reverse { transaction: out });
    teller.one("undo again", Wish::Reverse { transaction: out });
    let batch = [deposit(100), withdraw(50)].map(Step::from).to_vec();
    teller.ask("batch", Asked::Batch(batch));
    teller.one("freeze", Wish::Freeze { wallet: OURS });
    teller.one("frozen", withdraw(1));
    teller.case
}

#[test]
fn an_honest_history_passes() {
    let verdict = judge(&honest());
    assert!(verdict.complaints.is_empty(), "{:#?}", verdict.complaints);
    for (accepted, times) in [("deposit", 2), ("withdraw", 2), ("hold", 2), ("capture", 1), ("reverse", 1)] {
        assert_eq!(verdict.tally[accepted], times, "{accepted}");
    }
    for refused in
        ["capture_too_large", "hold_ended", "insufficient_funds", "already_reversed", "wallet_frozen"]
    {
        assert_eq!(verdict.tally[refused], 1, "{refused}");
    }
    let ours = verdict.paper.sheet(OURS).unwrap();
    assert_eq!((ours.posted, ours.held(), ours.available()), (5_050, 0, 5_050));
}

fn is_noticed(words: &str, forge: impl FnOnce(&mut Case)) {
    let mut case = honest();
    forge(&mut case);
    let complaints = judge(&case).complaints;
    let found = complaints.iter().any(|complaint| complaint.contains(words));
    assert!(found, "{words:?} is not in {complaints:#?}");
}

fn heard<'a>(case: &'a mut Case, key: &str) -> &'a mut Heard {
    case.heard.iter_mut().find(|heard| heard.key == key).unwrap()
}

fn event<'a>(case: &'a mut Case, kind: &str) -> &'a mut Event {
    case.journal.iter_mut().find(|event| event.kind == kind).unwrap()
}

/// Puts another event right behind the first of its kind, and moves everything after it on.
fn insert_behind(case: &mut Case, kind: &str, change: impl FnOnce(&mut Event)) -> i64 {
    let at = case.journal.iter().position(|event| event.kind == kind).unwrap();
    let mut another = case.journal[at].clone();
    let position = another.position + 1;
    another.sequence += 1;
    change(&mut another);
    let wallet = another.aggregate;
    for event in &mut case.journal[at + 1..] {
        event.position += 1;
        event.sequence += i64::from(event.aggregate == wallet);
    }
    another.position = position;
    case.journal.insert(at + 1, another);
    for heard in &mut case.heard {
        heard.position = heard.position.map(|then| then + i64::from(then >= position));
    }
    position
}

/// Another answer, as it was given to `key`.
fn again(case: &mut Case, key: &str, change: impl FnOnce(&mut Heard)) {
    let mut another = heard(case, key).clone();
    another.key = format!("{key}, once more");
    change(&mut another);
    case.heard.push(another);
}

#[test]
fn a_doubled_capture_is_noticed() {
    // By a service that has forgotten the first one: every sum is right.
    let mut teller = Teller::begin();
    teller.one("in", deposit(10_000));
    let hold = teller.one("hold", Wish::Hold { wallet: OURS, coin: USD, minor: 5_000, ttl: 60 });
    teller.one("capture", capture(hold, "fill", 2_000));
    teller.one("another key", capture(hold, "fill", 2_000));
    let complaints = judge(&teller.case).complaints;
    assert!(complaints[0].contains("was made twice"), "{complaints:#?}");
    is_noticed("is no repeat", |case| {
        again(case, "capture", |heard| {
            heard.replayed = true;
            heard.body["hold"]["captured"] = "40.00".into();
        });
    });
    is_noticed("was done 2 times", |case| {
        again(case, "capture", |heard| heard.key = "capture".to_owned());
    });
}

#[test]
fn a_refusal_that_should_have_been_accepted_is_noticed() {
    is_noticed("was refused with", |case| {
        again(case, "no", |heard| heard.asked = Asked::One(withdraw(5_000).into()));
    });
    is_noticed("was refused with", |case| {
        let Asked::One(Step { wish: Wish::Release { hold }, .. }) = heard(case, "late").asked else {
            panic!()
        };
        let position = heard(case, "hold").position;
        again(case, "late", |heard| {
            heard.asked = Asked::One(Wish::Release { hold }.into());
            heard.position = position;
        });
    });
    is_noticed("was refused with", |case| heard(case, "no").body["code"] = "wallet_frozen".into());
    is_noticed("was refused with", |case| heard(case, "no").body["available"] = "50.01".into());
    is_noticed("was sent away with", |case| {
        again(case, "no", |heard| {
            heard.position = None;
            heard.body = json!({ "code": "hold_not_found" });
        });
    });
}

#[test]
fn an_acceptance_that_should_have_been_a_refusal_is_noticed() {
    is_noticed("accepted with", |case| {
        let out = insert_behind(case, "HoldReleased", |event| {
            event.kind = "WalletWithdrawn".to_owned();
            event.data["amount"] = "50.01".into();
        });
        again(case, "out", |heard| {
            heard.asked = Asked::One(withdraw(5_001).into());
            heard.position = Some(out);
        });
    });
    is_noticed("accepted with", |case| {
        let position = insert_behind(case, "TransactionReversed", |_| {});
        again(case, "undo", |heard| heard.position = Some(position));
    });
}

#[test]
fn a_wrong_balance_is_noticed() {
    is_noticed("posted is 100.01, on paper 100.00", |case| {
        heard(case, "in").body["wallet"]["posted"] = "100.01".into();
    });
    is_noticed("held is 0.00, on paper 50.00", |case| {
        heard(case, "hold").body["wallet"]["held"] = "0.00".into();
    });
    is_noticed("version is 9, on paper 2", |case| heard(case, "in").body["wallet"]["version"] = 9.into());
    is_noticed("remaining is 31.00, on paper 30.00", |case| {
        heard(case, "capture").body["hold"]["remaining"] = "31.00".into();
    });
    is_noticed("posted_after is 99.99", |case| {
        event(case, "WalletDeposited").data["posted_after"] = "99.99".into();
    });
    is_noticed("available_after is 70.00", |case| {
        event(case, "HoldPlaced").data["available_after"] = "70.00".into();
    });
    is_noticed("as many results", |case| {
        heard(case, "batch").body["results"].as_array_mut().unwrap().pop();
    });
}

#[test]
fn what_nobody_asked_for_is_noticed() {
    is_noticed("events, there are", |case| {
        insert_behind(case, "WalletWithdrawn", |_| {});
    });
    is_noticed("nobody was answered", |case| {
        case.heard.retain(|heard| !["freeze", "frozen"].contains(&heard.key.as_str()));
    });
    is_noticed("before its lease is over", |case| {
        let expired = event(case, "HoldExpired");
        expired.recorded_at -= Duration::seconds(9);
    });
    is_noticed("of a hold that is not active", |case| {
        insert_behind(case, "HoldExpired", |_| {});
    });
}

#[test]
fn a_step_of_a_hold_whose_lease_is_over_is_noticed() {
    is_noticed("hold_expired", |case| {
        let ends = event(case, "HoldPlaced").recorded_at + Duration::seconds(60);
        let at = event(case, "HoldCaptured").position;
        case.journal.iter_mut().filter(|event| event.position >= at).for_each(|event| {
            event.recorded_at = ends;
        });
    });
    // Until it is over, nobody may say that it is.
    is_noticed("was refused with", |case| {
        again(case, "too much", |heard| heard.body = json!({ "code": "hold_expired" }));
    });
}

#[test]
fn a_repeat_that_is_told_something_else_is_noticed() {
    is_noticed("was answered", |case| {
        again(case, "in", |heard| {
            heard.key = "in".to_owned();
            heard.replayed = true;
            heard.body["wallet"]["posted"] = "0.00".into();
        });
    });
    is_noticed("was good for another request", |case| {
        again(case, "in", |heard| {
            heard.key = "in".to_owned();
            heard.probe = Probe::OtherBody;
        });
    });
}

#[test]
fn an_unsound_book_is_noticed_without_the_rules() {
    let mut ledger = super::ledger::Ledger::default();
    let mut case = honest();
    let money = |text: &str| Coin::called("USD").and_then(|coin| coin.read(text));
    assert_eq!((money("1.00"), HoldStatus::Active.word()), (Some(100), "active"));
    event(&mut case, "TransferReceived").data["amount"] = "29.99".into();
    event(&mut case, "TransferReceived").data["posted_after"] = "29.99".into();
    event(&mut case, "TransferReceived").data["available_after"] = "29.99".into();
    let unsound = case.journal.iter().find_map(|event| ledger.post(event).err());
    assert!(unsound.unwrap().contains("half of a transfer without the other"));
}
