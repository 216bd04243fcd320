//! The write side: takes a command in, leaves events behind.
//!
//! A use case ([`users`], [`wallets`]) prepares everything slow and wraps it into an [`Envelope`]; [`Commands::submit`]
//! is the one door to the sequencer, which decides in memory and commits in batches; the answer leaves when the batch
//! is durable.

mod access;
mod answer;
mod clock;
mod commands;
mod decide;
mod envelope;
mod hand_over;
mod lookup;
pub mod mail;
pub mod password;
mod refresh_token;
mod refusal;
mod repeats;
mod sequencer;
pub mod sessions;
mod status;
mod step;
pub mod sweep;
mod throttle;
pub mod users;
pub mod vault;
pub mod wallets;

pub use access::{Authority, Context, Principal};
pub use answer::{Done, Failure, Hindrance, Outcome};
pub use clock::Clock;
pub use commands::{Commands, CommandsOptions, FINAL_AFTER};
pub use envelope::{
    Beside, ClaimKind, Command, Envelope, NewClaim, NewSecret, OpenWallet, RequestKey, Reserve, SecretKind,
    SessionStep, StartTrading, UserChange,
};
pub use hand_over::{HandOver, HandedOver};
pub use refresh_token::{RefreshToken, RefreshTokens};
pub use refusal::{Irreversible, Refusal};
pub use sequencer::{MayLead, WARY_FOR, WriteSide, Writer, WriterOptions, WriterState, always};
pub use status::CommandStatus;
pub use step::{Act, Bounds, Step};
pub use throttle::WrongPasswords;
