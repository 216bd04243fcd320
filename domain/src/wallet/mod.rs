//! A wallet: one balance in one currency, of one user.

mod aggregate;
mod command;
mod event;
mod refusal;
#[cfg(test)]
mod tests;

pub use aggregate::{Account, Wallet};
pub use command::{Movement, WalletCommand};
pub use event::{Moved, WalletEvent, WalletStatus};
pub use refusal::WalletRefusal;
