//! What comes back from a command.

use crate::Refusal;
use crate::password::{HashError, PasswordRefusal};
use crate::vault::VaultError;
use domain::LoginSessionId;
use domain::trading::TradingSession;
use domain::user::User;
use journal::{JournalError, Recorded};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// An accepted command: its events, durable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    /// Wait for it on a query to see every effect: the last event's, or the head if there was nothing left to do.
    pub position: i64,
    /// Nothing to be written down twice: they stand in the journal.
    #[serde(skip)]
    pub events: Vec<Arc<Recorded>>,
    /// The user as the command left it, where it was about one.
    pub user: Option<Box<User>>,
    /// Of that user.
    pub user_version: i64,
    /// The trading session as the command left it, where it was about one.
    pub session: Option<Box<TradingSession>>,
    /// Of that session.
    pub session_version: i64,
    /// True if the key had been used for the same request before: nothing happened now.
    pub replayed: bool,
}

impl Done {
    /// An acceptance that is about nobody yet.
    pub(crate) const fn of(position: i64, events: Vec<Arc<Recorded>>) -> Self {
        Self {
            position,
            events,
            user: None,
            user_version: 0,
            session: None,
            session_version: 0,
            replayed: false,
        }
    }
}

/// A command without effect, or of unknown effect.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    #[error("{refusal}")]
    Refused { refusal: Refusal, position: i64, replayed: bool },
    /// Wrong name or wrong password: never said which.
    #[error("the credentials are not right")]
    InvalidCredentials,
    /// So many wrong ones in a row that even the right password has to wait.
    #[error("too many failed sign-ins in a row")]
    TooManyAttempts { retry_after: Duration },
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    /// Two hold the token: the login session was ended.
    #[error("the refresh token was used before; the login session has been ended")]
    RefreshTokenReused { session_id: LoginSessionId },
    /// Unknown, used, replaced by a newer one, or expired: never said which.
    #[error("the token is not valid")]
    InvalidMailToken,
    #[error("the new password {0}")]
    UnfitPassword(PasswordRefusal),
    #[error("the key was used for another request")]
    KeyReused,
    #[error("the capture id was used for another capture of the hold")]
    CaptureIdReused,
    #[error("a request with this key is being processed")]
    InFlight,
    /// Nothing happened; come again.
    #[error("{reason}")]
    Unavailable { reason: Hindrance, retry_after: Duration },
    /// It may have happened: ask by the key.
    #[error("it is unknown whether the command took effect")]
    OutcomeUnknown,
    /// The database declines what this command writes. Nothing happened, and nothing will.
    #[error("the command could not be recorded")]
    Unrecordable,
    #[error("something broke inside: {0}")]
    Internal(String),
}

/// Why nothing can be done for a command now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    #[error("too many commands are waiting")]
    TooManyCommands,
    #[error("too many passwords are being checked")]
    TooManyPasswords,
    #[error("the command waited too long to be decided")]
    WaitedTooLong,
    #[error("the account could not be loaded")]
    NotLoaded,
    #[error("the database cannot be reached")]
    DatabaseAway,
    #[error("the database cannot write now")]
    CannotWrite,
    #[error("this node does not lead any more")]
    LeadLost,
    #[error("no node leads at the moment, or another does")]
    NobodyLeads,
    #[error("no node that leads took the command: nothing happened")]
    NobodyTookIt,
    #[error("the node that leads cannot take commands now")]
    LeaderCannot,
    #[error("nobody writes at the moment: it cannot be told yet")]
    NobodyWrites,
    #[error("writing is halted: the journal and the stream differ")]
    WritingHalted,
}

pub type Outcome = Result<Done, Failure>;

impl From<HashError> for Failure {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded => Self::unavailable(Hindrance::TooManyPasswords),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<JournalError> for Failure {
    /// Before anything was decided: the database could not be asked, or said what cannot be.
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Postgres(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) => {
                Self::Internal(error.to_string())
            }
            JournalError::Postgres(_) => Self::unavailable(Hindrance::DatabaseAway),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Postgres(error) => JournalError::Postgres(error).into(),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl Failure {
    pub(crate) const fn unavailable(reason: Hindrance) -> Self {
        Self::Unavailable { reason, retry_after: Duration::from_secs(1) }
    }
}
