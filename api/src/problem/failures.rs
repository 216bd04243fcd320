//! The one place where what the write side declines, or what broke there, becomes a problem.

use super::{Code, FieldCode, FieldError, Problem, settings};
use crate::input::Check;
use crate::output::RenderError;
use commands::vault::VaultError;
use commands::{Failure, Refusal};
use domain::trading::{BookError, SessionRefusal};
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
            Failure::TooManyAttempts { retry_after } => {
                Self::of(Code::TooManyAttempts).retry_after(retry_after)
            }
            Failure::InvalidRefreshToken => Self::of(Code::InvalidRefreshToken),
            Failure::RefreshTokenReused { .. } => Self::new(
                Code::RefreshTokenReused,
                "two hold this token, so the login session was ended: sign in again",
            ),
            Failure::InvalidMailToken => Self::of(Code::InvalidMailToken),
            Failure::UnfitPassword(refusal) => {
                let mut check = Check::default();
                check.flaw("/new_password", refusal.into());
                check.into_problem()
            }
            Failure::KeyReused => Self::of(Code::KeyReused),
            Failure::CaptureIdReused => Self::of(Code::CaptureIdReused),
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
            Refusal::Session(refusal) => Self::from(refusal),
            Refusal::Defaults(refusal) => Self::from(refusal),
            Refusal::TooManySessions => Self::of(Code::TooManyTradingSessions),
            Refusal::SessionConflict => Self::of(Code::SessionConflict),
            Refusal::CredentialsMissing => Self::of(Code::CredentialsMissing),
            Refusal::SessionActive => Self::of(Code::TradingSessionActive),
            Refusal::EmailTaken => Self::of(Code::EmailTaken),
            Refusal::UsernameTaken => Self::of(Code::UsernameTaken),
            Refusal::MailTokenUsed => Self::of(Code::InvalidMailToken),
            Refusal::WalletNotEmpty { wallet_id } => {
                Self::of(Code::WalletNotEmpty).fact("wallet_id", wallet_id.to_string())
            }
            Refusal::WalletExists => Self::of(Code::WalletExists),
            Refusal::SameWallet => Self::of(Code::SameWallet),
            Refusal::RecipientNotFound => Self::of(Code::RecipientNotFound),
            Refusal::TransactionNotFound => Self::of(Code::TransactionNotFound),
            Refusal::NotReversible { .. } => Self::new(Code::NotReversible, refusal.to_string()),
            Refusal::AlreadyReversed => Self::of(Code::AlreadyReversed),
            Refusal::OutOfBounds { available } => Self::new(Code::BalanceBounds, refusal.to_string())
                .fact("available_after", available.to_string()),
            Refusal::InBatch { index, refusal } => Self::from(*refusal).in_batch(index),
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
            UserRefusal::EmailChanged => Self::of(Code::InvalidMailToken),
            UserRefusal::KeyNotFound => Self::of(Code::ApiKeyNotFound),
            UserRefusal::TooManyKeys { max } => Self::of(Code::TooManyApiKeys).fact("max", max),
            UserRefusal::KeyRotated => Self::of(Code::ApiKeyRotated),
            UserRefusal::ScopeNotAllowed { .. } => {
                let detail = refusal.to_string().into();
                Self::validation(vec![FieldError {
                    pointer: "/scopes".into(),
                    code: FieldCode::OneOf,
                    detail,
                }])
            }
            UserRefusal::NoCredentials => Self::of(Code::CredentialsNotFound),
            UserRefusal::StalePreferences { expected, actual } => {
                Self::new(Code::VersionMismatch, refusal.to_string())
                    .fact("expected", expected)
                    .fact("actual", actual)
            }
            UserRefusal::CapitalTooFine { .. } => bad_capital(FieldCode::TooManyDecimals, &refusal),
            UserRefusal::CapitalTooLarge { .. } => bad_capital(FieldCode::TooLarge, &refusal),
            UserRefusal::SettingsForbidden { barred } => settings::forbidden(barred),
            UserRefusal::SettingsInvalid { flaws } => settings::invalid(flaws),
            UserRefusal::StaleSettings { expected, actual } => settings::stale(expected, actual),
            UserRefusal::NoSuchSettings { version } => {
                Self::of(Code::SettingsVersionNotFound).fact("version", version)
            }
            UserRefusal::PresetNotFound => Self::of(Code::PresetNotFound),
            UserRefusal::PresetExists => Self::of(Code::PresetExists),
            UserRefusal::TooManyPresets { max } => Self::of(Code::TooManyPresets).fact("max", max),
        }
    }
}

