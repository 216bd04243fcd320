//! Every problem there is: code, status, title, and whether the same request may succeed later.
//!
//! The one table. A problem can only be made from a [`Code`], so no other code ever leaves the house; a frontend
//! switches on `code`, a person reads `title`.

use axum::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident: $status:ident, $code:literal, $title:literal $(, $retryable:ident)?;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Code {
            $($(#[$doc])* $name),+
        }

        impl Code {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),+];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// Whether the same request, sent again, may have another answer.
            pub(crate) const fn is_retryable(self) -> bool {
                match self { $(Self::$name => codes!(@retryable $($retryable)?)),+ }
            }
        }
    };
    (@retryable retryable) => { true };
    (@retryable) => { false };
}

codes! {
    BadRequest: BAD_REQUEST, "bad_request", "The request cannot be read";
    MalformedJson: BAD_REQUEST, "malformed_json", "The body is not JSON";
    InvalidQuery: BAD_REQUEST, "invalid_query", "The query string cannot be read";
    InvalidHeader: BAD_REQUEST, "invalid_header", "A header cannot be read";
    InvalidCursor: BAD_REQUEST, "invalid_cursor", "The cursor is not one of this list";
    MissingIdempotencyKey: BAD_REQUEST, "missing_idempotency_key", "An Idempotency-Key is required";
    InvalidIdempotencyKey: BAD_REQUEST, "invalid_idempotency_key", "The Idempotency-Key is not valid";

    MissingToken: UNAUTHORIZED, "missing_token", "Sign in first";
    InvalidToken: UNAUTHORIZED, "invalid_token", "The access token is not valid";
    TokenExpired: UNAUTHORIZED, "token_expired", "The access token has expired";
    SessionEnded: UNAUTHORIZED, "session_ended", "The login session has ended";
    InvalidCredentials: UNAUTHORIZED, "invalid_credentials", "Name or password is wrong";
    InvalidRefreshToken: UNAUTHORIZED, "invalid_refresh_token", "The refresh token is not valid";
    RefreshTokenReused: UNAUTHORIZED, "refresh_token_reused", "The refresh token was used before";

    InvalidApiKey: UNAUTHORIZED, "invalid_api_key", "The API key is not valid";
    InvalidMailToken: UNPROCESSABLE_ENTITY, "invalid_mail_token", "The link has been used or has expired";

    AdminRequired: FORBIDDEN, "admin_required", "Only an admin may do this";
    PersonRequired: FORBIDDEN, "person_required", "Keys may not do this: sign in";
    InsufficientScope: FORBIDDEN, "insufficient_scope", "The key lacks a scope";
    NetworkNotAllowed: FORBIDDEN, "network_not_allowed", "The key may not be used from here";
    DepositNotAllowed: FORBIDDEN, "deposit_not_allowed", "Owners may not deposit here";
    ReversalNotAllowed: FORBIDDEN, "reversal_not_allowed", "Only who received it may give it back";
    RecentLoginRequired: FORBIDDEN, "recent_login_required", "Sign in again, or send the password";
    SettingForbidden: FORBIDDEN, "setting_forbidden", "Some settings are not for users to set";
    UserSuspended: FORBIDDEN, "user_suspended", "The user is suspended";

    RouteNotFound: NOT_FOUND, "route_not_found", "There is no such route";
    UserNotFound: NOT_FOUND, "user_not_found", "There is no such user";
    WalletNotFound: NOT_FOUND, "wallet_not_found", "There is no such wallet";
    HoldNotFound: NOT_FOUND, "hold_not_found", "There is no such hold";
    TransactionNotFound: NOT_FOUND, "transaction_not_found", "There is no such transaction";
    SessionNotFound: NOT_FOUND, "session_not_found", "There is no such login session";
    ApiKeyNotFound: NOT_FOUND, "api_key_not_found", "There is no such API key";
    CredentialsNotFound: NOT_FOUND, "credentials_not_found", "There are no credentials for this exchange";
    PresetNotFound: NOT_FOUND, "preset_not_found", "There is no such preset";
    SettingsVersionNotFound: NOT_FOUND, "settings_version_not_found", "The settings never had this version";
    CommandNotFound: NOT_FOUND, "command_not_found", "No command with this key is known";

    MethodNotAllowed: METHOD_NOT_ALLOWED, "method_not_allowed", "The route does not take this method";
    RequestTimeout: REQUEST_TIMEOUT, "request_timeout", "The request did not arrive in time", retryable;

    EmailTaken: CONFLICT, "email_taken", "The e-mail address is registered already";
    UsernameTaken: CONFLICT, "username_taken", "The username is taken";
    AlreadyExists: CONFLICT, "already_exists", "It exists already";
    TooManyApiKeys: CONFLICT, "too_many_api_keys", "There are as many API keys as there may be";
    PresetExists: CONFLICT, "preset_exists", "There is a preset of this name already";
    TooManyPresets: CONFLICT, "too_many_presets", "There are as many presets as there may be";
    ApiKeyRotated: CONFLICT, "api_key_rotated", "The key was rotated by somebody else just now", retryable;
    WalletNotEmpty: CONFLICT, "wallet_not_empty", "A wallet still holds money";
    WalletFrozen: CONFLICT, "wallet_frozen", "The wallet is frozen";
    WalletClosed: CONFLICT, "wallet_closed", "The wallet is closed";
    WalletExists: CONFLICT, "wallet_exists", "The user has a wallet in this currency already";
    HoldEnded: CONFLICT, "hold_ended", "The hold has ended already";
    HoldOfTradingSession: CONFLICT, "hold_of_trading_session", "The hold belongs to a trading session and ends with it";
    TradingSessionNotFound: NOT_FOUND, "trading_session_not_found", "There is no such trading session";
    TradeNotFound: NOT_FOUND, "trade_not_found", "The session has no such trade";
    WrongSessionState: CONFLICT, "wrong_session_state", "The trading session is not in a state for this";
    RunUnderWay: CONFLICT, "run_under_way", "A run of the trading session is under way";
    TooManyTradingSessions: CONFLICT, "too_many_trading_sessions", "There are as many sessions on paper as there may be";
    SessionConflict: CONFLICT, "session_conflict", "Another live session trades on this account";
    CredentialsMissing: CONFLICT, "credentials_missing", "There are no credentials for this exchange";
    TradingSessionActive: CONFLICT, "trading_session_active", "A trading session has not stopped";
    MarketUnavailable: CONFLICT, "market_unavailable", "There are no prices for this now";
    HoldExpired: CONFLICT, "hold_expired", "The hold has expired";
    TooManyHolds: CONFLICT, "too_many_holds", "There are as many active holds as there may be";
    NotReversible: CONFLICT, "not_reversible", "The transaction cannot be reversed";
    AlreadyReversed: CONFLICT, "already_reversed", "The transaction was reversed already";
    InFlight: CONFLICT, "in_flight", "A request with this key is being processed", retryable;

    VersionMismatch: PRECONDITION_FAILED, "version_mismatch", "It has changed since it was read";
    BodyTooLarge: PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large";
    UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be JSON";

    ValidationFailed: UNPROCESSABLE_ENTITY, "validation_failed", "Some values are not valid";
    UnknownSetting: UNPROCESSABLE_ENTITY, "unknown_setting", "Some settings are not known";
    InsufficientFunds: UNPROCESSABLE_ENTITY, "insufficient_funds", "The wallet does not hold that much";
    InsufficientCash: UNPROCESSABLE_ENTITY, "insufficient_cash", "The session has not so much cash";
    WrongCurrency: UNPROCESSABLE_ENTITY, "wrong_currency", "The wallet holds another currency";
    BalanceTooLarge: UNPROCESSABLE_ENTITY, "balance_too_large", "A wallet cannot hold that much";
    SameWallet: UNPROCESSABLE_ENTITY, "same_wallet", "A transfer needs two wallets";
    RecipientNotFound: UNPROCESSABLE_ENTITY, "recipient_not_found", "The recipient has no such wallet";
    CaptureTooLarge: UNPROCESSABLE_ENTITY, "capture_too_large", "The hold does not hold that much";
    AmendBelowCaptured: UNPROCESSABLE_ENTITY, "amend_below_captured", "More is captured already";
    BalanceBounds: UNPROCESSABLE_ENTITY, "balance_bounds", "The balance would leave the bounds that were asked for";
    CaptureIdReused: UNPROCESSABLE_ENTITY, "capture_id_reused", "The capture id was used for another capture";
    KeyReused: UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The Idempotency-Key was used for another request";
    PositionBeyondHead: UNPROCESSABLE_ENTITY, "position_beyond_head", "The journal does not reach that position";

    TooManyRequests: TOO_MANY_REQUESTS, "too_many_requests", "Too many requests", retryable;
    TooManyAttempts: TOO_MANY_REQUESTS, "too_many_attempts", "Too many failed sign-ins", retryable;

    InternalError: INTERNAL_SERVER_ERROR, "internal_error", "Something broke inside";
    Unrecordable: INTERNAL_SERVER_ERROR, "unrecordable", "The command could not be recorded";

    Unavailable: SERVICE_UNAVAILABLE, "unavailable", "Come again in a moment", retryable;
    OutcomeUnknown: SERVICE_UNAVAILABLE, "outcome_unknown", "It is unknown whether the command took effect", retryable;
    ProjectionBehind: SERVICE_UNAVAILABLE, "projection_behind", "The read model has not got there yet", retryable;
    ProjectionFailed: SERVICE_UNAVAILABLE, "projection_failed", "The read model has stopped", retryable;
    TimedOut: SERVICE_UNAVAILABLE, "timed_out", "The answer took too long", retryable;
}

