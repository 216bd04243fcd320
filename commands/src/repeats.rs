//! Repeats: a request is known by its key, and answered as it was the first time.
//!
//! Mostly the sequencer finds out, when a key is to be written that is written already. Here is what has to find out sooner,
//! because a repeat could not even be prepared: its token is used up by the first attempt, its password is not the
//! present one any more, somebody outside would be asked again. What was asked is compared by keyed digests; passwords
//! go into them as hashes that are as hard to guess from as those that are kept.

use crate::{Commands, Context, Failure, Outcome, RequestKey, lookup};
use domain::{AggregateKind, AggregateRef, UserId};
use journal::JournalError;
use secrecy::SecretString;
use std::future::Future;

impl Commands {
    /// The digests of a key and of the request it came with. The request is what was understood of it, not its bytes:
    /// a repeat may be spelled differently.
    pub(crate) fn request_key(&self, context: &Context, request: &[&[u8]]) -> Option<RequestKey> {
        let key = context.key.as_ref()?;
        let version = context.expected_version.unwrap_or(-1).to_be_bytes();
        let parts: Vec<&[u8]> = request.iter().copied().chain([version.as_slice()]).collect();
        Some(RequestKey {
            key: self.vault().request_key(context.principal.key_scope(), key),
            fingerprint: self.vault().fingerprint(&parts),
        })
    }

    /// A repeat of a request has to be known as the same request, password and all, and nothing may be kept of the
    /// password that is easier to guess from than its hash. So the hash itself is compared: its salt follows from the
    /// key, which is used once. Without a key nothing is compared, and the salt is any.
    pub(crate) async fn hash_for(
        &self,
        context: &Context,
        password: SecretString,
    ) -> Result<String, Failure> {
        let Some(key) = &context.key else { return Ok(self.hasher().hash(password).await?) };
        let key = self.vault().request_key(context.principal.key_scope(), key);
        let salt = self.vault().fingerprint(&[b"password salt", key.as_bytes()]).into_bytes();
        Ok(self.hasher().hash_salted(password, salt).await?)
    }

    /// Makes the attempt, unless the key is known: then `again` is the answer. An attempt that stumbles may have met with
    /// what the first one did meanwhile, so the key is looked for once more.
    pub(crate) async fn once(
        &self,
        context: &Context,
        again: impl Future<Output = Outcome> + Send,
        attempt: impl Future<Output = Outcome> + Send,
    ) -> Outcome {
        if self.is_known(context).await? {
            return again.await;
        }
        match attempt.await {
            // Said before anything was decided, so it stands under no key.
            Err(stumbled @ (Failure::InvalidMailToken | Failure::InvalidCredentials)) => {
                if self.is_known(context).await? { again.await } else { Err(stumbled) }
            }
            outcome => outcome,
        }
    }

    /// The answer of then, if it is the same request.
    pub(crate) async fn answer_again(&self, key: Option<RequestKey>, user_id: UserId) -> Outcome {
        let forgotten = || Failure::Internal("a key that was known is not any more".to_owned());
        let key = key.ok_or_else(forgotten)?;
        let subject = AggregateRef { kind: AggregateKind::User, id: user_id.0 };
        lookup::answer(self.journal(), key, Some(subject)).await?.ok_or_else(forgotten)?
    }

    /// Whether this request was decided before, whatever it was then.
    pub async fn is_known(&self, context: &Context) -> Result<bool, Failure> {
        Ok(self.known_after(context).await?.is_some())
    }

    /// The position that what was decided under this key was decided on; nothing, if nothing was.
    pub(crate) async fn known_after(&self, context: &Context) -> Result<Option<i64>, Failure> {
        let Some(key) = &context.key else { return Ok(None) };
        // That of its first event, or else where the journal ended then.
        let sql = "select position - (events > 0)::int from commands where key = $1";
        let found = sqlx::query_scalar(sql)
            .bind(self.vault().request_key(context.principal.key_scope(), key))
            .fetch_optional(self.journal().pool())
            .await;
        Ok(found.map_err(JournalError::Postgres)?)
    }
}
