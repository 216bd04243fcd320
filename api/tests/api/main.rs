//! The HTTP door through its public port, with a real database behind it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod bad_input;
mod broken;
mod client;
mod codes;
mod events;
mod house;
mod keys_file;
mod operations;
mod reading;
mod registration;
mod replay;
mod sessions;
mod transport;
mod wallets;
