//! A trading session: a portfolio that is kept as its owner wants it, on paper or on an exchange.

mod aggregate;
mod command;
mod controls;
mod event;
mod evolve;
pub mod exact;
pub mod market;
mod order;
pub mod performance;
pub mod planner;
mod portfolio;
mod refusal;
mod run;
mod runs;
mod schedule;
mod session;
mod targets;
#[cfg(test)]
mod tests;
pub mod together;

pub use aggregate::TradingSession;
pub use command::{BeginRun, Flow, RecordOutcomes, SessionCommand, StartSession};
pub use event::{
    Conclusion, Filled, Halted, Intended, Paused, Planned, Rejected, Resolved, Resumed, RunBegun, RunEnded,
    SessionEvent, Snapshot, Started, Stopped, Unbookable, Unresolved,
};
pub use order::{Fill, FillQuote, Intent, OrderId, Outcome, Side};
pub use portfolio::{BookError, Holding, Portfolio, Position, Valuation, drawdown, high_water_after};
pub use refusal::SessionRefusal;
pub use run::{Order, OrderState, Requested, Run, Trigger};
pub use runs::ORDER_WINDOW;
pub use schedule::{next_tick, scheduled_run};
pub use session::{ExchangeName, LastError, LastResult, Limits, Session, SessionState};
pub use targets::{DECIMALS_MAX as TARGET_DECIMALS_MAX, TARGETS_MAX, Targets, TargetsError};

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A name that follows from another one: whoever asks again gets the same.
pub(crate) fn derived(from: Uuid, name: &[u8]) -> Uuid {
    let digest = Sha256::new().chain_update(from.as_bytes()).chain_update(name).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, digested)| *byte = digested);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
