//! Whatever becomes of somebody's settings.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Patch(usize, u8),
    /// Set or cleared, and telegram on or off.
    Secret(usize, bool, bool),
    /// By an admin.
    Defaults(u8),
    Save(u8, usize, u8),
    Edit(u8, u8, u8),
    Apply(u8),
    Delete(u8),
    Revert(u64),
}

const KEYS: [&str; 4] = ["max_open_trades", "stake_amount", "dry_run_wallet", "telegram"];

fn change_of(key: usize, n: u8) -> String {
    match KEYS[key % 4] {
        "telegram" => format!(r#"{{"telegram":{{"balance_dust_level":{n}}}}}"#),
        // Below one is refused now and then, which must leave everything as it is.
        key => format!("{{\"{key}\":{}}}", i32::from(n) - 1),
    }
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_usize, 0..6_u8).prop_map(|(key, n)| Step::Patch(key, n)),
        4 => (0..3_usize, prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(secret, is_set, is_on)| Step::Secret(secret, is_set, is_on)),
        1 => (0..6_u8).prop_map(Step::Defaults),
        2 => (0..3_u8, 0..3_usize, 0..6_u8).prop_map(|(preset, key, n)| Step::Save(preset, key, n)),
        1 => (0..3_u8, 0..3_u8, 0..6_u8).prop_map(|(preset, to, n)| Step::Edit(preset, to, n)),
        2 => (0..3_u8).prop_map(Step::Apply),
        1 => (0..3_u8).prop_map(Step::Delete),
        2 => (0..8_u64).prop_map(Step::Revert),
    ]
}

fn secret_change(secret: usize, is_set: bool, is_on: bool) -> SettingsCommand {
    let hint = is_set.then(|| Sealed::new("…1234".to_owned()));
    SettingsCommand::Change(Box::new(SettingsChange {
        patch: value(&format!(r#"{{"telegram":{{"enabled":{is_on}}}}}"#)),
        how: How::Merge,
        flaws: Vec::new(),
        telegram: vec![(Secret::ALL[secret], hint)],
    }))
}

fn other_defaults(n: u8) -> Arc<Settings> {
    let patch = value(&format!(r#"{{"max_open_trades":{n},"available_capital":{n}}}"#));
    let built_in = Settings::built_in();
    Arc::new(with(built_in, built_in, &patch, How::WholePreset, Known::default()).unwrap())
}

/// What holds of anybody's settings, whatever became of them.
fn is_sound(held: &SettingsHeld) {
    assert!(!held.settings.as_deref().is_some_and(Settings::telegram_is_on) || held.telegram.is_complete());
    assert_eq!(held.settings.is_some(), held.version > 0);
    if let Some(active) = &held.active {
        let settings = held.settings.as_deref().unwrap();
        assert_eq!(*held.preset(active).unwrap().settings, settings.without_telegram());
    }
}

proptest! {
    /// Any patches, secrets, presets, reverts and defaults: folded from nothing, the events give the same state; versions count the changes, and
    /// going back to one gives its export to the byte.
    #[test]
    fn any_history_folds_to_the_same_settings(steps in prop::collection::vec(a_step(), 1..60)) {
        use crate::settings::Placeholders;
        let mut user = registered();
        let mut history = Vec::new();
        let mut defaults = defaults();
        let mut versions = vec![Arc::clone(&defaults)];
        for step in steps {
            let preset = |n: u8| name(&format!("p{n}"));
            let command = match step {
                Step::Patch(key, n) => patch(&change_of(key, n)),
                Step::Secret(secret, is_set, is_on) => secret_change(secret, is_set, is_on),
                Step::Defaults(n) => {
                    defaults = other_defaults(n);
                    versions[0] = Arc::clone(&defaults);
                    continue;
                }
                Step::Save(n, key, value) => save(&format!("p{n}"), Some(&change_of(key, value))),
                Step::Edit(n, to, key) => SettingsCommand::EditPreset {
                    name: preset(n),
                    new_name: Some(preset(to)),
                    patch: Some(value(&change_of(0, key))),
                },
                Step::Apply(n) => SettingsCommand::ApplyPreset { name: preset(n) },
                Step::Delete(n) => SettingsCommand::DeletePreset { name: preset(n) },
                Step::Revert(to_version) => {
                    let then = versions.get(usize::try_from(to_version).unwrap()).cloned();
                    SettingsCommand::Revert { to_version, settings: then }
                }
            };
            let reverts = if let SettingsCommand::Revert { settings, .. } = &command { settings.clone() } else { None };
            let before = user.clone();
            if let Ok(events) = ask_with(&mut user, command, Arc::clone(&defaults)) {
                    for event in &events {
                        if let UserEvent::SettingsChanged { settings, settings_version, .. } = event {
                            prop_assert_eq!(*settings_version, versions.len() as u64);
                            versions.push(Arc::clone(settings));
                        }
                        let stored = serde_json::to_string(event).unwrap();
                        prop_assert_eq!(&serde_json::from_str::<UserEvent>(&stored).unwrap(), event);
                    }
                    history.extend(events);
                    if let Some(then) = reverts {
                        let held = held(&user);
                        let is_silent = then.telegram_is_on() && !held.telegram.is_complete();
                        let then = if is_silent { then.with_telegram_off() } else { (*then).clone() };
                        let now = held.settings.unwrap_or_else(|| Arc::clone(&defaults));
                        let env = Placeholders::Env { authorized_users: true };
                        let (now, then) = (now.export(env), then.export(env));
                        prop_assert_eq!(now, then);
                    }
            } else {
                prop_assert_eq!(&user, &before);
            }
            is_sound(&held(&user));
        }
        let mut again = registered();
        for event in &history {
            again.evolve(event);
        }
        prop_assert_eq!(&again, &user);
        let stored = serde_json::to_string(&user).unwrap();
        prop_assert_eq!(&serde_json::from_str::<User>(&stored).unwrap(), &user);
    }
}
