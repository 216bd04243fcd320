//! A user: who somebody is, and where they are signed in.

mod aggregate;
mod command;
mod event;
mod refusal;
#[cfg(test)]
mod tests;

pub use aggregate::{LoginSession, Person, User};
pub use command::{SessionPolicy, UserCommand};
pub use event::{EndReason, Role, UserEvent, UserStatus};
pub use refusal::UserRefusal;
