//! The table `activity`: what happened to an account, by whom, when, and from where.

use super::NAME;
use super::fold::Folded;
use crate::copy::CopyRows;
use crate::read_models::cursor::{Items, Page};
use crate::read_models::value::column;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::{Actor, LoginSessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

const ROW_BYTES: usize = 200;

/// What may stand in the list: everything that happens to a user but the refreshing of tokens.
pub const ACTIVITY_TYPES: [&str; 17] = [
    "UserRegistered",
    "LoginSessionOpened",
    "RefreshTokenReused",
    "LoginSessionEnded",
    "ProfileChanged",
    "EmailVerified",
    "PasswordChanged",
    "RolesChanged",
    "UserSuspended",
    "UserReactivated",
    "UserErased",
    "PreferencesChanged",
    "ApiKeyCreated",
    "ApiKeyChanged",
    "ApiKeyRotated",
    "ApiKeyRevoked",
    "ExchangeCredentialsChanged",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    pub position: i64,
    pub event_type: String,
    pub actor: Actor,
    pub session_id: Option<LoginSessionId>,
    /// The address that session was opened from.
    pub ip: Option<String>,
    pub reason: Option<String>,
    pub recorded_at: Timestamp,
}

/// Which of it; everything, where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityFilter {
    /// One of [`ACTIVITY_TYPES`].
    pub event_type: Option<String>,
    pub from: Option<Timestamp>,
    /// Until just before it.
    pub to: Option<Timestamp>,
}

pub(super) async fn write(conn: &mut PgConnection, folded: &Folded) -> Result<(), sqlx::Error> {
    let known = known_addresses(conn, folded).await?;
    let mut rows = CopyRows::with_capacity(folded.happened.len(), ROW_BYTES);
    for line in &folded.happened {
        let address = line.session.and_then(|session| {
            let opened = folded.sessions.get(&session.0).and_then(|change| change.opened.as_ref());
            opened.map_or_else(|| known.get(&session.0), |opened| opened.ip.as_ref())
        });
        rows.plain(line.user_id).plain(line.position).plain(&line.event_type);
        rows.plain(line.actor.kind.as_str()).text(line.actor.id.map(|id| id.to_string()).as_deref());
        rows.text(line.session.map(|id| id.to_string()).as_deref()).text(address.map(String::as_str));
        rows.text(line.reason.as_deref()).plain(line.at).end_row();
    }
    let into =
        "activity (user_id, position, type, actor_kind, actor_id, session_id, ip, reason, recorded_at)";
    rows.write(conn, into).await
}

/// The addresses of the sessions that were opened in an earlier batch and are spoken of in this one.
async fn known_addresses(
    conn: &mut PgConnection,
    folded: &Folded,
) -> Result<HashMap<Uuid, String>, sqlx::Error> {
    let sessions = folded.happened.iter().filter_map(|line| line.session.map(|session| session.0));
    let is_here = |id: &Uuid| folded.sessions.get(id).is_some_and(|change| change.opened.is_some());
    let earlier: Vec<Uuid> = sessions.filter(|id| !is_here(id)).collect();
    if earlier.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "select session_id, ip from login_sessions where session_id = any($1) and ip is not null";
    let rows = sqlx::query(sql).bind(earlier).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.try_get("session_id")?, row.try_get("ip")?))).collect()
}

/// Where a list goes on: after the last row that was shown, with the filters it began with.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    activity_of: UserId,
    before: i64,
    filter: ActivityFilter,
}

fn read_row(row: &PgRow) -> Result<Option<ActivityRow>, sqlx::Error> {
    let Some(position) = row.try_get::<Option<i64>, _>("position")? else { return Ok(None) };
    Ok(Some(ActivityRow {
        position,
        event_type: row.try_get("type")?,
        actor: Actor { kind: column(row, "actor_kind")?, id: row.try_get("actor_id")? },
        session_id: row.try_get::<Option<Uuid>, _>("session_id")?.map(LoginSessionId),
        ip: row.try_get("ip")?,
        reason: row.try_get("reason")?,
        recorded_at: row.try_get::<OffsetDateTime, _>("recorded_at")?.into(),
    }))
}

impl ReadModels {
    /// What happened to a user, newest first; nothing, if there never was such a user. A cursor's filters win.
    pub async fn activity(
        &self,
        user: UserId,
        filter: ActivityFilter,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Option<Items<ActivityRow>>>, QueryError> {
        let (before, filter) = match page.cursor::<Cursor>()? {
            None => (i64::MAX, filter),
            Some(Cursor { activity_of, before, filter }) => {
                // A cursor is text from outside like any other.
                let named = filter.event_type.as_deref();
                if activity_of != user || named.is_some_and(|name| !ACTIVITY_TYPES.contains(&name)) {
                    return Err(QueryError::BadCursor);
                }
                (before, filter)
            }
        };
        let filter = &filter;
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, \
                              exists (select from activity where user_id = $1) as is_known, a.* \
                       from projection_checkpoints c \
                       left join lateral (select * from activity where user_id = $1 and position < $2 \
                                            and ($3::text is null or type = $3) \
                                            and ($4::timestamptz is null or recorded_at >= $4) \
                                            and ($5::timestamptz is null or recorded_at < $5) \
                                          order by position desc limit $6) a on true \
                       where c.name = 'accounts' order by a.position desc";
            let query = sqlx::query(sql)
                .bind(user.0)
                .bind(before)
                .bind(filter.event_type.as_deref())
                .bind(filter.from.map(Timestamp::to_datetime))
                .bind(filter.to.map(Timestamp::to_datetime))
                .bind(page.limit_plus_one());
            let rows = query.fetch_all(self.pool()).await?;
            let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            let position = position_of(first, NAME)?;
            let is_known: bool = first.try_get("is_known")?;
            let items = rows.iter().filter_map(|row| read_row(row).transpose()).collect::<Result<_, _>>()?;
            let items = page.cut(items, |last: &ActivityRow| Cursor {
                activity_of: user,
                before: last.position,
                filter: filter.clone(),
            })?;
            Ok(At { position, value: is_known.then_some(items) })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::user::UserEvent;

    #[test]
    fn everything_that_can_happen_to_a_user_is_listed() {
        // serde says what it would have taken.
        let known = serde_json::from_str::<UserEvent>(r#"{"":0}"#).unwrap_err().to_string();
        let known = known.split('`').skip(1).step_by(2).filter(|name| !name.is_empty());
        let listed: Vec<&str> = known.filter(|name| *name != "LoginSessionRefreshed").collect();
        assert_eq!(listed, ACTIVITY_TYPES);
    }
}
