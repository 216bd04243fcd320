//! What can have happened to the defaults.

use crate::Timestamp;
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

impl DefaultsEvent {
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::SettingsDefaultsChanged { .. } => "SettingsDefaultsChanged",
        }
    }
}

impl cqrs_es::DomainEvent for DefaultsEvent {
    fn event_type(&self) -> String {
        self.type_name().to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}
