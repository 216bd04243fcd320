//! What can have happened to the defaults.

use crate::Timestamp;
use crate::event_types::event_types;
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultsEvent {
    /// All of them, as they are now.
    SettingsDefaultsChanged {
        settings: Arc<Settings>,
        /// The names of those that differ from before.
        fields: Vec<String>,
        defaults_version: u64,
        changed_at: Timestamp,
    },
}

event_types! {
    DefaultsEvent:
    SettingsDefaultsChanged,
}
