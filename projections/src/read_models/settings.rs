//! `settings`: what users' freqtrades are set to, their presets, what they were before, and what everybody's are.
//!
//! A row is the state as the aggregate leaves it: a batch's states are read, folded with `evolve` and written back. Histories
//! only grow; all of a user goes when they are erased.

use super::cursor::{Items, Page};
use super::{At, QueryError, ReadModels, position_of};
use crate::Projection;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::settings::Secret;
use domain::settings_defaults::{DEFAULTS_ID, SettingsDefaults};
use domain::user::{SettingsCause, SettingsHeld, UserEvent};
use domain::{Actor, AggregateKind, Decide, Event, Timestamp, UserId};
use journal::{OpenSealed, Recorded, SealedField};
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

const NAME: &str = "settings";
const TYPES: [&str; 7] = [
    "SettingsChanged",
    "PresetSaved",
    "PresetRenamed",
    "PresetApplied",
    "PresetDeleted",
    "SettingsDefaultsChanged",
    "UserErased",
];

/// Somebody's, and what holds where they set nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsOf {
    pub held: SettingsHeld,
    pub hints: BTreeMap<Secret, Option<String>>,
    pub defaults: SettingsDefaults,
}

/// One version of somebody's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsVersionRow {
    pub version: i64,
    pub fields: Vec<String>,
    pub cause: SettingsCause,
    pub actor: Actor,
    pub changed_at: Timestamp,
    pub position: i64,
}

pub struct SettingsProjection {
    opener: Arc<dyn OpenSealed>,
}

impl fmt::Debug for SettingsProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettingsProjection").finish_non_exhaustive()
    }
}

impl SettingsProjection {
    pub fn new(opener: Arc<dyn OpenSealed>) -> Self {
        Self { opener }
    }
}

#[async_trait]
impl Projection for SettingsProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        2
    }

    fn kinds(&self) -> &'static [AggregateKind] {
        &[AggregateKind::User, AggregateKind::SettingsDefaults]
    }

    fn tables(&self) -> &'static [&'static str] {
        &["settings", "settings_history", "settings_defaults"]
    }

    fn only_adds(&self) -> bool {
        false
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        // Most of what users do is signing in: not worth looking into.
        let is_ours = |recorded: &&Arc<Recorded>| TYPES.contains(&&*recorded.event_type);
        let ours: Vec<&Arc<Recorded>> = events.iter().filter(is_ours).collect();
        if ours.is_empty() {
            return Ok(());
        }
        let folded = fold(conn, &ours).await?;
        remove(conn, &folded.erased).await?;
        write_history(conn, &folded.versions).await?;
        if let Some((state, position)) = &folded.defaults {
            let sql = "insert into settings_defaults (id, state, position) values ($1, $2, $3) \
                       on conflict (id) do update set state = excluded.state, position = excluded.position";
            let query = sqlx::query(sql).bind(DEFAULTS_ID).bind(json(state)?).bind(position);
            query.execute(&mut *conn).await?;
        }
        let mut hints = self.opener.open_many(&folded.hints()).await?.into_iter();
        write(conn, &folded.states, &mut hints).await?;
        Ok(())
    }
}

/// What a batch leaves.
#[derive(Default)]
struct Folded {
    states: BTreeMap<Uuid, (SettingsHeld, i64)>,
    versions: Vec<(Uuid, SettingsVersionRow)>,
    erased: BTreeSet<Uuid>,
    defaults: Option<(SettingsDefaults, i64)>,
}

async fn fold(conn: &mut PgConnection, events: &[&Arc<Recorded>]) -> Result<Folded, ApplyError> {
    let users: BTreeSet<Uuid> = events.iter().map(|recorded| recorded.aggregate.id).collect();
    let users: Vec<Uuid> = users.into_iter().collect();
    let sql = "select user_id, held, position from settings where user_id = any($1)";
    let rows = sqlx::query(sql).bind(users).fetch_all(&mut *conn).await?;
    let mut folded = Folded::default();
    for row in &rows {
        let state = (read(row, "held")?, row.try_get("position")?);
        folded.states.insert(row.try_get("user_id")?, state);
    }
    for recorded in events {
        let id = recorded.aggregate.id;
        match recorded.event()? {
            Event::User(UserEvent::UserErased { .. }) => {
                folded.states.remove(&id);
                folded.versions.retain(|(of, _)| *of != id);
                folded.erased.insert(id);
            }
            Event::User(event) => {
                let (state, position) = folded.states.entry(id).or_default();
                state.evolve(&event);
                *position = recorded.position;
                folded.versions.extend(version(recorded, event).map(|version| (id, version)));
            }
            Event::SettingsDefaults(event) => {
                let mut state = SettingsDefaults::default();
                state.evolve(&event);
                folded.defaults = Some((state, recorded.position));
            }
            Event::Wallet(_) | Event::TradingSession(_) => {}
        }
    }
    Ok(folded)
}

fn version(recorded: &Recorded, event: UserEvent) -> Option<SettingsVersionRow> {
    let UserEvent::SettingsChanged { settings_version, fields, cause, changed_at, .. } = event else {
        return None;
    };
    let (actor, position) = (recorded.metadata.actor, recorded.position);
    let version = i64::try_from(settings_version).unwrap_or(i64::MAX);
    Some(SettingsVersionRow { version, fields, cause, actor, changed_at, position })
}

