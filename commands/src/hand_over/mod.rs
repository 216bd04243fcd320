//! Commands of the processes beside the one that leads: handed to the leader by way of the database, which both can reach
//! wherever they are.
//!
//! Many are under way at once. What gathers while the database is asked goes in one statement: those that are given, those
//! that are taken, those that are answered. A word from the database wakes either side; where none comes through, each looks
//! by itself, a little later.
//!
//! ## Correctness
//! A row carries a keyed digest of its envelope, and later one of its answer, so it takes the key ring to hand something over
//! or to answer it, and not only the database. It is taken once, in the statement that marks it, so it is decided once, and a database that broke down has
//! forgotten the row along with the mark; and an envelope has a deadline, so one that nobody took in time is nothing. Who
//! waits in vain takes theirs back if it was not taken, and is told that the outcome is unknown if it was, or if it is not
//! sure that it was ever there.
//!
//! An answer is told once, to who waits for it: it carries the state as the command left it, and the positions of its
//! events, which whoever asked reads in the journal. So it says what it would have said to somebody at the leader.

mod bell;
mod giving;
mod taking;
mod told;

pub use giving::HandOver;
pub use taking::HandedOver;

use crate::vault::Vault;
use uuid::Uuid;

/// Rung when something was handed over.
const GIVEN: &str = "handed_over";
/// Rung when something of it was answered.
const ANSWERED: &str = "handed_over_answered";

/// Of what a row says: only who has the key ring can make it.
fn proof(vault: &Vault, of: &str, id: Uuid, text: &str) -> Uuid {
    vault.fingerprint(&[of.as_bytes(), id.as_bytes(), text.as_bytes()])
}
