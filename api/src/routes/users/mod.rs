//! Users and their balances.

pub(crate) mod balance;
pub(crate) mod get;
pub(crate) mod movements;
pub(crate) mod transactions;
pub(crate) mod wallets;
