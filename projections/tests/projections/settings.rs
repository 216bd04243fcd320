//! Settings are what the events say, live and rebuilt, however batches are cut; they go with their owner.

use crate::helpers::{World, drain, projections};
use domain::settings::{How, PresetName, Secret, Settings, Value};
use domain::user::{
    AskedOfSettings, PresetFrom, SettingsCause, SettingsChange, SettingsCommand, UserCommand,
};
use domain::{Sealed, Timestamp, UserId};
use projections::{Page, RebuildOptions, SettingsOf, rebuild};
use std::sync::Arc;
use testkit::Scribe;

const VERIFIED: RebuildOptions = RebuildOptions { verify: true };

fn asked(command: SettingsCommand) -> UserCommand {
    let defaults = Arc::new(Settings::built_in().clone());
    let asked = AskedOfSettings { command, defaults, expected_version: None };
    UserCommand::Settings { asked: Box::new(asked), at: Timestamp::from_micros(1_000_000) }
}

fn patch(json: &str, token: Option<&str>) -> UserCommand {
    let hint = |hint: &str| Some(Sealed::new(hint.to_owned()));
    asked(SettingsCommand::Change(Box::new(SettingsChange {
        patch: Value::parse(json).unwrap(),
        how: How::Merge,
        flaws: Vec::new(),
        telegram: token.map(|token| (Secret::Token, hint(token))).into_iter().collect(),
    })))
}

fn name() -> PresetName {
    PresetName::parse("bold").unwrap()
}

fn save(json: &str) -> UserCommand {
    let patch = Some(Value::parse(json).unwrap());
    asked(SettingsCommand::SavePreset { name: name(), patch, from: PresetFrom::Settings, is_new: false })
}

async fn play(world: &World, scribe: &mut Scribe, user: UserId, batch: usize, commands: &[UserCommand]) {
    for commands in commands.chunks(batch) {
        for command in commands {
            scribe.user(user, command.clone());
        }
        scribe.commit().await;
        drain(&mut world.follow("settings")).await;
    }
}

async fn held(world: &World, user: UserId) -> SettingsOf {
    world.read_models.settings_of(user, None).await.unwrap().value
}

#[tokio::test]
async fn settings_presets_and_history_are_the_same_however_batches_are_cut() {
    let commands = [
        patch(r#"{"max_open_trades":5}"#, Some("first")),
        save(r#"{"max_open_trades":9}"#),
        asked(SettingsCommand::ApplyPreset { name: name() }),
        patch(r#"{"stake_amount":0.125}"#, Some("second")),
    ];
    for batch in 1..=commands.len() {
        let world = World::new().await;
        let mut scribe = Scribe::take(&world.journal).await;
        let (user, _) = scribe.register().await;
        play(&world, &mut scribe, user, batch, &commands).await;
        let found = held(&world, user).await;
        assert_eq!((found.held.version, found.held.active), (3, None));
        assert_eq!(found.held.presets.len(), 1);
        assert_eq!(found.hints[&Secret::Token].as_deref(), Some("telegram.token: second"));
        let settings = found.held.settings.unwrap();
        assert_eq!(settings.get("/stake_amount").map(ToString::to_string), Some("0.125".to_owned()));
        let page = Page { cursor: None, limit: 2 };
        let first = world.read_models.settings_history(user, &page, None).await.unwrap().value;
        let versions: Vec<i64> = first.items.iter().map(|row| row.version).collect();
        assert_eq!(versions, [3, 2]);
        assert_eq!(first.items[1].cause, SettingsCause::Preset { name: name() });
        let page = Page { cursor: first.next_cursor, limit: 2 };
        let second = world.read_models.settings_history(user, &page, None).await.unwrap().value;
        assert_eq!((second.items.len(), second.next_cursor), (1, None));
    }
}

#[tokio::test]
async fn an_erased_user_left_no_settings_and_a_rebuilt_model_is_the_live_one() {
    for batch in [1, 9] {
        let world = World::new().await;
        let mut scribe = Scribe::take(&world.journal).await;
        let ((ada, _), (eve, _)) = (scribe.register().await, scribe.register().await);
        play(&world, &mut scribe, eve, batch, &[patch(r#"{"max_open_trades":5}"#, Some("hers"))]).await;
        let erase = UserCommand::Erase { at: Timestamp::from_micros(2_000_000) };
        let life = [patch(r#"{"max_open_trades":6}"#, Some("gone")), save("{}"), erase];
        play(&world, &mut scribe, ada, batch, &life).await;
        assert_eq!(held(&world, ada).await, SettingsOf::default());
        assert_eq!(held(&world, eve).await.held.version, 1);
        let rebuilt = rebuild(&world.journal, &projections(), "settings", VERIFIED).await.unwrap();
        assert!(rebuilt[0].verified);
    }
}
