//! The one writer.
//!
//! ## Shape
//! One task owns every live aggregate. It drains its inbox, decides each command on the newest state, applies the
//! events at once, and gathers everything into the open batch. While one batch is being committed (`flight`), the next
//! is decided on top of it. Slow things happen elsewhere: cold aggregates (`loading`), old keys (`lookups`), snapshots.
//!
//! ## Correctness
//! - No answer leaves before the batch it was decided in is durable: a refusal may rest on an event that is not.
//! - A batch is refused whole unless the journal ends where the batch begins (the fence), so memory that is wrong
//!   cannot be written down.
//! - A batch that does not land takes the one on top of it along: both go back to the committed states and are decided
//!   again, in order, without what stood in the way.

mod batch;
mod cache;
mod epoch;
mod flight;
mod loading;
mod lookups;
mod setbacks;
mod snapshots;
mod submission;
mod writer;

pub(crate) use cache::{Aggregates, Cached, Changed, Entry};
pub(crate) use submission::Submission;
pub use writer::{MayLead, WARY_FOR, WriteSide, Writer, WriterOptions, WriterState, always};
