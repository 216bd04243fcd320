//! The write side against a real database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    unreachable_pub
)]

mod batch_isolation;
mod cold_wallets;
mod cut_commits;
mod expiry;
mod hand_over;
mod hold_expiry;
mod house;
mod key_matrix;
mod key_reminders;
mod keys;
mod mail;
mod proxy;
mod reply_rule;
mod smtp_sink;
mod wallets;
