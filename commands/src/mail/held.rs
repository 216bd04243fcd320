//! What is kept of a token that was mailed: its digest, until when it is good, and what it is about. One of a purpose for
//! a user: the newest takes the place of the one before.
//!
//! Correct because a token is written while the mail's row in the outbox and the user's data key are held: an erasure
//! deletes both, so no token is left behind by a mail that was under way.

use super::outbox::Outbox;
use super::token::{MailToken, Purpose, TokenDigest};
use crate::SecretKind;
use domain::{Sealed, Timestamp, UserId};
use journal::Journal;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row};
use std::time::Duration;

/// Mails with a token to one user in [`CAP_PERIOD`]; more are wanted only to annoy them.
const CAP: usize = 5;
const CAP_PERIOD: Duration = Duration::from_hours(1);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    digest: TokenDigest,
    expires_at: Timestamp,
    /// Which of the user's addresses it was made under.
    pub(crate) email_version: u64,
    /// An address that is to become theirs, sealed as it will stand in its event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<Sealed>,
    /// The mails of late, for the cap.
    #[serde(default)]
    mailed: Vec<Mailed>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Mailed {
    /// The row of the outbox: one that is tried again is not another mail.
    row: i64,
    at: Timestamp,
}

/// What a token is to be about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) user_id: UserId,
    pub(super) purpose: Purpose,
    /// Of the address, or of the password: what the token is for must not have changed since.
    pub(super) version: u64,
    pub(super) email_version: u64,
    pub(super) email: Option<Sealed>,
}

#[derive(Debug)]
pub(super) enum Issued {
    Token(MailToken),
    /// So many were mailed already that this one is not.
    Capped,
    /// The row is gone, and most likely its user.
    Gone,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum IssueError {
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error("the operating system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    #[error("a token cannot be written down: {0}")]
    Unwritable(#[from] serde_json::Error),
}

impl Purpose {
    pub(crate) const fn secret(self) -> SecretKind {
        match self {
            Self::Verify => SecretKind::VerifyToken,
            Self::Reset => SecretKind::ResetToken,
        }
    }

    const fn good_for(self) -> Duration {
        match self {
            Self::Verify => Duration::from_hours(24),
            Self::Reset => Duration::from_mins(30),
        }
    }
}

/// Makes the token of a mail that is about to leave.
pub(super) async fn issue(
    outbox: &Outbox,
    row: i64,
    subject: Subject,
    now: Timestamp,
) -> Result<Issued, IssueError> {
    let mut transaction = outbox.journal().pool().begin().await?;
    let is_there = sqlx::query("select from outbox where id = $1 for update").bind(row);
    if is_there.fetch_optional(&mut *transaction).await?.is_none() {
        return Ok(Issued::Gone);
    }
    let (user_id, purpose) = (subject.user_id, subject.purpose);
    let lives = sqlx::query("select from secrets where owner = $1 and kind = $2 for share");
    let lives = lives.bind(user_id.0).bind(SecretKind::DataKey.as_str());
    if lives.fetch_optional(&mut *transaction).await?.is_none() {
        return Ok(Issued::Gone);
    }
    let before = read(&mut transaction, user_id, purpose).await?;
    let mut mailed = before.map(|(held, _)| held.mailed).unwrap_or_default();
    mailed.retain(|mail| mail.row != row && now.since(mail.at) < CAP_PERIOD);
    if mailed.len() >= CAP {
        return Ok(Issued::Capped);
    }
    mailed.push(Mailed { row, at: now });
    let token = MailToken::generate(user_id, purpose)?;
    let held = Held {
        digest: token.digest(),
        expires_at: now.plus(purpose.good_for()),
        email_version: subject.email_version,
        email: subject.email,
        mailed,
    };
    sqlx::query(
        "insert into secrets (owner, kind, name, version, value) values ($1, $2, '', $3, $4) \
         on conflict (owner, kind, name) do update set version = excluded.version, value = excluded.value",
    )
    .bind(user_id.0)
    .bind(purpose.secret().as_str())
    .bind(i64::try_from(subject.version).unwrap_or(i64::MAX))
    .bind(serde_json::to_vec(&held)?)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Issued::Token(token))
}

/// What a token stands for and its version, if it is the newest of its purpose and still good.
pub(crate) async fn redeem(
    journal: &Journal,
    token: &MailToken,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<(UserId, Held, u64)>, sqlx::Error> {
    let Some(user_id) = token.user_for(purpose) else { return Ok(None) };
    let mut conn = journal.pool().acquire().await?;
    let Some((held, version)) = read(&mut conn, user_id, purpose).await? else { return Ok(None) };
    let is_good = held.digest.is_of(token) && now < held.expires_at;
    Ok(is_good.then_some((user_id, held, version)))
}

/// Whether so many mails of a purpose have left for a user of late that no more do.
pub(crate) async fn is_capped(
    journal: &Journal,
    user_id: UserId,
    purpose: Purpose,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut conn = journal.pool().acquire().await?;
    let mailed = read(&mut conn, user_id, purpose).await?.map(|(held, _)| held.mailed).unwrap_or_default();
    Ok(mailed.iter().filter(|mail| now.since(mail.at) < CAP_PERIOD).count() >= CAP)
}

async fn read(
    conn: &mut PgConnection,
    user_id: UserId,
    purpose: Purpose,
) -> Result<Option<(Held, u64)>, sqlx::Error> {
    let row = sqlx::query("select version, value from secrets where owner = $1 and kind = $2 and name = ''")
        .bind(user_id.0)
        .bind(purpose.secret().as_str())
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let version: i64 = row.try_get("version")?;
    let value: &[u8] = row.try_get("value")?;
    let held = serde_json::from_slice(value).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some((held, u64::try_from(version).unwrap_or(0))))
}
