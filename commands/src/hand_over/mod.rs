//! Commands of a process beside the one that leads, such as an operator's at the command line: handed to the leader by way
//! of the database, which both can reach wherever they are.
//!
//! ## Correctness
//! A row carries a keyed digest of its envelope, so it takes the key ring to hand something over, and not only the
//! database. It is taken once, in the statement that marks it, so it is decided once; and an envelope has a deadline, so
//! one that nobody took in time is nothing. Who waits in vain takes theirs back if it was not taken, and is told that the
//! outcome is unknown if it was.

mod giving;
mod taking;

pub use giving::HandOver;
pub use taking::HandedOver;

use crate::vault::Vault;
use crate::{Done, Failure, Outcome, Refusal};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What came of a command, as it can be written down.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    Done { position: i64 },
    Refused { refusal: Refusal, position: i64 },
    Unavailable,
    Unknown,
    Broke { why: String },
}

impl Told {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Ok(done) => Self::Done { position: done.position },
            Err(Failure::Refused { refusal, position, .. }) => Self::Refused { refusal, position },
            Err(Failure::Unavailable { .. }) => Self::Unavailable,
            Err(Failure::OutcomeUnknown) => Self::Unknown,
            Err(other) => Self::Broke { why: other.to_string() },
        }
    }

    fn into_outcome(self) -> Outcome {
        match self {
            Self::Done { position } => Ok(Done::of(position, Vec::new())),
            Self::Refused { refusal, position } => {
                Err(Failure::Refused { refusal, position, replayed: false })
            }
            Self::Unavailable => Err(Failure::unavailable("the node that leads cannot take commands now")),
            Self::Unknown => Err(Failure::OutcomeUnknown),
            Self::Broke { why } => Err(Failure::Internal(why)),
        }
    }
}

/// Only who has the key ring can make it.
fn proof(vault: &Vault, id: Uuid, envelope: &str) -> Uuid {
    vault.fingerprint(&[b"handed over", id.as_bytes(), envelope.as_bytes()])
}
