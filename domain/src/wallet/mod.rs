//! A wallet: one balance in one currency, of one user.

mod account;
mod aggregate;
mod command;
mod event;
mod hold;
mod refusal;
#[cfg(test)]
mod tests;

pub use account::{Account, Balance, EXPIRED_MAX};
pub use aggregate::Wallet;
pub use command::{Capture, Movement, PlaceHold, Reversal, Transfer, WalletCommand};
pub use event::{Direction, HoldStep, Moved, Reversed, Standing, Transferred, WalletEvent, WalletStatus};
pub use hold::{HOLDS_MAX, Hold, HoldStatus, Lease, NotALease};
pub use refusal::WalletRefusal;
