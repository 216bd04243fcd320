//! The HTTP door through its public port, with a real database behind it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod activity;
mod bad_input;
mod broken;
mod checklist_01_to_05_passwords;
mod checklist_14_15_addresses;
mod checklist_16_17_forgotten_passwords;
mod checklist_18_verified_addresses;
mod checklist_19_changed_passwords;
mod checklist_24_to_27_tokens;
mod checklist_28_29_sessions;
mod checklist_31_expiry;
mod checklist_42_repeats;
mod client;
mod codes;
mod events;
mod fuzz;
mod house;
mod keys_file;
mod mails;
mod operations;
mod preferences;
mod reading;
mod registration;
mod replay;
mod sessions;
mod transport;
mod wallets;
