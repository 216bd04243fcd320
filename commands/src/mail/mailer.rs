//! The mailer: follows the journal, and wants the mails that its events call for.
//!
//! Correct because the rows of the outbox and the mailer's position are written in one transaction, and the position moves
//! by compare-and-set and only to an event that the journal in the same database holds: each event calls for its mails
//! once, however many nodes follow and however often it is delivered. A new journal is followed from its beginning; one
//! that had events before there was a mailer, from its end (`migrations/0015_outbox.sql`).
//!
//! A key's reminder is wanted with the key and due a week before it expires, so nobody has to look for keys that do. It
//! goes when the key is revoked or gets another expiry; whether it is still true is looked up when it leaves.

use super::kind::{MailKind, Params};
use super::outbox::{Outbox, Wanted, insert};
use crate::Commands;
use crate::vault::{SealedAt, Vault, VaultError};
use domain::trading::SessionEvent;
use domain::user::{User, UserEvent};
use domain::{ApiKeyId, Decide, Event, SealedIn, Timestamp, UserId};
use journal::subscription::{Feed, Handled, Subscriber, SubscriberError, Subscription};
use journal::{Journal, JournalError, Recorded};
use sqlx::PgConnection;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const NAME: &str = "mailer";
/// How long before a key expires its owner is told: time to put another one everywhere. Who asked for a key of less than
/// that has not forgotten.
const REMINDED_BEFORE: Duration = Duration::from_hours(7 * 24);

#[derive(Debug)]
pub struct Mailer {
    outbox: Outbox,
    journal: Journal,
    vault: Vault,
}

#[derive(Debug, thiserror::Error)]
enum MailerError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Unreadable(#[from] domain::UnreadableEvent),
}

/// What a batch of events calls for.
#[derive(Default)]
struct Called {
    mails: Vec<Wanted>,
    /// Whose mails are to go, wherever they came from.
    erased: Vec<Uuid>,
    /// The keys whose reminders of before are not true any more.
    outdated: Vec<ApiKeyId>,
}

impl Called {
    fn remind(&mut self, user_id: UserId, key_id: ApiKeyId, expires_at: Timestamp, now: Timestamp) {
        if expires_at.since(now) <= REMINDED_BEFORE {
            return;
        }
        let params = Params { api_key: Some(key_id), at: Some(expires_at), ..Params::default() };
        let due = Some(now.plus(expires_at.since(now).saturating_sub(REMINDED_BEFORE)));
        self.mails.push(Wanted { params, due, ..Wanted::of(MailKind::ApiKeyExpires, user_id) });
    }

    fn forget_reminder(&mut self, key_id: ApiKeyId) {
        self.mails.retain(|mail| mail.params.api_key != Some(key_id));
        self.outdated.push(key_id);
    }

    fn is_nothing(&self) -> bool {
        self.mails.is_empty() && self.erased.is_empty() && self.outdated.is_empty()
    }
}

impl Mailer {
    fn new(commands: &Commands) -> Self {
        Self {
            outbox: commands.outbox().clone(),
            journal: commands.journal().clone(),
            vault: commands.vault().clone(),
        }
    }

    /// Follows a feed.
    pub fn follow(commands: &Commands, feed: Feed) -> Subscription<Self> {
        Subscription::new(Self::new(commands), feed)
    }

    async fn call(&self, events: &[Arc<Recorded>]) -> Result<Called, MailerError> {
        let mut called = Called::default();
        for recorded in events.iter().filter(|recorded| calls(&recorded.event_type)) {
            let user_id = recorded.owner;
            let at = recorded.recorded_at;
            let tells = |kind| {
                let params = Params { at: Some(at), ..Params::default() };
                vec![Wanted { params, ..Wanted::of(kind, user_id) }]
            };
            let event = match recorded.event()? {
                Event::User(event) => event,
                Event::TradingSession(
                    SessionEvent::TradingSessionHalted(_) | SessionEvent::OrderOutcomeUnbookable(_),
                ) => {
                    called.mails.extend(tells(MailKind::SessionHalted));
                    continue;
                }
                _ => continue,
            };
            let wanted = match event {
                UserEvent::UserRegistered { .. } => vec![verification(user_id, 1)],
                UserEvent::RefreshTokenReused { .. } => tells(MailKind::TokenReused),
                UserEvent::PasswordChanged { .. } => tells(MailKind::PasswordChanged),
                UserEvent::ApiKeyCreated { key_id, expires_at, .. } => {
                    called.mails.extend(tells(MailKind::ApiKeyCreated));
                    called.remind(user_id, key_id, expires_at, at);
                    continue;
                }
                UserEvent::ApiKeyChanged { key_id, change, .. } => {
                    if let Some(expires_at) = change.expires_at {
                        called.forget_reminder(key_id);
                        called.remind(user_id, key_id, expires_at, at);
                    }
                    continue;
                }
                UserEvent::ApiKeyRevoked { key_id, .. } => {
                    called.forget_reminder(key_id);
                    continue;
                }
                UserEvent::ProfileChanged { email: Some(_), .. } => self.moved(user_id, recorded).await?,
                UserEvent::UserErased { .. } => {
                    called.erased.push(user_id.0);
                    continue;
                }
                _ => continue,
            };
            called.mails.extend(wanted);
        }
        Ok(called)
    }

