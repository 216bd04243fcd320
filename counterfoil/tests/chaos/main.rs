//! What was acknowledged is never lost and never doubled, whatever is killed, stopped, deleted or restored.
//!
//! Each test runs the real program under load while something happens to it, writes down every answer, and holds all of
//! them against the journal, the read model and the stream. `COUNTERFOIL_CHAOS_KILLS` makes the tests long.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod harness;
mod kills;
mod nats_down;
mod oracle;
mod restored;
mod servers_killed;
mod stream_lost;
mod trading;
mod two_writers;
mod verify;
