//! Counterfoil, the program: command line, configuration, embedded servers, telemetry. It wires the other crates
//! together and decides nothing about users, wallets or sessions.

pub mod admin;
pub mod app;
pub mod cli;
pub mod config;
pub mod keys;
mod leading;
pub mod maintenance;
pub mod migrate;
pub mod open_files;
pub mod rotate;
pub mod runtime;
pub mod serve;
pub mod servers;
pub mod supervisor;
pub mod telemetry;
