//! A batch's changes as rows: whoever is new is copied in as they are in the end, everybody else is updated, each in one
//! statement.

use super::fold::{Change, Text};
use crate::copy::CopyRows;
use domain::Timestamp;
use domain::user::{Role, UserStatus};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// About what a row takes as text.
const ROW_BYTES: usize = 240;

/// The form in which names and addresses are searched: the one the journal's claims compare them in.
pub(super) fn folded(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// The values of a batch, opened; nothing where the key is destroyed.
pub(super) struct Opened(pub(super) Vec<Option<String>>);

impl Opened {
    fn text(&self, text: Text) -> Option<&str> {
        match text {
            Text::Sealed(place) => self.0.get(place)?.as_deref(),
            Text::Kept | Text::Gone => None,
        }
    }

    fn folded(&self, text: Text) -> Option<String> {
        self.text(text).map(folded)
    }
}

pub(super) async fn write(
    conn: &mut PgConnection,
    users: BTreeMap<Uuid, Change>,
    opened: &Opened,
) -> Result<(), sqlx::Error> {
    let (new, known): (Vec<_>, Vec<_>) =
        users.into_iter().partition(|(_, change)| change.registered.is_some());
    insert(conn, &new, opened).await?;
    update(conn, &known, opened).await
}

async fn insert(
    conn: &mut PgConnection,
    users: &[(Uuid, Change)],
    opened: &Opened,
) -> Result<(), sqlx::Error> {
    let mut rows = CopyRows::with_capacity(users.len(), ROW_BYTES);
    for (user_id, user) in users {
        let Some((created_at, registered_at_position)) = user.registered else { continue };
        rows.plain(user_id).text(opened.text(user.username)).text(opened.text(user.email));
        rows.text(opened.text(user.name)).plain(status_name(user.status.unwrap_or_default()));
        rows.plain(role_names(user.roles.as_deref().unwrap_or_default()));
        rows.plain(user.email_verified.unwrap_or(false));
        match user.login {
            Some((at, count)) => rows.plain(at).plain(count),
            None => rows.text(None).plain(0),
        };
        rows.plain(created_at).plain(user.updated_at.unwrap_or(created_at));
        rows.plain(user.version).plain(user.position).plain(registered_at_position);
        rows.text(opened.folded(user.username).as_deref()).text(opened.folded(user.email).as_deref());
        rows.end_row();
    }
    let into = "profiles (user_id, username, email, name, status, roles, email_verified, last_login_at, login_count, \
                created_at, updated_at, version, position, registered_at_position, username_folded, email_folded)";
    rows.write(conn, into).await
}

const UPDATE: &str = "update profiles p set \
         username = case when x.new_username then x.username else p.username end, \
         username_folded = case when x.new_username then x.username_folded else p.username_folded end, \
         email = case when x.new_email then x.email else p.email end, \
         email_folded = case when x.new_email then x.email_folded else p.email_folded end, \
         name = case when x.new_name then x.name else p.name end, \
         status = coalesce(x.status, p.status), roles = coalesce(x.roles::text[], p.roles), \
         email_verified = coalesce(x.email_verified, p.email_verified), \
         last_login_at = coalesce(x.login_at, p.last_login_at), \
         login_count = coalesce(x.logins, p.login_count), updated_at = coalesce(x.updated_at, p.updated_at), \
         version = x.version, position = x.position \
    from unnest($1::uuid[], $2::bool[], $3::text[], $4::text[], $5::bool[], $6::text[], $7::text[], $8::bool[], \
                $9::text[], $10::text[], $11::text[], $12::bool[], $13::timestamptz[], $14::bigint[], \
                $15::timestamptz[], $16::bigint[], $17::bigint[]) \
         as x (user_id, new_username, username, username_folded, new_email, email, email_folded, new_name, name, \
               status, roles, email_verified, login_at, logins, updated_at, version, position) \
   where p.user_id = x.user_id";

async fn update(
    conn: &mut PgConnection,
    users: &[(Uuid, Change)],
    opened: &Opened,
) -> Result<(), sqlx::Error> {
    fn all<'a, T>(users: &'a [(Uuid, Change)], value: impl Fn(&'a Change) -> T) -> Vec<T> {
        users.iter().map(|(_, user)| value(user)).collect()
    }
    if users.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = users.iter().map(|(id, _)| *id).collect();
    sqlx::query(UPDATE)
        .bind(ids)
        .bind(all(users, |user| user.username != Text::Kept))
        .bind(all(users, |user| opened.text(user.username)))
        .bind(all(users, |user| opened.folded(user.username)))
        .bind(all(users, |user| user.email != Text::Kept))
        .bind(all(users, |user| opened.text(user.email)))
        .bind(all(users, |user| opened.folded(user.email)))
        .bind(all(users, |user| user.name != Text::Kept))
        .bind(all(users, |user| opened.text(user.name)))
        .bind(all(users, |user| user.status.map(status_name)))
        .bind(all(users, |user| user.roles.as_deref().map(role_names)))
        .bind(all(users, |user| user.email_verified))
        .bind(all(users, |user| user.login.map(|(at, _)| at.to_datetime())))
        .bind(all(users, |user| user.login.map(|(_, count)| count)))
        .bind(all(users, |user| user.updated_at.map(Timestamp::to_datetime)))
        .bind(all(users, |user| user.version))
        .bind(all(users, |user| user.position))
        .execute(conn)
        .await
        .map(|_| ())
}

pub(super) const fn status_name(status: UserStatus) -> &'static str {
    match status {
        UserStatus::Active => "active",
        UserStatus::Suspended => "suspended",
        UserStatus::Erased => "erased",
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Service => "service",
        Role::Admin => "admin",
    }
}

/// As the text of an array.
fn role_names(roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().copied().map(role_name).collect();
    format!("{{{}}}", names.join(","))
}
