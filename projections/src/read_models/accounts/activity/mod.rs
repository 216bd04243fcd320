//! What happened to an account and to its wallets, by whom, when, and from where.
//!
//! Of the account itself there is a table, `activity`, written here. Of its wallets there is none: a row for each movement
//! of money would cost more than all who read this list do, so the list (`list.rs`) takes those events from the journal.

mod list;

use super::fold::{Folded, Happened};
use crate::copy::CopyRows;
use domain::user::UserEvent;
use domain::wallet::WalletEvent;
use domain::{Actor, LoginSessionId, Timestamp, WalletId};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use uuid::Uuid;

const ROW_BYTES: usize = 250;

/// The one thing that happens to a user and is no news: everything else may stand in the list, and everything of wallets.
const UNLISTED: &str = "LoginSessionRefreshed";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    pub position: i64,
    pub event_type: String,
    /// What they proved themselves with is told of the owner only.
    pub actor: Actor,
    /// What it happened to, if to a wallet.
    pub wallet_id: Option<WalletId>,
    /// What it was about.
    pub session_id: Option<LoginSessionId>,
    /// Where the owner's session was opened that it was done in, or else was about.
    pub ip: Option<String>,
    pub reason: Option<String>,
    pub recorded_at: Timestamp,
}

/// Which of it; everything, where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityFilter {
    pub event_type: Option<String>,
    pub from: Option<Timestamp>,
    /// Until just before it.
    pub to: Option<Timestamp>,
}

impl ActivityFilter {
    /// Whether events of that type may stand in the list.
    pub fn lists(event_type: &str) -> bool {
        is_of_account(event_type) || WalletEvent::TYPES.contains(&event_type)
    }
}

impl Happened {
    /// The session that tells from where: the user's own that it was done in, or else the one it was about. Where others
    /// are is nothing to tell the user.
    fn done_in(&self) -> Option<LoginSessionId> {
        let own = self.actor.session_id.filter(|_| self.actor.id == Some(self.user_id));
        own.or(self.session)
    }
}

pub(super) async fn write(conn: &mut PgConnection, folded: &Folded) -> Result<(), sqlx::Error> {
    let known = known_addresses(conn, folded).await?;
    let mut rows = CopyRows::with_capacity(folded.happened.len(), ROW_BYTES);
    for line in &folded.happened {
        let address = line.done_in().and_then(|session| {
            let opened = folded.sessions.get(&session.0).and_then(|change| change.opened.as_ref());
            opened.map_or_else(|| known.get(&session.0), |opened| opened.ip.as_ref())
        });
        let actor = line.actor;
        rows.plain(line.user_id).plain(line.position).plain(&line.event_type);
        rows.plain(actor.kind.as_str())
            .optional(actor.id)
            .optional(actor.session_id)
            .optional(actor.api_key_id);
        rows.optional(line.session).text(address.map(String::as_str));
        rows.text(line.reason.as_deref()).plain(line.at).end_row();
    }
    let into = "activity (user_id, position, type, actor_kind, actor_id, actor_session_id, actor_key_id, session_id, ip, \
                reason, recorded_at)";
    rows.write(conn, into).await
}

/// The addresses of the sessions that were opened in an earlier batch and are spoken of in this one. They stand with their
/// opening, so a session that has ended meanwhile has one too.
async fn known_addresses(
    conn: &mut PgConnection,
    folded: &Folded,
) -> Result<HashMap<Uuid, String>, sqlx::Error> {
    let sessions = folded.happened.iter().filter_map(|line| line.done_in().map(|session| session.0));
    let is_here = |id: &Uuid| folded.sessions.get(id).is_some_and(|change| change.opened.is_some());
    let earlier: Vec<Uuid> = sessions.filter(|id| !is_here(id)).collect();
    if earlier.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "select session_id, ip from activity \
                where type = 'LoginSessionOpened' and session_id = any($1) and ip is not null";
    let rows = sqlx::query(sql).bind(earlier).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.try_get("session_id")?, row.try_get("ip")?))).collect()
}

fn is_of_account(event_type: &str) -> bool {
    event_type != UNLISTED && UserEvent::TYPES.contains(&event_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_happen_to_a_user_and_a_wallet_is_listed() {
        for (event_type, is_listed) in [
            ("UserRegistered", true),
            ("PresetDeleted", true),
            ("WalletClosed", true),
            ("LoginSessionRefreshed", false),
            ("RunStarted", false),
            ("", false),
        ] {
            assert_eq!(ActivityFilter::lists(event_type), is_listed, "{event_type:?}");
        }
    }
}
