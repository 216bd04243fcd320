//! `exchange_credentials`: for which exchanges users left credentials, and what may be told of them.
//!
//! A batch comes to the newest of each; rows go when credentials are removed or their owner erased.

use super::{At, QueryError, ReadModels, position_of};
use crate::Projection;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::user::{CredentialsHeld, Exchange, UserEvent};
use domain::{AggregateKind, Event, Timestamp, UserId};
use journal::{OpenSealed, Recorded, SealedField};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

const NAME: &str = "exchange_credentials";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeCredentialsRow {
    pub exchange: Exchange,
    pub key_hint: Option<String>,
    pub verified: bool,
    pub permissions: Vec<String>,
    pub updated_at: Timestamp,
}

/// What a user left for exchanges, and the user's version at that position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsOf {
    pub held: Vec<ExchangeCredentialsRow>,
    pub version: i64,
}

pub struct ExchangeCredentialsProjection {
    opener: Arc<dyn OpenSealed>,
}

impl fmt::Debug for ExchangeCredentialsProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeCredentialsProjection").finish_non_exhaustive()
    }
}

impl ExchangeCredentialsProjection {
    pub fn new(opener: Arc<dyn OpenSealed>) -> Self {
        Self { opener }
    }
}

#[async_trait]
impl Projection for ExchangeCredentialsProjection {
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
        &["exchange_credentials"]
    }

    fn only_adds(&self) -> bool {
        false
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let folded = fold(events)?;
        if !folded.erased.is_empty() {
            let erased: Vec<Uuid> = folded.erased.iter().copied().collect();
            let sql = "delete from exchange_credentials where user_id = any($1)";
            sqlx::query(sql).bind(erased).execute(&mut *conn).await?;
        }
        if folded.changed.is_empty() {
            return Ok(());
        }
        let hints = self.opener.open_many(&folded.hints()).await?;
        write(conn, &folded.changed, hints).await?;
        Ok(())
    }
}

/// What a batch leaves of each pair of user and exchange it touches.
#[derive(Default)]
struct Folded {
    changed: BTreeMap<(Uuid, Exchange), Change>,
    erased: BTreeSet<Uuid>,
}

struct Change {
    /// Nothing, if they were removed.
    held: Option<CredentialsHeld>,
    at: Timestamp,
    position: i64,
}

fn fold(events: &[Arc<Recorded>]) -> Result<Folded, ApplyError> {
    let mut folded = Folded::default();
    for recorded in events {
        // Most of what users do is signing in: not worth looking into.
        if !matches!(&*recorded.event_type, "ExchangeCredentialsChanged" | "UserErased") {
            continue;
        }
        let user_id = recorded.aggregate.id;
        match recorded.event()? {
            Event::User(UserEvent::ExchangeCredentialsChanged { exchange, credentials, changed_at }) => {
                let change = Change { held: credentials, at: changed_at, position: recorded.position };
                folded.changed.insert((user_id, exchange), change);
            }
            Event::User(UserEvent::UserErased { .. }) => {
                folded.changed.retain(|(of, _), _| *of != user_id);
                folded.erased.insert(user_id);
            }
            _ => {}
        }
    }
    Ok(folded)
}

impl Folded {
    fn hints(&self) -> Vec<SealedField> {
        let hint = |(key, change): (&(Uuid, Exchange), &Change)| {
            Some(SealedField {
                user: UserId(key.0),
                event_type: "ExchangeCredentialsChanged",
                field: "key_hint",
                value: change.held.as_ref()?.key_hint.clone(),
            })
        };
        self.changed.iter().filter_map(hint).collect()
    }
}

/// Every pair goes, and comes back if something is left of it: there are few, and seldom.
async fn write(
    conn: &mut PgConnection,
    changed: &BTreeMap<(Uuid, Exchange), Change>,
    hints: Vec<Option<String>>,
) -> Result<(), sqlx::Error> {
    let users: Vec<Uuid> = changed.keys().map(|(user_id, _)| *user_id).collect();
    let exchanges: Vec<&str> = changed.keys().map(|(_, exchange)| exchange.as_str()).collect();
    sqlx::query(
        "delete from exchange_credentials c using unnest($1::uuid[], $2::text[]) as x (user_id, exchange) \
          where c.user_id = x.user_id and c.exchange = x.exchange",
    )
    .bind(users)
    .bind(exchanges)
    .execute(&mut *conn)
    .await?;
    let mut hints = hints.into_iter();
    for ((user_id, exchange), change) in changed {
        let Some(held) = &change.held else { continue };
        sqlx::query(
            "insert into exchange_credentials (user_id, exchange, key_hint, verified, permissions, updated_at, position) \
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(user_id)
        .bind(exchange.as_str())
        .bind(hints.next().flatten())
        .bind(held.verified)
        .bind(&held.permissions)
        .bind(change.at.to_datetime())
        .bind(change.position)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

fn read_row(row: &PgRow) -> Result<Option<ExchangeCredentialsRow>, sqlx::Error> {
    let Some(exchange) = row.try_get::<Option<&str>, _>("exchange")? else { return Ok(None) };
    let unknown = || sqlx::Error::Decode(format!("{exchange} is no exchange").into());
    Ok(Some(ExchangeCredentialsRow {
        exchange: Exchange::parse(exchange).ok_or_else(unknown)?,
        key_hint: row.try_get("key_hint")?,
        verified: row.try_get("verified")?,
        permissions: row.try_get("permissions")?,
        updated_at: row.try_get::<OffsetDateTime, _>("updated_at")?.into(),
    }))
}

impl ReadModels {
    /// All that a user left, by exchange. The version is the user's at the position of the answer, so that it is good for
    /// `If-Match`: it is read from the journal beside the rows.
    pub async fn credentials_of(
        &self,
        user_id: UserId,
        min_position: Option<i64>,
    ) -> Result<At<CredentialsOf>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, x.*, \
                              coalesce((select e.sequence from events e \
                                         where e.aggregate_type = 'user' and e.aggregate_id = $2 \
                                           and e.position <= c.position \
                                         order by e.sequence desc limit 1), 0) as version \
                         from projection_checkpoints c left join exchange_credentials x on x.user_id = $1 \
                        where c.name = 'exchange_credentials' order by x.exchange";
            let rows =
                sqlx::query(sql).bind(user_id.0).bind(user_id.0.to_string()).fetch_all(self.pool()).await?;
            let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            let (position, version) = (position_of(first, NAME)?, first.try_get("version")?);
            let held = rows.iter().map(read_row).filter_map(Result::transpose);
            Ok(At { position, value: CredentialsOf { held: held.collect::<Result<_, _>>()?, version } })
        })
        .await
    }
}
