//! What somebody's freqtrade is set to.
//!
//! Secrets are sealed here, before anything is decided; of each the settings hold only how it ends. Everything else is
//! decided on the settings as they are by then, so that two changes at once both stand.

use crate::envelope::Beside;
use crate::{Command, Commands, Context, Failure, NewSecret, Outcome, SecretKind};
use domain::settings::{
    How, Secret, SecretChange, SecretChanges, Settings, Value, take_secrets, without_forbidden,
};
use domain::settings_defaults::{DEFAULTS_ID, DefaultsCommand, SettingsDefaults};
use domain::user::{AskedOfSettings, SettingsChange, SettingsCommand, UserCommand, UserEvent};
use domain::{AggregateKind, AggregateRef, Event, Sealed, Timestamp, UserId};
use std::sync::Arc;

/// Where secrets are sealed; the secret stands for the field.
const PLACE: &str = "TelegramSecret";
/// Where their hints are.
const EVENT: &str = "SettingsChanged";

impl Commands {
    /// A change that may hold secrets.
    pub async fn change_settings(
        &self,
        mut context: Context,
        user_id: UserId,
        mut patch: Value,
        how: How,
    ) -> Outcome {
        let (asked, way) = (patch.to_string(), [u8::from(how == How::Replace)]);
        let parts = [b"change_settings".as_slice(), user_id.0.as_bytes(), &way, asked.as_bytes()];
        let key = self.request_key(&context, &parts);
        let expected_version = own_version(&mut context);
        let SecretChanges { changes, flaws } = take_secrets(&mut patch);
        without_forbidden(&mut patch);
        let (telegram, beside) = self.sealed(user_id, changes).await?;
        let change = SettingsChange { patch, how, flaws, telegram };
        let asked = AskedOfSettings {
            command: SettingsCommand::Change(Box::new(change)),
            defaults: self.settings_defaults().await?,
            expected_version,
        };
        let command = UserCommand::Settings { asked: Box::new(asked), at: Timestamp::default() };
        self.change_user(&context, key, user_id, command, beside).await
    }

    /// Anything about presets.
    pub async fn ask_of_presets(
        &self,
        mut context: Context,
        user_id: UserId,
        mut command: SettingsCommand,
    ) -> Outcome {
        let asked = serde_json::to_vec(&command).map_err(|error| Failure::Internal(error.to_string()))?;
        let key = self.request_key(&context, &[b"presets", user_id.0.as_bytes(), &asked]);
        let expected_version = own_version(&mut context);
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
        let asked = AskedOfSettings { command, defaults: self.settings_defaults().await?, expected_version };
        let command = UserCommand::Settings { asked: Box::new(asked), at: Timestamp::default() };
        self.ask_user(&context, key, user_id, command).await
    }

    /// Back to what they were. Version 0 is what everybody begins with: the defaults.
    pub async fn revert_settings(&self, mut context: Context, user_id: UserId, to_version: u64) -> Outcome {
        let parts = [b"revert_settings".as_slice(), user_id.0.as_bytes(), &to_version.to_be_bytes()];
        let key = self.request_key(&context, &parts);
        let expected_version = own_version(&mut context);
        let defaults = self.settings_defaults().await?;
        let settings = match to_version {
            0 => Some(Arc::clone(&defaults)),
            version => self.settings_at(user_id, version).await?,
        };
        let command = SettingsCommand::Revert { to_version, settings };
        let asked = AskedOfSettings { command, defaults, expected_version };
        let command = UserCommand::Settings { asked: Box::new(asked), at: Timestamp::default() };
        self.ask_user(&context, key, user_id, command).await
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

    async fn settings_defaults(&self) -> Result<Arc<Settings>, Failure> {
        let loaded = self.journal().load::<SettingsDefaults>(&[DEFAULTS_ID]).await?.remove(&DEFAULTS_ID);
        Ok(loaded.map(|loaded| loaded.state).unwrap_or_default().settings())
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
