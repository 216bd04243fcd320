//! Every problem there is: code, status, and whether the same request may succeed later.
//!
//! The one table. A problem can only be made from a [`Code`], so no other code ever leaves the house; a frontend
//! switches on `code`, and what a person reads stands in the catalogue.

use axum::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident: $status:ident, $code:literal $(, $retryable:ident)?;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Code {
            $($(#[$doc])* $name),+
        }

        impl Code {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),+];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
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
    BadRequest: BAD_REQUEST, "bad_request";
    MalformedJson: BAD_REQUEST, "malformed_json";
    InvalidQuery: BAD_REQUEST, "invalid_query";
    InvalidHeader: BAD_REQUEST, "invalid_header";
    InvalidCursor: BAD_REQUEST, "invalid_cursor";
    MissingIdempotencyKey: BAD_REQUEST, "missing_idempotency_key";
    InvalidIdempotencyKey: BAD_REQUEST, "invalid_idempotency_key";

    MissingToken: UNAUTHORIZED, "missing_token";
    InvalidToken: UNAUTHORIZED, "invalid_token";
    TokenExpired: UNAUTHORIZED, "token_expired";
    SessionEnded: UNAUTHORIZED, "session_ended";
    InvalidCredentials: UNAUTHORIZED, "invalid_credentials";
    InvalidRefreshToken: UNAUTHORIZED, "invalid_refresh_token";
    RefreshTokenReused: UNAUTHORIZED, "refresh_token_reused";

    InvalidApiKey: UNAUTHORIZED, "invalid_api_key";
    InvalidMailToken: UNPROCESSABLE_ENTITY, "invalid_mail_token";

    AdminRequired: FORBIDDEN, "admin_required";
    PersonRequired: FORBIDDEN, "person_required";
    InsufficientScope: FORBIDDEN, "insufficient_scope";
    NetworkNotAllowed: FORBIDDEN, "network_not_allowed";
    DepositNotAllowed: FORBIDDEN, "deposit_not_allowed";
    ReversalNotAllowed: FORBIDDEN, "reversal_not_allowed";
    RecentLoginRequired: FORBIDDEN, "recent_login_required";
    SettingForbidden: FORBIDDEN, "setting_forbidden";
    UserSuspended: FORBIDDEN, "user_suspended";

    RouteNotFound: NOT_FOUND, "route_not_found";
    UserNotFound: NOT_FOUND, "user_not_found";
    WalletNotFound: NOT_FOUND, "wallet_not_found";
    HoldNotFound: NOT_FOUND, "hold_not_found";
    TransactionNotFound: NOT_FOUND, "transaction_not_found";
    SessionNotFound: NOT_FOUND, "session_not_found";
    ApiKeyNotFound: NOT_FOUND, "api_key_not_found";
    CredentialsNotFound: NOT_FOUND, "credentials_not_found";
    PresetNotFound: NOT_FOUND, "preset_not_found";
    SettingsVersionNotFound: NOT_FOUND, "settings_version_not_found";
    CommandNotFound: NOT_FOUND, "command_not_found";

    MethodNotAllowed: METHOD_NOT_ALLOWED, "method_not_allowed";
    RequestTimeout: REQUEST_TIMEOUT, "request_timeout", retryable;

    EmailTaken: CONFLICT, "email_taken";
    UsernameTaken: CONFLICT, "username_taken";
    AlreadyExists: CONFLICT, "already_exists";
    TooManyApiKeys: CONFLICT, "too_many_api_keys";
    PresetExists: CONFLICT, "preset_exists";
    TooManyPresets: CONFLICT, "too_many_presets";
    ApiKeyRotated: CONFLICT, "api_key_rotated", retryable;
    WalletNotEmpty: CONFLICT, "wallet_not_empty";
    WalletFrozen: CONFLICT, "wallet_frozen";
    WalletClosed: CONFLICT, "wallet_closed";
    WalletExists: CONFLICT, "wallet_exists";
    HoldEnded: CONFLICT, "hold_ended";
    HoldOfTradingSession: CONFLICT, "hold_of_trading_session";
    TradingSessionNotFound: NOT_FOUND, "trading_session_not_found";
    TradeNotFound: NOT_FOUND, "trade_not_found";
    WrongSessionState: CONFLICT, "wrong_session_state";
    RunUnderWay: CONFLICT, "run_under_way";
    TooManyTradingSessions: CONFLICT, "too_many_trading_sessions";
    SessionConflict: CONFLICT, "session_conflict";
    CredentialsMissing: CONFLICT, "credentials_missing";
    TradingSessionActive: CONFLICT, "trading_session_active";
    MarketUnavailable: CONFLICT, "market_unavailable";
    HoldExpired: CONFLICT, "hold_expired";
    TooManyHolds: CONFLICT, "too_many_holds";
    NotReversible: CONFLICT, "not_reversible";
    AlreadyReversed: CONFLICT, "already_reversed";
    InFlight: CONFLICT, "in_flight", retryable;

    VersionMismatch: PRECONDITION_FAILED, "version_mismatch";
    BodyTooLarge: PAYLOAD_TOO_LARGE, "body_too_large";
    UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type";

    ValidationFailed: UNPROCESSABLE_ENTITY, "validation_failed";
    UnknownSetting: UNPROCESSABLE_ENTITY, "unknown_setting";
    InsufficientFunds: UNPROCESSABLE_ENTITY, "insufficient_funds";
    InsufficientCash: UNPROCESSABLE_ENTITY, "insufficient_cash";
    WrongCurrency: UNPROCESSABLE_ENTITY, "wrong_currency";
    BalanceTooLarge: UNPROCESSABLE_ENTITY, "balance_too_large";
    SameWallet: UNPROCESSABLE_ENTITY, "same_wallet";
    RecipientNotFound: UNPROCESSABLE_ENTITY, "recipient_not_found";
    CaptureTooLarge: UNPROCESSABLE_ENTITY, "capture_too_large";
    AmendBelowCaptured: UNPROCESSABLE_ENTITY, "amend_below_captured";
    BalanceBounds: UNPROCESSABLE_ENTITY, "balance_bounds";
    CaptureIdReused: UNPROCESSABLE_ENTITY, "capture_id_reused";
    KeyReused: UNPROCESSABLE_ENTITY, "idempotency_key_reused";
    PositionBeyondHead: UNPROCESSABLE_ENTITY, "position_beyond_head";

    TooManyRequests: TOO_MANY_REQUESTS, "too_many_requests", retryable;
    TooManyAttempts: TOO_MANY_REQUESTS, "too_many_attempts", retryable;

    InternalError: INTERNAL_SERVER_ERROR, "internal_error";
    Unrecordable: INTERNAL_SERVER_ERROR, "unrecordable";

    Unavailable: SERVICE_UNAVAILABLE, "unavailable", retryable;
    OutcomeUnknown: SERVICE_UNAVAILABLE, "outcome_unknown", retryable;
    ProjectionBehind: SERVICE_UNAVAILABLE, "projection_behind", retryable;
    ProjectionFailed: SERVICE_UNAVAILABLE, "projection_failed", retryable;
    TimedOut: SERVICE_UNAVAILABLE, "timed_out", retryable;
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
