//! `profiles`: who each user is, in plain words.
//!
//! The journal holds personal data sealed; here it is opened. A value whose key is destroyed stays empty.

use super::value::{column, read};
use super::{At, QueryError, ReadModels, position_of};
use crate::Projection;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::user::{Role, UserEvent, UserStatus};
use domain::{AggregateKind, Event, Sealed, Timestamp, UserId};
use journal::{OpenSealed, Recorded, SealedField};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

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
        1
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
        let Folded { registered, changed } = fold(events)?;
        if !registered.is_empty() {
            let opened = self.opener.open_many(&sealed_fields(&registered)).await?;
            insert(conn, &registered, &opened).await?;
        }
        if !changed.is_empty() {
            update(conn, &changed).await?;
        }
        Ok(())
    }
}

/// What a batch leaves of each user it touches.
#[derive(Default)]
struct Folded {
    registered: Vec<Registered>,
    changed: BTreeMap<Uuid, Change>,
}

struct Registered {
    user_id: UserId,
    username: Sealed,
    email: Sealed,
    name: Option<Sealed>,
    roles: Vec<Role>,
    at: Timestamp,
    version: i64,
    position: i64,
}

#[derive(Default)]
struct Change {
    login: Option<(Timestamp, i64)>,
    version: i64,
    position: i64,
}

fn fold(events: &[Arc<Recorded>]) -> Result<Folded, ApplyError> {
    let mut folded = Folded::default();
    for recorded in events {
        let Event::User(event) = recorded.event()? else { continue };
        let (version, position) = (recorded.sequence, recorded.position);
        if let UserEvent::UserRegistered { user_id, username, email, name, roles, registered_at: at } = event
        {
            folded.registered.push(Registered {
                user_id,
                username,
                email,
                name,
                roles,
                at,
                version,
                position,
            });
            continue;
        }
        let change = folded.changed.entry(recorded.aggregate.id).or_default();
        (change.version, change.position) = (version, position);
        if let UserEvent::LoginSessionOpened { opened_at, login_count, .. } = event {
            change.login = Some((opened_at, i64::try_from(login_count).unwrap_or(i64::MAX)));
        }
    }
    Ok(folded)
}

/// Three for each user: username, e-mail, name.
const FIELDS: [&str; 3] = ["username", "email", "name"];

fn sealed_fields(registered: &[Registered]) -> Vec<SealedField> {
    let field = |user: UserId, field: &'static str, value: &Sealed| SealedField {
        user,
        event_type: "UserRegistered",
        field,
        value: value.clone(),
    };
    let [username, email, name] = FIELDS;
    let mut fields = Vec::with_capacity(registered.len() * FIELDS.len());
    for user in registered {
        fields.push(field(user.user_id, username, &user.username));
        fields.push(field(user.user_id, email, &user.email));
        fields.extend(user.name.as_ref().map(|value| field(user.user_id, name, value)));
    }
    fields
}

async fn insert(
    conn: &mut PgConnection,
    registered: &[Registered],
    opened: &[Option<String>],
) -> Result<(), sqlx::Error> {
    let mut opened = opened.iter();
    let mut rows = crate::copy::CopyRows::with_capacity(registered.len(), 200);
    for user in registered {
        let mut next = || opened.next().and_then(Option::as_deref);
        let (username, email) = (next(), next());
        let name = user.name.as_ref().and_then(|_| next());
        let roles: Vec<&str> = user.roles.iter().copied().map(role_name).collect();
        rows.plain(user.user_id).text(username).text(email).text(name).plain("active");
        rows.plain(format_args!("{{{}}}", roles.join(","))).plain(false).text(None).plain(0);
        rows.plain(user.at).plain(user.at).plain(user.version).plain(user.position).end_row();
    }
    let into = "profiles (user_id, username, email, name, status, roles, email_verified, last_login_at, login_count, \
                created_at, updated_at, version, position)";
    rows.write(conn, into).await
}

async fn update(conn: &mut PgConnection, changed: &BTreeMap<Uuid, Change>) -> Result<(), sqlx::Error> {
    fn all<T>(changed: &BTreeMap<Uuid, Change>, value: impl Fn(&Change) -> T) -> Vec<T> {
        changed.values().map(value).collect()
    }
    let ids: Vec<Uuid> = changed.keys().copied().collect();
    sqlx::query(
        "update profiles p set last_login_at = coalesce(x.at, p.last_login_at), \
             login_count = coalesce(x.logins, p.login_count), version = x.version, position = x.position \
           from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[]) \
                as x (user_id, at, logins, version, position) \
          where p.user_id = x.user_id",
    )
    .bind(ids)
    .bind(all(changed, |change| change.login.map(|(at, _)| at.to_datetime())))
    .bind(all(changed, |change| change.login.map(|(_, count)| count)))
    .bind(all(changed, |change| change.version))
    .bind(all(changed, |change| change.position))
    .execute(conn)
    .await
    .map(|_| ())
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Service => "service",
        Role::Admin => "admin",
    }
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
    }))
}

impl ReadModels {
    pub async fn profile(
        &self,
        id: UserId,
        min_position: Option<i64>,
    ) -> Result<At<Option<ProfileRow>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, p.* from projection_checkpoints c \
                       left join profiles p on p.user_id = $1 where c.name = 'profiles'";
            let row = sqlx::query(sql).bind(id.0).fetch_one(self.pool()).await?;
            Ok(At { position: position_of(&row, NAME)?, value: read_row(&row)? })
        })
        .await
    }
}
