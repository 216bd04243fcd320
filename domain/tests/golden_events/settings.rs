//! What somebody's freqtrade is set to, and what everybody's is until then.

use super::{at, sealed};
use domain::Event;
use domain::settings::{PresetName, Secret, Settings};
use domain::settings_defaults::DefaultsEvent;
use domain::user::{SettingsCause, TelegramHeld, UserEvent};
use std::sync::Arc;

const SOME: &str = r#"{"exchange":{"name":"binance","pair_whitelist":["BTC/USDT"]},"max_open_trades":5,"minimal_roi":{"0":0.04,"30":0.015},"stake_amount":12.5,"telegram":{"enabled":true}}"#;
const LESS: &str = r#"{"max_open_trades":-1,"stake_amount":250,"stoploss":-0.08}"#;

pub(super) fn goldens() -> Vec<(&'static str, Event)> {
    let settings = |json: &str| Arc::new(Settings::parse(json).unwrap());
    let name = |name: &str| PresetName::parse(name).unwrap();
    let hint = sealed("AQ2T9Caddc0a27F2cGAoeqTY_LvS1qkClmzx830IkPtb0mhDV7iFNNfNhj78AfCO6PSPQw");
    let changed = UserEvent::SettingsChanged {
        settings: settings(SOME),
        telegram: TelegramHeld([(Secret::Token, hint.clone()), (Secret::ChatId, hint)].into()),
        settings_version: 3,
        fields: vec!["max_open_trades".to_owned(), "telegram.token".to_owned()],
        cause: SettingsCause::Patch,
        changed_at: at("2025-11-22T08:10:00Z"),
    };
    let saved = UserEvent::PresetSaved {
        name: name("careful"),
        settings: settings(LESS),
        preset_version: 1,
        saved_at: at("2025-11-22T08:11:00Z"),
    };
    let renamed = UserEvent::PresetRenamed {
        name: name("careful"),
        new_name: name("bold"),
        renamed_at: at("2025-11-22T08:12:00Z"),
    };
    let applied = UserEvent::PresetApplied { name: name("bold"), applied_at: at("2025-11-22T08:13:00Z") };
    let deleted = UserEvent::PresetDeleted { name: name("bold"), deleted_at: at("2025-11-22T08:14:00Z") };
    let defaults = DefaultsEvent::SettingsDefaultsChanged {
        settings: settings(LESS),
        fields: vec!["stake_amount".to_owned()],
        defaults_version: 2,
        changed_at: at("2025-11-22T08:15:00Z"),
    };
    vec![
        ("SettingsChanged.1.0", changed.into()),
        ("PresetSaved.1.0", saved.into()),
        ("PresetRenamed.1.0", renamed.into()),
        ("PresetApplied.1.0", applied.into()),
        ("PresetDeleted.1.0", deleted.into()),
        ("SettingsDefaultsChanged.1.0", defaults.into()),
    ]
}
