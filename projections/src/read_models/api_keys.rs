//! `api_keys`: the keys each user has, as the list that its owner reads; and when each was last used.
//!
//! A batch comes to one change a key. Rows go when a key is revoked or its owner erased. Uses are no events: whoever
//! admits keys notes them now and then, in a table of their own that a rebuild does not touch, and only of keys that are
//! there, so that nothing is noted of what is gone.

use super::{At, QueryError, ReadModels, position_of};
use crate::Projection;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::user::{ApiKeyChange, UserEvent};
use domain::{AggregateKind, ApiKeyId, Event, Scope, Scopes, Sealed, Timestamp, UserId};
use journal::{OpenSealed, Recorded, SealedField};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

const NAME: &str = "api_keys";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRow {
    pub key_id: ApiKeyId,
    pub name: Option<String>,
    pub scopes: Scopes,
    pub is_active: bool,
    pub expires_at: Timestamp,
    /// None means everywhere.
    pub cidrs: Vec<String>,
    pub previous_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// A user's keys, and the user's version at that position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeysOf {
    pub keys: Vec<ApiKeyRow>,
    pub version: i64,
}

/// That a key was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyUse {
    pub key_id: ApiKeyId,
    pub owner: UserId,
    pub at: Timestamp,
}

pub struct ApiKeysProjection {
    opener: Arc<dyn OpenSealed>,
}

impl fmt::Debug for ApiKeysProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeysProjection").finish_non_exhaustive()
    }
}

impl ApiKeysProjection {
    pub fn new(opener: Arc<dyn OpenSealed>) -> Self {
        Self { opener }
    }
}

#[async_trait]
impl Projection for ApiKeysProjection {
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
        &["api_keys"]
    }

    fn only_adds(&self) -> bool {
        false
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let folded = fold(events)?;
        if !folded.revoked.is_empty() || !folded.erased.is_empty() {
            delete(conn, &folded).await?;
        }
        if folded.keys.is_empty() {
            return Ok(());
        }
        let opened = match folded.sealed.as_slice() {
            [] => Vec::new(),
            sealed => self.opener.open_many(sealed).await?,
        };
        let rows = Rows::of(&folded.keys, &opened);
        Ok(rows.write(conn).await?)
    }
}

/// What a batch leaves of each key it touches.
#[derive(Default)]
struct Folded {
    keys: BTreeMap<Uuid, Change>,
    revoked: BTreeSet<Uuid>,
    erased: BTreeSet<Uuid>,
    sealed: Vec<SealedField>,
}

/// Sealed values stand as their places in [`Folded::sealed`].
#[derive(Default)]
struct Change {
    user_id: Uuid,
    created_at: Option<Timestamp>,
    name: Option<usize>,
    scopes: Option<Scopes>,
    is_active: Option<bool>,
    expires_at: Option<Timestamp>,
    cidrs: Option<usize>,
    previous_until: Option<Timestamp>,
    version: i64,
    position: i64,
}

fn fold(events: &[Arc<Recorded>]) -> Result<Folded, ApplyError> {
    let mut folded = Folded::default();
    for recorded in events {
        let is_of_keys = recorded.event_type.starts_with("ApiKey") || recorded.event_type == "UserErased";
        if !is_of_keys {
            continue;
        }
        if let Event::User(event) = recorded.event()? {
            folded.take(recorded, event);
        }
    }
    Ok(folded)
}

impl Folded {
    fn take(&mut self, recorded: &Recorded, event: UserEvent) {
        let user_id = recorded.aggregate.id;
        match event {
            UserEvent::ApiKeyCreated { key_id, name, scopes, expires_at, cidrs, created_at } => {
                let name = Some(self.seal(user_id, "ApiKeyCreated", "name", name));
                let cidrs = cidrs.map(|cidrs| self.seal(user_id, "ApiKeyCreated", "cidrs", cidrs));
                let change = self.change(recorded, key_id);
                (change.name, change.cidrs) = (name, cidrs);
                (change.scopes, change.is_active) = (Some(scopes), Some(true));
                (change.expires_at, change.created_at) = (Some(expires_at), Some(created_at));
            }
            UserEvent::ApiKeyChanged { key_id, change, .. } => {
                let ApiKeyChange { name, scopes, is_active, expires_at, cidrs } = change;
                let name = name.map(|name| self.seal(user_id, "ApiKeyChanged", "name", name));
                let cidrs = cidrs.map(|cidrs| self.seal(user_id, "ApiKeyChanged", "cidrs", cidrs));
                let change = self.change(recorded, key_id);
                change.name = name.or(change.name);
                change.cidrs = cidrs.or(change.cidrs);
                change.scopes = scopes.or(change.scopes);
                change.is_active = is_active.or(change.is_active);
                change.expires_at = expires_at.or(change.expires_at);
            }
            UserEvent::ApiKeyRotated { key_id, previous_until, .. } => {
                self.change(recorded, key_id).previous_until = Some(previous_until);
            }
            UserEvent::ApiKeyRevoked { key_id, .. } => {
                self.keys.remove(&key_id.0);
                self.revoked.insert(key_id.0);
            }
            UserEvent::UserErased { .. } => {
                self.keys.retain(|_, change| change.user_id != user_id);
                self.erased.insert(user_id);
            }
            _ => {}
        }
    }

