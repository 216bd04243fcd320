//! What the write side declines, with the facts. A refusal is an answer, not a failure: it is remembered under its key.

use domain::settings_defaults::DefaultsRefusal;
use domain::trading::SessionRefusal;
use domain::user::UserRefusal;
use domain::wallet::WalletRefusal;
use domain::{EntryId, Money, WalletId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Refusal {
    #[error(transparent)]
    User(UserRefusal),
    #[error(transparent)]
    Wallet(WalletRefusal),
    #[error(transparent)]
    Session(SessionRefusal),
    #[error(transparent)]
    Defaults(DefaultsRefusal),
    #[error("the e-mail address is registered already")]
    EmailTaken,
    #[error("the username is taken")]
    UsernameTaken,
    /// What a user declined, in the words of who shows a token: it has done its work, or can never do it.
    #[error("the token is not valid")]
    MailTokenUsed,
    #[error("a wallet still holds money")]
    WalletNotEmpty { wallet_id: WalletId },
    #[error("the user has a wallet in this currency already")]
    WalletExists,
    #[error("a transfer needs two wallets")]
    SameWallet,
    #[error("the recipient has no such wallet")]
    RecipientNotFound,
    #[error("there is no such transaction")]
    TransactionNotFound,
    #[error("the transaction {transaction} cannot be reversed: {reason}")]
    NotReversible { transaction: EntryId, reason: Irreversible },
    #[error("the transaction was reversed already")]
    AlreadyReversed,
    #[error("{available} would be available afterwards, which is out of the bounds that were asked for")]
    OutOfBounds { available: Money },
    #[error("there are as many sessions on paper as there may be")]
    TooManySessions,
    #[error("another live session trades on this account")]
    SessionConflict,
    #[error("there are no credentials for this exchange")]
    CredentialsMissing,
    #[error("a trading session has not stopped")]
    SessionActive,
    /// Nothing of the batch happened, because of this one.
    #[error("command {index} of the batch: {refusal}")]
    InBatch { index: usize, refusal: Box<Refusal> },
    /// `If-Match` named another version.
    #[error("version {expected} was expected, it is {actual}")]
    StaleVersion { expected: i64, actual: i64 },
}

/// Why a transaction stays as it is. Refusals are kept: the names here are those of all that were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Irreversible {
    #[serde(rename = "the hold was not captured")]
    #[error("the hold was not captured")]
    NotCaptured,
    #[serde(rename = "the hold has not ended yet")]
    #[error("the hold has not ended yet")]
    NotEnded,
    #[serde(rename = "it is a reversal itself")]
    #[error("it is a reversal itself")]
    IsAReversal,
}

impl From<UserRefusal> for Refusal {
    fn from(refusal: UserRefusal) -> Self {
        Self::User(refusal)
    }
}

impl From<SessionRefusal> for Refusal {
    fn from(refusal: SessionRefusal) -> Self {
        Self::Session(refusal)
    }
}

impl From<DefaultsRefusal> for Refusal {
    fn from(refusal: DefaultsRefusal) -> Self {
        Self::Defaults(refusal)
    }
}

impl From<WalletRefusal> for Refusal {
    fn from(refusal: WalletRefusal) -> Self {
        Self::Wallet(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_was_kept_is_still_read() {
        let transaction = r#""11111111-1111-4111-8111-111111111111.2""#;
        for reason in [Irreversible::NotCaptured, Irreversible::NotEnded, Irreversible::IsAReversal] {
            let kept =
                format!(r#"{{"of":"not_reversible","transaction":{transaction},"reason":"{reason}"}}"#);
            let refusal: Refusal = serde_json::from_str(&kept).unwrap();
            assert!(matches!(&refusal, Refusal::NotReversible { reason: read, .. } if *read == reason));
            assert_eq!(serde_json::to_string(&refusal).unwrap(), kept);
        }
    }
}
