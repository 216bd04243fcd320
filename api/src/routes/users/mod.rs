//! Users and their balances.

pub(crate) mod activity;
pub(crate) mod api_keys;
pub(crate) mod balance;
pub(super) mod changed;
pub(crate) mod create;
pub(crate) mod credentials;
pub(crate) mod delete;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod movements;
pub(crate) mod performance;
pub(crate) mod portfolio;
pub(crate) mod preferences;
pub(crate) mod profile;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod statistics;
pub(crate) mod status;
pub(crate) mod trading;
pub(crate) mod transactions;
pub(crate) mod unlock;
pub(crate) mod update;
pub(crate) mod wallets;
