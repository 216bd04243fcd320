//! Honest histories for `forged`, with answers and events as the service words them.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::judge::{Case, Heard, Probe};
use super::money::USD;
use super::paper::{Balance, Effect, Micros, Paper};
use super::wish::{Asked, Entry, Wish};
use crate::harness::evidence::Event;

const ADA: Uuid = Uuid::from_u128(1);
const GRACE: Uuid = Uuid::from_u128(2);
pub(super) const OURS: Uuid = Uuid::from_u128(11);
const THEIRS: Uuid = Uuid::from_u128(12);

/// Tells a history the way the service would, a second from one command to the next.
pub(super) struct Teller {
    pub(super) case: Case,
    paper: Paper,
    now: Micros,
}

fn time_of(now: Micros) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::microseconds(now)
}

fn rfc3339(now: Micros) -> String {
    time_of(now).format(&time::format_description::well_known::Rfc3339).unwrap()
}

impl Teller {
    pub(super) fn begin() -> Self {
        let mut teller = Self { case: Case::default(), paper: Paper::default(), now: 1_000_000_000_000 };
        for (user, wallet, name) in [(ADA, OURS, "ada"), (GRACE, THEIRS, "grace")] {
            teller.event("user", user, 1, "UserRegistered", json!({}));
            teller.event("wallet", wallet, 1, "WalletOpened", json!({ "currency": "USD" }));
            teller.case.journal.last_mut().unwrap().owner = user;
            teller.paper.opened(wallet, user, USD, teller.head());
            teller.paper.name(name, user);
            teller.case.names.push((name.to_owned(), user));
        }
        teller.case.begun = teller.head();
        teller
    }

    fn head(&self) -> i64 {
        i64::try_from(self.case.journal.len()).unwrap()
    }

    fn event(&mut self, of: &str, aggregate: Uuid, sequence: i64, kind: &str, data: Value) {
        self.case.journal.push(Event {
            position: self.head() + 1,
            aggregate_type: of.to_owned(),
            aggregate,
            sequence,
            kind: kind.to_owned(),
            data,
            id: Uuid::new_v4(),
            owner: aggregate,
            recorded_at: time_of(self.now),
        });
    }

    fn effect(&mut self, effect: &Effect) {
        let data = event_data(effect);
        self.event("wallet", effect.after.wallet, effect.after.version, effect.kind, data);
    }

    pub(super) fn ask(&mut self, key: &str, asked: Asked) {
        self.now += 1_000_000;
        let since = self.head();
        let (status, body) = match self.paper.decide(&asked, self.now) {
            Ok(draft) => {
                draft.effects.iter().for_each(|effect| self.effect(effect));
                let mut begins = 0;
                let mut results = Vec::new();
                for ends in &draft.steps {
                    let position = since + i64::try_from(*ends).unwrap();
                    results.push(answer(&draft.effects[begins..*ends], position));
                    begins = *ends;
                }
                let body = match asked {
                    Asked::One(_) => results.remove(0),
                    Asked::Batch(_) => json!({ "position": self.head(), "results": results }),
                };
                self.paper.apply(draft, self.head());
                (201, body)
            }
            Err(no) => {
                let mut body = json!({ "code": no.code });
                for (name, fact) in no.facts {
                    body[name] = fact.into();
                }
                (422, body)
            }
        };
        let (by, position) = (self.now + 1_000, Some(self.head()));
        let (key, probe, replayed) = (key.to_owned(), Probe::Honest, false);
        self.case.heard.push(Heard { key, asked, probe, since, by, status, position, replayed, body });
    }

    pub(super) fn one(&mut self, key: &str, wish: Wish) -> Entry {
        self.ask(key, Asked::One(wish.into()));
        let last = self.case.journal.last().unwrap();
        Entry { wallet: last.aggregate, sequence: last.sequence }
    }

    pub(super) fn expire(&mut self, hold: Entry) {
        self.now += 10_000_000;
        let effect = self.paper.expire(hold, self.now, self.head() + 1).unwrap();
        self.effect(&effect);
    }
}

fn event_data(effect: &Effect) -> Value {
    let after = &effect.after;
    let written = |minor| after.coin.written(minor);
    let mut data = json!({
        "posted_after": written(after.posted), "available_after": written(after.available()),
        "status": after.status.word(), "currency": after.coin.code,
    });
    if let Some(minor) = effect.minor {
        data["amount"] = written(minor).into();
    }
    if let Some(counterparty) = effect.counterparty {
        data["counterparty"] = counterparty.to_string().into();
    }
    if let Some(undone) = effect.undone {
        data["transaction"] = undone.to_string().into();
        let is_credit = effect.counterparty == Some(THEIRS) || effect.counterparty.is_none();
        data["direction"] = if is_credit { "credit" } else { "debit" }.into();
    }
    if effect.hold.is_some() {
        data["hold"] = hold(effect);
    }
    data
}

fn hold(effect: &Effect) -> Value {
    let Some((sequence, hold)) = &effect.hold else { return Value::Null };
    let written = |minor| effect.after.coin.written(minor);
    json!({
        "id": format!("{}.{sequence}", effect.after.wallet), "amount": written(hold.total),
        "captured": written(hold.captured), "released": written(hold.released),
        "remaining": written(hold.left), "status": hold.status.word(), "expires_at": rfc3339(hold.ends),
        "version": hold.version,
    })
}

fn wallet(after: &Balance) -> Value {
    let written = |minor| after.coin.written(minor);
    json!({
        "id": after.wallet, "currency": after.coin.code, "posted": written(after.posted), "held": written(after.held),
        "available": written(after.available()), "status": after.status.word(), "version": after.version,
    })
}

fn answer(effects: &[Effect], position: i64) -> Value {
    let Some(first) = effects.first() else { return json!({ "position": position }) };
    let after = &first.after;
    let written = |minor| after.coin.written(minor);
    let (amount, kind) = (written(first.minor.unwrap_or_default()), first.kind);
    let kind = match kind {
        "WalletDeposited" => "deposit",
        "WalletWithdrawn" => "withdrawal",
        "TransferSent" => "transfer_out",
        _ => "reversal",
    };
    let own = position - i64::try_from(effects.len()).unwrap() + 1;
    json!({
        "position": position, "wallet": wallet(after), "hold": hold(first),
        "transaction": {
            "id": format!("{}.{}", after.wallet, after.version), "type": kind, "status": "completed", "amount": amount,
            "posted_after": written(after.posted), "available_after": written(after.available()), "position": own,
        },
    })
}
