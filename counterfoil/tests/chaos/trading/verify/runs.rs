//! Runs: whatever was due began once and ended once, at its time and under its name.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{events, id, moment};
use crate::harness::evidence::Event;
use crate::trading::evidence::Case;

/// What was due that short before the last trader went was perhaps not reached.
const REACHED_WITHIN: Duration = Duration::from_secs(2);

/// A session's schedule, as its events tell it.
#[derive(Clone, Debug, Default)]
struct Schedule {
    runs: bool,
    has_ended: bool,
    interval: u64,
    repeats: bool,
    next: Option<OffsetDateTime>,
    requested: Option<(Uuid, Option<OffsetDateTime>)>,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    run: Uuid,
    due: Option<OffsetDateTime>,
    is_scheduled: bool,
}

pub(super) fn check(case: &Case, complaints: &mut Vec<String>) {
    let mut schedules: BTreeMap<Uuid, Schedule> = BTreeMap::new();
    let mut begun: HashMap<Uuid, Option<&'static str>> = HashMap::new();
    for event in events(case) {
        let schedule = schedules.entry(event.aggregate).or_default();
        match event.kind.as_str() {
            "RunStarted" => {
                if begun.insert(id(event, "run_id"), None).is_some() {
                    complaints.push(format!("run {} began twice", id(event, "run_id")));
                }
                schedule.begins(event, complaints);
            }
            "RunCompleted" | "RunFailed" => {
                let state = if event.kind == "RunFailed" { "failed" } else { "completed" };
                begun.insert(id(event, "run_id"), Some(state));
                schedule.ends(event, complaints);
            }
            _ => schedule.changes(event, complaints),
        }
    }
    for (session, schedule) in &schedules {
        schedule.is_over(*session, case.served_until, complaints);
    }
    let rows: HashSet<(Uuid, &str)> = case.runs.iter().map(|row| (row.run, row.state.as_str())).collect();
    for (run, state) in &begun {
        if !rows.contains(&(*run, state.unwrap_or("running"))) {
            complaints.push(format!("run {run} is not in the read model as {state:?}"));
        }
    }
    let of_none = case.runs.iter().filter(|row| !schedules.contains_key(&row.session)).count();
    if case.runs.len() != begun.len() || of_none > 0 {
        complaints.push(format!("{} runs began, the read model has {}", begun.len(), case.runs.len()));
    }
}

impl Schedule {
    fn changes(&mut self, event: &Event, complaints: &mut Vec<String>) {
        match event.kind.as_str() {
            "TradingSessionStarted" => {
                self.runs = event.text("state") == "running";
                self.takes(event);
                self.next = moment(event, "next_run_at");
            }
            "TradingSessionPaused" => self.runs = false,
            "TradingSessionResumed" => self.runs = true,
            "TradingSessionHalted" | "TradingSessionStopping" | "OrderOutcomeUnbookable" => {
                self.runs = false;
                self.requested = None;
            }
            "TradingSessionStopped" => {
                if self.has_ended || self.open.is_some() {
                    complaints.push(format!("{} stopped out of turn", event.aggregate));
                }
                *self = Self { has_ended: true, ..Self::default() };
            }
            "ScheduleChanged" => {
                self.takes(event);
                self.next = moment(event, "next_run_at");
            }
            "RunRequested" => {
                if self.requested.is_some() || self.open.is_some() {
                    complaints.push(format!("run {} was asked for out of turn", id(event, "run_id")));
                }
                self.requested = Some((id(event, "run_id"), moment(event, "requested_at")));
            }
            _ if self.has_ended => {
                complaints.push(format!("{} after {} had stopped", event.kind, event.aggregate));
            }
            _ => {}
        }
    }

    fn takes(&mut self, event: &Event) {
        self.interval = event.data["interval_s"].as_u64().unwrap_or_default();
        self.repeats = event.data["auto_rebalance"] == true;
    }

    fn begins(&mut self, event: &Event, complaints: &mut Vec<String>) {
        let (run, due) = (id(event, "run_id"), moment(event, "due_at"));
        let mut wrong = |why: &str| complaints.push(format!("run {run} began {why}"));
        if self.open.is_some() {
            wrong("while another was under way");
        }
        let is_scheduled = event.text("trigger") == "scheduled";
        if is_scheduled {
            if due.is_none() || due != self.next || !self.runs {
                wrong("though it was not due then");
            }
            if due.is_some_and(|due| event.recorded_at < due) {
                wrong("before its time");
            }
        } else if self.requested.take() != Some((run, due)) {
            wrong("though nobody had asked for it");
        }
        self.open = Some(Open { run, due, is_scheduled });
    }

    fn ends(&mut self, event: &Event, complaints: &mut Vec<String>) {
        let run = id(event, "run_id");
        let mut wrong = |why: &str| complaints.push(format!("run {run} ended {why}"));
        let Some(open) = self.open.take().filter(|open| open.run == run) else {
            return wrong("and was not under way");
        };
        let next = moment(event, "next_run_at");
        let due = match open.due.filter(|due| open.is_scheduled && self.next == Some(*due)) {
            Some(due) => self.repeats.then(|| first_after(due, self.interval, event.recorded_at)),
            None => self.next,
        };
        if next != due {
            wrong(&format!("with the next at {next:?}, and that is due at {due:?}"));
        }
        self.next = next;
    }

    /// Nothing is left to do.
    fn is_over(&self, session: Uuid, served_until: OffsetDateTime, complaints: &mut Vec<String>) {
        if let Some(open) = self.open {
            complaints.push(format!("run {} of {session} never ended", open.run));
        }
        if let Some((run, _)) = self.requested.filter(|_| self.runs) {
            complaints.push(format!("run {run} of {session} was asked for and never began"));
        }
        if let Some(due) = self.next.filter(|due| self.runs && *due + REACHED_WITHIN < served_until) {
            complaints.push(format!("{session} was due at {due} and never ran"));
        }
    }
}

/// Missed ticks are one.
fn first_after(due: OffsetDateTime, interval: u64, now: OffsetDateTime) -> OffsetDateTime {
    let mut next = due + Duration::from_secs(interval);
    while next <= now {
        next += Duration::from_secs(interval.max(1));
    }
    next
}
