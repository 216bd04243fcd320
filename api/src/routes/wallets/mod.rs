//! One balance in one currency, of one user.

pub(crate) mod deposit;
pub(crate) mod explain;
pub(crate) mod get;
pub(crate) mod hold;
pub(crate) mod holds;
pub(crate) mod open;
pub(crate) mod standing;
pub(crate) mod statement;
pub(crate) mod transactions;
pub(crate) mod transfer;
pub(crate) mod withdraw;
