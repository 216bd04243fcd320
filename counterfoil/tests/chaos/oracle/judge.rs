//! Puts the answers in the order in which they were decided, and lets the paper answer them again.
//!
//! Each answer names a position: of its last event, or, if it left none, of the last event before it. Events of one
//! command are consecutive. So the journal tells where each accepted command stands, and a refusal belongs right behind
//! the event it names: nothing has changed from there to the next. What nobody asked for are the sweeper's endings.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::answers;
use super::ledger::Ledger;
use super::money::Coin;
use super::paper::{Draft, Micros, Paper, Sheet};
use super::past::History;
use super::rules::No;
use super::wish::{Asked, Entry, Step, To, Wish};
use crate::harness::evidence::Event;
use serde_json::Value;

/// All invariants of the books are looked at after so many answers.
const STEPS_BETWEEN_AUDITS: usize = 1_000;

/// Why a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Honest,
    /// Another request under a key that was used.
    OtherBody,
}

/// More complaints tell no more.
pub(super) const COMPLAINTS_MAX: usize = 20;

/// One final answer.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) key: String,
    pub(crate) asked: Asked,
    pub(crate) probe: Probe,
    /// The furthest position that anybody had been told when it was sent.
    pub(crate) since: i64,
    /// When it was heard.
    pub(crate) by: Micros,
    pub(crate) status: u16,
    pub(crate) position: Option<i64>,
    pub(crate) replayed: bool,
    /// Without `request_id`.
    pub(crate) body: Value,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) names: Vec<(String, Uuid)>,
    /// Up to here people registered; from here on every event is somebody's answer, or the sweeper's.
    pub(crate) begun: i64,
    pub(crate) journal: Vec<Event>,
    pub(crate) heard: Vec<Heard>,
}

#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) complaints: Vec<String>,
    /// How often each code was answered, and each kind of step accepted.
    pub(crate) tally: HashMap<String, usize>,
    pub(crate) audits: usize,
    /// Answers that rest on what was looked up a moment before they were decided, and changed in between.
    pub(crate) unsure: usize,
    pub(crate) paper: Paper,
    /// Every wallet after every event of it.
    pub(super) history: History,
}

impl Heard {
    pub(crate) fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

pub(crate) fn judge(case: &Case) -> Verdict {
    let mut replay = Replay {
        case,
        next: 0,
        ledger: Ledger::default(),
        captured: HashMap::new(),
        done: HashSet::new(),
        verdict: Verdict::default(),
    };
    for (name, user) in &case.names {
        replay.verdict.paper.name(name, *user);
    }
    let mut complaints = repeats_are_the_same(case);
    if let Err(complaint) = replay.run() {
        complaints.push(complaint);
    } else {
        replay.undecided();
    }
    replay.verdict.complaints.extend(complaints);
    replay.verdict
}

/// One key, one answer, however often it is asked.
fn repeats_are_the_same(case: &Case) -> Vec<String> {
    let mut first: HashMap<&str, &Heard> = HashMap::new();
    let mut fresh: HashMap<&str, usize> = HashMap::new();
    let mut complaints = Vec::new();
    for heard in case.heard.iter().filter(|heard| heard.probe == Probe::Honest) {
        let key = heard.key.as_str();
        let then = first.entry(key).or_insert(heard);
        if (then.status, then.position, &then.body) != (heard.status, heard.position, &heard.body) {
            complaints.push(format!("{key} was answered {} and {}", then.body, heard.body));
        }
        *fresh.entry(key).or_default() += usize::from(heard.position.is_some() && !heard.replayed);
    }
    complaints.extend(
        fresh
            .iter()
            .filter(|(_, times)| **times > 1)
            .map(|(key, times)| format!("{key} was done {times} times")),
    );
    complaints
}

pub(super) struct Replay<'a> {
    pub(super) case: &'a Case,
    /// The event that is yet to be accounted for.
    next: usize,
    ledger: Ledger,
    /// Who was first with a capture's id.
    pub(super) captured: HashMap<(Entry, &'a str), &'a Heard>,
    /// Keys whose command was decided.
    pub(super) done: HashSet<&'a str>,
    pub(super) verdict: Verdict,
}

impl<'a> Replay<'a> {
    fn run(&mut self) -> Result<(), String> {
        let is_decided =
            |heard: &&Heard| heard.probe == Probe::Honest && heard.position.is_some() && !heard.replayed;
        let mut decided: Vec<&Heard> = self.case.heard.iter().filter(is_decided).collect();
        self.done = decided.iter().map(|heard| heard.key.as_str()).collect();
        decided.sort_by_key(|heard| (heard.position, !heard.is_accepted()));
        let mut steps = 0;
        for group in decided.chunk_by(|one, two| one.position == two.position) {
            let position = group[0].position.unwrap_or_default();
            let (accepted, refused) = group.split_at(group.partition_point(|heard| heard.is_accepted()));
            self.accepted(position, accepted.to_vec())?;
            for heard in refused {
                self.refused(position, heard)?;
            }
            let before = steps / STEPS_BETWEEN_AUDITS;
            steps += group.len();
            if steps / STEPS_BETWEEN_AUDITS > before {
                self.audit()?;
            }
        }
        self.unasked(i64::MAX)?;
        if let Some(event) = self.case.journal.get(self.next) {
            return Err(format!("nobody was answered with {event:?}"));
        }
        self.audit()
    }

