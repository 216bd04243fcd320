//! The verifier can fail: an honest case passes, and each forgery of it is named.

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Case, verify};
use crate::harness::cents;
use crate::harness::evidence::{Event, KeyRow, TransactionRow, WalletRow};
use crate::harness::record::{Attempt, Command, Heard, Intent, Read, Said, Session, Told};
use crate::harness::stream::Message;

const USER: Uuid = Uuid::from_u128(1);
const WALLET: Uuid = Uuid::from_u128(2);
const SESSION: Uuid = Uuid::from_u128(3);

/// A case is told step by step, each command asked after the one before was answered.
struct Story {
    case: Case,
    moment: u64,
    balance: i64,
}

/// Somebody registers (1, 2), logs in (3), deposits 5.00 (4), asks for 9.00 in vain, withdraws 2.00 (5) and reads.
fn honest() -> Case {
    let mut story = Story { case: Case::default(), moment: 0, balance: 0 };
    story.register();
    story.event("user", USER, "LoginSessionOpened", json!({ "session_id": SESSION.to_string() }));
    story.case.pages.sessions.push(Session { id: SESSION, user: USER, logged_out: false });
    story.movement("in", 500);
    story.refusal("no", 900);
    story.movement("out", -200);
    story.finish()
}

impl Story {
    fn event(&mut self, aggregate_type: &str, aggregate: Uuid, kind: &str, data: Value) -> Event {
        let found = &mut self.case.found;
        let sequence = found.journal.iter().filter(|event| event.aggregate == aggregate).count() + 1;
        found.head += 1;
        let event = Event {
            position: found.head,
            aggregate_type: aggregate_type.to_owned(),
            aggregate,
            sequence: i64::try_from(sequence).unwrap(),
            kind: kind.to_owned(),
            data,
            id: Uuid::from_u128(100 + u128::try_from(found.head).unwrap()),
            owner: USER,
            recorded_at: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(found.head),
        };
        found.journal.push(event.clone());
        event
    }

    fn command(&mut self, key: &str, intent: Intent, said: Said, body: &Value) {
        let user = if matches!(intent, Intent::Register { .. }) { Uuid::nil() } else { USER };
        let (sent, at) = (self.moment, self.moment + 1);
        self.moment += 2;
        let heard = Heard { at, said, replayed: false, body: body.to_string() };
        let attempts = vec![Attempt { sent, heard: Some(heard) }];
        self.case.pages.commands.push(Command {
            key: key.to_owned(),
            user,
            intent,
            attempts,
            told: Vec::new(),
        });
    }

    fn register(&mut self) {
        self.event("user", USER, "UserRegistered", json!({}));
        let opened = self.event("wallet", WALLET, "WalletOpened", json!({}));
        let body = json!({ "user": { "id": USER }, "wallet": { "id": WALLET }, "position": opened.position });
        let said = Said::Accepted { position: opened.position };
        self.command("me", Intent::Register { username: "ada".to_owned() }, said, &body);
        self.case.found.keys.push(KeyRow { position: 1, events: 2, refused: false });
        self.case.found.profiles.push(USER);
        self.case.found.claims = 3;
    }

    fn movement(&mut self, key: &str, change: i64) {
        self.balance += change;
        let (kind, name) =
            if change > 0 { ("WalletDeposited", "deposit") } else { ("WalletWithdrawn", "withdrawal") };
        let (amount, after) = (cents::written(change.abs()), cents::written(self.balance));
        let data =
            json!({ "amount": amount, "reference": key, "posted_after": after, "available_after": after });
        let event = self.event("wallet", WALLET, kind, data);
        let transaction = json!({ "id": format!("{WALLET}.{}", event.sequence), "type": name, "amount": amount,
            "posted_after": after, "reference": key });
        let wallet = json!({ "posted": after, "available": after, "version": event.sequence });
        let body = json!({ "position": event.position, "transaction": transaction, "wallet": wallet });
        let intent = match change {
            1.. => Intent::Deposit { wallet: WALLET, cents: change },
            _ => Intent::Withdraw { wallet: WALLET, cents: -change },
        };
        self.command(key, intent, Said::Accepted { position: event.position }, &body);
        self.case.found.keys.push(KeyRow { position: event.position, events: 1, refused: false });
        self.case.found.transactions.push(TransactionRow {
            wallet: WALLET,
            sequence: event.sequence,
            position: event.position,
            kind: name.to_owned(),
            amount,
            posted_after: after,
            reference: Some(key.to_owned()),
        });
    }

