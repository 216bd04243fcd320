//! Credentials for exchanges: left here once, never shown again, and taken out only by who trades with them.
//!
//! They stand sealed in `secrets`, under the data key of their user, bound to the user and the exchange: a row that is
//! moved to another user or another exchange does not open. The event of it holds how the key begins and ends, sealed too.

use crate::envelope::Beside;
use crate::vault::SealedAt;
use crate::{Commands, Context, Failure, NewSecret, Outcome, RequestKey, SecretKind};
use async_trait::async_trait;
use domain::user::{CredentialsHeld, Exchange, UserCommand};
use domain::{Sealed, Timestamp, UserId};
use journal::JournalError;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Where they are sealed; the exchange stands for the field.
const PLACE: &str = "ExchangeCredentials";
/// Shown of each end of a key: enough to tell one's own keys apart.
const HINT: usize = 4;

/// What an exchange knows somebody by.
#[derive(Clone)]
pub struct ExchangeCredentials {
    pub key: SecretString,
    /// Nothing, where the key is all there is.
    pub secret: Option<SecretString>,
}

impl fmt::Debug for ExchangeCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExchangeCredentials(…)")
    }
}

/// What an exchange says of credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    pub verified: bool,
    pub permissions: Vec<String>,
}

/// Asks an exchange whether credentials are good, and for what.
#[async_trait]
pub trait VerifyCredentials: Send + Sync {
    async fn verify(&self, exchange: Exchange, credentials: &ExchangeCredentials) -> Verification;
}

/// Asks nobody, and says so: nothing is verified.
#[derive(Clone, Copy, Debug)]
pub struct Unverified;

#[async_trait]
impl VerifyCredentials for Unverified {
    async fn verify(&self, _: Exchange, _: &ExchangeCredentials) -> Verification {
        Verification::default()
    }
}

/// As they are sealed.
#[derive(Serialize)]
struct Writing<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

/// As they are opened: both become secrets at once.
#[derive(Deserialize)]
struct Written {
    key: String,
    secret: Option<String>,
}

impl Commands {
    /// Takes the place of what was there for this exchange.
    pub async fn leave_credentials(
        &self,
        context: Context,
        user_id: UserId,
        exchange: Exchange,
        credentials: ExchangeCredentials,
        verifier: &dyn VerifyCredentials,
    ) -> Outcome {
        let (plain_key, secret) = (credentials.key.expose_secret(), credentials.secret.as_ref());
        let key = self.request_key(
            &context,
            &[
                b"leave_credentials",
                user_id.0.as_bytes(),
                exchange.as_str().as_bytes(),
                plain_key.as_bytes(),
                // No secret is empty, so nothing stands for none.
                secret.map_or("", ExposeSecret::expose_secret).as_bytes(),
            ],
        );
        // A repeat leaves nothing, so the exchange is not asked again either.
        let attempt = self.try_to_leave(&context, key, user_id, exchange, (&credentials, verifier));
        self.once(&context, self.answer_again(key, user_id), attempt).await
    }

    async fn try_to_leave(
        &self,
        context: &Context,
        key: Option<RequestKey>,
        user_id: UserId,
        exchange: Exchange,
        (credentials, verifier): (&ExchangeCredentials, &dyn VerifyCredentials),
    ) -> Outcome {
        let data_key = self.data_key_of(user_id).await?;
        let Verification { verified, permissions } = verifier.verify(exchange, credentials).await;
        let hint = key_hint(credentials.key.expose_secret());
        let key_hint =
            self.vault().seal(&data_key, user_id, "ExchangeCredentialsChanged", "key_hint", &hint)?;
        let written = written(credentials)?;
        let sealed = self.vault().seal(&data_key, user_id, PLACE, exchange.as_str(), &written)?;
        let command = UserCommand::ChangeCredentials {
            exchange,
            credentials: Some(CredentialsHeld { key_hint, verified, permissions }),
            at: Timestamp::default(),
        };
        let secret = NewSecret {
            kind: SecretKind::Exchange,
            name: exchange.as_str().to_owned(),
            version: 1,
            value: sealed.sealed.into_bytes(),
        };
        let beside = Beside { secrets: vec![secret], ..Beside::default() };
        self.change_user(context, key, user_id, command, beside).await
    }

