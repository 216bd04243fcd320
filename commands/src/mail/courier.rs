//! Takes mails out of the outbox, writes them, and sees that they leave.
//!
//! A mail is written at the last moment, about the user as they are then: to their present address, in their language,
//! and not at all if it is not wanted any more. What does not leave is tried again, ever more slowly, for a day.

use super::held::{self, IssueError, Issued, Subject};
use super::kind::{MailKind, Params};
use super::letter::{self, Facts, Letter};
use super::outbox::{Outbox, TAKEN_FOR, Taken, count};
use super::post::{Parcel, Post, PostError};
use super::token::{MailToken, Purpose};
use crate::vault::{SealedAt, Vault, VaultError};
use crate::{ClaimKind, Clock, Commands};
use domain::user::{Person, User, UserStatus};
use domain::{SealedIn, Timestamp, UserId, Zone};
use futures::future::join_all;
use journal::{Journal, JournalError};
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Mails under way at once: they share how long a row is taken for.
const AT_ONCE: i64 = 8;
/// How often the outbox is looked into for what nobody rang for: other nodes' mails, and what is due again.
const POLL: Duration = Duration::from_secs(1);
/// What writing and sending one takes at most, with a margin: SMTP gives up after a minute.
const POSTED_WITHIN: Duration = Duration::from_secs(70);
/// How long after it was taken a mail may still be begun.
const BEGINS_WITHIN: Duration = TAKEN_FOR.saturating_sub(POSTED_WITHIN);
const PAUSE_FIRST: Duration = Duration::from_secs(5);
const PAUSE_LAST: Duration = Duration::from_hours(1);
/// A mail that did not leave for so long says what nobody waits for any more.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(24);
/// How long mails that are under way may take when everything stops; what takes longer is sent again after the start.
const STOPS_WITHIN: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct CourierOptions {
    pub from: Mailbox,
    /// Where links lead: scheme, host and perhaps a path. Never taken from a request.
    pub public_url: String,
}

#[derive(Debug)]
pub struct Courier {
    outbox: Outbox,
    journal: Journal,
    vault: Vault,
    clock: Clock,
    post: Box<dyn Post>,
    options: CourierOptions,
}

