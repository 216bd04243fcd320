//! The one place where what the write side declines, or what broke there, becomes a problem.

use super::{Code, Problem};
use commands::{Failure, Refusal};
use domain::user::UserRefusal;
use domain::wallet::WalletRefusal;
use journal::JournalError;
use projections::QueryError;

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { refusal, position, replayed } => {
                Self::from(refusal).at_position(position).replayed(replayed)
            }
            Failure::InvalidCredentials => Self::of(Code::InvalidCredentials),
            Failure::InvalidRefreshToken => Self::of(Code::InvalidRefreshToken),
            Failure::RefreshTokenReused { .. } => Self::new(
                Code::RefreshTokenReused,
                "two hold this token, so the login session was ended: sign in again",
            ),
            Failure::KeyReused => Self::of(Code::KeyReused),
            Failure::InFlight => Self::of(Code::InFlight),
            Failure::Unavailable { reason, retry_after } => {
                Self::new(Code::Unavailable, reason).because(&reason).retry_after(retry_after)
            }
            Failure::OutcomeUnknown => Self::new(
                Code::OutcomeUnknown,
                "ask GET /commands/{key} with the same key, or send the same request with the same key again",
            ),
            Failure::Unrecordable => {
                Self::of(Code::Unrecordable).because(&"the database declines what it would write")
            }
            Failure::Internal(cause) => Self::internal(&cause),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::User(refusal) => Self::from(refusal),
            Refusal::Wallet(refusal) => Self::from(refusal),
            Refusal::EmailTaken => Self::of(Code::EmailTaken),
            Refusal::UsernameTaken => Self::of(Code::UsernameTaken),
            Refusal::StaleVersion { expected, actual } => {
                Self::new(Code::VersionMismatch, format!("version {expected} was expected, it is {actual}"))
                    .fact("expected", expected)
                    .fact("actual", actual)
            }
        }
    }
}

impl From<UserRefusal> for Problem {
    fn from(refusal: UserRefusal) -> Self {
        match refusal {
            UserRefusal::NotFound => Self::of(Code::UserNotFound),
            UserRefusal::AlreadyRegistered => Self::of(Code::AlreadyExists),
            UserRefusal::Suspended => Self::of(Code::UserSuspended),
            // The password that was right a moment ago is not any more.
            UserRefusal::PasswordChanged => Self::of(Code::InvalidCredentials),
            UserRefusal::SessionEnded => Self::of(Code::SessionEnded),
        }
    }
}

impl From<WalletRefusal> for Problem {
    fn from(refusal: WalletRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            WalletRefusal::NotFound => Self::of(Code::WalletNotFound),
            WalletRefusal::AlreadyOpen => Self::new(Code::AlreadyExists, detail),
            WalletRefusal::InsufficientFunds { available, requested } => {
                Self::new(Code::InsufficientFunds, detail)
                    .fact("available", available.to_string())
                    .fact("requested", requested.to_string())
            }
            WalletRefusal::WrongCurrency { wallet, requested } => Self::new(Code::WrongCurrency, detail)
                .fact("currency", wallet.code())
                .fact("requested", requested.code()),
            WalletRefusal::Frozen => Self::new(Code::WalletFrozen, detail),
            WalletRefusal::Closed => Self::new(Code::WalletClosed, detail),
            WalletRefusal::BalanceTooLarge => Self::new(Code::BalanceTooLarge, detail),
        }
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        match &error {
            JournalError::Postgres(_) => {
                Self::new(Code::Unavailable, "the database does not answer").because(&error)
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let detail = error.to_string();
        match error {
            QueryError::Journal(error) => error.into(),
            QueryError::ProjectionFailed { name, reason } => {
                Self::new(Code::ProjectionFailed, detail).fact("projection", name).because(&reason)
            }
            QueryError::ProjectionBehind { name, position, lag } => Self::new(Code::ProjectionBehind, detail)
                .fact("projection", name)
                .fact("position", position)
                .fact("lag", lag)
                .because(&"waited in vain"),
            QueryError::BeyondHead { asked, head } => {
                Self::new(Code::PositionBeyondHead, detail).fact("asked", asked).fact("head", head)
            }
            QueryError::TooManyWaiting => {
                Self::new(Code::Unavailable, detail).because(&"too many queries wait")
            }
            QueryError::BadCursor => {
                Self::new(Code::InvalidCursor, "send back a next_cursor as it was given")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Currency, Money};

    #[test]
    fn a_refusal_carries_its_facts() {
        let usd = |minor| Money::from_minor(minor, Currency::USD).unwrap();
        let refusal =
            Refusal::Wallet(WalletRefusal::InsufficientFunds { available: usd(100), requested: usd(250) });
        let problem = Problem::from(Failure::Refused { refusal, position: 9, replayed: true });
        let mut headers = axum::http::HeaderMap::new();
        let body: serde_json::Value = serde_json::from_slice(&problem.write(&mut headers, "r")).unwrap();
        assert_eq!(body["status"], 422);
        assert_eq!((&body["available"], &body["requested"]), (&"1.00".into(), &"2.50".into()));
        assert_eq!(headers["counterfoil-position"], "9");
        assert_eq!(headers["idempotency-replayed"], "true");
    }

    #[test]
    fn a_changed_password_looks_like_a_wrong_one() {
        let changed = Problem::from(UserRefusal::PasswordChanged);
        assert_eq!(changed.code(), Problem::from(Failure::InvalidCredentials).code());
    }
}
