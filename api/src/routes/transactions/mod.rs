//! Transactions, found by their own ids.

pub(crate) mod reverse;
