//! What can be done with a user.
//!
//! Everything slow (hashing, sealing, finding a user by an address) happens here, before the sequencer; what it rested
//! on (the password's version, the token's generation) goes along and is decided again there.

mod admin;
mod api_keys;
mod attempts;
mod credentials;
mod durations;
mod email;
mod erase;
pub mod expiry;
mod login;
mod password;
mod preferences;
mod profile;
mod recovery;
mod register;
mod sessions;
mod settings;

pub use admin::RoleGiven;
pub use api_keys::{
    ApiKeyPatch, IssuedKey, KEY_LIFE_DEFAULT, KEY_LIFE_MAX, KeyHolder, KeyOwner, KeyRefusal, NETWORKS_MAX,
    NewApiKey, OVERLAP_DEFAULT, OVERLAP_MAX,
};
pub use credentials::{ExchangeCredentials, Unverified, Verification, VerifyCredentials};
pub use login::{Identifier, Login, SignedIn};
pub use password::PasswordChange;
pub use profile::{Naming, PlainProfile, ProfileChange};
pub use register::Registration;
pub use settings::SettingsWish;

use crate::envelope::{Beside, RequestKey};
use crate::{ClaimKind, Command, Commands, Context, Failure, NewClaim, Outcome, UserChange};
use domain::user::{UserCommand, UserEvent};
use domain::{Event, LoginSessionId, UserId};
use journal::JournalError;
use sqlx::Row;
use std::collections::HashMap;
use uuid::Uuid;

impl Commands {
    /// Asks a user for something that leaves nothing beside its events.
    pub(crate) async fn ask_user(
        &self,
        context: &Context,
        key: Option<RequestKey>,
        user_id: UserId,
        command: UserCommand,
    ) -> Outcome {
        self.change_user(context, key, user_id, command, Beside::default()).await
    }

    pub(crate) async fn change_user(
        &self,
        context: &Context,
        key: Option<RequestKey>,
        user_id: UserId,
        command: UserCommand,
        beside: Beside,
    ) -> Outcome {
        let change = UserChange { user_id, command, beside, closes: Vec::new() };
        let outcome = self.submit(self.envelope(context, key, Command::User(Box::new(change)))).await;
        outcome.inspect(durations::measure)
    }

    /// Claims for somebody, with what is known of who holds them already. The sequencer would find out too, at the cost
    /// of a batch decided anew: that would be a cheap way to slow everybody down.
    pub(crate) async fn new_claims<const N: usize>(
        &self,
        owner: UserId,
        wanted: [(ClaimKind, String); N],
    ) -> Result<[NewClaim; N], Failure> {
        let claims = wanted.map(|(kind, normalised)| {
            let digest = self.vault().claim(kind.as_str(), &normalised);
            NewClaim { kind, digest, is_taken: false }
        });
        let kinds = claims.map(|claim| claim.kind.as_str());
        let digests = claims.map(|claim| claim.digest);
        let rows = sqlx::query(
            "select digest, owner from claims join unnest($1::text[], $2::uuid[]) as wanted (kind, digest) \
             using (kind, digest)",
        )
        .bind(kinds.as_slice())
        .bind(digests.as_slice())
        .fetch_all(self.journal().pool())
        .await
        .map_err(JournalError::Postgres)?;
        let held: HashMap<Uuid, Uuid> = rows
            .iter()
            .map(|row| Ok((row.try_get("digest")?, row.try_get("owner")?)))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(JournalError::Postgres)?;
        Ok(claims.map(|claim| NewClaim {
            is_taken: held.get(&claim.digest).is_some_and(|holder| *holder != owner.0),
            ..claim
        }))
    }
}

/// The login session an event ended, if it is such an event.
pub fn ended_session(event: &Event) -> Option<LoginSessionId> {
    match event {
        Event::User(UserEvent::LoginSessionEnded { session_id, .. }) => Some(*session_id),
        _ => None,
    }
}
