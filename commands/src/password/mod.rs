//! Passwords: which are good enough, and how they are hashed without drowning the machine.

mod policy;
mod pool;

pub use policy::{NewPassword, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PasswordRefusal};
pub(crate) use pool::needs_rehash;
pub use pool::{HashError, Hasher, HasherOptions};
