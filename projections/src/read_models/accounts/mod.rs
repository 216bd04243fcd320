//! `accounts`: what stands around an account. Its login sessions, its preferences, and what happened to it.
//!
//! A batch is folded first, so that a session that opens and ends within it leaves no row, and each table is written
//! with a statement or two. An address is opened once, with its session; whatever else happens to the session takes it
//! from there. Nothing comes after an erasure, so it is done last.

mod activity;
mod fold;
mod preferences;
mod sessions;

pub use activity::{ActivityFilter, ActivityRow};
pub use preferences::PreferencesRow;
pub use sessions::LoginSessionRow;

use crate::Projection;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::AggregateKind;
use fold::Folded;
use journal::{OpenSealed, Recorded};
use sqlx::PgConnection;
use std::fmt;
use std::sync::Arc;

const NAME: &str = "accounts";

pub struct AccountsProjection {
    opener: Arc<dyn OpenSealed>,
}

impl fmt::Debug for AccountsProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountsProjection").finish_non_exhaustive()
    }
}

impl AccountsProjection {
    pub fn new(opener: Arc<dyn OpenSealed>) -> Self {
        Self { opener }
    }
}

#[async_trait]
impl Projection for AccountsProjection {
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
        &["login_sessions", "preferences", "activity"]
    }

    fn only_adds(&self) -> bool {
        false
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let mut folded = Folded::of(events)?;
        let sealed = folded.sealed_fields();
        if !sealed.is_empty() {
            folded.opened(self.opener.open_many(&sealed).await?);
        }
        // While the sessions that ended still stand there.
        activity::write(conn, &folded).await?;
        sessions::write(conn, &folded).await?;
        preferences::write(conn, &folded).await?;
        if !folded.erased.is_empty() {
            erase(conn, &folded).await?;
        }
        Ok(())
    }
}

async fn erase(conn: &mut PgConnection, folded: &Folded) -> Result<(), sqlx::Error> {
    for sql in [
        "delete from login_sessions where user_id = any($1)",
        "delete from preferences where user_id = any($1)",
        "update activity set ip = null where user_id = any($1) and ip is not null",
    ] {
        sqlx::query(sql).bind(&folded.erased).execute(&mut *conn).await?;
    }
    Ok(())
}
