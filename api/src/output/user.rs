//! A user as the contract shows them, with their personal values in plain text: only ever for who may read them.

use commands::vault::{SealedAt, Vault, VaultError};
use domain::user::{Person, Role, UserEvent, UserStatus};
use domain::{Event, SealedIn, Timestamp, UserId};
use journal::Recorded;
use projections::ProfileRow;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UserBody {
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    /// Nothing, once the user is erased; so are the next two.
    pub username: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    #[schema(value_type = String, example = "active")]
    pub status: UserStatus,
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    pub email_verified: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_login_at: Option<Timestamp>,
    pub login_count: u64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    pub version: i64,
}

/// The answer to a login and to a refresh.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedInBody {
    pub access_token: String,
    pub refresh_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    pub expires_in: u64,
    pub user: UserBody,
    pub position: i64,
}

/// Both tokens are secrets.
impl std::fmt::Debug for SignedInBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedInBody").field("position", &self.position).finish_non_exhaustive()
    }
}

/// The personal values of a user, opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlainPerson {
    pub username: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
}

impl PlainPerson {
    async fn open(
        vault: &Vault,
        user_id: UserId,
        username: &SealedIn,
        email: &SealedIn,
        name: Option<&SealedIn>,
    ) -> Result<Self, VaultError> {
        let fields = [("username", Some(username)), ("email", Some(email)), ("name", name)];
        let sealed: Vec<SealedAt<'_>> = fields
            .iter()
            .filter_map(|(field, value)| {
                let SealedIn { value: sealed, event_type } = value.as_ref()?;
                Some(SealedAt { user_id, event_type, field, sealed })
            })
            .collect();
        let mut opened = vault.open_many(&sealed).await?.into_iter();
        let mut next = || opened.next().flatten();
        Ok(Self { username: next(), email: next(), name: next() })
    }
}

impl UserBody {
    /// Of a user as a command left them.
    pub(crate) async fn of_person(vault: &Vault, person: &Person, version: i64) -> Result<Self, VaultError> {
        let name = person.name.as_ref();
        let plain = PlainPerson::open(vault, person.user_id, &person.username, &person.email, name).await?;
        Ok(Self {
            id: person.user_id,
            username: plain.username,
            email: plain.email,
            name: plain.name,
            status: person.status,
            roles: person.roles.clone(),
            email_verified: person.email_verified,
            last_login_at: person.last_login_at,
            login_count: person.login_count,
            created_at: person.created_at,
            updated_at: person.updated_at,
            version,
        })
    }

    /// Of somebody who has just registered: all in the event, so a repeat reads the same. Nothing, if it is another.
    pub(crate) async fn of_registration(
        vault: &Vault,
        recorded: &Recorded,
    ) -> Result<Option<Self>, RenderError> {
        let Event::User(UserEvent::UserRegistered { user_id, username, email, name, roles, registered_at }) =
            recorded.event()?
        else {
            return Ok(None);
        };
        let here = |value| SealedIn::new("UserRegistered", value);
        let (username, email, name) = (here(username), here(email), name.map(here));
        let plain = PlainPerson::open(vault, user_id, &username, &email, name.as_ref()).await?;
        Ok(Some(Self {
            id: user_id,
            username: plain.username,
            email: plain.email,
            name: plain.name,
            status: UserStatus::Active,
            roles,
            email_verified: false,
            last_login_at: None,
            login_count: 0,
            created_at: registered_at,
            updated_at: registered_at,
            version: recorded.sequence,
        }))
    }
}

impl From<ProfileRow> for UserBody {
    fn from(row: ProfileRow) -> Self {
        Self {
            id: row.user_id,
            username: row.username,
            email: row.email,
            name: row.name,
            status: row.status,
            roles: row.roles,
            email_verified: row.email_verified,
            last_login_at: row.last_login_at,
            login_count: u64::try_from(row.login_count).unwrap_or(0),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderError {
    #[error(transparent)]
    Unreadable(#[from] domain::UnreadableEvent),
    #[error(transparent)]
    Vault(#[from] VaultError),
}
