//! What somebody's freqtrade is set to.
//!
//! Secrets are sealed here, before anything is decided; of each the settings hold only how it ends. Everything else is
//! decided on the settings as they are by then, so that two changes at once both stand.

use crate::envelope::Beside;
use crate::{Command, Commands, Context, Failure, NewSecret, Outcome, Refusal, RequestKey, SecretKind};
use domain::settings::{
    How, Secret, SecretChange, SecretChanges, Settings, Value, take_secrets, without_forbidden,
};
use domain::settings_defaults::{DEFAULTS_ID, DefaultsCommand, DefaultsRefusal, SettingsDefaults};
use domain::user::{AskedOfSettings, SettingsChange, SettingsCommand, UserCommand, UserEvent};
use domain::{AggregateKind, AggregateRef, Event, Sealed, Timestamp, UserId};
use std::sync::Arc;

/// Where secrets are sealed; the secret stands for the field.
const PLACE: &str = "TelegramSecret";
/// Where their hints are.
const EVENT: &str = "SettingsChanged";

/// Who asks something of whose settings, and what they knew of them.
#[derive(Clone, Debug)]
pub struct SettingsWish {
    pub context: Context,
    pub user_id: UserId,
    /// Of what holds for whoever set nothing, the version that was seen. Only with `If-Match`, and by whom it held for.
    pub seen_defaults: Option<u64>,
}

impl Commands {
    /// A change that may hold secrets.
    pub async fn change_settings(&self, wish: SettingsWish, patch: Value) -> Outcome {
        let key = self.settings_key(&wish, &[b"change_settings", patch.to_string().as_bytes()]);
        self.merge_settings(wish, key, patch, How::Merge).await
    }

    /// What is taken of a file. It is the same request only with the same file: what was passed over is answered too.
    pub async fn import_settings(&self, wish: SettingsWish, file: &Value, taken: Value) -> Outcome {
        let key = self.settings_key(&wish, &[b"import_settings", file.to_string().as_bytes()]);
        self.merge_settings(wish, key, taken, How::Replace).await
    }

    async fn merge_settings(
        &self,
        wish: SettingsWish,
        key: Option<RequestKey>,
        mut patch: Value,
        how: How,
    ) -> Outcome {
        let SecretChanges { changes, flaws } = take_secrets(&mut patch);
        without_forbidden(&mut patch);
        let (telegram, beside) = self.sealed(wish.user_id, changes).await?;
        let change = SettingsChange { patch, how, flaws, telegram };
        let defaults = self.settings_defaults().await?;
        self.ask_of_settings(wish, key, SettingsCommand::Change(Box::new(change)), &defaults, beside).await
    }

    /// Anything about presets.
    pub async fn ask_of_presets(&self, wish: SettingsWish, mut command: SettingsCommand) -> Outcome {
        let asked = serde_json::to_vec(&command).map_err(|error| Failure::Internal(error.to_string()))?;
        let key = self.settings_key(&wish, &[b"presets", &asked]);
        if let SettingsCommand::SavePreset { patch, .. } | SettingsCommand::EditPreset { patch, .. } =
            &mut command
            && let Some(patch) = patch
        {
            without_forbidden(patch);
            // Declined for its name alone.
            if let Value::Map(members) = patch
                && let Some(telegram) = members.get_mut("telegram")
            {
                *telegram = Value::Nothing;
            }
        }
        let defaults = self.settings_defaults().await?;
        self.ask_of_settings(wish, key, command, &defaults, Beside::default()).await
    }

    /// Back to what they were. Version 0 is what everybody begins with: the defaults.
    pub async fn revert_settings(&self, wish: SettingsWish, to_version: u64) -> Outcome {
        let key = self.settings_key(&wish, &[b"revert_settings", &to_version.to_be_bytes()]);
        let defaults = self.settings_defaults().await?;
        let settings = match to_version {
            0 => Some(defaults.settings()),
            version => self.settings_at(wish.user_id, version).await?,
        };
        let command = SettingsCommand::Revert { to_version, settings };
        self.ask_of_settings(wish, key, command, &defaults, Beside::default()).await
    }

