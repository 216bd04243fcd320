//! The questions: one user, or a page of those that a search finds.

use super::super::value::{column, read};
use super::super::{At, QueryError, position_of};
use super::write::{folded, status_name};
use super::{NAME, ProfileRow};
use crate::LIMIT_MAX;
use domain::user::UserStatus;
use domain::{Timestamp, UserId};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use time::OffsetDateTime;
use uuid::Uuid;

/// What has to be true of whoever is found. Beginnings are compared without regard to case, and character by character:
/// nothing in them stands for anything else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSearch {
    pub username: Option<String>,
    pub email: Option<String>,
    pub status: Option<UserStatus>,
    /// Registered then or later.
    pub created_from: Option<Timestamp>,
    /// Registered before then.
    pub created_to: Option<Timestamp>,
    /// Registered before this position: where the page before ended.
    pub before: Option<i64>,
    pub limit: u16,
}

/// Sorts after every text that begins with what stands before it.
const AFTER_ALL: char = char::MAX;

pub(super) async fn by_id(pool: &PgPool, id: UserId) -> Result<At<Option<ProfileRow>>, QueryError> {
    let sql = "select c.position as checkpoint, c.failure, p.* from projection_checkpoints c \
               left join profiles p on p.user_id = $1 where c.name = 'profiles'";
    let row = sqlx::query(sql).bind(id.0).fetch_one(pool).await?;
    Ok(At { position: position_of(&row, NAME)?, value: read_row(&row)? })
}

/// Newest first. The cursor is the position that whoever stands last registered at.
pub(super) async fn search(
    pool: &PgPool,
    search: &UserSearch,
) -> Result<At<(Vec<ProfileRow>, Option<i64>)>, QueryError> {
    let limit = usize::from(search.limit.clamp(1, LIMIT_MAX));
    let rows = statement(search, limit).build().fetch_all(pool).await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let position = position_of(first, NAME)?;
    let mut found: Vec<ProfileRow> =
        rows.iter().filter_map(|row| read_row(row).transpose()).collect::<Result<_, _>>()?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|last| last.registered_at_position);
    Ok(At { position, value: (found, next) })
}

/// Only what is asked for stands in it: then the planner sees which index helps.
fn statement(search: &UserSearch, limit: usize) -> QueryBuilder<'static, Postgres> {
    let mut sql = QueryBuilder::new(
        "select c.position as checkpoint, c.failure, p.* from projection_checkpoints c \
         left join lateral (select * from profiles where true",
    );
    for (column, beginning) in [("username_folded", &search.username), ("email_folded", &search.email)] {
        if let Some(beginning) = beginning {
            let from = folded(beginning);
            let to = format!("{from}{AFTER_ALL}");
            sql.push(format_args!(" and {column} >= ")).push_bind(from);
            sql.push(format_args!(" and {column} < ")).push_bind(to);
        }
    }
    if let Some(status) = search.status {
        // A name of ours, and in the text: so it is seen which index holds whoever is not active.
        sql.push(format_args!(" and status = '{}'", status_name(status)));
    }
    if let Some(from) = search.created_from {
        sql.push(" and created_at >= ").push_bind(from.to_datetime());
    }
    if let Some(to) = search.created_to {
        sql.push(" and created_at < ").push_bind(to.to_datetime());
    }
    if let Some(before) = search.before {
        sql.push(" and registered_at_position < ").push_bind(before);
    }
    // One more row than is shown tells whether there is a next page.
    let rows = i64::try_from(limit).unwrap_or(i64::from(LIMIT_MAX)) + 1;
    sql.push(" order by registered_at_position desc limit ").push_bind(rows);
    sql.push(") p on true where c.name = 'profiles' order by p.registered_at_position desc");
    sql
}

fn read_row(row: &PgRow) -> Result<Option<ProfileRow>, sqlx::Error> {
    let Some(user_id) = row.try_get::<Option<Uuid>, _>("user_id")? else { return Ok(None) };
    let time = |name: &str| row.try_get::<OffsetDateTime, _>(name).map(Timestamp::from);
    let roles: Vec<String> = row.try_get("roles")?;
    Ok(Some(ProfileRow {
        user_id: UserId(user_id),
        username: row.try_get("username")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        status: column(row, "status")?,
        roles: roles.iter().map(|role| read(role)).collect::<Result<_, _>>()?,
        email_verified: row.try_get("email_verified")?,
        last_login_at: row.try_get::<Option<OffsetDateTime>, _>("last_login_at")?.map(Timestamp::from),
        login_count: row.try_get("login_count")?,
        created_at: time("created_at")?,
        updated_at: time("updated_at")?,
        version: row.try_get("version")?,
        position: row.try_get("position")?,
        registered_at_position: row.try_get("registered_at_position")?,
    }))
}