    pub async fn remove_credentials(&self, context: Context, user_id: UserId, exchange: Exchange) -> Outcome {
        let parts = [b"remove_credentials".as_slice(), user_id.0.as_bytes(), exchange.as_str().as_bytes()];
        let key = self.request_key(&context, &parts);
        let command =
            UserCommand::ChangeCredentials { exchange, credentials: None, at: Timestamp::default() };
        let dropped = vec![(SecretKind::Exchange, exchange.as_str().to_owned())];
        self.change_user(&context, key, user_id, command, Beside { dropped, ..Beside::default() }).await
    }

    /// For who trades with them, and for nobody else; every use stands in the log, with what it is for.
    pub async fn exchange_credentials(
        &self,
        user_id: UserId,
        exchange: Exchange,
        purpose: &'static str,
    ) -> Result<Option<ExchangeCredentials>, Failure> {
        let stored: Option<Vec<u8>> =
            sqlx::query_scalar("select value from secrets where owner = $1 and kind = $2 and name = $3")
                .bind(user_id.0)
                .bind(SecretKind::Exchange.as_str())
                .bind(exchange.as_str())
                .fetch_optional(self.journal().pool())
                .await
                .map_err(JournalError::Postgres)?;
        let Some(stored) = stored else { return Ok(None) };
        let unreadable = || Failure::Internal("stored credentials cannot be read".to_owned());
        let sealed = Sealed::new(String::from_utf8(stored).map_err(|_| unreadable())?);
        let place = SealedAt { user_id, event_type: PLACE, field: exchange.as_str(), sealed: &sealed };
        let opened = self.vault().open_many(&[place]).await?.pop().flatten().map(Zeroizing::new);
        tracing::info!(event = "exchange_credentials_used", user_id = %user_id, exchange = %exchange, purpose);
        // Whoever is erased has none.
        let Some(opened) = opened else { return Ok(None) };
        // serde's own words would quote what they stumble over.
        let Written { key, secret } = serde_json::from_str(&opened).map_err(|_| unreadable())?;
        Ok(Some(ExchangeCredentials { key: key.into(), secret: secret.map(SecretString::from) }))
    }
}

fn written(credentials: &ExchangeCredentials) -> Result<Zeroizing<String>, Failure> {
    let secret = credentials.secret.as_ref().map(ExposeSecret::expose_secret);
    let json = serde_json::to_string(&Writing { key: credentials.key.expose_secret(), secret });
    json.map(Zeroizing::new).map_err(|_| Failure::Internal("credentials cannot be written".to_owned()))
}

/// How a key begins and ends; of a short one less, so that most of it stays unsaid.
fn key_hint(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    let shown = HINT.min(characters.len() / 4);
    let (begin, end) = (characters.iter().take(shown), characters.iter().skip(characters.len() - shown));
    begin.chain(&['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_shows_both_ends_and_never_most_of_a_key() {
        assert_eq!(key_hint("abcd0123456789wxyz"), "abcd…wxyz");
        assert_eq!(key_hint("abcdefghijkl"), "abc…jkl");
        assert_eq!(key_hint("abc"), "…");
        assert_eq!(key_hint(""), "…");
    }

    #[test]
    fn credentials_are_not_printed() {
        let credentials = ExchangeCredentials { key: "canary".into(), secret: Some("canary".into()) };
        assert!(!format!("{credentials:?}").contains("canary"));
    }

    #[test]
    fn what_is_sealed_reads_back() {
        for secret in [None, Some("s3cr\"et".into())] {
            let credentials = ExchangeCredentials { key: "key".into(), secret };
            let Written { key, secret } = serde_json::from_str(&written(&credentials).unwrap()).unwrap();
            assert_eq!(key, "key");
            assert_eq!(secret.as_deref(), credentials.secret.as_ref().map(ExposeSecret::expose_secret));
        }
    }
}