    /// What everybody's settings are until they change them, from now on.
    pub async fn set_settings_defaults(&self, mut context: Context, mut patch: Value) -> Outcome {
        let key = self.request_key(&context, &[b"set_settings_defaults", patch.to_string().as_bytes()]);
        let expected_version = own_version(&mut context);
        without_forbidden(&mut patch);
        let at = Timestamp::default();
        let command = DefaultsCommand::Set { patch, flaws: Vec::new(), expected_version, at };
        self.submit(self.envelope(&context, key, Command::SettingsDefaults(Box::new(command)))).await
    }

    fn settings_key(&self, wish: &SettingsWish, what: &[&[u8]]) -> Option<RequestKey> {
        let seen = wish.seen_defaults.map(u64::to_be_bytes);
        let mut parts = what.to_vec();
        parts.push(wish.user_id.0.as_bytes());
        parts.extend(seen.as_ref().map(<[u8; 8]>::as_slice));
        self.request_key(&wish.context, &parts)
    }

    /// Declined if it was meant for other defaults than it would be decided by.
    async fn ask_of_settings(
        &self,
        wish: SettingsWish,
        key: Option<RequestKey>,
        command: SettingsCommand,
        defaults: &SettingsDefaults,
        mut beside: Beside,
    ) -> Outcome {
        let SettingsWish { mut context, user_id, seen_defaults } = wish;
        let actual = defaults.version();
        let stale = seen_defaults.filter(|seen| *seen != actual);
        let refusal = stale.map(|expected| Refusal::Defaults(DefaultsRefusal::Stale { expected, actual }));
        beside.decline = refusal.map(Box::new);
        let expected_version = own_version(&mut context);
        let asked = AskedOfSettings { command, defaults: defaults.settings(), expected_version };
        let command = UserCommand::Settings { asked: Box::new(asked), at: Timestamp::default() };
        self.change_user(&context, key, user_id, command, beside).await
    }

    async fn settings_defaults(&self) -> Result<SettingsDefaults, Failure> {
        let loaded = self.journal().load::<SettingsDefaults>(&[DEFAULTS_ID]).await?.remove(&DEFAULTS_ID);
        Ok(loaded.map(|loaded| loaded.state).unwrap_or_default())
    }

    /// From the event that made them.
    async fn settings_at(&self, user_id: UserId, version: u64) -> Result<Option<Arc<Settings>>, Failure> {
        let aggregate = AggregateRef { kind: AggregateKind::User, id: user_id.0 };
        let nth = i64::try_from(version).unwrap_or(i64::MAX);
        let Some(recorded) = self.journal().nth_of_type(aggregate, EVENT, nth).await? else {
            return Ok(None);
        };
        match recorded.event().map_err(|error| Failure::Internal(error.to_string()))? {
            Event::User(UserEvent::SettingsChanged { settings, settings_version, .. })
                if settings_version == version =>
            {
                Ok(Some(settings))
            }
            _ => Err(Failure::Internal("versions of settings do not count their events".to_owned())),
        }
    }

    /// What is kept beside the events, and the hints that stand in them.
    async fn sealed(
        &self,
        user_id: UserId,
        changes: Vec<(Secret, SecretChange)>,
    ) -> Result<(Vec<(Secret, Option<Sealed>)>, Beside), Failure> {
        let (mut hints, mut beside) = (Vec::with_capacity(changes.len()), Beside::default());
        for (secret, change) in changes {
            let name = secret.as_str().to_owned();
            let (SecretChange::Set(plain), Some(hint)) = (&change, change.hint()) else {
                hints.push((secret, None));
                beside.dropped.push((SecretKind::Telegram, name));
                continue;
            };
            // Kept in memory by the vault.
            let data_key = self.data_key_of(user_id).await?;
            let hint = self.vault().seal(&data_key, user_id, EVENT, secret.hint_field(), &hint)?;
            let sealed = self.vault().seal(&data_key, user_id, PLACE, secret.as_str(), plain)?;
            hints.push((secret, Some(hint)));
            let value = sealed.sealed.into_bytes();
            beside.secrets.push(NewSecret { kind: SecretKind::Telegram, name, version: 1, value });
        }
        Ok((hints, beside))
    }
}

/// Settings have a version of their own: a login meanwhile is no reason to refuse.
fn own_version(context: &mut Context) -> Option<u64> {
    context.expected_version.take().map(|version| u64::try_from(version).unwrap_or(u64::MAX))
}
