//! Where mails leave the house: by SMTP, or into files where there is no server for it.

use super::kind::MailKind;
use async_trait::async_trait;
use lettre::Message;

/// A mail, ready to leave.
#[derive(Debug)]
pub struct Parcel {
    pub kind: MailKind,
    /// Its own for ever: the same mail tried again has the same.
    pub number: i64,
    pub message: Message,
}

/// Why a mail did not leave, in words that name nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PostError(pub String);

#[async_trait]
pub trait Post: Send + Sync + std::fmt::Debug {
    /// Whoever answers well has it for good.
    async fn send(&self, parcel: &Parcel) -> Result<(), PostError>;
}