impl Code {
    /// The code for an answer that somebody else made: the router, or a library.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::MissingToken,
            StatusCode::NOT_FOUND => Self::RouteNotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::UNPROCESSABLE_ENTITY => Self::ValidationFailed,
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::InternalError,
        }
    }
}

macro_rules! field_codes {
    ($($name:ident = $code:literal),+ $(,)?) => {
        /// What is wrong with one value of a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum FieldCode {
            $($name),+
        }

        impl FieldCode {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),+];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }
        }
    };
}

field_codes! {
    Required = "required",
    WrongType = "wrong_type",
    OneOf = "one_of",
    NotAnInteger = "not_an_integer",
    OutOfRange = "out_of_range",
    Unknown = "unknown",
    NotAnId = "not_an_id",
    Repeated = "repeated",
    NotADecimal = "not_a_decimal",
    TooManyDigits = "too_many_digits",
    TooManyDecimals = "too_many_decimals",
    NotPositive = "not_positive",
    TooLarge = "too_large",
    UnknownCurrency = "unknown_currency",
    Empty = "empty",
    TooShort = "too_short",
    TooLong = "too_long",
    ControlCharacter = "control_character",
    NotAUsername = "not_a_username",
    NotAnEmail = "not_an_email",
    NotATime = "not_a_time",
    NotANetwork = "not_a_network",
    NotVisibleAscii = "not_visible_ascii",
    TooCommon = "too_common",
    ContextWord = "context_word",
    NotTraded = "not_traded",
    NotOne = "not_one",
    UnknownSetting = "unknown_setting",
    SettingForbidden = "setting_forbidden",
    ReadOnly = "read_only",
    WrongForm = "wrong_form",
    Inconsistent = "inconsistent",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_snake_case_and_used_once() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} stands twice");
            assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{text}");
            assert!(!code.title().is_empty() && !code.title().ends_with('.'), "{text}");
        }
        let fields: HashSet<_> = FieldCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(fields.len(), FieldCode::ALL.len());
    }

    #[test]
    fn every_problem_is_a_client_or_a_server_error() {
        for code in Code::ALL {
            let status = code.status();
            assert!(status.is_client_error() || status.is_server_error(), "{code:?}");
        }
    }

    #[test]
    fn what_is_unavailable_may_be_tried_again() {
        for code in Code::ALL.iter().filter(|code| code.status() == StatusCode::SERVICE_UNAVAILABLE) {
            assert!(code.is_retryable(), "{code:?}");
        }
    }
}
