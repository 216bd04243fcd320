//! The table `login_sessions`: where somebody is signed in.

use super::NAME;
use super::fold::{Folded, SessionChange};
use crate::copy::CopyRows;
use crate::read_models::cursor::{Items, Page};
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::{LoginSessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

/// About what a row takes as text: most of it says which browser it is.
const ROW_BYTES: usize = 400;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSessionRow {
    pub session_id: LoginSessionId,
    pub user_id: UserId,
    pub opened_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub ends_at: Timestamp,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// Of the event that opened it.
    pub position: i64,
}

pub(super) async fn write(conn: &mut PgConnection, folded: &Folded) -> Result<(), sqlx::Error> {
    let mut new = CopyRows::with_capacity(folded.sessions.len(), ROW_BYTES);
    let (mut refreshed, mut ended) = (Vec::new(), Vec::new());
    for (id, change) in &folded.sessions {
        match change {
            SessionChange { opened: Some(_), has_ended: true, .. } => {}
            SessionChange { opened: Some(opened), refreshed, .. } => {
                let (last_seen_at, expires_at) = refreshed.unwrap_or((opened.at, opened.expires_at));
                new.plain(id).plain(opened.user_id).plain(opened.at).plain(last_seen_at).plain(expires_at);
                new.plain(opened.ends_at).text(opened.ip.as_deref()).text(opened.user_agent.as_deref());
                new.plain(opened.position).end_row();
            }
            SessionChange { has_ended: true, .. } => ended.push(*id),
            SessionChange { refreshed: Some(times), .. } => refreshed.push((*id, *times)),
            SessionChange { refreshed: None, .. } => {}
        }
    }
    let into = "login_sessions (session_id, user_id, opened_at, last_seen_at, expires_at, ends_at, ip, user_agent, \
                position)";
    new.write(conn, into).await?;
    refresh(conn, &refreshed).await?;
    if !ended.is_empty() {
        sqlx::query("delete from login_sessions where session_id = any($1)")
            .bind(ended)
            .execute(conn)
            .await?;
    }
    Ok(())
}

async fn refresh(
    conn: &mut PgConnection,
    refreshed: &[(Uuid, (Timestamp, Timestamp))],
) -> Result<(), sqlx::Error> {
    if refreshed.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = refreshed.iter().map(|(id, _)| *id).collect();
    let (seen, expires): (Vec<OffsetDateTime>, Vec<OffsetDateTime>) =
        refreshed.iter().map(|(_, (seen, expires))| (seen.to_datetime(), expires.to_datetime())).unzip();
    sqlx::query(
        "update login_sessions s set last_seen_at = x.seen, expires_at = x.expires \
           from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) as x (session_id, seen, expires) \
          where s.session_id = x.session_id",
    )
    .bind(ids)
    .bind(seen)
    .bind(expires)
    .execute(conn)
    .await
    .map(|_| ())
}

/// Where a list goes on: after the last row that was shown.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    sessions_of: UserId,
    before: i64,
}

fn read_row(row: &PgRow) -> Result<Option<LoginSessionRow>, sqlx::Error> {
    let Some(session_id) = row.try_get::<Option<Uuid>, _>("session_id")? else { return Ok(None) };
    let time = |name: &str| row.try_get::<OffsetDateTime, _>(name).map(Timestamp::from);
    Ok(Some(LoginSessionRow {
        session_id: LoginSessionId(session_id),
        user_id: UserId(row.try_get("user_id")?),
        opened_at: time("opened_at")?,
        last_seen_at: time("last_seen_at")?,
        expires_at: time("expires_at")?,
        ends_at: time("ends_at")?,
        ip: row.try_get("ip")?,
        user_agent: row.try_get("user_agent")?,
        position: row.try_get("position")?,
    }))
}

impl ReadModels {
    /// Where a user is signed in at this moment, newest first; nothing, if there is no such user.
    pub async fn login_sessions(
        &self,
        user: UserId,
        at: Timestamp,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Option<Items<LoginSessionRow>>>, QueryError> {
        let before = match page.cursor::<Cursor>()? {
            Some(cursor) if cursor.sessions_of != user => return Err(QueryError::BadCursor),
            Some(cursor) => cursor.before,
            None => i64::MAX,
        };
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, p.user_id is not null as is_known, s.* \
                       from projection_checkpoints c left join preferences p on p.user_id = $1 \
                       left join lateral (select * from login_sessions where user_id = $1 and expires_at > $2 \
                                            and position < $3 order by position desc limit $4) s on true \
                       where c.name = 'accounts' order by s.position desc";
            let query = sqlx::query(sql).bind(user.0).bind(at.to_datetime()).bind(before);
            let rows = query.bind(page.limit_plus_one()).fetch_all(self.pool()).await?;
            let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            let position = position_of(first, NAME)?;
            let is_known: bool = first.try_get("is_known")?;
            let items = rows.iter().filter_map(|row| read_row(row).transpose()).collect::<Result<_, _>>()?;
            let after = |last: &LoginSessionRow| Cursor { sessions_of: user, before: last.position };
            let items = page.cut(items, after)?;
            Ok(At { position, value: is_known.then_some(items) })
        })
        .await
    }

    /// Whose session it is, as long as it has not ended.
    pub async fn login_session_owner(
        &self,
        session: LoginSessionId,
        min_position: Option<i64>,
    ) -> Result<At<Option<UserId>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, s.user_id from projection_checkpoints c \
                       left join login_sessions s on s.session_id = $1 where c.name = 'accounts'";
            let row = sqlx::query(sql).bind(session.0).fetch_one(self.pool()).await?;
            let owner = row.try_get::<Option<Uuid>, _>("user_id")?.map(UserId);
            Ok(At { position: position_of(&row, NAME)?, value: owner })
        })
        .await
    }

    /// Users with sessions that are over and have not ended, those that are longest over first.
    pub async fn users_with_sessions_over(
        &self,
        at: Timestamp,
        limit: u16,
        min_position: Option<i64>,
    ) -> Result<Vec<UserId>, QueryError> {
        let found = self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, \
                              array(select user_id from login_sessions where expires_at <= $1 \
                                    group by user_id order by min(expires_at) limit $2) as users \
                       from projection_checkpoints c where c.name = 'accounts'";
            let query = sqlx::query(sql).bind(at.to_datetime()).bind(i64::from(limit));
            let row = query.fetch_one(self.pool()).await?;
            let users: Vec<Uuid> = row.try_get("users")?;
            Ok(At { position: position_of(&row, NAME)?, value: users })
        });
        Ok(found.await?.value.into_iter().map(UserId).collect())
    }
}
