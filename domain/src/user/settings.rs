//! Somebody's settings and presets: what they are, and what may become of them.
//!
//! The first change takes over the defaults of that moment as a whole, so that later defaults change nobody's way of
//! trading. They have a version of their own. A preset is settings under a name, without telegram: who is told is no part of
//! how one trades. Whichever was applied last is active until the settings are another's.

use super::{UserEvent, UserRefusal};
use crate::settings::{Declined, Flaw, How, Known, Placeholders, PresetName, Secret, Settings, Value, with};
use crate::{Sealed, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// More than anybody tells apart.
pub const PRESETS_MAX: usize = 20;

/// Held behind an `Arc`: a user is copied often, and most never set anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsHeld {
    /// Nothing until they are changed: then the defaults hold.
    pub settings: Option<Arc<Settings>>,
    /// How often they changed.
    pub version: u64,
    pub changed_at: Option<Timestamp>,
    /// Which secrets of telegram are set, and how they end.
    pub telegram: TelegramHeld,
    pub presets: Vec<Preset>,
    /// The highest version under which a preset lost its name: whatever comes under a name begins above it, so that nobody's
    /// version of one preset is ever that of another.
    pub spent_version: u64,
    pub active: Option<PresetName>,
}

/// Hints of what is sealed, themselves sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TelegramHeld(pub BTreeMap<Secret, Sealed>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preset {
    pub name: PresetName,
    pub settings: Arc<Settings>,
    /// It grows whenever it is saved or renamed, and no name has the same one twice.
    pub version: u64,
    pub saved_at: Timestamp,
}

/// Why settings changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum SettingsCause {
    Patch,
    Import,
    Preset { name: PresetName },
    Revert { to_version: u64 },
}

/// What somebody can ask of their settings. Secrets arrive as sealed hints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettingsCommand {
    Change(Box<SettingsChange>),
    /// Back to what they were at a version, but for secrets.
    Revert {
        to_version: u64,
        /// Nothing, if there was no such version.
        settings: Option<Arc<Settings>>,
    },
    /// Under a new name, or in the place of what is there.
    SavePreset {
        name: PresetName,
        /// As it is merged into the settings of now, or into the defaults.
        patch: Option<Value>,
        from: PresetFrom,
        is_new: bool,
    },
    EditPreset {
        name: PresetName,
        new_name: Option<PresetName>,
        patch: Option<Value>,
    },
    ApplyPreset {
        name: PresetName,
    },
    DeletePreset {
        name: PresetName,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChange {
    pub patch: Value,
    pub how: How,
    /// What is known to be wrong with it already.
    pub flaws: Vec<Flaw>,
    /// What becomes of each secret that it names: nothing clears it.
    pub telegram: Vec<(Secret, Option<Sealed>)>,
}

/// What a preset is made of where its patch says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PresetFrom {
    Settings,
    Defaults,
}

/// A command with what it is decided by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedOfSettings {
    pub command: SettingsCommand,
    /// What holds where nothing was set.
    pub defaults: Arc<Settings>,
    /// Of the settings, or of the preset it names.
    pub expected_version: Option<u64>,
}

impl SettingsCommand {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Change(_) => "change_settings",
            Self::Revert { .. } => "revert_settings",
            Self::SavePreset { .. } => "save_preset",
            Self::EditPreset { .. } => "edit_preset",
            Self::ApplyPreset { .. } => "apply_preset",
            Self::DeletePreset { .. } => "delete_preset",
        }
    }
}

impl From<Declined> for UserRefusal {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Forbidden(barred) => Self::SettingsForbidden { barred },
            Declined::Invalid(flaws) => Self::SettingsInvalid { flaws },
        }
    }
}

impl SettingsHeld {
    pub fn preset(&self, name: &PresetName) -> Option<&Preset> {
        self.presets.iter().find(|preset| preset.name == *name)
    }

