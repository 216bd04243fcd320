//! The words of Counterfoil and the rules between them.
//!
//! Pure: no IO, no clock, no randomness. Times, ids and hashes come in with a command; what happened goes out as
//! events. `decide` answers a command with events or a refusal, `evolve` folds an event into the state, and a value
//! that has passed its door (`Money::parse`, `Email::parse`, …) is never checked again.

mod actor;
mod aggregate;
mod currency;
mod event;
mod event_types;
mod id;
mod money;
mod network;
mod scope;
mod sealed;
pub mod settings;
pub mod settings_defaults;
mod text;
mod time;
pub mod trading;
pub mod upcast;
pub mod user;
pub mod wallet;
mod zone;

pub use actor::{Actor, ActorKind};
pub use aggregate::{AggregateKind, AggregateRef, Decide};
pub use currency::{Currency, CurrencyError};
pub use event::{Event, UnreadableEvent};
pub use id::{ApiKeyId, EntryId, LoginSessionId, NotAnEntryId, TradingSessionId, UserId, WalletId};
pub use money::{Money, MoneyError};
pub use network::{Network, NotANetwork};
pub use scope::{Scope, Scopes, UnknownScope};
pub use sealed::{Sealed, SealedIn};
pub use text::{CaptureId, DisplayName, Email, Reference, TextError, Username};
pub use time::Timestamp;
pub use zone::Zone;
