//! The rules of the defaults: they are settings, whole and sound.

use super::{DefaultsCommand, DefaultsEvent, DefaultsRefusal};
use crate::aggregate::aggregate_shim;
use crate::settings::{Declined, How, Known, Settings, with};
use crate::{AggregateKind, Decide, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// There is one.
pub const DEFAULTS_ID: Uuid = Uuid::nil();

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsDefaults {
    /// Nothing until an admin sets them.
    set: Option<Arc<Settings>>,
    version: u64,
    changed_at: Option<Timestamp>,
}

impl SettingsDefaults {
    /// What holds now.
    pub fn settings(&self) -> Arc<Settings> {
        self.set.clone().unwrap_or_else(|| Arc::new(Settings::built_in().clone()))
    }

    /// How often they were set.
    pub const fn version(&self) -> u64 {
        self.version
    }

    pub const fn changed_at(&self) -> Option<Timestamp> {
        self.changed_at
    }
}

impl Decide for SettingsDefaults {
    const KIND: AggregateKind = AggregateKind::SettingsDefaults;
    const SCHEMA: i32 = 1;
    type Refusal = DefaultsRefusal;

    /// Nobody, by an id that nobody has: so only who may see everything sees its events.
    fn owner(&self) -> Option<UserId> {
        Some(UserId(DEFAULTS_ID))
    }

    fn decide(&self, command: DefaultsCommand) -> Result<Vec<DefaultsEvent>, DefaultsRefusal> {
        let DefaultsCommand::Set { patch, flaws, expected_version, at } = command;
        if let Some(expected) = expected_version.filter(|expected| *expected != self.version) {
            return Err(DefaultsRefusal::Stale { expected, actual: self.version });
        }
        let built_in = Settings::built_in();
        let known = Known { flaws, ..Known::default() };
        let settings =
            with(built_in, built_in, &patch, How::WholePreset, known).map_err(|declined| match declined {
                Declined::Forbidden(barred) => DefaultsRefusal::Forbidden { barred },
                Declined::Invalid(flaws) => DefaultsRefusal::Invalid { flaws },
            })?;
        let fields = settings.changed_fields(&self.settings());
        if fields.is_empty() {
            return Ok(vec![]);
        }
        let defaults_version = self.version + 1;
        let settings = Arc::new(settings);
        Ok(vec![DefaultsEvent::SettingsDefaultsChanged {
            settings,
            fields,
            defaults_version,
            changed_at: at,
        }])
    }

    fn evolve(&mut self, event: &DefaultsEvent) {
        let DefaultsEvent::SettingsDefaultsChanged { settings, defaults_version, changed_at, .. } = event;
        self.set = Some(Arc::clone(settings));
        self.version = *defaults_version;
        self.changed_at = Some(*changed_at);
    }
}

aggregate_shim!(SettingsDefaults, "settings_defaults", DefaultsCommand, DefaultsEvent, DefaultsRefusal);
