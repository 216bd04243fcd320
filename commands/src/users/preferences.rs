//! What somebody prefers.

use crate::{Commands, Context, Failure, Outcome};
use domain::user::{PreferencesChange, UserCommand};
use domain::{Timestamp, UserId};

impl Commands {
    /// Changes what is named and leaves the rest: on the preferences as they are when it is decided, so that two changes
    /// at once both stand.
    pub async fn change_preferences(
        &self,
        mut context: Context,
        user_id: UserId,
        change: PreferencesChange,
    ) -> Outcome {
        let asked = serde_json::to_vec(&change).map_err(|error| Failure::Internal(error.to_string()))?;
        let key = self.request_key(&context, &[b"change_preferences", user_id.0.as_bytes(), &asked]);
        // They have a version of their own: a login meanwhile is no reason to refuse.
        let expected_version =
            context.expected_version.take().map(|version| u64::try_from(version).unwrap_or(u64::MAX));
        let command = UserCommand::ChangePreferences { change, expected_version, at: Timestamp::default() };
        self.ask_user(&context, key, user_id, command).await
    }
}
