//! Registration, login sessions and tokens.

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod refresh;
pub(crate) mod register;
mod signed_in;
