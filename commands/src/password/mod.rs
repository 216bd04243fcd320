//! Passwords: which are good enough, and how they are hashed without drowning the machine.

mod hash;
mod policy;
mod pool;

pub(crate) use hash::needs_rehash;
pub use policy::{NewPassword, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PasswordRefusal};
pub use pool::{HashError, Hasher, HasherOptions};