    /// Of an address that took another's place: word to the one before, and proof from the new one. None for who is erased
    /// meanwhile.
    async fn moved(&self, user_id: UserId, recorded: &Recorded) -> Result<Vec<Wanted>, MailerError> {
        let history = self.journal.read_aggregate(recorded.aggregate, 0, recorded.sequence - 1).await?;
        let mut before = User::default();
        for earlier in history {
            if let Event::User(event) = earlier.event()? {
                before.evolve(&event);
            }
        }
        let Some(person) = before.person() else { return Ok(Vec::new()) };
        let SealedIn { value: sealed, event_type } = &person.email;
        let opened =
            self.vault.open_many(&[SealedAt { user_id, event_type, field: "email", sealed }]).await?;
        let Some(address) = opened.into_iter().next().flatten() else { return Ok(Vec::new()) };
        let notice = Wanted {
            address: Some(address),
            params: Params { at: Some(recorded.recorded_at), ..Params::default() },
            ..Wanted::of(MailKind::EmailChanged, user_id)
        };
        Ok(vec![notice, verification(user_id, person.email_version + 1)])
    }

    async fn write(&self, after: i64, last: &Recorded, called: &Called) -> Result<bool, sqlx::Error> {
        if called.is_nothing() {
            // Nothing is lost with this: it need not wait for the disk.
            let mut conn = self.journal.pool().acquire().await?;
            return advance(&mut conn, after, last, "off").await;
        }
        let mut transaction = self.journal.pool().begin().await?;
        if !advance(&mut transaction, after, last, "on").await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        if !called.outdated.is_empty() {
            // Before those of this batch, which are newer.
            sqlx::query("delete from outbox where kind = $1 and params ->> 'api_key' = any($2)")
                .bind(MailKind::ApiKeyExpires.as_str())
                .bind(called.outdated.iter().map(ToString::to_string).collect::<Vec<_>>())
                .execute(&mut *transaction)
                .await?;
        }
        insert(&mut *transaction, &called.mails).await?;
        if !called.erased.is_empty() {
            sqlx::query("delete from outbox where user_id = any($1)")
                .bind(&called.erased)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.outbox.ring();
        Ok(true)
    }

    async fn recorded_position(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("select position from mailer_checkpoint").fetch_one(self.journal.pool()).await
    }
}

/// Of the address that somebody then had.
fn verification(user_id: UserId, email_version: u64) -> Wanted {
    let params = Params { email_version: Some(email_version), ..Params::default() };
    Wanted { params, ..Wanted::of(MailKind::VerifyEmail, user_id) }
}

/// Most events call for nothing, and are not even read.
fn calls(event_type: &str) -> bool {
    matches!(
        event_type,
        "UserRegistered"
            | "RefreshTokenReused"
            | "PasswordChanged"
            | "ProfileChanged"
            | "ApiKeyCreated"
            | "ApiKeyChanged"
            | "ApiKeyRevoked"
            | "UserErased"
            | "TradingSessionHalted"
            | "OrderOutcomeUnbookable"
    )
}

async fn advance(
    conn: &mut PgConnection,
    from: i64,
    to: &Recorded,
    synchronous: &str,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(
        "update mailer_checkpoint set position = $1 \
          where position = $2 and exists (select from events where position = $1 and event_id = $3) \
            and set_config('synchronous_commit', $4, true) is not null",
    )
    .bind(to.position)
    .bind(from)
    .bind(to.event_id)
    .bind(synchronous)
    .execute(conn)
    .await?;
    Ok(moved.rows_affected() == 1)
}

impl Subscriber for Mailer {
    fn name(&self) -> &str {
        NAME
    }

    async fn position(&mut self) -> Result<i64, SubscriberError> {
        self.recorded_position().await.map_err(SubscriberError::new)
    }

    fn wants(&self, event: &Recorded) -> bool {
        calls(&event.event_type)
    }

    async fn handle(&mut self, after: i64, events: &[Arc<Recorded>]) -> Result<Handled, SubscriberError> {
        let Some(last) = events.last() else { return Ok(Handled::Recorded) };
        let called = self.call(events).await.map_err(SubscriberError::new)?;
        if self.write(after, last, &called).await.map_err(SubscriberError::new)? {
            return Ok(Handled::Recorded);
        }
        let at = self.recorded_position().await.map_err(SubscriberError::new)?;
        Ok(if at == after { Handled::Foreign } else { Handled::Overtaken { at } })
    }
}
