//! GET /users/{id}/export: everything that is known of oneself, in one document.

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ManageAccount;
use crate::input::MinPosition;
use crate::openapi::Problems;
use crate::output::{
    Answer, ApiKeyBody, CredentialsBody, LoginSessionBody, PreferencesBody, TradingSessionBody, UserBody,
    WalletBody, public_events,
};
use crate::problem::Problem;
use crate::routes::reading;
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use journal::OwnerQuery;
use projections::{LIMIT_MAX, Page, SessionFilter};
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Events in one document: some 500 KB. Whoever has more reads on where it ends.
const EVENTS_MAX: usize = 1_000;

/// Everything that is known of somebody, in plain words; of secrets, that there are some.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Export {
    #[schema(value_type = String, format = DateTime)]
    exported_at: Timestamp,
    user: UserBody,
    preferences: PreferencesBody,
    sessions: Vec<LoginSessionBody>,
    api_keys: Vec<ApiKeyBody>,
    exchange_credentials: Vec<CredentialsBody>,
    wallets: Vec<WalletBody>,
    /// The newest, up to 200.
    trading_sessions: Vec<TradingSessionBody>,
    /// One's own events, oldest first, the first thousand.
    #[schema(value_type = Vec<serde_json::Value>)]
    events: Vec<Box<RawValue>>,
    /// Where the rest of them begins, if there is more: `GET /events?after=…`.
    events_continue_after: Option<i64>,
    /// Everything up to here is in it.
    position: i64,
}

/// Everything that is known of oneself, in one document
#[utoipa::path(
    get, path = "/users/{id}/export", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`"),
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "All of it", body = Export), Problems)
)]
pub(crate) async fn export(
    State(app): State<App>,
    subject: Subject<ManageAccount>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let person = subject.caller().person()?;
    let (user_id, models) = (subject.user_id, app.read_models());
    // Nobody has as many sessions as fit on the longest page.
    let all = Page { cursor: None, limit: LIMIT_MAX };
    let (user, preferences, sessions) = tokio::try_join!(
        reading::profile(&app, user_id, min),
        reading::preferences(&app, user_id, min),
        reading::login_sessions(&app, user_id, &all, min),
    )?;
    let wallets = reading::wallets(&app, user_id, min).await?;
    let (keys, credentials) =
        tokio::try_join!(models.api_keys_of(user_id, min.0), models.credentials_of(user_id, min.0))?;
    let trading = models.trading_sessions(Some(user_id), SessionFilter::default(), &all, min.0).await?;
    let limit = i64::try_from(EVENTS_MAX + 1).unwrap_or(i64::MAX);
    let mut events =
        app.journal().read_owner(user_id, &OwnerQuery { limit, ..OwnerQuery::default() }).await?;
    let is_all = events.len() <= EVENTS_MAX;
    events.truncate(EVENTS_MAX);
    let positions = [
        user.position,
        preferences.position,
        sessions.position,
        wallets.position,
        keys.position,
        credentials.position,
        trading.position,
    ];
    let position = positions.into_iter().min().unwrap_or(0);
    let sessions = sessions.value.items.into_iter();
    let body = Export {
        exported_at: OffsetDateTime::now_utc().into(),
        user: user.value.into(),
        preferences: PreferencesBody::new(
            preferences.value.preferences,
            preferences.value.version,
            preferences.position,
        ),
        sessions: sessions.map(|row| LoginSessionBody::new(row, person.session_id)).collect(),
        api_keys: keys.value.keys.into_iter().map(ApiKeyBody::from).collect(),
        exchange_credentials: credentials.value.held.into_iter().map(CredentialsBody::from).collect(),
        wallets: wallets.value,
        trading_sessions: trading
            .value
            .items
            .iter()
            .map(|row| TradingSessionBody::new(&row.session, row.version))
            .collect(),
        events_continue_after: events.last().map(|last| last.position).filter(|_| !is_all),
        events: public_events(app.vault(), &events).await?,
        position,
    };
    Ok(Answer::ok().position(position).json(&body))
}
