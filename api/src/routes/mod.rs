//! The handlers, one folder a noun, one file a verb. Each extracts, calls one use case, and maps the answer.

pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod batches;
pub(crate) mod commands;
pub(crate) mod docs;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod holds;
pub(crate) mod keys;
pub(crate) mod metrics;
mod movement;
pub(crate) mod page;
mod reading;
pub(crate) mod trading_sessions;
pub(crate) mod transactions;
pub(crate) mod users;
pub(crate) mod wallets;
