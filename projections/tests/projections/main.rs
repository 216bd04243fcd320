//! The read side against real servers.

#![allow(clippy::unwrap_used, clippy::panic)]

mod accounts;
mod api_keys;
mod exchange_credentials;
mod helpers;
mod profiles;
mod queries;
mod rebuild;
mod restored;
mod worker;
