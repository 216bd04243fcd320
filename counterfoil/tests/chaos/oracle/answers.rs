//! Whether an answer, or an event, says what the paper says.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::judge::Heard;
use super::paper::{Balance, Draft, Effect, Hold, Micros, Paper};
use super::rules::No;
use super::wish::{Step, Wish};
use crate::harness::evidence::Event;

type Agrees = Result<(), String>;

fn same(what: &str, said: &Value, paper: &str) -> Agrees {
    let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
    if said == paper { Ok(()) } else { Err(format!("{what} is {said}, on paper {paper}")) }
}

/// An event of the journal.
pub(super) fn event_is(effect: &Effect, event: &Event) -> Agrees {
    let told = event_agrees(effect, event);
    told.map_err(|why| format!("{why}: {effect:?} is on paper, {event:?} in the journal"))
}

fn event_agrees(effect: &Effect, event: &Event) -> Agrees {
    let (after, data) = (&effect.after, &event.data);
    if (event.aggregate, event.sequence, event.kind.as_str()) != (after.wallet, after.version, effect.kind) {
        return Err("another event".to_owned());
    }
    if effect.kind == "WalletOpened" {
        return same("currency", &data["currency"], after.coin.code);
    }
    same("posted_after", &data["posted_after"], &after.coin.written(after.posted))?;
    same("available_after", &data["available_after"], &after.coin.written(after.available()))?;
    same("status", data.get("status").unwrap_or(&"active".into()), after.status.word())?;
    if let Some(minor) = effect.minor {
        same("amount", &data["amount"], &after.coin.written(minor))?;
    }
    if let Some(counterparty) = effect.counterparty {
        same("counterparty", &data["counterparty"], &counterparty.to_string())?;
    }
    if let Some(undone) = effect.undone {
        same("transaction", &data["transaction"], &undone.to_string())?;
    }
    match &effect.hold {
        Some(hold) => hold_is(hold, after, &data["hold"]),
        None => Ok(()),
    }
}

fn hold_is((sequence, hold): &(i64, Hold), after: &Balance, said: &Value) -> Agrees {
    let written = |minor| after.coin.written(minor);
    same("hold", &said["id"], &format!("{}.{sequence}", after.wallet))?;
    same("the hold's amount", &said["amount"], &written(hold.total))?;
    same("captured", &said["captured"], &written(hold.captured))?;
    same("released", &said["released"], &written(hold.released))?;
    same("remaining", &said["remaining"], &written(hold.left))?;
    same("the hold's status", &said["status"], hold.status.word())?;
    let ends = said["expires_at"].as_str().unwrap_or_default();
    if moment(ends) == Some(hold.ends) {
        Ok(())
    } else {
        Err(format!("expires_at is {ends}, on paper {} microseconds", hold.ends))
    }
}

fn moment(text: &str) -> Option<Micros> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Micros::try_from(moment.unix_timestamp_nanos() / 1_000).ok()
}

pub(super) fn wallet_is(after: &Balance, said: &Value) -> Agrees {
    let written = |minor| after.coin.written(minor);
    same("posted", &said["posted"], &written(after.posted))?;
    same("held", &said["held"], &written(after.held))?;
    same("available", &said["available"], &written(after.available()))?;
    same("currency", &said["currency"], after.coin.code)?;
    same("the wallet's status", &said["status"], after.status.word())?;
    same("version", &said["version"], &after.version.to_string())
}

/// The wallet an answer is about: itself, or a member of it.
pub(super) fn wallet_in(body: &Value) -> Option<&Value> {
    ["wallet", "from"].iter().find_map(|name| body.get(*name)).or_else(|| body.get("posted").map(|_| body))
}

