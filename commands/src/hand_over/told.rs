//! What came of a command, as it can be written down.

use crate::{Done, Failure, Hindrance, Outcome, Refusal};
use journal::Recorded;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Told {
    /// Its events are so many, one after the other, up to its position.
    Done {
        done: Box<Done>,
        events: i64,
    },
    Refused {
        refusal: Refusal,
        position: i64,
        replayed: bool,
    },
    KeyReused,
    CaptureIdReused,
    InFlight,
    Unavailable,
    Unknown,
    Unrecordable,
    Broke {
        why: String,
    },
}

impl Told {
    pub(super) fn of(outcome: Outcome) -> Self {
        match outcome {
            Ok(done) => {
                Self::Done { events: i64::try_from(done.events.len()).unwrap_or(0), done: Box::new(done) }
            }
            Err(Failure::Refused { refusal, position, replayed }) => {
                Self::Refused { refusal, position, replayed }
            }
            Err(Failure::KeyReused) => Self::KeyReused,
            Err(Failure::CaptureIdReused) => Self::CaptureIdReused,
            Err(Failure::InFlight) => Self::InFlight,
            Err(Failure::Unavailable { .. }) => Self::Unavailable,
            Err(Failure::OutcomeUnknown) => Self::Unknown,
            Err(Failure::Unrecordable) => Self::Unrecordable,
            Err(other) => Self::Broke { why: other.to_string() },
        }
    }

    /// Where its events are.
    pub(super) fn positions(&self) -> impl Iterator<Item = i64> + use<> {
        let (last, events) = match self {
            Self::Done { done, events } => (done.position, *events),
            _ => (0, 0),
        };
        last - events + 1..=last
    }

    /// `known`: the events at those positions.
    pub(super) fn into_outcome(self, known: &HashMap<i64, Arc<Recorded>>) -> Outcome {
        let events: Option<Vec<_>> = self.positions().map(|position| known.get(&position).cloned()).collect();
        match self {
            // They are durable before anybody is told.
            Self::Done { mut done, .. } => {
                done.events = events.ok_or(Failure::OutcomeUnknown)?;
                Ok(*done)
            }
            Self::Refused { refusal, position, replayed } => {
                Err(Failure::Refused { refusal, position, replayed })
            }
            Self::KeyReused => Err(Failure::KeyReused),
            Self::CaptureIdReused => Err(Failure::CaptureIdReused),
            Self::InFlight => Err(Failure::InFlight),
            Self::Unavailable => Err(Failure::unavailable(Hindrance::LeaderCannot)),
            Self::Unknown => Err(Failure::OutcomeUnknown),
            Self::Unrecordable => Err(Failure::Unrecordable),
            Self::Broke { why } => Err(Failure::Internal(why)),
        }
    }
}
