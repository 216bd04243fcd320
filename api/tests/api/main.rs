//! The HTTP door through its public port, with a real database behind it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod activity;
mod bad_input;
mod broken;
mod checklist_01_to_05_passwords;
mod checklist_06_to_08_wrong_passwords;
mod checklist_09_to_12_guessing;
mod checklist_13_login_storm;
mod checklist_14_15_addresses;
mod checklist_16_17_forgotten_passwords;
mod checklist_18_verified_addresses;
mod checklist_19_changed_passwords;
mod checklist_20_to_23_access_tokens;
mod checklist_24_to_27_tokens;
mod checklist_28_29_sessions;
mod checklist_29_30_suspended;
mod checklist_31_expiry;
mod checklist_33_mass_assignment;
mod checklist_34_search;
mod checklist_35_36_37_api_keys;
mod checklist_38_exchange_credentials;
mod checklist_39_erasure;
mod checklist_39_export;
mod checklist_40_41_edge;
mod checklist_42_repeats;
mod client;
mod codes;
mod events;
mod fuzz;
mod house;
mod keys_file;
mod mails;
mod matrix;
mod operations;
mod preferences;
mod reading;
mod registration;
mod replay;
mod sessions;
mod transport;
mod users;
mod wallets;