    fn audit(&mut self) -> Result<(), String> {
        self.verdict.audits += 1;
        self.ledger.audit(&self.verdict.paper)
    }

    /// The accepted commands that name a position. One of them has events; the others left everything as it was.
    fn accepted(&mut self, position: i64, mut group: Vec<&'a Heard>) -> Result<(), String> {
        while !group.is_empty() {
            self.unasked(position)?;
            let case = self.case;
            let behind = case.journal[self.next..].partition_point(|event| event.position <= position);
            let events = &case.journal[self.next..self.next + behind];
            let last = case.journal[..self.next + behind].last().ok_or("an answer before the first event")?;
            let now = micros(last);
            let mut why = Vec::new();
            let found = group.iter().enumerate().find_map(|(index, heard)| {
                let asked = with_id(heard);
                match self.verdict.paper.decide(&asked, now) {
                    Ok(draft) if draft.effects.len() == events.len() => Some((index, draft)),
                    Ok(draft) => {
                        why.push(format!("{asked:?}: {} events, there are {events:?}", draft.effects.len()));
                        None
                    }
                    Err(no) => {
                        why.push(format!("{asked:?} was accepted with {}, on paper {no:?}", heard.body));
                        None
                    }
                }
            });
            let (index, draft) = found.ok_or_else(|| format!("at {position}: {}", why.join("; ")))?;
            self.take(group.remove(index), draft, events)?;
        }
        Ok(())
    }

    fn take(&mut self, heard: &'a Heard, draft: Draft, events: &[Event]) -> Result<(), String> {
        for (effect, event) in draft.effects.iter().zip(events) {
            self.verdict.history.push((event.position, effect.after));
            answers::event_is(effect, event)?;
            self.ledger.post(event)?;
        }
        answers::accepted(heard, &draft, events, &self.verdict.paper)?;
        for step in heard.asked.steps() {
            if let Wish::Capture { hold, capture_id, .. } = &step.wish
                && self.captured.insert((*hold, capture_id), heard).is_some()
            {
                return Err(format!("capture {capture_id} of {hold} was made twice"));
            }
        }
        self.next += events.len();
        self.verdict.paper.apply(draft, events.last().map_or(0, |event| event.position));
        for step in heard.asked.steps() {
            self.count(step.wish.name());
        }
        Ok(())
    }

    /// Up to a position, whatever came of no request.
    fn unasked(&mut self, position: i64) -> Result<(), String> {
        let case = self.case;
        while let Some(event) = case.journal.get(self.next).filter(|event| event.position <= position) {
            let paper = &mut self.verdict.paper;
            match (event.aggregate_type.as_str(), event.kind.as_str()) {
                ("user", _) => {}
                ("wallet", "WalletOpened") if event.position <= case.begun => {
                    let coin = Coin::called(event.text("currency")).ok_or("an unknown currency")?;
                    paper.opened(event.aggregate, event.owner, coin, event.position);
                    let opened = paper.sheet(event.aggregate).map(Sheet::balance);
                    self.verdict.history.extend(opened.map(|balance| (event.position, balance)));
                }
                ("wallet", "HoldExpired") => {
                    let hold = event.data["hold"]["id"].as_str().unwrap_or_default();
                    let hold: Entry = hold.parse().map_err(|()| format!("{hold:?} is no hold"))?;
                    let effect = paper.expire(hold, micros(event), event.position);
                    let effect =
                        effect.map_err(|why| format!("{hold} expired at {}: {why}", event.position))?;
                    answers::event_is(&effect, event)?;
                    self.verdict.history.push((event.position, effect.after));
                    self.count("HoldExpired");
                }
                _ => return Ok(()),
            }
            self.ledger.post(event)?;
            self.next += 1;
        }
        Ok(())
    }

