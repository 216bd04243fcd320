//! What auditors ask: of everybody together, never of one.

pub(crate) mod trial_balance;
