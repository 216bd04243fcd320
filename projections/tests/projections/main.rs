//! The read side against real servers.

#![allow(clippy::unwrap_used, clippy::panic)]

mod accounts;
mod activity;
mod api_keys;
mod exchange_credentials;
mod helpers;
mod holds;
mod profiles;
mod queries;
mod rebuild;
mod restored;
mod settings;
mod trading;
mod transactions;
mod trial_balance;
mod worker;
