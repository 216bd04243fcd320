//! Settings and presets, as their user decides them.

mod any_history;

use super::*;
use crate::settings::{Flaw, FlawCode, How, Known, PresetName, Secret, Settings, Value, with};
use crate::{Decide, Sealed, Timestamp, UserId};
use std::sync::Arc;
use uuid::Uuid;

fn registered() -> User {
    let mut user = User::default();
    user.evolve(&UserEvent::UserRegistered {
        user_id: UserId(Uuid::from_u128(7)),
        username: Sealed::new("u".to_owned()),
        email: Sealed::new("e".to_owned()),
        name: None,
        roles: vec![Role::User],
        registered_at: Timestamp::default(),
    });
    user
}

fn defaults() -> Arc<Settings> {
    Arc::new(Settings::built_in().clone())
}

fn name(name: &str) -> PresetName {
    PresetName::parse(name).unwrap()
}

fn value(json: &str) -> Value {
    Value::parse(json).unwrap()
}

fn patch(json: &str) -> SettingsCommand {
    SettingsCommand::Change(Box::new(SettingsChange {
        patch: value(json),
        how: How::Merge,
        flaws: Vec::new(),
        telegram: Vec::new(),
    }))
}

fn save(preset: &str, json: Option<&str>) -> SettingsCommand {
    SettingsCommand::SavePreset {
        name: name(preset),
        patch: json.map(value),
        from: PresetFrom::Settings,
        is_new: true,
    }
}

fn asked(command: SettingsCommand, expected_version: Option<u64>) -> UserCommand {
    asked_with(command, defaults(), expected_version)
}

fn asked_with(
    command: SettingsCommand,
    defaults: Arc<Settings>,
    expected_version: Option<u64>,
) -> UserCommand {
    let asked = AskedOfSettings { command, defaults, expected_version };
    UserCommand::Settings { asked: Box::new(asked), at: Timestamp::default() }
}

/// Asks, folds, and gives back what happened.
fn ask(user: &mut User, command: SettingsCommand) -> Result<Vec<UserEvent>, UserRefusal> {
    ask_with(user, command, defaults())
}

fn ask_with(
    user: &mut User,
    command: SettingsCommand,
    defaults: Arc<Settings>,
) -> Result<Vec<UserEvent>, UserRefusal> {
    let events = user.decide(asked_with(command, defaults, None))?;
    for event in &events {
        user.evolve(event);
    }
    Ok(events)
}

fn held(user: &User) -> SettingsHeld {
    user.person().unwrap().settings.as_deref().cloned().unwrap_or_default()
}