    fn change(&mut self, recorded: &Recorded, key_id: ApiKeyId) -> &mut Change {
        let change = self.keys.entry(key_id.0).or_default();
        change.user_id = recorded.aggregate.id;
        (change.version, change.position) = (recorded.sequence, recorded.position);
        change
    }

    fn seal(&mut self, user: Uuid, event_type: &'static str, field: &'static str, value: Sealed) -> usize {
        self.sealed.push(SealedField { user: UserId(user), event_type, field, value });
        self.sealed.len() - 1
    }
}

async fn delete(conn: &mut PgConnection, folded: &Folded) -> Result<(), sqlx::Error> {
    let revoked: Vec<Uuid> = folded.revoked.iter().copied().collect();
    let erased: Vec<Uuid> = folded.erased.iter().copied().collect();
    // The uses belong to no generation: of what is gone, they go from where everybody's are.
    for sql in [
        "delete from api_keys where key_id = any($1) or user_id = any($2)",
        "delete from public.api_key_uses where key_id = any($1) or user_id = any($2)",
    ] {
        sqlx::query(sql).bind(&revoked).bind(&erased).execute(&mut *conn).await?;
    }
    Ok(())
}

/// The changes column by column. Lists are written as Postgres writes them: no scope and no network needs a quote.
#[derive(Default)]
struct Rows {
    key_ids: Vec<Uuid>,
    user_ids: Vec<Uuid>,
    created: Vec<Option<OffsetDateTime>>,
    new_name: Vec<bool>,
    names: Vec<Option<String>>,
    scopes: Vec<Option<String>>,
    is_active: Vec<Option<bool>>,
    expires: Vec<Option<OffsetDateTime>>,
    new_cidrs: Vec<bool>,
    cidrs: Vec<Option<String>>,
    previous_until: Vec<Option<OffsetDateTime>>,
    versions: Vec<i64>,
    positions: Vec<i64>,
}

impl Rows {
    fn of(keys: &BTreeMap<Uuid, Change>, opened: &[Option<String>]) -> Self {
        let text = |place: Option<usize>| opened.get(place?).cloned().flatten();
        let mut rows = Self::default();
        for (key_id, change) in keys {
            rows.key_ids.push(*key_id);
            rows.user_ids.push(change.user_id);
            rows.created.push(change.created_at.map(Timestamp::to_datetime));
            rows.new_name.push(change.name.is_some());
            rows.names.push(text(change.name));
            let scopes = change.scopes.map(|scopes| scopes.iter().map(Scope::as_str).collect::<Vec<_>>());
            rows.scopes.push(scopes.map(|scopes| format!("{{{}}}", scopes.join(","))));
            rows.is_active.push(change.is_active);
            rows.expires.push(change.expires_at.map(Timestamp::to_datetime));
            rows.new_cidrs.push(change.cidrs.is_some());
            // An empty list means the same as none.
            let cidrs = text(change.cidrs).filter(|cidrs| !cidrs.is_empty());
            rows.cidrs.push(cidrs.map(|cidrs| format!("{{{cidrs}}}")));
            rows.previous_until.push(change.previous_until.map(Timestamp::to_datetime));
            rows.versions.push(change.version);
            rows.positions.push(change.position);
        }
        rows
    }

    /// Those that are new are inserted as they are in the end, the others changed.
    async fn write(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let changes = "unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::boolean[], $5::text[], $6::text[], \
                       $7::boolean[], $8::timestamptz[], $9::boolean[], $10::text[], $11::timestamptz[], \
                       $12::bigint[], $13::bigint[]) as x (key_id, user_id, created_at, new_name, name, scopes, \
                       is_active, expires_at, new_cidrs, cidrs, previous_until, version, position)";
        let update = format!(
            "update api_keys k set \
                 name = case when x.new_name then x.name else k.name end, \
                 scopes = coalesce(x.scopes::text[], k.scopes), \
                 is_active = coalesce(x.is_active, k.is_active), \
                 expires_at = coalesce(x.expires_at, k.expires_at), \
                 cidrs = case when x.new_cidrs then x.cidrs::text[] else k.cidrs end, \
                 previous_until = coalesce(x.previous_until, k.previous_until), \
                 version = x.version, position = x.position \
               from {changes} where k.key_id = x.key_id and x.created_at is null"
        );
        let insert = format!(
            "insert into api_keys (key_id, user_id, name, scopes, is_active, expires_at, cidrs, previous_until, \
                                   created_at, version, position) \
             select key_id, user_id, name, scopes::text[], is_active, expires_at, cidrs::text[], previous_until, \
                    created_at, version, position from {changes} where created_at is not null"
        );
        for sql in [update, insert] {
            sqlx::query(&sql)
                .bind(&self.key_ids)
                .bind(&self.user_ids)
                .bind(&self.created)
                .bind(&self.new_name)
                .bind(&self.names)
                .bind(&self.scopes)
                .bind(&self.is_active)
                .bind(&self.expires)
                .bind(&self.new_cidrs)
                .bind(&self.cidrs)
                .bind(&self.previous_until)
                .bind(&self.versions)
                .bind(&self.positions)
                .execute(&mut *conn)
                .await?;
        }
        Ok(())
    }
}