impl Folded {
    fn hints(&self) -> Vec<SealedField> {
        let of_user = |(user, (state, _)): (&Uuid, &(SettingsHeld, i64))| {
            let user = UserId(*user);
            let hint = |(secret, value): (&Secret, &domain::Sealed)| SealedField {
                user,
                event_type: "SettingsChanged",
                field: secret.hint_field(),
                value: value.clone(),
            };
            state.telegram.0.iter().map(hint).collect::<Vec<_>>()
        };
        self.states.iter().flat_map(of_user).collect()
    }
}

async fn remove(conn: &mut PgConnection, erased: &BTreeSet<Uuid>) -> Result<(), sqlx::Error> {
    if erased.is_empty() {
        return Ok(());
    }
    let erased: Vec<Uuid> = erased.iter().copied().collect();
    for sql in [
        "delete from settings where user_id = any($1)",
        "delete from settings_history where user_id = any($1)",
    ] {
        sqlx::query(sql).bind(&erased).execute(&mut *conn).await?;
    }
    Ok(())
}

async fn write_history(
    conn: &mut PgConnection,
    versions: &[(Uuid, SettingsVersionRow)],
) -> Result<(), ApplyError> {
    // Of as many lists as there are rows no array can be made.
    for (user_id, row) in versions {
        let sql = "insert into settings_history (user_id, version, fields, cause, actor, changed_at, position) \
                   values ($1, $2, $3, $4, $5, $6, $7)";
        sqlx::query(sql)
            .bind(user_id)
            .bind(row.version)
            .bind(&row.fields)
            .bind(json(&row.cause)?)
            .bind(json(&row.actor)?)
            .bind(row.changed_at.to_datetime())
            .bind(row.position)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

async fn write(
    conn: &mut PgConnection,
    states: &BTreeMap<Uuid, (SettingsHeld, i64)>,
    opened: &mut impl Iterator<Item = Option<String>>,
) -> Result<(), ApplyError> {
    let (mut users, mut held, mut hints, mut positions) = (vec![], vec![], vec![], vec![]);
    for (user_id, (state, position)) in states {
        let of_user: BTreeMap<Secret, Option<String>> =
            state.telegram.0.keys().map(|secret| (*secret, opened.next().flatten())).collect();
        users.push(*user_id);
        held.push(json(state)?);
        hints.push(json(&of_user)?);
        positions.push(*position);
    }
    if users.is_empty() {
        return Ok(());
    }
    let sql = "insert into settings (user_id, held, hints, position) \
               select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) \
               on conflict (user_id) do update set held = excluded.held, hints = excluded.hints, \
                  position = excluded.position";
    sqlx::query(sql).bind(users).bind(held).bind(hints).bind(positions).execute(conn).await?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn read<T: DeserializeOwned>(row: &PgRow, column: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Nothing where there is no row.
fn read_or_default<T: DeserializeOwned + Default>(row: &PgRow, column: &str) -> Result<T, sqlx::Error> {
    match row.try_get::<Option<&str>, _>(column)? {
        Some(text) => serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into())),
        None => Ok(T::default()),
    }
}

impl ReadModels {
    /// Whoever set nothing has what holds for everybody.
    pub async fn settings_of(
        &self,
        user_id: UserId,
        min_position: Option<i64>,
    ) -> Result<At<SettingsOf>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, s.held, s.hints, d.state \
                         from projection_checkpoints c left join settings s on s.user_id = $1 \
                         left join settings_defaults d on d.id = $2 where c.name = 'settings'";
            let row = sqlx::query(sql).bind(user_id.0).bind(DEFAULTS_ID).fetch_one(self.pool()).await?;
            let value = SettingsOf {
                held: read_or_default(&row, "held")?,
                hints: read_or_default(&row, "hints")?,
                defaults: read_or_default(&row, "state")?,
            };
            Ok(At { position: position_of(&row, NAME)?, value })
        })
        .await
    }

    /// Newest first.
    pub async fn settings_history(
        &self,
        user_id: UserId,
        page: &Page,
        min_position: Option<i64>,
    ) -> Result<At<Items<SettingsVersionRow>>, QueryError> {
        let before: Option<i64> = page.cursor()?;
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, h.* from projection_checkpoints c \
                       left join lateral (select * from settings_history where user_id = $1 \
                          and version < coalesce($2, 9223372036854775807) order by version desc limit $3) h on true \
                       where c.name = 'settings' order by h.version desc";
            let query = sqlx::query(sql).bind(user_id.0).bind(before).bind(page.limit_plus_one());
            let rows = query.fetch_all(self.pool()).await?;
            let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            let position = position_of(first, NAME)?;
            let items = rows.iter().map(read_version).filter_map(Result::transpose);
            let items: Vec<SettingsVersionRow> = items.collect::<Result<_, _>>()?;
            Ok(At { position, value: page.cut(items, |last| last.version)? })
        })
        .await
    }
}

fn read_version(row: &PgRow) -> Result<Option<SettingsVersionRow>, sqlx::Error> {
    let Some(version) = row.try_get("version")? else { return Ok(None) };
    Ok(Some(SettingsVersionRow {
        version,
        fields: row.try_get("fields")?,
        cause: read(row, "cause")?,
        actor: read(row, "actor")?,
        changed_at: row.try_get::<OffsetDateTime, _>("changed_at")?.into(),
        position: row.try_get("position")?,
    }))
}
