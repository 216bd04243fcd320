//! What owners were told stands: what they started is there, what they asked for was run, and what they stopped has stopped.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{events, id};
use crate::trading::evidence::Case;
use crate::trading::owners::Told;

pub(super) fn check(case: &Case, complaints: &mut Vec<String>) {
    let mut positions: HashMap<(Uuid, &str), i64> = HashMap::new();
    let mut asked: HashSet<(Uuid, Uuid)> = HashSet::new();
    for event in events(case) {
        positions.insert((event.aggregate, event.kind.as_str()), event.position);
        if event.kind == "RunRequested" {
            asked.insert((event.aggregate, id(event, "run_id")));
        }
    }
    for told in &case.book.told {
        let stands = match told {
            Told::Started { session, position } => {
                positions.get(&(*session, "TradingSessionStarted")).is_some_and(|at| at == position)
            }
            Told::WillRun { session, run } => asked.contains(&(*session, *run)),
            Told::WillStop { session } => positions.contains_key(&(*session, "TradingSessionStopped")),
        };
        if !stands {
            complaints.push(format!("{told:?} was told, and is not so"));
        }
    }
    let started = case.book.told.iter().filter(|told| matches!(told, Told::Started { .. })).count();
    if started != case.sessions.len() {
        complaints.push(format!("{started} sessions were started, there are {}", case.sessions.len()));
    }
}