/// The one value that is not known to be valid before it meets the others.
fn bad_capital(code: FieldCode, refusal: &UserRefusal) -> Problem {
    let detail = refusal.to_string().into();
    Problem::validation(vec![FieldError { pointer: "/default_capital".into(), code, detail }])
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
            WalletRefusal::TooManyHolds => Self::new(Code::TooManyHolds, detail),
            WalletRefusal::HoldNotFound => Self::of(Code::HoldNotFound),
            WalletRefusal::HoldEnded { hold_id } => {
                Self::new(Code::HoldEnded, detail).fact("hold_id", hold_id.to_string())
            }
            WalletRefusal::HoldExpired { hold_id, expires_at } => Self::new(Code::HoldExpired, detail)
                .fact("hold_id", hold_id.to_string())
                .fact("expires_at", expires_at.to_string()),
            WalletRefusal::HeldByTradingSession { hold_id, trading_session } => {
                Self::new(Code::HoldOfTradingSession, detail)
                    .fact("hold_id", hold_id.to_string())
                    .fact("trading_session_id", trading_session.to_string())
            }
            WalletRefusal::CaptureTooLarge { remaining, requested } => {
                Self::new(Code::CaptureTooLarge, detail)
                    .fact("remaining", remaining.to_string())
                    .fact("requested", requested.to_string())
            }
            WalletRefusal::AmendBelowCaptured { captured, requested } => {
                Self::new(Code::AmendBelowCaptured, detail)
                    .fact("captured", captured.to_string())
                    .fact("requested", requested.to_string())
            }
            WalletRefusal::NotEmpty { posted, held } => Self::new(Code::WalletNotEmpty, detail)
                .fact("posted", posted.to_string())
                .fact("held", held.to_string()),
        }
    }
}

impl From<SessionRefusal> for Problem {
    fn from(refusal: SessionRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            SessionRefusal::NotFound => Self::of(Code::TradingSessionNotFound),
            SessionRefusal::AlreadyStarted => Self::new(Code::AlreadyExists, detail),
            SessionRefusal::WrongState { state } => {
                Self::new(Code::WrongSessionState, detail).fact("state", state.as_str())
            }
            SessionRefusal::RunUnderWay { run_id } => {
                Self::new(Code::RunUnderWay, detail).fact("run_id", run_id.to_string())
            }
            SessionRefusal::InsufficientCash { available, requested } => {
                Self::new(Code::InsufficientCash, detail)
                    .fact("available", available.to_string())
                    .fact("requested", requested.to_string())
            }
            SessionRefusal::Book(BookError::Unpriced { .. }) => Self::new(Code::MarketUnavailable, detail),
            // Between a session and its worker, and nobody else.
            SessionRefusal::Book(_)
            | SessionRefusal::NoSuchRun
            | SessionRefusal::NothingDue
            | SessionRefusal::Fenced { .. } => Self::internal(&detail),
        }
    }
}

/// The beginnings of the codes with which PostgreSQL says that it is not there, not whole, or not able: a connection
/// broke, resources are missing, an operator stepped in.
const AWAY: [&str; 3] = ["08", "53", "57"];

/// What is over by itself may be asked again; the rest is our own mistake.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| AWAY.iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}

impl From<&sqlx::Error> for Problem {
    fn from(error: &sqlx::Error) -> Self {
        if is_away(error) {
            Self::new(Code::Unavailable, "the database does not answer").because(error)
        } else {
            Self::internal(error)
        }
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        match &error {
            JournalError::Postgres(error) => error.into(),
            _ => Self::internal(&error),
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match &error {
            VaultError::Postgres(error) => error.into(),
            _ => Self::internal(&error),
        }
    }
}

impl From<RenderError> for Problem {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Vault(error) => error.into(),
            RenderError::Unreadable(error) => Self::internal(&error),
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
    fn only_a_database_that_is_away_may_be_asked_again() {
        let code = |error: sqlx::Error| Problem::from(JournalError::Postgres(error)).code();
        assert_eq!(code(sqlx::Error::PoolTimedOut), Code::Unavailable);
        assert_eq!(code(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()), Code::Unavailable);
        assert_eq!(code(sqlx::Error::RowNotFound), Code::InternalError);
        assert_eq!(code(sqlx::Error::ColumnNotFound("position".to_owned())), Code::InternalError);
        let vault = |error: sqlx::Error| Problem::from(VaultError::from(error)).code();
        assert_eq!(vault(sqlx::Error::PoolTimedOut), Code::Unavailable);
        assert_eq!(vault(sqlx::Error::RowNotFound), Code::InternalError);
    }

    #[test]
    fn a_changed_password_looks_like_a_wrong_one() {
        let changed = Problem::from(UserRefusal::PasswordChanged);
        assert_eq!(changed.code(), Problem::from(Failure::InvalidCredentials).code());
    }
}
