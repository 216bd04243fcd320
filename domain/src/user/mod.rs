//! A user: who somebody is, what they want, and where they are signed in.

mod aggregate;
mod api_key;
mod command;
mod event;
mod evolve;
mod exchange;
pub mod preferences;
mod refusal;
mod sessions;
mod settings;
#[cfg(test)]
mod settings_tests;
#[cfg(test)]
mod tests;

pub use aggregate::{Person, User};
pub use api_key::{API_KEYS_MAX, ApiKey, ApiKeyChange};
pub use command::{SessionPolicy, UserCommand};
pub use event::{CredentialsHeld, EndReason, PasswordChangeReason, Role, UserEvent, UserStatus};
pub use exchange::Exchange;
pub use preferences::{Locale, Preferences, PreferencesChange, Theme, TradingMode};
pub use refusal::UserRefusal;
pub use sessions::LoginSession;
pub use settings::{
    AskedOfSettings, PRESETS_MAX, Preset, PresetFrom, SettingsCause, SettingsChange, SettingsCommand,
    SettingsHeld, TelegramHeld,
};