    fn refused(&mut self, position: i64, heard: &'a Heard) -> Result<(), String> {
        self.unasked(position)?;
        self.count(heard.code());
        let moments = self.moments(position, heard)?;
        let mut told: Vec<Option<No>> = Vec::new();
        for now in moments {
            for until in self.looked_up(heard) {
                let no = self.verdict.paper.decide_knowing(&heard.asked, now, until).err();
                if no.as_ref().is_some_and(|no| answers::refusal_is(no, heard)) {
                    self.verdict.unsure += usize::from(until < i64::MAX);
                    return Ok(());
                }
                told.push(no);
            }
        }
        let (asked, body) = (&heard.asked, &heard.body);
        let complaint = format!("at {position}: {asked:?} was refused with {body}, on paper {told:?}");
        // It has changed nothing: the others can still be judged.
        self.verdict.complaints.push(complaint);
        if self.verdict.complaints.len() < COMPLAINTS_MAX { Ok(()) } else { Err("and so on".to_owned()) }
    }

    /// When it may have been decided: after the event it names, before the next one and before it was heard. Leases that
    /// end in between may be over or not.
    fn moments(&self, position: i64, heard: &Heard) -> Result<Vec<Micros>, String> {
        let before = self.next.checked_sub(1).and_then(|index| self.case.journal.get(index));
        let before = before.filter(|event| event.position == position);
        let before = before.ok_or_else(|| format!("a refusal at {position}, where no event ends"))?;
        let next = self.case.journal.get(self.next).map_or(Micros::MAX, micros);
        let (earliest, latest) = (micros(before), next.min(heard.by));
        let mut moments = vec![earliest, latest];
        for hold in heard.asked.steps().iter().filter_map(|step| step.wish.hold()) {
            let sheet = self.verdict.paper.sheet(hold.wallet);
            let ends = sheet.and_then(|sheet| sheet.holds.get(&hold.sequence)).map(|hold| hold.ends);
            moments.extend(ends.filter(|ends| (earliest..=latest).contains(ends)));
        }
        Ok(moments)
    }

    /// Names, whether a hold has ended, and whether something was undone, are looked up after a command was sent and before
    /// it is decided. What changed in between may be known or not: the positions up to which it may be.
    fn looked_up(&self, heard: &Heard) -> Vec<i64> {
        let paper = &self.verdict.paper;
        let mut looked_up = vec![i64::MAX];
        for step in heard.asked.steps() {
            let named = match &step.wish {
                Wish::Transfer { to: To::Name(name), coin, .. } => {
                    paper.user_called(name).map(|user| (user, *coin))
                }
                Wish::Open { user, coin, .. } => Some((*user, *coin)),
                Wish::Reverse { .. } => {
                    looked_up.push(heard.since);
                    None
                }
                _ => None,
            };
            let changes = named.into_iter().flat_map(|named| paper.changes_of(named));
            let later = changes.filter(|at| *at > heard.since);
            looked_up.extend(later.flat_map(|at| [at - 1, at]));
        }
        looked_up
    }

    pub(super) fn count(&mut self, what: &str) {
        *self.verdict.tally.entry(what.to_owned()).or_default() += 1;
    }
}

/// The wallet that was opened has the id that the answer says.
fn with_id(heard: &Heard) -> Asked {
    let mut asked = heard.asked.clone();
    if let Asked::One(Step { wish: Wish::Open { id, .. }, .. }) = &mut asked {
        *id = answers::wallet_in(&heard.body).and_then(|wallet| wallet["id"].as_str()?.parse().ok());
    }
    asked
}

fn micros(event: &Event) -> Micros {
    Micros::try_from(event.recorded_at.unix_timestamp_nanos() / 1_000).unwrap()
}