    /// Guard, preconditions, events.
    pub(super) fn decide(
        &self,
        asked: AskedOfSettings,
        at: Timestamp,
    ) -> Result<Vec<UserEvent>, UserRefusal> {
        let AskedOfSettings { command, defaults, expected_version } = asked;
        self.same_version(&command, expected_version)?;
        let now = self.settings.clone().unwrap_or_else(|| Arc::clone(&defaults));
        match command {
            SettingsCommand::Change(change) => self.change(&now, &defaults, *change, at),
            SettingsCommand::Revert { to_version, settings } => {
                let settings = settings.ok_or(UserRefusal::NoSuchSettings { version: to_version })?;
                let settings = self.with_telegram_as_it_can_be(&settings);
                let by = SettingsCause::Revert { to_version };
                Ok(self.changed(&now, settings, self.telegram.clone(), by, at).into_iter().collect())
            }
            SettingsCommand::SavePreset { name, patch, from, is_new } => {
                let present = self.preset(&name);
                if is_new && present.is_some() {
                    return Err(UserRefusal::PresetExists);
                }
                if present.is_none() && self.presets.len() >= PRESETS_MAX {
                    return Err(UserRefusal::TooManyPresets { max: PRESETS_MAX });
                }
                let (base, how) = match from {
                    PresetFrom::Settings => (&now, How::Preset),
                    PresetFrom::Defaults => (&defaults, How::WholePreset),
                };
                let settings = preset_of(base, &defaults, patch.as_ref(), how)?;
                Ok(self.saved(name, settings, at))
            }
            SettingsCommand::EditPreset { name, new_name, patch } => {
                let present = self.preset(&name).ok_or(UserRefusal::PresetNotFound)?;
                let new_name = new_name.filter(|new_name| *new_name != name);
                if new_name.as_ref().is_some_and(|new_name| self.preset(new_name).is_some()) {
                    return Err(UserRefusal::PresetExists);
                }
                let settings = preset_of(&present.settings, &defaults, patch.as_ref(), How::Preset)?;
                let mut events = self.saved(name.clone(), settings, at);
                events.extend(new_name.map(|new_name| UserEvent::PresetRenamed {
                    name,
                    new_name,
                    renamed_at: at,
                }));
                Ok(events)
            }
            SettingsCommand::ApplyPreset { name } => {
                let preset = self.preset(&name).ok_or(UserRefusal::PresetNotFound)?;
                let settings = preset.settings.with_telegram_of(&now);
                let by = SettingsCause::Preset { name: name.clone() };
                let changed = match &self.settings {
                    // Their own from now on, even where they equal the defaults.
                    None => Some(self.next(
                        settings.clone(),
                        self.telegram.clone(),
                        settings.changed_fields(&now),
                        by,
                        at,
                    )),
                    Some(_) => self.changed(&now, settings, self.telegram.clone(), by, at),
                };
                let is_news = changed.is_some() || self.active.as_ref() != Some(&name);
                let applied = UserEvent::PresetApplied { name, applied_at: at };
                Ok(changed.into_iter().chain(is_news.then_some(applied)).collect())
            }
            SettingsCommand::DeletePreset { name } => {
                self.preset(&name).ok_or(UserRefusal::PresetNotFound)?;
                Ok(vec![UserEvent::PresetDeleted { name, deleted_at: at }])
            }
        }
    }

    /// A preset that is named has a version of its own; whatever else is asked is about the settings.
    fn same_version(&self, command: &SettingsCommand, expected: Option<u64>) -> Result<(), UserRefusal> {
        let actual = match command {
            SettingsCommand::SavePreset { name, is_new: false, .. }
            | SettingsCommand::EditPreset { name, .. }
            | SettingsCommand::DeletePreset { name } => self.preset(name).map_or(0, |preset| preset.version),
            _ => self.version,
        };
        match expected.filter(|expected| *expected != actual) {
            Some(expected) => Err(UserRefusal::StaleSettings { expected, actual }),
            None => Ok(()),
        }
    }

    fn change(
        &self,
        now: &Settings,
        defaults: &Settings,
        change: SettingsChange,
        at: Timestamp,
    ) -> Result<Vec<UserEvent>, UserRefusal> {
        let SettingsChange { patch, how, flaws, telegram: secrets } = change;
        let mut telegram = self.telegram.clone();
        let mut fields = Vec::new();
        for (secret, hint) in secrets {
            // What is set anew is news, even if it ends like the one before.
            let is_news = hint.is_some() || telegram.0.contains_key(&secret);
            fields.extend(is_news.then(|| format!("telegram.{}", secret.as_str())));
            match hint {
                Some(hint) => telegram.0.insert(secret, hint),
                None => telegram.0.remove(&secret),
            };
        }
        let known = Known { flaws, missing: telegram.missing() };
        let settings = with(now, defaults, &patch, how, known)?;
        let by = if how == How::Replace { SettingsCause::Import } else { SettingsCause::Patch };
        Ok(self.changed_with((now, settings), telegram, fields, by, at).into_iter().collect())
    }

    fn changed(
        &self,
        now: &Settings,
        settings: Settings,
        telegram: TelegramHeld,
        by: SettingsCause,
        at: Timestamp,
    ) -> Option<UserEvent> {
        self.changed_with((now, settings), telegram, Vec::new(), by, at)
    }