/// The answer to a command that was accepted, step by step.
pub(super) fn accepted(heard: &Heard, draft: &Draft, events: &[Event], paper: &Paper) -> Agrees {
    let steps = heard.asked.steps();
    let told = (|| {
        let position = heard.position.unwrap_or_default();
        same("position", &heard.body["position"], &position.to_string())?;
        let bodies: Vec<&Value> = match (&heard.asked, heard.body["results"].as_array()) {
            (super::wish::Asked::One(_), _) => vec![&heard.body],
            (_, Some(results)) if results.len() == steps.len() => results.iter().collect(),
            _ => return Err("as many results as steps are due".to_owned()),
        };
        let mut begins = 0;
        for ((step, body), ends) in steps.iter().zip(bodies).zip(&draft.steps) {
            let (effects, events) = (&draft.effects[begins..*ends], &events[begins..*ends]);
            step_is(step, body, effects, events, paper)?;
            begins = *ends;
        }
        Ok(())
    })();
    told.map_err(|why| format!("{why}: {:?} was answered {}", heard.asked, heard.body))
}

fn step_is(step: &Step, body: &Value, effects: &[Effect], events: &[Event], paper: &Paper) -> Agrees {
    let asked = step.wish.wallet();
    let first = effects.iter().position(|effect| asked.is_none_or(|id| effect.after.wallet == id));
    let wallet = wallet_in(body);
    let must = |name: &str| match body.get(name) {
        Some(member) => Ok(member),
        None => Err(format!("the answer has no {name}")),
    };
    let now = match first {
        Some(first) => Some(effects[first].after),
        None => asked.and_then(|id| paper.sheet(id)).map(super::paper::Sheet::balance),
    };
    let now = now.ok_or("a wallet that is not on paper")?;
    match (&step.wish, wallet) {
        (Wish::Reverse { .. }, None) => {}
        (_, Some(wallet)) => wallet_is(&now, wallet)?,
        (_, None) => return Err("the answer has no wallet".to_owned()),
    }
    let Some(first) = first else { return Ok(()) };
    let (effect, event) = (&effects[first], &events[first]);
    match &step.wish {
        Wish::Hold { .. }
        | Wish::Capture { .. }
        | Wish::Release { .. }
        | Wish::Amend { .. }
        | Wish::Extend { .. } => {
            let hold = effect.hold.as_ref().ok_or("no hold on paper")?;
            hold_is(hold, &effect.after, must("hold")?)
        }
        Wish::Deposit { .. } => transaction_is("deposit", effect, event, must("transaction")?),
        Wish::Withdraw { .. } => transaction_is("withdrawal", effect, event, must("transaction")?),
        Wish::Transfer { .. } => {
            transaction_is("transfer_out", effect, event, must("transaction")?)?;
            // Whose wallet that is may be none of the sender's business.
            let other = &effects[effects.len() - 1].after;
            match body.get("to").filter(|to| to.get("posted").is_some()) {
                Some(to) => wallet_is(other, to),
                None => Ok(()),
            }
        }
        Wish::Reverse { .. } => transaction_is("reversal", effect, event, must("transaction")?),
        Wish::Open { .. } | Wish::Freeze { .. } | Wish::Unfreeze { .. } | Wish::Close { .. } => Ok(()),
    }
}

fn transaction_is(kind: &str, effect: &Effect, event: &Event, said: &Value) -> Agrees {
    let after = &effect.after;
    same("the transaction", &said["id"], &format!("{}.{}", after.wallet, after.version))?;
    same("type", &said["type"], kind)?;
    same("the transaction's status", &said["status"], "completed")?;
    same("amount", &said["amount"], &after.coin.written(effect.minor.unwrap_or_default()))?;
    same("posted_after", &said["posted_after"], &after.coin.written(after.posted))?;
    same("available_after", &said["available_after"], &after.coin.written(after.available()))?;
    same("the transaction's position", &said["position"], &event.position.to_string())
}

/// Whether a refusal is this one, with all its facts.
pub(super) fn refusal_is(no: &No, heard: &Heard) -> bool {
    let fact = |(name, fact): &(&str, String)| same(name, &heard.body[name], fact).is_ok();
    no.code == heard.code() && no.facts.iter().all(fact)
}
