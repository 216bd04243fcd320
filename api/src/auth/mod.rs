//! Who asks: access tokens, the keys they are signed with, and login sessions that have ended.
//!
//! A token is verified once and remembered until it expires; an ended session is known in memory, so no request waits
//! for the database to learn who it comes from.

mod keys;
mod revocations;
mod tokens;
mod user;
mod verified;

pub(crate) use keys::TokenKeys;
pub(crate) use revocations::{RevocationFeed, Revocations};

pub(crate) use user::AuthUser;

pub(crate) use user::{Admission, count_login};
