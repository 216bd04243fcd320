//! The journal in itself: dense, in order of time, and every balance in it the sum of what came before.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::Case;
use super::book::change;
use crate::harness::cents;
use crate::harness::evidence::Event;

pub(super) fn check(case: &Case, complaints: &mut Vec<String>) {
    let journal = &case.found.journal;
    positions_are_dense(case, complaints);
    sequences_are_dense(journal, complaints);
    time_goes_forward(journal, complaints);
    balances_add_up(journal, complaints);
}

fn positions_are_dense(case: &Case, complaints: &mut Vec<String>) {
    for (expected, event) in (1..).zip(&case.found.journal) {
        if event.position != expected {
            return complaints
                .push(format!("position {expected} is missing: {} comes instead", event.position));
        }
    }
    let length = i64::try_from(case.found.journal.len()).unwrap();
    if case.found.head != length {
        complaints.push(format!("the head says {}, and there are {length} events", case.found.head));
    }
}

fn sequences_are_dense(journal: &[Event], complaints: &mut Vec<String>) {
    let mut last: HashMap<(&str, Uuid), i64> = HashMap::new();
    for event in journal {
        let sequence = last.entry((&event.aggregate_type, event.aggregate)).or_default();
        *sequence += 1;
        if event.sequence != *sequence {
            let (kind, id, found) = (&event.aggregate_type, event.aggregate, event.sequence);
            complaints.push(format!("{kind} {id} has sequence {found} where {sequence} was due"));
            *sequence = event.sequence;
        }
    }
    let ids: HashSet<Uuid> = journal.iter().map(|event| event.id).collect();
    if ids.len() != journal.len() {
        complaints.push(format!("{} events share {} ids", journal.len(), ids.len()));
    }
}

fn time_goes_forward(journal: &[Event], complaints: &mut Vec<String>) {
    for pair in journal.windows(2) {
        if pair[1].recorded_at < pair[0].recorded_at {
            complaints.push(format!("time runs backwards at position {}", pair[1].position));
        }
    }
}

fn balances_add_up(journal: &[Event], complaints: &mut Vec<String>) {
    let mut balances: HashMap<Uuid, i64> = HashMap::new();
    for event in journal {
        let Some(change) = change(event) else { continue };
        let balance = balances.entry(event.aggregate).or_default();
        *balance += change;
        if *balance < 0 {
            complaints.push(format!("{} is overdrawn at position {}", event.aggregate, event.position));
        }
        for member in ["posted_after", "available_after"] {
            if cents::read(event.text(member)) != Some(*balance) {
                let (said, position) = (event.text(member), event.position);
                complaints
                    .push(format!("{member} at position {position} is {said}, the sum is {balance} cents"));
            }
        }
    }
}
