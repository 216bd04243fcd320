//! Users and their balances.

pub(crate) mod api_keys;
pub(crate) mod balance;
pub(crate) mod get;
pub(crate) mod movements;
pub(crate) mod transactions;
pub(crate) mod unlock;
pub(crate) mod wallets;
