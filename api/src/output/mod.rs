//! What goes out: the shapes of the contract, written straight into the body, and the headers that go with them.

mod activity;
mod api_key;
mod credentials;
mod effect;
mod event;
mod explained;
mod hold;
mod preferences;
mod reader;
mod session;
mod settings;
mod statement;
mod trading;
mod transaction;
mod trial_balance;
mod user;
mod wallet;

pub(crate) use activity::ActivityBody;
pub(crate) use api_key::{ApiKeyBody, ChangedKeyBody, IssuedKeyBody, RevokedKeyBody};
pub(crate) use credentials::{CredentialsAtBody, CredentialsBody, RemovedCredentialsBody};
pub(crate) use effect::Effect;
pub(crate) use event::{public_events, sealed_events};
pub(crate) use explained::ExplainedWalletBody;
pub(crate) use hold::{HeldBody, StandingHoldBody};
pub(crate) use preferences::PreferencesBody;
pub(crate) use reader::Reader;
pub(crate) use session::{EndedSessionBody, LoginSessionBody};
pub(crate) use settings::{
    DeletedPresetBody, ImportedBody, PassedOverBody, PresetBody, SettingsBody, SettingsDefaultsBody,
    SettingsThenBody, SettingsVersionBody, hints,
};
pub(crate) use statement::{StatementBody, StatementFormat, StatementPieces};
pub(crate) use trading::{
    EquityBody, ExplainedTradeBody, PerformanceBody, PerformanceTogetherBody, PlanBody, PortfolioBody,
    PositionsBody, PreviewBody, RebalanceBody, RunBody, TradeBody, TradingSessionAtBody, TradingSessionBody,
    TradingStatusBody,
};
pub(crate) use transaction::{MovedBody, TransactionBody, TransferredBody};
pub(crate) use trial_balance::TrialBalanceBody;
pub(crate) use user::{RenderError, SignedInBody, UserBody};
pub(crate) use wallet::{BalanceBody, WalletAtBody, WalletBody};

use crate::etag::ETag;
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, LOCATION, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) const POSITION: HeaderName = HeaderName::from_static("counterfoil-position");
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Room for what an answer and the door set, so that the map never grows.
const HEADERS: usize = 16;
/// Most answers fit without growing.
const BODY: usize = 768;

/// An answer in the making.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
}

impl Answer {
    pub(crate) fn ok() -> Self {
        Self::with(StatusCode::OK)
    }

    pub(crate) fn created() -> Self {
        Self::with(StatusCode::CREATED)
    }

    /// It will be done, and nobody waits for it.
    pub(crate) fn accepted() -> Self {
        Self::with(StatusCode::ACCEPTED)
    }

    fn with(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::with_capacity(HEADERS) }
    }

    /// The journal position this answer includes.
    #[must_use]
    pub(crate) fn position(mut self, position: i64) -> Self {
        self.headers.insert(POSITION, HeaderValue::from(position));
        self
    }

    #[must_use]
    pub(crate) fn version(mut self, version: impl Into<ETag>) -> Self {
        // Digits between quotes are always a legal header.
        if let Ok(tag) = HeaderValue::try_from(version.into().to_string()) {
            self.headers.insert(ETAG, tag);
        }
        self
    }

    #[must_use]
    pub(crate) fn replayed(mut self, replayed: bool) -> Self {
        if replayed {
            self.headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        self
    }

    /// Where what was made can be read.
    #[must_use]
    pub(crate) fn location(mut self, path: &str) -> Self {
        if let Ok(path) = HeaderValue::from_str(path) {
            self.headers.insert(LOCATION, path);
        }
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Response {
        let mut text = Vec::with_capacity(BODY);
        if let Err(error) = serde_json::to_writer(&mut text, body) {
            return crate::problem::Problem::internal(&error).into_response();
        }
        self.headers.insert(CONTENT_TYPE, JSON);
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    /// Text that stands as it is, as a file of this name.
    pub(crate) fn file(self, name: &str, text: String) -> Response {
        let mut response = self.stream("application/json", Some(name), Body::from(text));
        response.headers_mut().remove(VARY);
        response
    }

    /// What is written while it is read; as a file of this name, if it has one.
    pub(crate) fn stream(mut self, content_type: &'static str, file: Option<&str>, body: Body) -> Response {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.headers.insert(VARY, HeaderValue::from_name(ACCEPT));
        let disposition = file.map(|file| format!("attachment; filename=\"{file}\""));
        if let Some(disposition) = disposition.and_then(|text| HeaderValue::try_from(text).ok()) {
            self.headers.insert(CONTENT_DISPOSITION, disposition);
        }
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    /// The client has it already.
    pub(crate) fn not_modified(mut self) -> Response {
        self.status = StatusCode::NOT_MODIFIED;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListBody<T> {
    pub items: Vec<T>,
    /// Nothing, at the end.
    pub next_cursor: Option<String>,
    /// The journal position the page was read at.
    pub position: i64,
}