/// What became of one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Sent,
    /// There is nobody, or no reason, to send it to.
    Unwanted,
    Failed(String),
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    #[error("vault: {0}")]
    Vault(#[from] VaultError),
    #[error("token: {0}")]
    Issue(#[from] IssueError),
    #[error("the address cannot be written to")]
    Address,
    #[error("the mail cannot be written")]
    Unwritable,
    #[error(transparent)]
    Post(#[from] PostError),
}

/// To whom and what.
struct Addressed {
    to: String,
    letter: Letter,
}

impl Courier {
    pub fn new(commands: &Commands, post: Box<dyn Post>, options: CourierOptions) -> Self {
        Self {
            outbox: commands.outbox().clone(),
            journal: commands.journal().clone(),
            vault: commands.vault().clone(),
            clock: commands.options().clock.clone(),
            post,
            options,
        }
    }

    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let given_up = async {
                stop.cancelled().await;
                sleep(STOPS_WITHIN).await;
            };
            let tried = tokio::select! {
                tried = self.run_once() => tried,
                () = given_up => return,
            };
            let idle = match tried {
                Ok(taken) => taken == 0,
                Err(error) => {
                    tracing::warn!(component = "mail", event = "outbox_unreachable", error_message = %error);
                    true
                }
            };
            if idle {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.outbox.rung() => {}
                    () = sleep(POLL) => {}
                }
            }
        }
    }

    /// Sends what is due, some of it, and says how many mails were tried.
    pub async fn run_once(&self) -> Result<usize, sqlx::Error> {
        let began = Instant::now();
        let taken = self.outbox.take(AT_ONCE).await?;
        let count = taken.len();
        // Those of one person one after the other: the last one to arrive is the one whose token is good.
        let mut of_each: BTreeMap<_, Vec<Taken>> = BTreeMap::new();
        for mail in taken {
            of_each.entry((mail.user_id.map(|id| id.0), mail.params.claim)).or_default().push(mail);
        }
        let settled = join_all(of_each.into_values().map(|mails| self.settle_all(began, mails))).await;
        settled.into_iter().collect::<Result<(), sqlx::Error>>()?;
        Ok(count)
    }

    async fn settle_all(&self, began: Instant, mut mails: Vec<Taken>) -> Result<(), sqlx::Error> {
        mails.sort_unstable_by_key(|mail| mail.id);
        for mail in &mails {
            // Too late to be sure that nobody else takes it: then somebody does.
            if began.elapsed() > BEGINS_WITHIN {
                break;
            }
            self.settle(mail).await?;
        }
        Ok(())
    }

    async fn settle(&self, mail: &Taken) -> Result<(), sqlx::Error> {
        let fate = match self.deliver(mail).await {
            Ok(fate) => fate,
            Err(trouble) => Fate::Failed(trouble.to_string()),
        };
        let reason = match fate {
            Fate::Sent => {
                count(&mail.kind, "sent");
                tracing::info!(
                    event = "mail_sent",
                    kind = mail.kind,
                    mail = mail.id,
                    user_id = user_id(mail)
                );
                return self.outbox.remove(mail.id).await;
            }
            Fate::Unwanted => {
                count(&mail.kind, "unwanted");
                return self.outbox.remove(mail.id).await;
            }
            Fate::Failed(reason) => reason,
        };
        if mail.age >= GIVEN_UP_AFTER {
            count(&mail.kind, "given_up");
            tracing::error!(
                event = "mail_given_up",
                kind = mail.kind,
                mail = mail.id,
                user_id = user_id(mail),
                error_message = reason
            );
            return self.outbox.remove(mail.id).await;
        }
        count(&mail.kind, "failed");
        let pause = pause_after(mail.attempts);
        tracing::warn!(
            event = "mail_failed",
            kind = mail.kind,
            mail = mail.id,
            attempts = mail.attempts,
            retry_in_s = pause.as_secs(),
            error_message = reason
        );
        self.outbox.put_back(mail.id, pause, &reason).await
    }

    async fn deliver(&self, mail: &Taken) -> Result<Fate, Trouble> {
        let Some(kind) = MailKind::parse(&mail.kind) else { return Err(Trouble::Unwritable) };
        let Some(user_id) = self.whose(mail).await? else { return Ok(Fate::Unwanted) };
        let mut loaded = self.journal.load::<User>(&[user_id.0]).await?;
        let user = loaded.remove(&user_id.0).unwrap_or_default().state;
        let is_true =
            kind != MailKind::ApiKeyExpires || expires_as_said(&user, &mail.params, self.clock.now());
        let Some(person) = user.person().filter(|person| is_true && is_wanted(kind, mail, person)) else {
            return Ok(Fate::Unwanted);
        };
        let Some(addressed) = self.write(kind, mail, person).await? else { return Ok(Fate::Unwanted) };
        let message = self.compose(mail, &addressed)?;
        self.post.send(&Parcel { kind, number: mail.id, message }).await?;
        Ok(Fate::Sent)
    }

    /// Whom it is for. An address may be nobody's.
    async fn whose(&self, mail: &Taken) -> Result<Option<UserId>, Trouble> {
        let Some(claim) = mail.params.claim else { return Ok(mail.user_id) };
        let owner = sqlx::query_scalar::<_, Uuid>("select owner from claims where kind = $1 and digest = $2")
            .bind(ClaimKind::Email.as_str())
            .bind(claim)
            .fetch_optional(self.journal.pool())
            .await
            .map_err(JournalError::Postgres)?;
        Ok(owner.map(UserId))
    }

    async fn write(
        &self,
        kind: MailKind,
        mail: &Taken,
        person: &Person,
    ) -> Result<Option<Addressed>, Trouble> {
        let user_id = person.user_id;
        let at = |field: &'static str, SealedIn { value, event_type }: &'_ SealedIn| {
            (field, value.clone(), event_type.clone())
        };
        let fields = [at("username", &person.username), at("email", &person.email)];
        let sealed = fields.each_ref().map(|(field, sealed, event_type)| SealedAt {
            user_id,
            event_type,
            field,
            sealed,
        });
        let mut opened = self.vault.open_many(&sealed).await?.into_iter().flatten();
        let (Some(username), Some(email)) = (opened.next(), opened.next()) else { return Ok(None) };
        let token = match purpose_of(kind) {
            Some(purpose) => match self.issue(purpose, mail, person).await? {
                Some(token) => Some(token),
                None => return Ok(None),
            },
            None => None,
        };
        let facts = Facts {
            username: &username,
            public_url: &self.options.public_url,
            token: token.as_ref(),
            at: mail.params.at,
            zone: Zone::named(&person.preferences.timezone).unwrap_or_default(),
            api_key: mail.params.api_key,
        };
        let letter = letter::write(kind, person.preferences.locale, &facts);
        Ok(Some(Addressed { to: mail.address.clone().unwrap_or(email), letter }))
    }

    /// Makes the mail's token, and keeps what it is about beside its digest.
    async fn issue(
        &self,
        purpose: Purpose,
        mail: &Taken,
        person: &Person,
    ) -> Result<Option<MailToken>, Trouble> {
        let user_id = person.user_id;
        let email = match &mail.address {
            None => None,
            Some(address) => {
                let Some(key) = self.vault.user_key(user_id).await? else { return Ok(None) };
                // Where it will stand, if it is proved.
                Some(self.vault.seal(&key, user_id, "ProfileChanged", "email", address)?)
            }
        };
        let version = match purpose {
            Purpose::Verify => person.email_version,
            Purpose::Reset => person.password_version,
        };
        let subject = Subject { user_id, purpose, version, email_version: person.email_version, email };
        match held::issue(&self.outbox, mail.id, subject, self.clock.now()).await? {
            Issued::Token(token) => Ok(Some(token)),
            Issued::Capped | Issued::Gone => Ok(None),
        }
    }

    fn compose(&self, mail: &Taken, addressed: &Addressed) -> Result<Message, Trouble> {
        let to = addressed.to.parse().map_err(|_| Trouble::Address)?;
        // Every attempt has the same name, so that a mail that arrived twice can be told.
        let host = self.options.from.email.domain();
        let name = format!("<{}.{}@{host}>", mail.id, mail.created_at);
        let mut message = Message::builder()
            .message_id(Some(name))
            .from(self.options.from.clone())
            .to(Mailbox::new(None, to))
            .subject(addressed.letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(body_of(&addressed.letter.text))
            .map_err(|_| Trouble::Unwritable)?;
        // Nobody's holiday greets it (RFC 3834).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
        Ok(message)
    }
}

