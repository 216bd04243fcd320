//! Real time: what was answered before something else was asked stands before it in the journal.
//!
//! This is what a leader that was left behind would break: it would decide on a state that others have moved past.

use super::Case;
use crate::harness::record::{Command, Said};

enum Happened<'a> {
    Answered { position: i64 },
    Asked { command: &'a Command, said: &'a Said },
}

pub(super) fn check(case: &Case, complaints: &mut Vec<String>) {
    let mut happened = Vec::new();
    for command in &case.pages.commands {
        let asked = command.attempts.iter().map(|attempt| attempt.sent).min();
        let answered = command.settled().min_by_key(|heard| heard.at);
        let (Some(asked), Some(heard)) = (asked, answered) else { continue };
        let Some(position) = heard.said.position() else { continue };
        happened.push((asked, Happened::Asked { command, said: &heard.said }));
        happened.push((heard.at, Happened::Answered { position }));
    }
    happened.sort_unstable_by_key(|(moment, _)| *moment);
    let mut known = 0;
    for (_, what) in happened {
        match what {
            Happened::Answered { position } => known = known.max(position),
            Happened::Asked { command, said } => {
                // A refusal names the head, which may be where it was.
                let stands = match said {
                    Said::Accepted { position } => *position > known,
                    Said::Refused { position, .. } => *position >= known,
                    _ => true,
                };
                if !stands {
                    let key = &command.key;
                    complaints
                        .push(format!("{key}: {said:?}, asked when position {known} had been answered"));
                }
            }
        }
    }
}
