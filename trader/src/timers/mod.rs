//! When sessions want to be looked at: rows that follow the journal, and leases on them.
//!
//! One [`Keeper`] writes the rows, any number of workers take leases on those that are due ([`Leases`]). Neither decides
//! anything: a row that is late or wrong sends a worker to a session that says there is nothing to do.

mod fold;
mod keeper;
mod leases;

pub use keeper::Keeper;
pub use leases::{LEASED_FOR, Lease, Leases, Taken};
