use super::*;
use crate::settings::{Settings, Value};
use crate::{Decide, Timestamp};

fn set(json: &str, expected_version: Option<u64>) -> DefaultsCommand {
    let patch = Value::parse(json).unwrap();
    DefaultsCommand::Set { patch, flaws: Vec::new(), expected_version, at: Timestamp::default() }
}

fn after(json: &str) -> SettingsDefaults {
    let mut defaults = SettingsDefaults::default();
    for event in defaults.decide(set(json, None)).unwrap() {
        defaults.evolve(&event);
    }
    defaults
}

#[test]
fn nobody_set_them_so_they_are_built_in() {
    let defaults = SettingsDefaults::default();
    assert_eq!((&*defaults.settings(), defaults.version()), (Settings::built_in(), 0));
}

#[test]
fn what_is_left_out_is_built_in_again() {
    let mut defaults = after(r#"{"max_open_trades":7,"stake_currency":"BTC"}"#);
    assert_eq!(defaults.settings().stake_currency(), Some("BTC"));
    let events = defaults.decide(set(r#"{"max_open_trades":7}"#, Some(1))).unwrap();
    let [DefaultsEvent::SettingsDefaultsChanged { fields, defaults_version: 2, .. }] = events.as_slice()
    else {
        panic!("{events:?}");
    };
    assert_eq!(fields, &["stake_currency"]);
    defaults.evolve(&events[0]);
    assert_eq!(defaults.settings().stake_currency(), Some("USDT"));
    assert_eq!(defaults.decide(set(r#"{"max_open_trades":7}"#, None)), Ok(vec![]));
}

#[test]
fn what_is_shown_of_them_sets_them_as_they_are() {
    let defaults = after(
        r#"{"minimal_roi":{"60":0.01},"dry_run_wallet":{"BTC":0.5},"available_capital":7,"stoploss":-0.3}"#,
    );
    let shown = defaults.settings().without_telegram();
    assert_eq!(shown.get("/minimal_roi").unwrap().to_string(), r#"{"60":0.01}"#);
    assert_eq!(defaults.decide(set(&shown.to_value().to_string(), Some(1))), Ok(vec![]));
}

#[test]
fn they_are_settings_like_any() {
    let defaults = SettingsDefaults::default();
    assert!(matches!(defaults.decide(set(r#"{"stoploss":-2}"#, None)), Err(DefaultsRefusal::Invalid { .. })));
    let forbidden = defaults.decide(set(r#"{"db_url":"x","stoploss":-2}"#, None));
    assert!(matches!(forbidden, Err(DefaultsRefusal::Forbidden { barred }) if barred.len() == 1));
    let stale = defaults.decide(set("{}", Some(3)));
    assert_eq!(stale, Err(DefaultsRefusal::Stale { expected: 3, actual: 0 }));
}
