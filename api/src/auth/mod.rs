//! Who asks: access tokens, the keys they are signed with, and login sessions that have ended.
//!
//! A token is verified once and remembered until it expires; an ended session is known in memory, so no request waits
//! for the database to learn who it comes from.

mod admission;
mod api_keys;
mod caller;
mod key_owners;
mod key_uses;
mod keys;
mod locales;
mod recent;
mod revocations;
pub(crate) mod rule;
mod tokens;
mod verified;

pub(crate) use admission::{Admission, count_login};
pub(crate) use api_keys::ApiKeys;
pub(crate) use caller::{Caller, Person, X_API_KEY};
pub(crate) use commands::users::KeyHolder;
pub(crate) use key_owners::KeyOwners;
pub(crate) use keys::TokenKeys;
pub(crate) use locales::{Locales, noting_who_asks};
pub(crate) use recent::{ConfirmationForm, require_recent_login, require_recent_login_if};
pub(crate) use revocations::{RevocationFeed, Revocations};
pub(crate) use rule::{Allowed, Rule, Subject};