#[test]
fn who_never_set_anything_holds_nothing() {
    let mut user = registered();
    assert_eq!(user.person().unwrap().settings, None);
    assert_eq!(ask(&mut user, patch("{}")), Ok(vec![]));
    assert_eq!(ask(&mut user, patch(r#"{"max_open_trades":3}"#)), Ok(vec![]));
    assert_eq!(user.person().unwrap().settings, None);
}

#[test]
fn the_first_change_takes_over_the_defaults_of_its_moment() {
    let mut user = registered();
    let events = ask(&mut user, patch(r#"{"max_open_trades":5}"#)).unwrap();
    let [UserEvent::SettingsChanged { settings, settings_version: 1, fields, cause, .. }] = events.as_slice()
    else {
        panic!("{events:?}");
    };
    assert_eq!((fields.as_slice(), cause), (&["max_open_trades".to_owned()][..], &SettingsCause::Patch));
    assert_eq!(settings.stake_currency(), Some("USDT"));
}

#[test]
fn of_two_changes_of_one_version_one_is_stale() {
    let mut user = registered();
    ask(&mut user, patch(r#"{"max_open_trades":5}"#)).unwrap();
    let stale = user.decide(asked(patch(r#"{"max_open_trades":6}"#), Some(0)));
    assert_eq!(stale, Err(UserRefusal::StaleSettings { expected: 0, actual: 1 }));
    assert!(user.decide(asked(patch(r#"{"max_open_trades":6}"#), Some(1))).is_ok());
}

#[test]
fn a_secret_is_set_again_even_if_it_ends_the_same() {
    let mut user = registered();
    let hint = || Some(Sealed::new("…1234".to_owned()));
    let change = |secrets: &[Secret], on: bool| {
        SettingsCommand::Change(Box::new(SettingsChange {
            patch: value(&format!(r#"{{"telegram":{{"enabled":{on}}}}}"#)),
            how: How::Merge,
            flaws: Vec::new(),
            telegram: secrets.iter().map(|secret| (*secret, hint())).collect(),
        }))
    };
    let refused = ask(&mut user, change(&[Secret::Token], true)).unwrap_err();
    let UserRefusal::SettingsInvalid { flaws } = refused else { panic!("{refused:?}") };
    assert_eq!((flaws[0].pointer.as_str(), flaws[0].code), ("/telegram/chat_id", FlawCode::Required));
    assert_eq!(flaws.len(), 1);
    assert_eq!(ask(&mut user, change(&[Secret::Token, Secret::ChatId], true)).unwrap().len(), 1);
    let again = ask(&mut user, change(&[Secret::Token], true)).unwrap();
    assert!(
        matches!(&again[..], [UserEvent::SettingsChanged { fields, .. }] if fields == &["telegram.token"])
    );
    assert!(held(&user).telegram.is_complete());
}

#[test]
fn a_preset_is_active_until_the_settings_are_anothers() {
    let mut user = registered();
    ask(&mut user, save("bold", Some(r#"{"max_open_trades":9}"#))).unwrap();
    assert_eq!(ask(&mut user, save("bold", None)), Err(UserRefusal::PresetExists));
    assert_eq!(held(&user).settings, None);
    let applied = ask(&mut user, SettingsCommand::ApplyPreset { name: name("bold") }).unwrap();
    assert!(matches!(&applied[..], [UserEvent::SettingsChanged { .. }, UserEvent::PresetApplied { .. }]));
    assert_eq!(ask(&mut user, SettingsCommand::ApplyPreset { name: name("bold") }), Ok(vec![]));
    // Telegram is no part of it.
    ask(&mut user, patch(r#"{"telegram":{"reload":false}}"#)).unwrap();
    assert_eq!(held(&user).active, Some(name("bold")));
    let rename = |from: &str, to: &str| SettingsCommand::EditPreset {
        name: name(from),
        new_name: Some(name(to)),
        patch: None,
    };
    ask(&mut user, rename("bold", "brave")).unwrap();
    assert_eq!(held(&user).active, Some(name("brave")));
    ask(&mut user, patch(r#"{"max_open_trades":8}"#)).unwrap();
    assert_eq!(held(&user).active, None);
    assert_eq!(ask(&mut user, rename("bold", "x")), Err(UserRefusal::PresetNotFound));
    ask(&mut user, SettingsCommand::DeletePreset { name: name("brave") }).unwrap();
    assert!(held(&user).presets.is_empty());
}

#[test]
fn what_telegram_needs_is_named_beside_all_else_that_is_wrong() {
    let mut user = registered();
    let pointers = |user: &mut User, json: &str, flaws: Vec<Flaw>| {
        let change = SettingsChange { patch: value(json), how: How::Merge, flaws, telegram: Vec::new() };
        let refused = ask(user, SettingsCommand::Change(Box::new(change))).unwrap_err();
        let UserRefusal::SettingsInvalid { flaws } = refused else { panic!("{refused:?}") };
        let mut pointers: Vec<String> = flaws.into_iter().map(|flaw| flaw.pointer).collect();
        pointers.sort();
        pointers
    };
    let both = r#"{"telegram":{"enabled":true},"stoploss":-2}"#;
    let all = ["/stoploss", "/telegram/chat_id", "/telegram/token"];
    assert_eq!(pointers(&mut user, both, Vec::new()), all);
    // A secret that was sent and is wrong is named once.
    let bad = vec![Flaw::new("/telegram/token", FlawCode::WrongType, "string")];
    assert_eq!(pointers(&mut user, both, bad), all);
}

#[test]
fn what_is_shown_of_a_preset_sets_it_as_it_is() {
    let mut user = registered();
    let put = |json: &str| SettingsCommand::SavePreset {
        name: name("slow"),
        patch: Some(value(json)),
        from: PresetFrom::Defaults,
        is_new: false,
    };
    ask(&mut user, put(r#"{"minimal_roi":{"60":0.01},"dry_run_wallet":{"BTC":0.5}}"#)).unwrap();
    let shown = held(&user).preset(&name("slow")).unwrap().settings.to_value().to_string();
    assert!(shown.contains(r#""minimal_roi":{"60":0.01}"#), "{shown}");
    assert_eq!(ask(&mut user, put(&shown)), Ok(vec![]));
    // What is saved anew is merged into the settings of now.
    ask(&mut user, save("merged", Some(r#"{"minimal_roi":{"60":0.01}}"#))).unwrap();
    let merged =
        held(&user).preset(&name("merged")).unwrap().settings.get("/minimal_roi").unwrap().to_string();
    assert_eq!(merged, r#"{"0":0.04,"60":0.01}"#);
}

#[test]
fn whoever_applies_a_preset_that_equals_the_defaults_has_settings_of_their_own() {
    let mut user = registered();
    ask(&mut user, save("usual", None)).unwrap();
    let applied = ask(&mut user, SettingsCommand::ApplyPreset { name: name("usual") }).unwrap();
    let [UserEvent::SettingsChanged { settings_version: 1, fields, .. }, UserEvent::PresetApplied { .. }] =
        applied.as_slice()
    else {
        panic!("{applied:?}");
    };
    assert!(fields.is_empty());
    let held = held(&user);
    assert_eq!((held.settings, held.active), (Some(defaults()), Some(name("usual"))));
    assert_eq!(ask(&mut user, SettingsCommand::ApplyPreset { name: name("usual") }), Ok(vec![]));
}

#[test]
fn a_version_of_one_preset_is_never_that_of_another_under_its_name() {
    let mut user = registered();
    let edit = |from: &str, new_name: Option<&str>, trades: u8| SettingsCommand::EditPreset {
        name: name(from),
        new_name: new_name.map(name),
        patch: Some(value(&format!("{{\"max_open_trades\":{trades}}}"))),
    };
    let version = |user: &User, preset: &str| held(user).preset(&name(preset)).unwrap().version;
    ask(&mut user, save("a", None)).unwrap();
    ask(&mut user, save("b", None)).unwrap();
    assert_eq!((version(&user, "a"), version(&user, "b")), (1, 1));
    for trades in 11..14 {
        ask(&mut user, edit("a", None, trades)).unwrap();
    }
    ask(&mut user, SettingsCommand::DeletePreset { name: name("a") }).unwrap();
    ask(&mut user, save("a", None)).unwrap();
    assert_eq!(version(&user, "a"), 5);
    let delete = |expected| asked(SettingsCommand::DeletePreset { name: name("a") }, Some(expected));
    assert_eq!(user.decide(delete(1)), Err(UserRefusal::StaleSettings { expected: 1, actual: 5 }));
    assert!(user.decide(delete(5)).is_ok());
    // What is renamed leaves a name, and comes under one that others may have had.
    ask(&mut user, SettingsCommand::DeletePreset { name: name("a") }).unwrap();
    ask(&mut user, edit("b", Some("a"), 3)).unwrap();
    assert_eq!(version(&user, "a"), 6);
    ask(&mut user, save("b", None)).unwrap();
    assert_eq!(version(&user, "b"), 6);
}

#[test]
fn there_are_only_so_many_presets() {
    let mut user = registered();
    for n in 0..PRESETS_MAX {
        ask(&mut user, save(&format!("p{n}"), None)).unwrap();
    }
    let refused = ask(&mut user, save("one-more", None));
    assert_eq!(refused, Err(UserRefusal::TooManyPresets { max: PRESETS_MAX }));
}

#[test]
fn presets_have_no_telegram_and_no_forbidden_keys() {
    let mut user = registered();
    let telegram = ask(&mut user, save("a", Some(r#"{"telegram":{"reload":true}}"#)));
    assert!(matches!(telegram, Err(UserRefusal::SettingsInvalid { .. })));
    let forbidden = ask(&mut user, save("a", Some(r#"{"db_url":"x"}"#)));
    assert!(matches!(forbidden, Err(UserRefusal::SettingsForbidden { .. })));
}

#[test]
fn who_is_erased_has_no_settings() {
    let mut user = registered();
    ask(&mut user, patch(r#"{"max_open_trades":5}"#)).unwrap();
    user.evolve(&UserEvent::UserErased { erased_at: Timestamp::default() });
    assert_eq!(user.person().unwrap().settings, None);
}