    fn refusal(&mut self, key: &str, cents: i64) {
        let position = self.case.found.head;
        let said = Said::Refused { position, code: "insufficient_funds".to_owned() };
        let body = json!({ "available": cents::written(self.balance), "requested": cents::written(cents) });
        self.command(key, Intent::Withdraw { wallet: WALLET, cents }, said, &body);
        self.case.found.keys.push(KeyRow { position, events: 0, refused: true });
    }

    fn finish(mut self) -> Case {
        let posted = cents::written(self.balance);
        let found = &mut self.case.found;
        let (version, position) = (found.journal.last().unwrap().sequence, found.head);
        let row = WalletRow {
            wallet: WALLET,
            user: USER,
            posted: posted.clone(),
            held: "0.00".to_owned(),
            available: posted.clone(),
            version,
            position,
        };
        found.wallets.push(row);
        found.sums.push((WALLET, posted.clone()));
        found.stream = found.journal.iter().map(mirror).collect();
        let available = posted.clone();
        self.case.pages.reads.push(Read {
            wallet: WALLET,
            min_position: position,
            position,
            posted,
            available,
            version,
        });
        self.case
    }
}

fn mirror(event: &Event) -> Message {
    let body = json!({
        "position": event.position, "event_id": event.id, "type": event.kind,
        "aggregate": event.aggregate_type, "aggregate_id": event.aggregate,
        "sequence": event.sequence, "data": event.data,
    });
    Message {
        sequence: u64::try_from(event.position).unwrap(),
        subject: format!("counterfoil.events.{}.{}.{}", event.aggregate_type, event.aggregate, event.kind),
        event_id: event.id.to_string(),
        position: event.position.to_string(),
        body,
    }
}

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

fn command<'a>(case: &'a mut Case, key: &str) -> &'a mut Command {
    case.pages.commands.iter_mut().find(|command| command.key == key).unwrap()
}

fn answer<'a>(case: &'a mut Case, key: &str) -> &'a mut Heard {
    command(case, key).attempts[0].heard.as_mut().unwrap()
}

#[test]
fn an_honest_case_passes() {
    assert_eq!(verify(&honest()), Vec::<String>::new());
}

#[test]
fn an_accepted_command_that_is_missing_is_noticed() {
    // Even where everything else was made to fit: the journal is dense, the read model and the stream agree with it.
    is_noticed("out: was accepted at position 5, and is not in the journal", |case| {
        let lost = case.found.journal.pop().unwrap();
        case.found.head -= 1;
        case.found.stream.pop();
        case.found.transactions.pop();
        case.found.keys.pop();
        case.found.sums[0].1 = "5.00".to_owned();
        let row = &mut case.found.wallets[0];
        (row.version, row.position) = (row.version - 1, lost.position - 1);
        (row.posted, row.available) = ("5.00".to_owned(), "5.00".to_owned());
    });
    is_noticed("me: was accepted, and UserRegistered is not at position 1", |case| {
        case.found.journal[0].kind = "ProfileChanged".to_owned();
    });
}

#[test]
fn a_doubled_command_is_noticed() {
    is_noticed("in: was done 2 times, at [4, 6]", |case| {
        let mut again = case.found.journal[3].clone();
        (again.position, again.sequence) = (6, 4);
        again.data["posted_after"] = "8.00".into();
        case.found.journal.push(again);
        case.found.head = 6;
    });
    is_noticed("in: was done anew 2 times", |case| {
        let again = command(case, "in").attempts[0].clone();
        command(case, "in").attempts.push(again);
    });
}

#[test]
fn an_effect_that_nobody_was_told_of_is_noticed() {
    is_noticed("nobody asked for \"in\" at position 4", |case| {
        case.pages.commands.retain(|command| command.key != "in");
    });
    is_noticed("in: was never settled", |case| command(case, "in").attempts[0].heard = None);
    is_noticed("in: was answered as without effect, and has one at position 4", |case| {
        answer(case, "in").said = Said::Unavailable;
    });
    is_noticed("a key is remembered for", |case| {
        case.found.keys.push(KeyRow { position: 9, events: 1, refused: false });
    });
}