/// ASCII as it is, so that a link stays in one piece and a file can be read; lines are far shorter than a mail allows.
/// Anything else is encoded, because not every server takes it plain.
fn body_of(text: &str) -> Body {
    if !text.is_ascii() {
        return Body::new(text.to_owned());
    }
    let bytes = text.replace('\n', "\r\n").into_bytes();
    Body::dangerous_pre_encoded(bytes, ContentTransferEncoding::SevenBit)
}

fn is_wanted(kind: MailKind, mail: &Taken, person: &Person) -> bool {
    let is_stale = mail.params.email_version.is_some_and(|version| match kind {
        MailKind::VerifyEmail | MailKind::VerifyNewEmail => version != person.email_version,
        _ => false,
    });
    let may_act = match person.status {
        UserStatus::Active => true,
        UserStatus::Suspended => !kind.needs_active_account(),
        UserStatus::Erased => false,
    };
    let is_disturbing = kind.is_notification() && !person.preferences.notifications;
    let is_proved = kind == MailKind::VerifyEmail && person.email_verified;
    may_act && !is_stale && !is_disturbing && !is_proved
}

/// Whether a key still is going to expire when a reminder says it does.
fn expires_as_said(user: &User, said: &Params, now: Timestamp) -> bool {
    let key = user.api_keys().iter().find(|key| Some(key.key_id) == said.api_key);
    key.is_some_and(|key| Some(key.expires_at) == said.at && now < key.expires_at)
}

const fn purpose_of(kind: MailKind) -> Option<Purpose> {
    match kind {
        MailKind::VerifyEmail | MailKind::VerifyNewEmail => Some(Purpose::Verify),
        MailKind::ResetPassword => Some(Purpose::Reset),
        _ => None,
    }
}

/// Twice as long each time.
fn pause_after(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(doublings)).min(PAUSE_LAST)
}

fn user_id(mail: &Taken) -> Option<String> {
    mail.user_id.map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_that_does_not_leave_is_tried_ever_more_slowly() {
        assert_eq!(pause_after(1), Duration::from_secs(5));
        assert_eq!(pause_after(2), Duration::from_secs(10));
        assert_eq!(pause_after(5), Duration::from_secs(80));
        assert_eq!(pause_after(40), PAUSE_LAST);
        assert_eq!(pause_after(i32::MAX), PAUSE_LAST);
    }
}