    /// Nothing, if nothing is different.
    fn changed_with(
        &self,
        (now, settings): (&Settings, Settings),
        telegram: TelegramHeld,
        secrets: Vec<String>,
        by: SettingsCause,
        at: Timestamp,
    ) -> Option<UserEvent> {
        let mut fields = settings.changed_fields(now);
        fields.extend(secrets);
        (!fields.is_empty()).then(|| self.next(settings, telegram, fields, by, at))
    }

    fn next(
        &self,
        settings: Settings,
        telegram: TelegramHeld,
        fields: Vec<String>,
        cause: SettingsCause,
        changed_at: Timestamp,
    ) -> UserEvent {
        let mut fields = fields;
        fields.sort();
        let settings_version = self.version + 1;
        let settings = Arc::new(settings);
        UserEvent::SettingsChanged { settings, telegram, settings_version, fields, cause, changed_at }
    }

    /// Secrets stay as they are: without them nobody can be told anything.
    fn with_telegram_as_it_can_be(&self, settings: &Settings) -> Settings {
        let is_possible = !settings.telegram_is_on() || self.telegram.is_complete();
        if is_possible { settings.clone() } else { settings.with_telegram_off() }
    }

    fn saved(&self, name: PresetName, settings: Settings, at: Timestamp) -> Vec<UserEvent> {
        let present = self.preset(&name);
        if present.is_some_and(|preset| *preset.settings == settings) {
            return Vec::new();
        }
        let preset_version = present.map_or(self.spent_version, |preset| preset.version) + 1;
        vec![UserEvent::PresetSaved { name, settings: Arc::new(settings), preset_version, saved_at: at }]
    }

    pub fn evolve(&mut self, event: &UserEvent) {
        match event {
            UserEvent::SettingsChanged { settings, telegram, settings_version, changed_at, .. } => {
                self.settings = Some(Arc::clone(settings));
                self.telegram = telegram.clone();
                self.version = *settings_version;
                self.changed_at = Some(*changed_at);
                // Whatever only telegram changed is still the preset's.
                let is_it = |preset: &Preset| *preset.settings == settings.without_telegram();
                let active = self.active.take().filter(|name| self.preset(name).is_some_and(is_it));
                self.active = active;
            }
            UserEvent::PresetSaved { name, settings, preset_version, saved_at } => {
                let (version, saved_at) = (*preset_version, *saved_at);
                let preset = Preset { name: name.clone(), settings: Arc::clone(settings), version, saved_at };
                match self.presets.iter_mut().find(|preset| preset.name == *name) {
                    Some(before) => {
                        *before = preset;
                        if self.active.as_ref() == Some(name) {
                            self.active = None;
                        }
                    }
                    None => self.presets.push(preset),
                }
            }
            UserEvent::PresetRenamed { name, new_name, .. } => {
                if let Some(preset) = self.presets.iter_mut().find(|preset| preset.name == *name) {
                    self.spent_version = self.spent_version.max(preset.version);
                    preset.name = new_name.clone();
                    preset.version = self.spent_version + 1;
                }
                if self.active.as_ref() == Some(name) {
                    self.active = Some(new_name.clone());
                }
            }
            UserEvent::PresetApplied { name, .. } => self.active = Some(name.clone()),
            UserEvent::PresetDeleted { name, .. } => {
                let version = self.preset(name).map_or(0, |preset| preset.version);
                self.spent_version = self.spent_version.max(version);
                self.presets.retain(|preset| preset.name != *name);
                self.active.take_if(|active| active == name);
            }
            _ => {}
        }
    }
}

impl TelegramHeld {
    pub fn is_complete(&self) -> bool {
        self.missing().is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands in an export for what is set; without all that telegram needs there is none.
    pub fn placeholders(&self) -> Placeholders {
        let authorized_users = self.0.contains_key(&Secret::AuthorizedUsers);
        if self.is_complete() { Placeholders::Env { authorized_users } } else { Placeholders::None }
    }

    /// What it takes to be told anything.
    fn missing(&self) -> Vec<Secret> {
        let needed = [Secret::Token, Secret::ChatId].into_iter();
        needed.filter(|secret| !self.0.contains_key(secret)).collect()
    }
}

fn preset_of(
    base: &Settings,
    defaults: &Settings,
    patch: Option<&Value>,
    how: How,
) -> Result<Settings, UserRefusal> {
    let Some(patch) = patch else { return Ok(base.without_telegram()) };
    Ok(with(base, defaults, patch, how, Known::default())?.without_telegram())
}
