//! Real servers for tests: a PostgreSQL and a nats-server of one's own, started in well under a second.
//!
//! Each lives in a directory of its own under the system's temporary one and ends with its handle; if the test dies
//! without dropping it, the kernel ends it (PR_SET_PDEATHSIG). Nothing here is fit for anything but tests, so what goes
//! wrong panics with what it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod child;
mod cluster;
mod nats;
mod postgres;
mod room;
mod scribe;
mod wait;

pub use child::{Frozen, spawn_bound_to_us};
pub use cluster::program;
pub use nats::Nats;
pub use postgres::Postgres;
pub use scribe::{Scribe, dollars};
pub use wait::{eventually, eventually_within};
