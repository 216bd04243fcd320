//! One balance in one currency, of one user.

pub(crate) mod deposit;
pub(crate) mod get;
pub(crate) mod transactions;
pub(crate) mod withdraw;
