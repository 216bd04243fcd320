//! Workers over a real database: what is due is run once, what is lost is found again, and nothing is sent twice.

#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub)]

mod erasure;
mod faults;
mod house;
mod runs;
mod watching;
