//! The one place where what the write side declines, or what broke there, becomes a problem.

use super::{Code, Detail, Flaw, Problem, settings};
use crate::output::RenderError;
use commands::vault::VaultError;
use commands::{Failure, Hindrance, Irreversible, Refusal};
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
            Failure::RefreshTokenReused { .. } => Self::new(Detail::TokenHeldTwice),
            Failure::InvalidMailToken => Self::of(Code::InvalidMailToken),
            Failure::UnfitPassword(refusal) => Self::flaw("/new_password", refusal.into()),
            Failure::KeyReused => Self::of(Code::KeyReused),
            Failure::CaptureIdReused => Self::of(Code::CaptureIdReused),
            Failure::InFlight => Self::of(Code::InFlight),
            Failure::Unavailable { reason, retry_after } => {
                Self::new(reason.into()).because(&reason).retry_after(retry_after)
            }
            Failure::OutcomeUnknown => Self::new(Detail::AskByKey),
            Failure::Unrecordable => {
                Self::of(Code::Unrecordable).because(&"the database declines what it would write")
            }
            Failure::Internal(cause) => Self::internal(&cause),
        }
    }
}

impl From<Hindrance> for Detail {
    fn from(hindrance: Hindrance) -> Self {
        match hindrance {
            Hindrance::TooManyCommands => Self::TooManyCommands,
            Hindrance::TooManyPasswords => Self::TooManyPasswords,
            Hindrance::WaitedTooLong => Self::WaitedTooLong,
            Hindrance::NotLoaded => Self::NotLoaded,
            Hindrance::DatabaseAway => Self::DatabaseAway,
            Hindrance::CannotWrite => Self::CannotWrite,
            Hindrance::LeadLost => Self::LeadLost,
            Hindrance::NobodyLeads => Self::NobodyLeads,
            Hindrance::NobodyTookIt => Self::NobodyTookIt,
            Hindrance::LeaderCannot => Self::LeaderCannot,
            Hindrance::NobodyWrites => Self::NobodyWrites,
            Hindrance::WritingHalted => Self::WritingHalted,
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
            Refusal::NotReversible { transaction, reason } => Self::new(match reason {
                Irreversible::NotCaptured => Detail::NotCaptured { transaction },
                Irreversible::NotEnded => Detail::NotEnded { transaction },
                Irreversible::IsAReversal => Detail::IsAReversal { transaction },
            }),
            Refusal::AlreadyReversed => Self::of(Code::AlreadyReversed),
            Refusal::OutOfBounds { available } => {
                Self::new(Detail::OutOfBounds { available }).fact("available_after", available.to_string())
            }
            Refusal::InBatch { index, refusal } => Self::from(*refusal).in_batch(index),
            Refusal::StaleVersion { expected, actual } => {
                Self::new(Detail::OtherVersion { expected, actual })
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
            UserRefusal::ScopeNotAllowed { scope } => Self::flaw("/scopes", Flaw::ScopeOfServices { scope }),
            UserRefusal::NoCredentials => Self::of(Code::CredentialsNotFound),
            UserRefusal::StalePreferences { expected, actual } => {
                Self::new(Detail::OtherPreferences { expected, actual })
                    .fact("expected", expected)
                    .fact("actual", actual)
            }
            // The one value that is not known to be valid before it meets the others.
            UserRefusal::CapitalTooFine { currency } => {
                Self::flaw("/default_capital", Flaw::FinerThan { currency })
            }
            UserRefusal::CapitalTooLarge { currency } => {
                Self::flaw("/default_capital", Flaw::LargerThan { currency })
            }
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

impl From<WalletRefusal> for Problem {
    fn from(refusal: WalletRefusal) -> Self {
        match refusal {
            WalletRefusal::NotFound => Self::of(Code::WalletNotFound),
            WalletRefusal::AlreadyOpen => Self::new(Detail::WalletAlreadyOpen),
            WalletRefusal::InsufficientFunds { available, requested } => {
                Self::new(Detail::InsufficientFunds { available, requested })
                    .fact("available", available.to_string())
                    .fact("requested", requested.to_string())
            }
            WalletRefusal::WrongCurrency { wallet, requested } => {
                Self::new(Detail::WrongCurrency { wallet, requested })
                    .fact("currency", wallet.code())
                    .fact("requested", requested.code())
            }
            WalletRefusal::Frozen => Self::new(Detail::WalletFrozen),
            WalletRefusal::Closed => Self::new(Detail::WalletClosed),
            WalletRefusal::BalanceTooLarge => Self::new(Detail::BalanceTooLarge),
            WalletRefusal::TooManyHolds => Self::new(Detail::TooManyHolds),
            WalletRefusal::HoldNotFound => Self::of(Code::HoldNotFound),
            WalletRefusal::HoldEnded { hold_id } => {
                Self::new(Detail::HoldNotActive { hold_id }).fact("hold_id", hold_id.to_string())
            }
            WalletRefusal::HoldExpired { hold_id, expires_at } => {
                Self::new(Detail::HoldExpired { hold_id, expires_at })
                    .fact("hold_id", hold_id.to_string())
                    .fact("expires_at", expires_at.to_string())
            }
            WalletRefusal::HeldByTradingSession { hold_id, trading_session } => {
                Self::new(Detail::HoldOfSession { hold_id, trading_session })
                    .fact("hold_id", hold_id.to_string())
                    .fact("trading_session_id", trading_session.to_string())
            }
            WalletRefusal::CaptureTooLarge { remaining, requested } => {
                Self::new(Detail::CaptureTooLarge { remaining, requested })
                    .fact("remaining", remaining.to_string())
                    .fact("requested", requested.to_string())
            }
            WalletRefusal::AmendBelowCaptured { captured, requested } => {
                Self::new(Detail::AmendBelowCaptured { captured, requested })
                    .fact("captured", captured.to_string())
                    .fact("requested", requested.to_string())
            }
            WalletRefusal::NotEmpty { posted, held } => Self::new(Detail::StillHolds { posted, held })
                .fact("posted", posted.to_string())
                .fact("held", held.to_string()),
        }
    }
}

impl From<SessionRefusal> for Problem {
    fn from(refusal: SessionRefusal) -> Self {
        match refusal {
            SessionRefusal::NotFound => Self::of(Code::TradingSessionNotFound),
            SessionRefusal::AlreadyStarted => Self::new(Detail::SessionAlreadyStarted),
            SessionRefusal::WrongState { state } => {
                Self::new(Detail::SessionIs { state }).fact("state", state.as_str())
            }
            SessionRefusal::RunUnderWay { run_id } => {
                Self::new(Detail::RunUnderWay { run_id }).fact("run_id", run_id.to_string())
            }
            SessionRefusal::InsufficientCash { available, requested } => {
                Self::new(Detail::InsufficientCash { available, requested })
                    .fact("available", available.to_string())
                    .fact("requested", requested.to_string())
            }
            SessionRefusal::Book(BookError::Unpriced { asset }) => Self::new(Detail::NoPrice { asset }),
            SessionRefusal::Book(BookError::TooLarge) => Self::new(Detail::SessionTooLarge),
            // Between a session and its worker, and nobody else.
            SessionRefusal::Book(_)
            | SessionRefusal::NoSuchRun
            | SessionRefusal::NothingDue
            | SessionRefusal::Fenced { .. } => Self::internal(&refusal),
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
        if is_away(error) { Self::new(Detail::DatabaseSilent).because(error) } else { Self::internal(error) }
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
        match error {
            QueryError::Journal(error) => error.into(),
            QueryError::ProjectionFailed { name, reason } => {
                Self::new(Detail::Stopped { name }).fact("projection", name).because(&reason)
            }
            QueryError::ProjectionBehind { name, position, lag } => {
                Self::new(Detail::Behind { name, position, lag })
                    .fact("projection", name)
                    .fact("position", position)
                    .fact("lag", lag)
                    .because(&"waited in vain")
            }
            QueryError::BeyondHead { asked, head } => {
                Self::new(Detail::BeyondHead { asked, head }).fact("asked", asked).fact("head", head)
            }
            QueryError::TooManyWaiting => Self::new(Detail::TooManyWaiting).because(&"too many queries wait"),
            QueryError::BadCursor => Self::new(Detail::ForeignCursor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Language;
    use commands::password::PasswordRefusal;
    use domain::trading::{SessionState, TargetsError};
    use domain::user::preferences::{ShareError, UnknownTimezone};
    use domain::{
        Currency, CurrencyError, EntryId, Money, MoneyError, TextError, Timestamp, TradingSessionId, WalletId,
    };
    use std::time::Duration;
    use uuid::Uuid;

    #[test]
    fn a_refusal_carries_its_facts() {
        let usd = |minor| Money::from_minor(minor, Currency::USD).unwrap();
        let refusal =
            Refusal::Wallet(WalletRefusal::InsufficientFunds { available: usd(100), requested: usd(250) });
        let problem = Problem::from(Failure::Refused { refusal, position: 9, replayed: true });
        let mut headers = axum::http::HeaderMap::new();
        let body: serde_json::Value =
            serde_json::from_slice(&problem.write(&mut headers, "r", Language::English)).unwrap();
        assert_eq!(body["status"], 422);
        assert_eq!((&body["available"], &body["requested"]), (&"1.00".into(), &"2.50".into()));
        assert_eq!(headers["counterfoil-position"], "9");
        assert_eq!(headers["idempotency-replayed"], "true");
    }

    fn told(problem: &Problem, language: Language) -> String {
        let body = problem.write(&mut axum::http::HeaderMap::new(), "r", language);
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        body["detail"].as_str().unwrap().to_owned()
    }

    #[test]
    fn in_english_a_refusal_reads_as_the_domain_says_it() {
        let usd = |minor| Money::from_minor(minor, Currency::USD).unwrap();
        let hold_id = EntryId { wallet: WalletId(Uuid::from_u128(1)), sequence: 7 };
        let expires_at = Timestamp::from(time::OffsetDateTime::UNIX_EPOCH);
        let decimal = rust_decimal::Decimal::new(1234, 2);
        for refusal in [
            WalletRefusal::InsufficientFunds { available: usd(100), requested: usd(250) },
            WalletRefusal::WrongCurrency { wallet: Currency::USD, requested: Currency::USDT },
            WalletRefusal::AlreadyOpen,
            WalletRefusal::Frozen,
            WalletRefusal::Closed,
            WalletRefusal::BalanceTooLarge,
            WalletRefusal::TooManyHolds,
            WalletRefusal::HoldEnded { hold_id },
            WalletRefusal::HoldExpired { hold_id, expires_at },
            WalletRefusal::HeldByTradingSession { hold_id, trading_session: TradingSessionId(Uuid::nil()) },
            WalletRefusal::CaptureTooLarge { remaining: usd(1), requested: usd(2) },
            WalletRefusal::AmendBelowCaptured { captured: usd(2), requested: usd(1) },
            WalletRefusal::NotEmpty { posted: usd(2), held: usd(1) },
        ] {
            let said = refusal.to_string();
            assert_eq!(told(&refusal.into(), Language::English), said);
        }
        for refusal in [
            SessionRefusal::AlreadyStarted,
            SessionRefusal::WrongState { state: SessionState::Paused },
            SessionRefusal::RunUnderWay { run_id: Uuid::nil() },
            SessionRefusal::InsufficientCash { available: decimal, requested: decimal },
            SessionRefusal::Book(BookError::Unpriced { asset: Currency::USDT }),
        ] {
            let said = refusal.to_string();
            assert_eq!(told(&refusal.into(), Language::English), said);
        }
        for reason in [Irreversible::NotCaptured, Irreversible::NotEnded, Irreversible::IsAReversal] {
            let refusal = Refusal::NotReversible { transaction: hold_id, reason };
            let said = refusal.to_string();
            assert_eq!(told(&refusal.into(), Language::English), said);
        }
        for refusal in [
            Refusal::OutOfBounds { available: usd(1) },
            Refusal::StaleVersion { expected: 1, actual: 2 },
            UserRefusal::StalePreferences { expected: 1, actual: 2 }.into(),
        ] {
            let said = refusal.to_string();
            assert_eq!(told(&refusal.into(), Language::English), said);
        }
    }

    #[test]
    fn in_english_a_hindrance_reads_as_it_is_logged() {
        for reason in [
            Hindrance::TooManyCommands,
            Hindrance::TooManyPasswords,
            Hindrance::WaitedTooLong,
            Hindrance::NotLoaded,
            Hindrance::DatabaseAway,
            Hindrance::CannotWrite,
            Hindrance::LeadLost,
            Hindrance::NobodyLeads,
            Hindrance::NobodyTookIt,
            Hindrance::LeaderCannot,
            Hindrance::NobodyWrites,
            Hindrance::WritingHalted,
        ] {
            let problem = Problem::from(Failure::Unavailable { reason, retry_after: Duration::ZERO });
            assert_eq!(told(&problem, Language::English), reason.to_string());
            assert_ne!(told(&problem, Language::Ukrainian), reason.to_string());
        }
    }

    #[test]
    fn in_english_a_flaw_reads_as_the_domain_says_it() {
        fn same<E: std::fmt::Display + Into<Flaw>>(error: E) {
            let said = error.to_string();
            assert_eq!(error.into().said(Language::English).to_string(), said);
        }
        let currency = Currency::USD;
        same(TextError::Empty);
        same(TextError::TooShort { min: 3 });
        same(TextError::TooLong { max: 64 });
        same(TextError::ControlCharacter);
        same(TextError::NotAUsername);
        same(TextError::NotAnEmail);
        same(CurrencyError::Unknown);
        same(MoneyError::NotADecimal);
        same(MoneyError::TooManyDigits);
        same(MoneyError::TooManyDecimals { currency, scale: 2 });
        same(MoneyError::NotPositive);
        same(MoneyError::TooLarge);
        same(PasswordRefusal::TooShort);
        same(PasswordRefusal::TooLong);
        same(PasswordRefusal::TooCommon);
        same(PasswordRefusal::ContextWord);
        same(ShareError::NotADecimal);
        same(ShareError::TooManyDecimals);
        same(ShareError::OutOfRange);
        same(UnknownTimezone);
        same(TargetsError::Empty);
        same(TargetsError::TooMany);
        same(TargetsError::NotAShare);
        same(TargetsError::NotOne { sum: rust_decimal::Decimal::TWO });
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
