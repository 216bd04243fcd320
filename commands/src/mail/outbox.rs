//! The outbox: mails that are wanted, as rows, so that none is lost with the process that wanted it.
//!
//! Correct because whoever takes a row moves its due time first, under `skip locked`: of several nodes one sends it, and if
//! that one dies, it is due again. A row is deleted after its mail left, so a mail may leave twice in the worst case, and
//! never not at all.

use super::kind::{MailKind, Params};
use domain::{Timestamp, UserId};
use journal::Journal;
use sqlx::{PgExecutor, Row};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// How long whoever took a row has for it: more than an attempt may take.
pub(super) const TAKEN_FOR: Duration = Duration::from_mins(2);

#[derive(Clone, Debug)]
pub struct Outbox {
    journal: Journal,
    /// Rung when there is something to send, for who sends in this process. The others look once a second.
    bell: Arc<Notify>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) kind: MailKind,
    pub(crate) user_id: Option<UserId>,
    pub(crate) address: Option<String>,
    pub(crate) params: Params,
    /// When it is to leave; at once, if nothing is said.
    pub(crate) due: Option<Timestamp>,
}

/// A row that was taken, to be sent now.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) user_id: Option<UserId>,
    pub(super) address: Option<String>,
    pub(super) params: Params,
    /// This one included.
    pub(super) attempts: i32,
    /// Microseconds since 1970.
    pub(super) created_at: i64,
    /// Since it was to leave first.
    pub(super) age: Duration,
}

impl Wanted {
    pub(crate) fn of(kind: MailKind, user_id: UserId) -> Self {
        Self { kind, user_id: Some(user_id), address: None, params: Params::default(), due: None }
    }
}

impl Outbox {
    pub(crate) fn new(journal: Journal) -> Self {
        Self { journal, bell: Arc::new(Notify::new()) }
    }

    pub(crate) const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Writes the rows and rings.
    pub(crate) async fn want(&self, mails: &[Wanted]) -> Result<(), sqlx::Error> {
        insert(self.journal.pool(), mails).await?;
        self.ring();
        Ok(())
    }

    /// The same, in place of what waits for the same user and purpose.
    pub(crate) async fn want_instead(&self, user_id: UserId, mails: &[Wanted]) -> Result<(), sqlx::Error> {
        let mut transaction = self.journal.pool().begin().await?;
        sqlx::query("delete from outbox where user_id = $1 and kind = any($2)")
            .bind(user_id.0)
            .bind(mails.iter().map(|mail| mail.kind.as_str()).collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await?;
        insert(&mut *transaction, mails).await?;
        transaction.commit().await?;
        self.ring();
        Ok(())
    }

    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }

    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Some of what is due, for this process alone for a while.
    pub(super) async fn take(&self, at_most: i64) -> Result<Vec<Taken>, sqlx::Error> {
        let rows = sqlx::query(
            "update outbox set due_at = clock_timestamp() + make_interval(secs => $2), attempts = attempts + 1 \
              where id in (select id from outbox where due_at <= clock_timestamp() \
                            order by due_at limit $1 for update skip locked) \
              returning id, kind, user_id, address, params::text as params, attempts, \
                        (extract(epoch from created_at) * 1000000)::bigint as created_at, \
                        extract(epoch from clock_timestamp() - created_at)::float8 as age",
        )
        .bind(at_most)
        .bind(TAKEN_FOR.as_secs_f64())
        .fetch_all(self.journal.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let params: &str = row.try_get("params")?;
                Ok(Taken {
                    id: row.try_get("id")?,
                    kind: row.try_get("kind")?,
                    user_id: row.try_get::<Option<Uuid>, _>("user_id")?.map(UserId),
                    address: row.try_get("address")?,
                    params: serde_json::from_str(params)
                        .map_err(|error| sqlx::Error::Decode(error.into()))?,
                    attempts: row.try_get("attempts")?,
                    created_at: row.try_get("created_at")?,
                    age: Duration::try_from_secs_f64(row.try_get("age")?).unwrap_or_default(),
                })
            })
            .collect()
    }

    pub(super) async fn remove(&self, id: i64) -> Result<(), sqlx::Error> {
        sqlx::query("delete from outbox where id = $1")
            .bind(id)
            .execute(self.journal.pool())
            .await
            .map(|_| ())
    }

    pub(super) async fn put_back(&self, id: i64, pause: Duration, reason: &str) -> Result<(), sqlx::Error> {
        sqlx::query(
            "update outbox set due_at = clock_timestamp() + make_interval(secs => $2), last_error = $3 where id = $1",
        )
        .bind(id)
        .bind(pause.as_secs_f64())
        .bind(reason)
        .execute(self.journal.pool())
        .await
        .map(|_| ())
    }
}

pub(super) async fn insert(conn: impl PgExecutor<'_>, mails: &[Wanted]) -> Result<(), sqlx::Error> {
    let all =
        |params: &Params| serde_json::to_string(params).map_err(|error| sqlx::Error::Encode(error.into()));
    let params: Vec<String> = mails.iter().map(|mail| all(&mail.params)).collect::<Result<_, _>>()?;
    // What is to leave later counts from then, or it would be given up the first time it does not.
    sqlx::query(
        "insert into outbox (kind, user_id, address, params, created_at, due_at) \
         select kind, user_id, address, params::json, coalesce(due, clock_timestamp()), \
                coalesce(due, clock_timestamp()) \
           from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) \
                as x (kind, user_id, address, params, due)",
    )
    .bind(mails.iter().map(|mail| mail.kind.as_str()).collect::<Vec<_>>())
    .bind(mails.iter().map(|mail| mail.user_id.map(|id| id.0)).collect::<Vec<_>>())
    .bind(mails.iter().map(|mail| mail.address.clone()).collect::<Vec<_>>())
    .bind(params)
    .bind(mails.iter().map(|mail| mail.due.map(Timestamp::to_datetime)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    for mail in mails {
        count(mail.kind.as_str(), "wanted");
    }
    Ok(())
}

/// One more mail that came this far.
pub(super) fn count(kind: &str, outcome: &'static str) {
    metrics::counter!("counterfoil_mails_total", "kind" => kind.to_owned(), "outcome" => outcome)
        .increment(1);
}
