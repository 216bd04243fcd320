//! `profiles`: who each user is, in plain words.
//!
//! The journal holds personal data sealed; here it is opened. A value whose key is destroyed stays empty, and an erasure
//! empties what was opened before. A batch comes to one change a user, so each row is written at most twice.

mod fold;
mod query;
mod write;

pub use query::UserSearch;

use write::Opened;

use super::{At, QueryError, ReadModels};
use crate::Projection;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::user::{Role, UserStatus};
use domain::{AggregateKind, Timestamp, UserId};
use journal::{OpenSealed, Recorded};
use sqlx::PgConnection;
use std::fmt;
use std::sync::Arc;

const NAME: &str = "profiles";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileRow {
    pub user_id: UserId,
    pub username: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub status: UserStatus,
    pub roles: Vec<Role>,
    pub email_verified: bool,
    pub last_login_at: Option<Timestamp>,
    pub login_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The sequence of the user's last event.
    pub version: i64,
    /// The position of the user's last event.
    pub position: i64,
    /// The position of the user's first event.
    pub registered_at_position: i64,
}

pub struct ProfilesProjection {
    opener: Arc<dyn OpenSealed>,
}

impl fmt::Debug for ProfilesProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfilesProjection").finish_non_exhaustive()
    }
}

impl ProfilesProjection {
    pub fn new(opener: Arc<dyn OpenSealed>) -> Self {
        Self { opener }
    }
}

#[async_trait]
impl Projection for ProfilesProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        2
    }

    fn kinds(&self) -> &'static [AggregateKind] {
        &[AggregateKind::User]
    }

    fn tables(&self) -> &'static [&'static str] {
        &["profiles"]
    }

    fn only_adds(&self) -> bool {
        false
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let folded = fold::fold(events)?;
        let opened = match folded.sealed.as_slice() {
            [] => Vec::new(),
            sealed => self.opener.open_many(sealed).await?,
        };
        Ok(write::write(conn, folded.users, &Opened(opened)).await?)
    }
}

impl ReadModels {
    pub async fn profile(
        &self,
        id: UserId,
        min_position: Option<i64>,
    ) -> Result<At<Option<ProfileRow>>, QueryError> {
        self.at_least(NAME, min_position, || query::by_id(self.pool(), id)).await
    }

    /// A page of users, newest first, and the cursor of the next one if there is one.
    pub async fn search_users(
        &self,
        search: &UserSearch,
        min_position: Option<i64>,
    ) -> Result<At<(Vec<ProfileRow>, Option<i64>)>, QueryError> {
        self.at_least(NAME, min_position, || query::search(self.pool(), search)).await
    }
}
