//! What everybody's settings are until they change them: one for the whole house, set by admins.

mod aggregate;
mod command;
mod event;
mod refusal;
#[cfg(test)]
mod tests;

pub use aggregate::{DEFAULTS_ID, SettingsDefaults};
pub use command::DefaultsCommand;
pub use event::DefaultsEvent;
pub use refusal::DefaultsRefusal;