fn read_row(row: &PgRow) -> Result<Option<ApiKeyRow>, sqlx::Error> {
    let Some(key_id) = row.try_get::<Option<Uuid>, _>("key_id")? else { return Ok(None) };
    let time = |name: &str| row.try_get::<OffsetDateTime, _>(name).map(Timestamp::from);
    let maybe =
        |name: &str| row.try_get::<Option<OffsetDateTime>, _>(name).map(|moment| moment.map(Timestamp::from));
    let scopes: Vec<String> = row.try_get("scopes")?;
    let scopes = scopes.iter().map(|scope| scope.parse::<Scope>()).collect::<Result<Scopes, _>>();
    Ok(Some(ApiKeyRow {
        key_id: ApiKeyId(key_id),
        name: row.try_get("name")?,
        scopes: scopes.map_err(|error| sqlx::Error::Decode(error.into()))?,
        is_active: row.try_get("is_active")?,
        expires_at: time("expires_at")?,
        cidrs: row.try_get::<Option<Vec<String>>, _>("cidrs")?.unwrap_or_default(),
        previous_until: maybe("previous_until")?,
        created_at: time("created_at")?,
        last_used_at: maybe("last_used_at")?,
    }))
}

impl ReadModels {
    /// All of a user's keys, newest first. They are few: the user's own rules see to that. The version is read from the
    /// journal beside the rows, so that it is good for `If-Match`.
    pub async fn api_keys_of(
        &self,
        owner: UserId,
        min_position: Option<i64>,
    ) -> Result<At<ApiKeysOf>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, k.*, u.last_used_at, \
                              coalesce((select e.sequence from events e \
                                         where e.aggregate_type = 'user' and e.aggregate_id = $2 \
                                           and e.position <= c.position \
                                         order by e.sequence desc limit 1), 0) as user_version \
                         from projection_checkpoints c left join api_keys k on k.user_id = $1 \
                         left join api_key_uses u on u.key_id = k.key_id \
                        where c.name = 'api_keys' order by k.key_id desc";
            let rows =
                sqlx::query(sql).bind(owner.0).bind(owner.0.to_string()).fetch_all(self.pool()).await?;
            let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            let (position, version) = (position_of(first, NAME)?, first.try_get("user_version")?);
            let keys = rows.iter().map(read_row).filter_map(Result::transpose);
            Ok(At { position, value: ApiKeysOf { keys: keys.collect::<Result<_, _>>()?, version } })
        })
        .await
    }

    pub async fn api_key_last_used(&self, key_id: ApiKeyId) -> Result<Option<Timestamp>, QueryError> {
        let sql = "select last_used_at from api_key_uses where key_id = $1";
        let used: Option<OffsetDateTime> =
            sqlx::query_scalar(sql).bind(key_id.0).fetch_optional(self.pool()).await?;
        Ok(used.map(Timestamp::from))
    }

    /// Notes when keys were used, however many, in one statement. Later uses stand, in whatever order they come.
    pub async fn note_api_key_uses(&self, uses: &[ApiKeyUse]) -> Result<(), QueryError> {
        fn all<T>(uses: &[ApiKeyUse], value: impl Fn(&ApiKeyUse) -> T) -> Vec<T> {
            uses.iter().map(value).collect()
        }
        sqlx::query(
            "insert into api_key_uses (key_id, user_id, last_used_at) \
             select key_id, user_id, at from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as x (key_id, user_id, at) \
              where exists (select from api_keys k where k.key_id = x.key_id) order by key_id \
             on conflict (key_id) do update \
                set last_used_at = greatest(api_key_uses.last_used_at, excluded.last_used_at)",
        )
        .bind(all(uses, |used| used.key_id.0))
        .bind(all(uses, |used| used.owner.0))
        .bind(all(uses, |used| used.at.to_datetime()))
        .execute(self.pool())
        .await?;
        Ok(())
    }
}
