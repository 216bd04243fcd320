//! The embedded runtime as its users meet it: the real program, real servers, real signals.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod admin;
mod checklist_38_39_canaries;
mod command_line;
mod crashes;
mod expiry;
mod first_start;
mod given_servers;
mod places;
mod program;
mod roles;
mod rotation;
mod stopping;