#[test]
fn a_refusal_with_an_effect_is_noticed() {
    is_noticed("no: was answered as without effect, and has one at position 5", |case| {
        case.found.journal[4].data["reference"] = "no".into();
    });
}

#[test]
fn a_refusal_that_rests_on_nothing_is_noticed() {
    is_noticed("no: 9.00 was refused for want of money", |case| {
        answer(case, "no").body = json!({ "available": "4.00" }).to_string();
    });
    is_noticed("no: 3.00 was refused for want of money", |case| {
        command(case, "no").intent = Intent::Withdraw { wallet: WALLET, cents: 300 };
    });
}

#[test]
fn a_hole_is_noticed() {
    is_noticed("position 3 is missing: 4 comes instead", |case| drop(case.found.journal.remove(2)));
    is_noticed("the head says 5, and there are 4 events", |case| drop(case.found.journal.pop()));
    is_noticed("has sequence 4 where 3 was due", |case| case.found.journal[4].sequence = 4);
}

#[test]
fn another_answer_to_a_repeat_is_noticed() {
    is_noticed("no: two answers", |case| {
        let mut again = command(case, "no").attempts[0].clone();
        let heard = again.heard.as_mut().unwrap();
        (heard.said, heard.replayed) = (Said::Accepted { position: 6 }, true);
        command(case, "no").attempts.push(again);
    });
    is_noticed("in: was told as", |case| command(case, "in").told.push(Told::Refused { position: 4 }));
    is_noticed("no: has no effect, and was told as", |case| {
        command(case, "no").told.push(Told::Committed { position: 5, events: 1 });
    });
}

#[test]
fn an_answer_that_is_not_the_event_is_noticed() {
    is_noticed("was asked and answered", |case| case.found.journal[3].data["amount"] = "5.01".into());
    is_noticed("was asked and answered", |case| answer(case, "in").said = Said::Accepted { position: 5 });
    is_noticed("was answered with /wallet/posted 7.00, the event says 5.00", |case| {
        let body = answer(case, "in").body.replace(
            r#""wallet":{"available":"5.00","posted":"5.00""#,
            r#""wallet":{"available":"5.00","posted":"7.00""#,
        );
        answer(case, "in").body = body;
    });
}

#[test]
fn a_decision_on_a_state_of_the_past_is_noticed() {
    is_noticed("asked when position 4 had been answered", |case| {
        answer(case, "no").said = Said::Refused { position: 3, code: "insufficient_funds".to_owned() };
    });
    is_noticed("time runs backwards at position 4", |case| {
        case.found.journal[3].recorded_at = OffsetDateTime::UNIX_EPOCH;
    });
}

#[test]
fn a_wrong_balance_is_noticed_wherever_it_stands() {
    is_noticed("posted_after at position 5", |case| {
        case.found.journal[4].data["posted_after"] = "2.00".into();
    });
    is_noticed("the read model has", |case| case.found.wallets[0].posted = "3.01".to_owned());
    is_noticed("by SQL", |case| case.found.sums[0].1 = "3.01".to_owned());
    is_noticed("was read as", |case| case.pages.reads[0].posted = "5.00".to_owned());
    is_noticed("was read at 4, 5 was asked for", |case| case.pages.reads[0].position = 4);
    is_noticed("the transaction at position 5 is missing", |case| drop(case.found.transactions.pop()));
}

#[test]
fn a_stream_that_is_not_the_journal_is_noticed() {
    is_noticed("the stream holds 4 messages, the journal 5 events", |case| drop(case.found.stream.pop()));
    is_noticed("the stream has", |case| case.found.stream.swap(1, 2));
    is_noticed("the stream has", |case| case.found.stream[3].event_id = USER.to_string());
    is_noticed("the stream has", |case| case.found.stream[3].body["data"]["amount"] = "9.00".into());
    is_noticed("the stream has", |case| case.found.stream[3].sequence = 9);
}

#[test]
fn a_session_that_is_not_as_it_was_said_is_noticed() {
    is_noticed("was opened 0 times", |case| case.pages.sessions[0].id = USER);
    is_noticed("logged out true", |case| case.pages.sessions[0].logged_out = true);
}
