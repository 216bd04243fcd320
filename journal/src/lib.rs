//! The append-only log: what happened, in one dense order.
//!
//! Writers append whole batches under a fence ([`Lease`]); readers read by position, by aggregate or by owner; the
//! [`Tail`] keeps the newest events in memory, the relay mirrors them into JetStream, and a subscription follows
//! whichever of the three is nearest. Positions are the same everywhere, so switching between them is exact.

mod append;
mod error;
mod head;
mod journal;
mod lease;
mod load;
mod nats;
mod past;
mod read;
mod record;
pub mod relay;
mod sealed;
mod snapshot;
pub mod subscription;
mod tail;

pub use append::{AppendError, Batch, ClaimRow, CommandRow, DroppedSecret, ReleasedClaims, SecretRow};
pub use error::JournalError;
pub use head::Head;
pub use journal::{Journal, JournalOptions};
pub use lease::{Lease, Recovery, SILENCE_MAX_MS};
pub use load::Loaded;
pub use nats::{Nats, NatsError, NatsOptions};
pub use read::{OwnerQuery, read_row as record_of};
pub use record::{Metadata, Parsed, Recorded, UnreadableRecord};
pub use sealed::{OpenError, OpenSealed, SealedField};
pub use snapshot::Snapshot;
pub use tail::{Tail, TailRead};
