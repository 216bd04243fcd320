//! The table `preferences`: what somebody prefers. One row per user, whether or not they ever chose anything.

use super::NAME;
use super::fold::{Folded, UserChange};
use crate::copy::CopyRows;
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::UserId;
use domain::user::Preferences;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

const ROW_BYTES: usize = 80;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferencesRow {
    pub preferences: Preferences,
    /// How often they changed: 0 for who never chose.
    pub version: i64,
    /// Where they changed last, or where the user registered.
    pub position: i64,
}

pub(super) async fn write(conn: &mut PgConnection, folded: &Folded) -> Result<(), sqlx::Error> {
    let mut new = CopyRows::with_capacity(folded.users.len(), ROW_BYTES);
    let mut changed: Vec<(Uuid, &UserChange)> = Vec::new();
    for (id, change) in &folded.users {
        if change.is_new {
            let preferences = json(change)?;
            new.plain(id).text(preferences.as_deref()).plain(change.changes).plain(change.position).end_row();
        } else {
            changed.push((*id, change));
        }
    }
    new.write(conn, "preferences (user_id, preferences, version, position)").await?;
    update(conn, &changed).await
}

async fn update(conn: &mut PgConnection, changed: &[(Uuid, &UserChange)]) -> Result<(), sqlx::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = changed.iter().map(|(id, _)| *id).collect();
    let texts: Vec<Option<String>> =
        changed.iter().map(|(_, change)| json(change)).collect::<Result<_, _>>()?;
    let counts: Vec<i64> = changed.iter().map(|(_, change)| change.changes).collect();
    let positions: Vec<i64> = changed.iter().map(|(_, change)| change.position).collect();
    sqlx::query(
        "update preferences p set preferences = coalesce(x.preferences::jsonb, p.preferences), \
             version = p.version + x.changes, position = x.position \
           from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) \
                as x (user_id, preferences, changes, position) \
          where p.user_id = x.user_id",
    )
    .bind(ids)
    .bind(texts)
    .bind(counts)
    .bind(positions)
    .execute(conn)
    .await
    .map(|_| ())
}

fn json(change: &UserChange) -> Result<Option<String>, sqlx::Error> {
    let text = change.preferences.as_ref().map(serde_json::to_string).transpose();
    text.map_err(|error| sqlx::Error::Encode(error.into()))
}

impl ReadModels {
    pub async fn preferences(
        &self,
        user: UserId,
        min_position: Option<i64>,
    ) -> Result<At<Option<PreferencesRow>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, p.preferences, p.version, p.position \
                       from projection_checkpoints c left join preferences p on p.user_id = $1 \
                       where c.name = 'accounts'";
            let row = sqlx::query(sql).bind(user.0).fetch_one(self.pool()).await?;
            let position = position_of(&row, NAME)?;
            let Some(version) = row.try_get::<Option<i64>, _>("version")? else {
                return Ok(At { position, value: None });
            };
            let chosen: Option<Json<Preferences>> = row.try_get("preferences")?;
            let preferences = chosen.map_or_else(Preferences::default, |Json(chosen)| chosen);
            let value = PreferencesRow { preferences, version, position: row.try_get("position")? };
            Ok(At { position, value: Some(value) })
        })
        .await
    }
}
